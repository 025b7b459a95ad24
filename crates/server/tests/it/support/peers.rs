//! Real sign-in providers, run as processes of their own; `scripts/peers` installs them.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// A running provider; it ends with the test.
pub struct Peer {
    child: Child,
    _folder: tempfile::TempDir,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn folder() -> PathBuf {
    let cache = || {
        let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or(home);
        cache.unwrap_or_default().join("parlor/peers")
    };
    let folder = std::env::var_os("PARLOR_TEST_PEERS").map_or_else(cache, PathBuf::from);
    assert!(
        folder.join("installed").exists(),
        "The sign-in providers for tests are not installed: run scripts/peers first (looked in {}).",
        folder.display()
    );
    folder
}

/// A port that nobody has just now.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

async fn run(arguments: &[&str], files: &[(&str, String)], port: u16, probe: &str) -> Peer {
    let peers = folder();
    let scratch = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(scratch.path().join(name), text).unwrap();
    }
    // Modules are found upwards from the script.
    std::os::unix::fs::symlink(peers.join("node_modules"), scratch.path().join("node_modules")).unwrap();
    let log = std::fs::File::create(scratch.path().join("log")).unwrap();
    let child = Command::new(peers.join("node"))
        .args(arguments)
        .current_dir(scratch.path())
        .stdout(Stdio::from(log.try_clone().unwrap()))
        .stderr(Stdio::from(log))
        .spawn()
        .expect("node starts; if not, run scripts/peers again");
    let mut peer = Peer {
        child,
        _folder: scratch,
    };
    let url = format!("http://localhost:{port}{probe}");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for _ in 0..600 {
        if http
            .get(&url)
            .send()
            .await
            .is_ok_and(|answer| answer.status().as_u16() < 500)
        {
            return peer;
        }
        let ended = peer.child.try_wait().unwrap();
        assert!(ended.is_none(), "the provider ended: {}", peer.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the provider does not answer at {url}: {}", peer.log());
}

impl Peer {
    fn log(&self) -> String {
        std::fs::read_to_string(self._folder.path().join("log")).unwrap_or_default()
    }
}

/// GitHub, Google or Microsoft.
pub async fn emulate(service: &str, port: u16, seed: String) -> Peer {
    let port_text = port.to_string();
    let arguments = [
        "node_modules/emulate/dist/index.js",
        "start",
        "--service",
        service,
        "--port",
        &port_text,
        "--seed",
        "seed.yaml",
    ];
    run(&arguments, &[("seed.yaml", seed)], port, "/").await
}

/// A certified OpenID Connect provider, which signs with ES256.
pub async fn oidc_provider(port: u16, redirect_uri: &str) -> Peer {
    let script = r#"
import { generateKeyPairSync } from 'node:crypto';
import { Provider } from 'oidc-provider';
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const provider = new Provider('http://localhost:PORT', {
  clients: [{ client_id: 'parlor-id', client_secret: 'parlor-secret', redirect_uris: ['REDIRECT'],
    id_token_signed_response_alg: 'ES256' }],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: 'ec-1' }] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'] },
  pkce: { required: () => true },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: id + '@example.com', email_verified: true, name: 'Strict ' + id }) }),
});
provider.listen(PORT, '127.0.0.1');
"#;
    let script = script
        .replace("PORT", &port.to_string())
        .replace("REDIRECT", redirect_uri);
    run(
        &["provider.mjs"],
        &[("provider.mjs", script)],
        port,
        "/.well-known/openid-configuration",
    )
    .await
}
