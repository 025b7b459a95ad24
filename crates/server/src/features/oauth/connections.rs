//! Whose identity that is: signing in with it, linking it, cutting it.

use base64::{Engine, prelude::BASE64_STANDARD};
use parlor_db::{Tx, dialect};
use serde_json::json;
use uuid::Uuid;

use super::{
    flow::Stopped,
    providers::{Profile, Provider, Signed},
    rules::Failure,
    store::{self, Identity},
};
use crate::{
    app::App,
    features::{
        accounts::{self, FromProvider, Made, User},
        audit,
        sessions::Device,
    },
    http::{Code, Error, Result},
    jobs::{self, Job},
    mail::{self, Mail, Recipient},
    secrets::Purpose,
};

/// The account of an identity; a new one where neither the identity nor its address has one.
pub(super) async fn account_of(app: &App, provider: &Provider, signed: &Signed, at: At<'_>) -> Result<User, Stopped> {
    let tx = app.db.begin().await?;
    let mut identity = store::find(&tx, signed).await?;
    if identity.is_none() {
        // Of two first logins at once the second finds what the first made.
        dialect::serialise(&tx, "first account").await?;
        identity = store::find(&tx, signed).await?;
    }
    if let Some(identity) = identity {
        store::update(app, &tx, identity.id, signed).await?;
        tx.commit().await?;
        let user = accounts::find(app, identity.user_id).await?;
        return Ok((*user.ok_or_else(Error::not_found)?).clone());
    }
    let made = make_account(app, &tx, signed, at.locale).await?;
    if let Ok(user) = &made {
        store::insert(app, &tx, user.id, provider.id, signed).await?;
        let event = audit::Event {
            device: Some(at.device),
            data: json!({ "provider": provider.id }),
            ..audit::Event::own(user.id, "account.registered")
        };
        audit::record(app, &tx, event).await?;
    }
    // Also where there is no account now: the owner of the address may get a mail.
    tx.commit().await?;
    app.mailer.wake();
    Ok(*made?)
}

/// Where somebody comes from.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) device: &'a Device,
    pub(super) locale: &'a str,
}

/// An address that has an account is never enough to get into it, whoever says that it is theirs.
async fn make_account(app: &App, tx: &Tx, signed: &Signed, locale: &str) -> Result<Result<Box<User>, Failure>> {
    let Profile {
        email,
        email_verified,
        name,
        avatar_url,
        ..
    } = &signed.profile;
    let Some(email) = email.as_deref().filter(|email| is_address(email)) else {
        return Ok(Err(Failure::NoEmail));
    };
    let person = FromProvider {
        email,
        email_verified: *email_verified,
        name: name.as_deref(),
        avatar_url: avatar_url.as_deref(),
        locale,
    };
    match accounts::create_from_provider(app, tx, person).await? {
        Made::New(user) => Ok(Ok(user)),
        // Only an address's owner may learn that it has an account; where it is not known who asks, the mail tells.
        Made::Taken(owner) if !email_verified && app.config.must_verify_email() => {
            let url = &app.config.public_url;
            let mail = Mail::AlreadyRegistered {
                login: format!("{url}/{}/login", owner.locale),
                forgot: format!("{url}/{}/forgot", owner.locale),
            };
            mail::enqueue(app, tx, &Recipient::from(&*owner), &mail).await?;
            Ok(Err(Failure::CheckMail))
        }
        Made::Taken(_) => Ok(Err(Failure::LinkFirst)),
    }
}

fn is_address(text: &str) -> bool {
    let (name, domain) = text.rsplit_once('@').unwrap_or_default();
    !name.is_empty()
        && !domain.is_empty()
        && text.len() <= 254
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Adds an identity to the account of the person who is signed in.
pub(super) async fn link(
    app: &App,
    provider: &Provider,
    signed: &Signed,
    user: &User,
    device: &Device,
) -> Result<(), Stopped> {
    let tx = app.db.begin().await?;
    dialect::serialise(&tx, "first account").await?;
    if let Some(identity) = store::find(&tx, signed).await? {
        if identity.user_id != user.id {
            return Err(Failure::LinkedElsewhere.into());
        }
        store::update(app, &tx, identity.id, signed).await?;
        tx.commit().await?;
        return Ok(());
    }
    if store::of_user_at(&tx, user.id, provider.id).await?.is_some() {
        return Err(Failure::AlreadyLinked.into());
    }
    store::insert(app, &tx, user.id, provider.id, signed).await?;
    note(app, &tx, user, device, &provider.name, true).await?;
    tx.commit().await?;
    app.mailer.wake();
    Ok(())
}

/// The trail and the mail of a connection that was added or cut.
async fn note(app: &App, tx: &Tx, user: &User, device: &Device, provider: &str, added: bool) -> Result<()> {
    let action = if added {
        "connection.linked"
    } else {
        "connection.unlinked"
    };
    let event = audit::Event {
        device: Some(device),
        data: json!({ "provider": provider }),
        ..audit::Event::own(user.id, action)
    };
    audit::record(app, tx, event).await?;
    let mail = Mail::ConnectionChanged {
        provider: provider.to_owned(),
        added,
        security: format!("{}/{}/security/connections", app.config.public_url, user.locale),
    };
    mail::enqueue(app, tx, &Recipient::from(user), &mail).await
}

/// Cuts a connection, unless nothing else lets the person in.
pub(super) async fn unlink(app: &App, user: &User, device: &Device, provider: &str) -> Result<()> {
    let tx = app.db.begin().await?;
    // Of two at once, the second finds what the first left.
    dialect::serialise(&tx, &format!("connections of {}", user.id)).await?;
    let identity = store::of_user_at(&tx, user.id, provider).await?;
    let identity = identity.ok_or_else(Error::not_found)?;
    let only_way_in = user.password_hash.is_none() && store::others_of_user(&tx, user.id, identity.id).await? == 0;
    if only_way_in {
        let detail = "It is the only way into this account. Set a password first.";
        return Err(Error::new(Code::Conflict, detail));
    }
    cut(app, &tx, &[identity]).await?;
    let name = app.oauth.find(provider).map_or(provider, |provider| &provider.name);
    note(app, &tx, user, device, name, false).await?;
    tx.commit().await?;
    app.mailer.wake();
    app.jobs.wake();
    Ok(())
}

/// Removes identities and asks their providers to forget the tokens.
pub(super) async fn cut(app: &App, tx: &Tx, identities: &[Identity]) -> Result<()> {
    for identity in identities {
        let (field, sealed) = match (&identity.refresh_token, &identity.access_token) {
            // With the refresh token its access tokens go. GitHub takes the access token.
            (Some(sealed), _) if identity.provider != "github" => ("refresh_token", sealed),
            (_, Some(sealed)) => ("access_token", sealed),
            _ => continue,
        };
        let job = Job::RevokeAtProvider {
            identity_id: identity.id,
            provider: identity.provider.clone(),
            field: field.to_owned(),
            sealed: BASE64_STANDARD.encode(sealed),
        };
        jobs::enqueue(app, tx, &job).await?;
    }
    let ids: Vec<Uuid> = identities.iter().map(|identity| identity.id).collect();
    store::delete(tx, &ids).await
}

/// The body of [`Job::RevokeAtProvider`].
pub(super) async fn revoke(app: &App, provider: &str, place: &[u8], sealed: &str) -> anyhow::Result<()> {
    let Some(provider) = app.oauth.find(provider) else {
        return Ok(());
    };
    let sealed = BASE64_STANDARD.decode(sealed)?;
    let plain = app.vault.unseal(Purpose::Provider, place, &sealed).await?;
    let token = String::from_utf8(plain)?;
    app.oauth.revoke(provider, app.clock.now(), &token).await
}
