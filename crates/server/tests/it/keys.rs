//! The vault on a real database: rotation while people work.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parlor_db::{
    entities::data_keys,
    sea_orm::{EntityTrait, QueryOrder},
};
use parlor_server::secrets::Purpose;

use crate::support::{self, TestApp};

async fn wrapped_by(server: &TestApp) -> Vec<String> {
    let rows = data_keys::Entity::find().order_by_asc(data_keys::Column::Id);
    rows.all(server.app.db.read())
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.master_key_id)
        .collect()
}

#[tokio::test]
async fn oau_4_keys_rotate_under_load_without_one_error() {
    let server = support::start().await;
    let vault = &server.app.vault;
    let sealed = vault.seal(Purpose::Provider, b"row 1", b"gho_canary");
    let before = wrapped_by(&server).await;
    server.anon().register("busy@example.org").await;
    let (done, logins) = (AtomicBool::new(false), AtomicUsize::new(0));
    let work = async {
        while !done.load(Ordering::SeqCst) {
            let person = server.anon().log_in_with_cookie("busy@example.org").await;
            person.post("/api/v1/chats", &serde_json::json!({})).await.expect(201);
            logins.fetch_add(1, Ordering::SeqCst);
        }
    };
    let rotate = async {
        for _ in 0..5 {
            let rotated = vault.rotate().await.unwrap();
            assert_eq!(rotated.rewrapped, before.len());
            assert_eq!(
                vault.unseal(Purpose::Provider, b"row 1", &sealed).await.unwrap(),
                b"gho_canary"
            );
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        done.store(true, Ordering::SeqCst);
    };
    tokio::join!(work, rotate);
    assert!(logins.load(Ordering::SeqCst) > 1, "people were busy meanwhile");
    let after = wrapped_by(&server).await;
    assert!(
        after.iter().all(|id| id == &after[0] && !before.contains(id)),
        "{before:?} {after:?}"
    );
    let key_file = std::fs::read_to_string(server.app.config.data_dir.join("master.key")).unwrap();
    assert_eq!(key_file.lines().count(), 1, "the old key is gone");
}

#[tokio::test]
async fn oau_4_sealed_bytes_open_only_in_their_own_place() {
    let server = support::start().await;
    let vault = &server.app.vault;
    let sealed = vault.seal(Purpose::Provider, b"row 1", b"gho_canary");
    for (purpose, context) in [(Purpose::Provider, b"row 2"), (Purpose::Mail, b"row 1")] {
        assert!(vault.unseal(purpose, context, &sealed).await.is_err());
    }
    assert!(vault.unseal(Purpose::Provider, b"row 1", b"").await.is_err());
    assert!(vault.unseal(Purpose::Provider, b"row 1", &[0; 60]).await.is_err());
}
