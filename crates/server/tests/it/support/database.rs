//! A database of its own for each test.

use parlor_db::sea_orm::{ConnectionTrait, Database};

/// Empty on SQLite, where the data folder holds the database.
pub struct TestDatabase(Option<String>);

impl TestDatabase {
    pub async fn create() -> Self {
        let Ok(server) = std::env::var("PARLOR_TEST_DATABASE_URL") else {
            return Self(None);
        };
        let name = format!("parlor_test_{}", hex(parlor_server::clock::random_bytes::<8>()));
        let admin = Database::connect(&server)
            .await
            .expect("PARLOR_TEST_DATABASE_URL can be reached");
        admin
            .execute_unprepared(&format!("create database {name}"))
            .await
            .expect("a database can be created");
        admin.close().await.unwrap();
        let (base, _) = server.rsplit_once('/').expect("a database URL ends with a name");
        Self(Some(format!("{base}/{name}")))
    }

    pub fn url(&self) -> String {
        self.0.clone().unwrap_or_default()
    }

    pub fn is_postgres(&self) -> bool {
        self.0.is_some()
    }
}

fn hex(bytes: [u8; 8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
