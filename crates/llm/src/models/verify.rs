//! Checksums, and the note that a file has passed.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

use super::{FileSpec, Status};

/// Whether this file of a model in `dir` can be used.
pub(super) fn status(dir: &Path, file: &FileSpec) -> Status {
    let path = dir.join(file.name);
    let Ok(metadata) = fs::metadata(&path) else {
        return Status::Missing;
    };
    if metadata.len() != file.bytes {
        return Status::Damaged;
    }
    let note = note(&metadata, file);
    if fs::read_to_string(note_path(&path)).is_ok_and(|known| known == note) {
        return Status::Present;
    }
    match sha256(&path) {
        Ok(sum) if sum == file.sha256 => {
            // A read-only store is fine: the file is then read again next time.
            let _ = fs::write(note_path(&path), note);
            Status::Present
        }
        _ => Status::Damaged,
    }
}

/// The SHA-256 of a file, in lower-case hex.
pub(super) fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Changes whenever the file or what we expect of it does.
fn note(metadata: &Metadata, file: &FileSpec) -> String {
    let modified = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    format!(
        "{} {} {}\n",
        file.sha256,
        metadata.len(),
        modified.map_or(0, |time| time.as_nanos())
    )
}

fn note_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".verified");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: FileSpec = FileSpec {
        name: "hello.txt",
        sha256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        bytes: 5,
        hub_path: None,
        member: "hello.txt",
    };

    #[test]
    fn a_file_is_missing_damaged_or_present() {
        let dir = std::env::temp_dir().join(format!("parlor-verify-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let path = dir.join(HELLO.name);
        assert_eq!(status(&dir, &HELLO), Status::Missing);
        fs::write(&path, "hell").unwrap();
        assert_eq!(status(&dir, &HELLO), Status::Damaged, "too short");
        fs::write(&path, "hullo").unwrap();
        assert_eq!(status(&dir, &HELLO), Status::Damaged, "another text of the same length");
        fs::write(&path, "hello").unwrap();
        assert_eq!(status(&dir, &HELLO), Status::Present);
        assert!(note_path(&path).exists());
        fs::write(&path, "hullo").unwrap();
        File::open(&path).unwrap().set_modified(UNIX_EPOCH).unwrap();
        assert_eq!(status(&dir, &HELLO), Status::Damaged, "changed after it passed");
        fs::remove_dir_all(&dir).unwrap();
    }
}
