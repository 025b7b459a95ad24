//! The checklist's row "Secrets at rest": what providers give is sealed, in its own row and field.

use parlor_db::{
    entities::{identities, jobs, oauth_flows},
    sea_orm::{EntityTrait, QueryOrder},
};
use parlor_server::secrets::Purpose;

use super::{configured, visitor, with_oidc};
use crate::support::{TestApp, issuer::Issuer};

async fn rows(t: &TestApp) -> Vec<identities::Model> {
    let query = identities::Entity::find().order_by_asc(identities::Column::Id);
    query.all(t.app.db.write()).await.unwrap()
}

async fn open(t: &TestApp, row: &identities::Model, field: &str, sealed: Option<&Vec<u8>>) -> Option<String> {
    let context = [row.id.as_bytes().as_slice(), field.as_bytes()].concat();
    let plain = t
        .app
        .vault
        .unseal(Purpose::Provider, &context, sealed.unwrap())
        .await
        .ok()?;
    Some(String::from_utf8(plain).unwrap())
}

#[tokio::test]
async fn oau_4_a_token_opens_in_its_own_row_and_field_only() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    visitor(&t).sign_in("oidc").await;
    issuer.is_person("bob", "bob@example.org", true);
    visitor(&t).sign_in("oidc").await;
    let issued = issuer.inner().issued.clone();
    let rows = rows(&t).await;
    let (ada, bob) = (&rows[0], &rows[1]);
    for (row, tokens) in [(ada, &issued[..2]), (bob, &issued[2..])] {
        let access = open(&t, row, "access_token", row.access_token.as_ref()).await;
        let refresh = open(&t, row, "refresh_token", row.refresh_token.as_ref()).await;
        assert_eq!([access, refresh].map(Option::unwrap), *tokens);
    }
    assert_eq!(
        open(&t, ada, "access_token", bob.access_token.as_ref()).await,
        None,
        "of another row"
    );
    assert_eq!(
        open(&t, ada, "access_token", ada.refresh_token.as_ref()).await,
        None,
        "of another field"
    );
    assert_ne!(ada.access_token, bob.access_token);
}

#[tokio::test]
async fn oau_4_a_copy_of_the_database_holds_no_token() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    let mut ada = visitor(&t);
    let back = ada.visit("oidc").await;
    ada.get(&back).await.expect(303);
    ada.get("/en/account").await.expect(200);
    let connections = ada.get("/api/v1/me/connections").await.text;
    // A password, so that the connection can be cut; then the job that revokes it is there too.
    set_password(&t, "a hash").await;
    let flows = oauth_flows::Entity::find().all(t.app.db.write()).await.unwrap();
    let text = format!("{:?} {flows:?}", rows(&t).await);
    ada.delete("/api/v1/me/connections/oidc").await.expect(204);
    let jobs = jobs::Entity::find().all(t.app.db.write()).await.unwrap();
    let state = super::query(&back)["state"].clone();
    let secrets = [issuer.inner().issued.clone(), vec![state]].concat();
    for secret in &secrets {
        assert!(!text.contains(secret) && !connections.contains(secret));
        assert!(!format!("{jobs:?}").contains(secret));
    }
    let mut searched = 0;
    for entry in std::fs::read_dir(&t.app.config.data_dir).unwrap().flatten() {
        if entry.path().is_file() {
            let bytes = std::fs::read(entry.path()).unwrap();
            searched += bytes.len();
            let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!secrets.iter().any(|secret| holds(secret)), "{:?}", entry.path());
        }
    }
    assert!(searched > 0, "there are files");
    t.drain_jobs().await;
    let inner = issuer.inner();
    assert_eq!(inner.revoked, inner.issued[1..], "the refresh token");
}

async fn set_password(t: &TestApp, hash: &str) {
    use parlor_db::{entities::users, sea_orm::prelude::Expr};
    let user_id = rows(t).await[0].user_id;
    users::Entity::update_many()
        .col_expr(users::Column::PasswordHash, Expr::value(hash))
        .exec(t.app.db.write())
        .await
        .unwrap();
    t.app.users.invalidate(user_id);
}

#[tokio::test]
async fn oau_4_cutting_a_connection_takes_the_grant_back_at_github() {
    let issuer = Issuer::start().await;
    let t = configured(|config| issuer.as_github(config)).await;
    let mut ada = visitor(&t);
    ada.sign_in("github").await;
    set_password(&t, "a hash").await;
    ada.delete("/api/v1/me/connections/github").await.expect(204);
    t.drain_jobs().await;
    {
        let inner = issuer.inner();
        assert_eq!(inner.revoked, inner.issued[..1], "GitHub takes the access token");
    }
    // Who comes back by the same account of GitHub's is not let in by its address.
    assert!(visitor(&t).sign_in("github").await.contains("oauth-link-first"));
}

#[tokio::test]
async fn oau_4_logins_go_on_while_the_master_key_is_rotated() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    let mut ada = visitor(&t);
    let back = ada.visit("oidc").await;
    t.app.vault.rotate().await.unwrap();
    assert_eq!(
        ada.get(&back).await.header("location"),
        "/en/chats",
        "begun before, ended after"
    );
    let row = &rows(&t).await[0];
    t.app.vault.rotate().await.unwrap();
    let token = open(&t, row, "access_token", row.access_token.as_ref()).await;
    assert_eq!(token.as_ref(), issuer.inner().issued.first());
}
