//! `parlor user …` and `parlor tokens purge`: what an operator types.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use crate::support::{PASSWORD, TestDatabase};

struct Operator<'a> {
    folder: &'a Path,
    database: &'a TestDatabase,
}

impl Operator<'_> {
    /// What it printed; `Err` with what it complained about.
    fn types(&self, line: &str) -> Result<String, String> {
        let mut process = Command::new(env!("CARGO_BIN_EXE_parlor"))
            .args(line.split(' '))
            .env("PARLOR_DATA_DIR", self.folder)
            .env("PARLOR_MODELS_DIR", self.folder.join("models"))
            .env("PARLOR_PUBLIC_URL", "http://localhost:8080")
            .env("DATABASE_URL", self.database.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that reads nothing may have closed it.
        let _ = writeln!(process.stdin.take().unwrap(), "{PASSWORD}");
        let output = process.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        match output.status.success() {
            true => Ok(text(&output.stdout)),
            false => Err(text(&output.stderr)),
        }
    }
}

#[tokio::test]
async fn acc_8_and_12_an_operator_manages_accounts_from_the_command_line() {
    let (folder, database) = (tempfile::tempdir().unwrap(), TestDatabase::create().await);
    let operator = Operator {
        folder: folder.path(),
        database: &database,
    };
    let said = |line: &str| operator.types(line).unwrap();
    assert!(said("user create ada@example.org --name Ada").contains("Created"));
    assert!(
        operator.types("user create ADA@example.org").is_err(),
        "the address is taken"
    );
    assert!(said("user list").contains("ada@example.org\tactive\tadmin\tunconfirmed"));
    assert!(said("user disable Ada@example.org").contains("ada@example.org is locked."));
    assert!(said("user list").contains("ada@example.org\tlocked\t"));
    assert!(said("user enable ada@example.org").contains("is active."));
    assert!(operator.types("user disable nobody@example.org").is_err());
    let link = said("user reset-password-link ada@example.org");
    assert!(link.contains("http://localhost:8080/reset?token="), "{link}");
    let purged = said("tokens purge");
    assert!(
        purged.contains("email_tokens: 0") && purged.contains("total: 0"),
        "{purged}"
    );
}
