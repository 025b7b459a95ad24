//! Fetching weights: from a hub of our own here, since a test must not depend on the network. `parlor models pull` in
//! `make test` fetches the real ones.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::thread;

use parlor_llm::models::{FileSpec, Kind, PackageSpec, Phase, Progress, PullError, Spec, Status, Store};

const BODY: &str = "hello";

static SPEC: Spec = Spec {
    id: "greeting",
    kind: Kind::Embedding,
    title: "Greeting",
    licence: "CC0-1.0",
    files: &[FileSpec {
        name: "hello.txt",
        sha256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        bytes: 5,
        hub_path: Some("org/greeting/resolve/main/hello.txt"),
        member: "greeting/hello.txt",
    }],
    // Not a name that any index could hold, so pip refuses it without asking.
    package: PackageSpec {
        name: "not a package name",
        version: "1",
        sha256: "",
        bytes: 5,
    },
};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("parlor-pull-{}-{name}", std::process::id())))
    }

    /// Everything in the model's folder.
    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.join(SPEC.id)).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A hub that answers every request with `body`.
fn hub(body: &'static str) -> Option<String> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let read = stream.read(&mut request).unwrap();
            assert!(request[..read].starts_with(b"GET /org/greeting/resolve/main/hello.txt HTTP/1.1\r\n"));
            let length = body.len();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        }
    });
    Some(url)
}

async fn pull(store: &Store) -> (Result<(), PullError>, Vec<Progress>) {
    let mut seen = Vec::new();
    let result = store.pull(&SPEC, &mut |progress| seen.push(progress)).await;
    (result, seen)
}

#[tokio::test]
async fn a_file_from_the_hub_is_checked_and_kept() {
    let folder = Folder::new("hub");
    let store = Store::new(&folder.0).with_hub(hub(BODY));
    assert_eq!(store.status(&SPEC), Status::Missing);
    let (result, seen) = pull(&store).await;
    result.unwrap();
    assert_eq!(
        seen[0],
        Progress {
            phase: Phase::Hub,
            name: "hello.txt",
            done: 5,
            total: 5
        }
    );
    assert_eq!(seen.last().unwrap().phase, Phase::Ready);
    assert_eq!(store.status(&SPEC), Status::Present);
    assert_eq!(std::fs::read_to_string(store.path(&SPEC, "hello.txt")).unwrap(), BODY);
    let (again, seen) = pull(&store.with_hub(None)).await;
    assert!(again.is_ok() && seen.len() == 1, "nothing is fetched twice");
}

#[tokio::test]
async fn a_damaged_file_is_replaced() {
    let folder = Folder::new("damaged");
    let store = Store::new(&folder.0).with_hub(hub(BODY));
    std::fs::create_dir_all(store.model_dir(&SPEC)).unwrap();
    std::fs::write(store.path(&SPEC, "hello.txt"), "hullo").unwrap();
    assert_eq!(store.status(&SPEC), Status::Damaged);
    pull(&store).await.0.unwrap();
    assert_eq!(store.status(&SPEC), Status::Present);
}

#[tokio::test]
async fn another_file_is_refused_and_leaves_nothing_behind() {
    for body in ["hullo", "hello, but longer", ""] {
        let folder = Folder::new(&format!("wrong-{}", body.len()));
        let store = Store::new(&folder.0).with_hub(hub(body));
        let (result, _) = pull(&store).await;
        assert!(
            matches!(result, Err(PullError::Package { .. })),
            "the other source was tried: {result:?}"
        );
        assert_eq!((store.status(&SPEC), folder.files()), (Status::Missing, vec![]));
    }
}

#[tokio::test]
async fn without_any_source_it_says_so_and_leaves_nothing_behind() {
    let folder = Folder::new("none");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let store = Store::new(&folder.0).with_hub(Some(format!("http://{closed}")));
    let error = pull(&store).await.0.unwrap_err();
    assert!(error.to_string().contains("not a package name"), "{error}");
    assert_eq!(folder.files(), Vec::<String>::new());
}
