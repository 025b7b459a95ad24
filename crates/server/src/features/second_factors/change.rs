//! Factors come and go; whatever changes is written down, mailed, and ends the other sessions.

use parlor_db::Tx;
use serde_json::{Value, json};
use uuid::Uuid;
use webauthn_rs::prelude::RegisterPublicKeyCredential;

use super::{
    challenge, passkeys, recovery,
    store::{self, Passkey},
    totp,
};
use crate::{
    app::App,
    features::{
        accounts::User,
        audit,
        sessions::{self, Device},
    },
    http::{Code, Error, FieldError, Result, auth::InSession},
    mail::{self, Mail},
    secrets::Purpose,
};

/// Who changes their factors, and where.
pub(super) struct By<'a> {
    pub user: &'a User,
    pub session_id: Uuid,
    pub device: &'a Device,
}

impl<'a> By<'a> {
    pub fn new(session: &'a InSession, device: &'a Device) -> Self {
        Self {
            user: &session.identity.user,
            session_id: session.session.id,
            device,
        }
    }
}

struct Change {
    /// `totp`, `passkey` or `recovery_codes`.
    factor: &'static str,
    added: bool,
    data: Value,
}

/// A secret that waits for its first code.
pub(super) struct Setup {
    /// As people type it.
    pub key: String,
    pub otpauth_url: String,
    pub qr_svg: String,
}

/// Makes a new secret.
///
/// # Errors
/// `conflict` when an authenticator app is set up already.
pub(super) async fn begin_totp(app: &App, user: &User, label: &str) -> Result<Setup> {
    let secret = totp::new_secret();
    let sealed = app.vault.seal(Purpose::SecondFactor, user.id.as_bytes(), &secret);
    let tx = app.db.begin().await?;
    if !store::begin_totp(app, &tx, user.id, sealed).await? {
        let detail = "An authenticator app is set up already. Remove it first.";
        return Err(Error::new(Code::Conflict, detail));
    }
    tx.commit().await?;
    setup(app, user, &secret, label)
}

/// The secret that waits; none when there is none.
pub(super) async fn pending_totp(app: &App, user: &User, label: &str) -> Result<Option<Setup>> {
    let row = store::find_totp(app.db.write(), user.id).await?;
    match row.filter(|row| row.confirmed_at.is_none()) {
        Some(row) => setup(app, user, &challenge::secret_of(app, &row).await?, label).map(Some),
        None => Ok(None),
    }
}

fn setup(app: &App, user: &User, secret: &[u8], label: &str) -> Result<Setup> {
    let url = url::Url::parse(&app.config.public_url).map_err(Error::internal)?;
    let otpauth_url = totp::otpauth_url(secret, url.host_str().unwrap_or_default(), &user.email);
    Ok(Setup {
        key: totp::base32(secret),
        qr_svg: totp::qr_svg(&otpauth_url, label).map_err(Error::internal)?,
        otpauth_url,
    })
}

/// Turns the app on with its first code. The answer is the recovery codes, to be shown once.
///
/// # Errors
/// `conflict` when nothing waits for a code, `validation_failed` when the code is wrong.
pub(super) async fn confirm_totp(app: &App, by: &By<'_>, code: &str) -> Result<Vec<String>> {
    let nothing = || {
        Error::new(
            Code::Conflict,
            "Begin with POST /me/totp: no authenticator app waits for its code.",
        )
    };
    let row = store::find_totp(app.db.write(), by.user.id).await?;
    let row = row.filter(|row| row.confirmed_at.is_none()).ok_or_else(nothing)?;
    let secret = challenge::secret_of(app, &row).await?;
    let now = app.clock.now();
    let step = totp::matching_step(&secret, code, now, row.last_step).ok_or_else(|| {
        let message = "This is not the code that the app shows now. Check that the clock of your device is right.";
        Error::validation(vec![FieldError::new("code", "wrong_code", message)])
    })?;
    let codes = recovery::new_set();
    let tx = app.db.begin().await?;
    if !store::confirm_totp(&tx, &row, step, now).await? {
        return Err(nothing());
    }
    store::replace_recovery_codes(app, &tx, by.user.id, &codes).await?;
    let change = Change {
        factor: "totp",
        added: true,
        data: json!({}),
    };
    let ended = note(app, &tx, by, change).await?;
    tx.commit().await?;
    settle(app, by.user.id, &ended);
    Ok(codes)
}

/// # Errors
/// `not_found` when there is no authenticator app.
pub(super) async fn remove_totp(app: &App, by: &By<'_>) -> Result<()> {
    let tx = app.db.begin().await?;
    if !store::delete_totp(&tx, by.user.id).await? {
        return Err(Error::not_found());
    }
    let change = Change {
        factor: "totp",
        added: false,
        data: json!({}),
    };
    removed(app, tx, by, change).await
}

/// Adds a passkey. With the first factor of an account come its recovery codes, to be shown once.
///
/// # Errors
/// `challenge_expired`, `validation_failed`, `conflict` when the key is known.
pub(super) async fn add_passkey(
    app: &App,
    by: &By<'_>,
    token: &str,
    credential: &RegisterPublicKeyCredential,
    name: &str,
) -> Result<(Passkey, Vec<String>)> {
    let row = passkeys::end_registration(app, by.user.id, token, credential, name).await?;
    let tx = app.db.begin().await?;
    let before = store::factors(&tx, by.user.id).await?;
    if before.passkeys.len() >= passkeys::MOST {
        return Err(Error::new(
            Code::Conflict,
            "Remove a passkey that you no longer use first.",
        ));
    }
    store::insert_passkey(&tx, &row).await?;
    let codes = if before.recovery_codes_left == 0 {
        recovery::new_set()
    } else {
        Vec::new()
    };
    if !codes.is_empty() {
        store::replace_recovery_codes(app, &tx, by.user.id, &codes).await?;
    }
    let change = Change {
        factor: "passkey",
        added: true,
        data: json!({ "passkey_id": row.id }),
    };
    let ended = note(app, &tx, by, change).await?;
    tx.commit().await?;
    settle(app, by.user.id, &ended);
    Ok((row, codes))
}

/// # Errors
/// `not_found` when the person has no such passkey.
pub(super) async fn remove_passkey(app: &App, by: &By<'_>, id: Uuid) -> Result<()> {
    let tx = app.db.begin().await?;
    if !store::delete_passkey(&tx, by.user.id, id).await? {
        return Err(Error::not_found());
    }
    let change = Change {
        factor: "passkey",
        added: false,
        data: json!({ "passkey_id": id }),
    };
    removed(app, tx, by, change).await
}

/// The end of a removal. Recovery codes without a factor open nothing, so the last one takes them along.
async fn removed(app: &App, tx: Tx, by: &By<'_>, change: Change) -> Result<()> {
    if !store::has_any(&tx, by.user.id).await? {
        store::delete_recovery_codes(&tx, by.user.id).await?;
    }
    let ended = note(app, &tx, by, change).await?;
    tx.commit().await?;
    settle(app, by.user.id, &ended);
    Ok(())
}

/// A new set in place of the old one, to be shown once.
///
/// # Errors
/// `conflict` when there is no factor that they could stand in for.
pub(super) async fn renew_recovery_codes(app: &App, by: &By<'_>) -> Result<Vec<String>> {
    let codes = recovery::new_set();
    let tx = app.db.begin().await?;
    if !store::has_any(&tx, by.user.id).await? {
        let detail = "Set up an authenticator app or a passkey first.";
        return Err(Error::new(Code::Conflict, detail));
    }
    store::replace_recovery_codes(app, &tx, by.user.id, &codes).await?;
    let change = Change {
        factor: "recovery_codes",
        added: true,
        data: json!({}),
    };
    let ended = note(app, &tx, by, change).await?;
    tx.commit().await?;
    settle(app, by.user.id, &ended);
    Ok(codes)
}

/// Uses a recovery code up and tells the person, as part of `tx`; wake the mailer after the commit.
pub(super) async fn use_recovery_code(app: &App, tx: &Tx, user: &User, device: &Device, code: &str) -> Result<bool> {
    if !store::use_recovery_code(tx, user.id, code, app.clock.now()).await? {
        return Ok(false);
    }
    let left = store::factors(tx, user.id).await?.recovery_codes_left;
    let event = audit::Event {
        device: Some(device),
        data: json!({ "left": left }),
        ..audit::Event::own(user.id, "recovery_code.used")
    };
    audit::record(app, tx, event).await?;
    mail::enqueue(app, tx, &user.into(), &letter(app, user, "recovery_code", false)).await?;
    Ok(true)
}

/// Takes all factors of somebody who lost them, and ends all their sessions. For operators. How many there were.
pub(super) async fn reset(app: &App, user: &User) -> Result<u64> {
    let tx = app.db.begin().await?;
    let (apps, keys) = store::delete_all(&tx, user.id).await?;
    let event = audit::Event {
        data: json!({ "totp": apps, "passkeys": keys, "by": "operator" }),
        ..audit::Event::own(user.id, "second_factor.reset")
    };
    audit::record(app, &tx, event).await?;
    for (factor, _) in [("totp", apps), ("passkey", keys)].into_iter().filter(|(_, n)| *n > 0) {
        mail::enqueue(app, &tx, &user.into(), &letter(app, user, factor, false)).await?;
    }
    let ended = sessions::end_all(app, &tx, user.id, None, "second_factor_changed").await?;
    tx.commit().await?;
    settle(app, user.id, &ended);
    Ok(apps + keys)
}

fn letter(app: &App, user: &User, factor: &str, added: bool) -> Mail {
    Mail::SecondFactorChanged {
        factor: factor.to_owned(),
        added,
        security: format!("{}/{}/security/factors", app.config.public_url, user.locale),
    }
}

/// Writes the change down, tells the person, and ends their other sessions: somebody else may be in one of them.
async fn note(app: &App, tx: &Tx, by: &By<'_>, change: Change) -> Result<Vec<Uuid>> {
    let action = if change.added {
        "second_factor.added"
    } else {
        "second_factor.removed"
    };
    let mut data = change.data;
    data["factor"] = change.factor.into();
    let event = audit::Event {
        session_id: Some(by.session_id),
        device: Some(by.device),
        data,
        ..audit::Event::own(by.user.id, action)
    };
    audit::record(app, tx, event).await?;
    let letter = letter(app, by.user, change.factor, change.added);
    mail::enqueue(app, tx, &by.user.into(), &letter).await?;
    sessions::end_all(app, tx, by.user.id, Some(by.session_id), "second_factor_changed").await
}

/// After the commit.
fn settle(app: &App, user_id: Uuid, ended: &[Uuid]) {
    app.second_factors.forget(user_id);
    sessions::ended(app, ended);
    app.mailer.wake();
}
