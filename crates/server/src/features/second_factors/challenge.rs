//! The question after the first proof: made, answered, void.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use webauthn_rs::prelude::PublicKeyCredential;

use super::{
    Challenge, change,
    passkeys::{self, Asked, Signed},
    store::{self, challenges},
    totp,
};
use crate::{
    app::App,
    features::{
        accounts::{self, User},
        audit,
        sessions::{self, Device, Outcome, Proof, SignIn},
    },
    http::{Code, Error, Result},
    secrets::Purpose,
    telemetry::metrics,
};

/// Codes that may be guessed for one account, in all its challenges together, within [`GUESSES_IN`]. Passkeys and
/// recovery codes cannot be guessed and always pass, so that a stranger who knows the password locks nobody out.
const GUESSES: i64 = 10;
const GUESSES_IN: Duration = Duration::from_secs(3600);

/// What is kept, sealed, of somebody who waits for the second step.
#[derive(Serialize, Deserialize)]
struct Waiting {
    /// The first proof, as `sessions.method` has it.
    method: String,
    remember: bool,
    passkey: Option<Asked>,
}

pub(super) async fn begin(app: &App, sign_in: &SignIn<'_>) -> Result<Challenge> {
    let factors = store::factors(app.db.read(), sign_in.user.id).await?;
    let passkey = passkeys::ask(app, &factors.passkeys)?;
    let public_key = passkey.as_ref().map(|asked| asked.options.clone());
    let methods = [
        ("totp", factors.totp),
        ("passkey", passkey.is_some()),
        ("recovery_code", factors.recovery_codes_left > 0),
    ];
    let waiting = Waiting {
        method: sign_in.proof.method(),
        remember: sign_in.remember,
        passkey,
    };
    let token = challenges::open(app, challenges::SECOND_FACTOR, Some(sign_in.user.id), &waiting).await?;
    Ok(Challenge {
        token,
        methods: methods
            .into_iter()
            .filter_map(|(name, on)| on.then_some(name))
            .collect(),
        expires_in: challenges::LIFE.as_secs(),
        public_key,
    })
}

/// A challenge that still waits, for the page that asks.
pub(super) struct Open {
    pub methods: Vec<&'static str>,
    pub public_key: Option<serde_json::Value>,
}

/// # Errors
/// `challenge_expired`, `challenge_void`.
pub(super) async fn look(app: &App, token: &str) -> Result<Open> {
    let row = find(app, token).await?;
    if row.attempts >= challenges::ATTEMPTS {
        return Err(void());
    }
    let waiting: Waiting = challenges::state(app, &row).await?;
    let factors = store::factors(app.db.read(), row.user_id.unwrap_or_default()).await?;
    let methods = [
        ("totp", factors.totp),
        ("passkey", waiting.passkey.is_some()),
        ("recovery_code", factors.recovery_codes_left > 0),
    ];
    Ok(Open {
        methods: methods
            .into_iter()
            .filter_map(|(name, on)| on.then_some(name))
            .collect(),
        public_key: waiting.passkey.map(|asked| asked.options),
    })
}

async fn find(app: &App, token: &str) -> Result<challenges::Row> {
    let row = challenges::find(app, challenges::SECOND_FACTOR, token).await?;
    let waits = |row: &challenges::Row| row.used_at.is_none() && row.expires_at > app.clock.now();
    row.filter(waits).ok_or_else(passkeys::expired)
}

fn void() -> Error {
    let detail = "Too many wrong answers. Log in again, then take a fresh code or a recovery code.";
    Error::new(Code::ChallengeVoid, detail)
}

fn wrong(left: i64) -> Error {
    let detail = "That was not right. Take the newest code of your app, a recovery code that you have not used, or a \
                  passkey.";
    Error::new(Code::SecondFactorInvalid, detail).with("attempts_left", left.into())
}

/// What somebody answers.
pub(super) enum Answer {
    Totp(String),
    RecoveryCode(String),
    Passkey(Box<PublicKeyCredential>),
}

impl Answer {
    fn method(&self) -> &'static str {
        match self {
            Self::Totp(_) => "totp",
            Self::RecoveryCode(_) => "recovery",
            Self::Passkey(_) => "passkey",
        }
    }
}

/// A right answer, not used up yet.
enum Right {
    Step(i64),
    RecoveryCode(String),
    Passkey(Box<Signed>),
}

/// Answers a challenge: the session it was asked for.
///
/// # Errors
/// `second_factor_invalid`, `challenge_expired`, `challenge_void`, `rate_limited`, and those of signing in.
pub(super) async fn answer(app: &App, device: &Device, token: &str, answer: Answer) -> Result<(User, Outcome)> {
    let row = find(app, token).await?;
    let user = accounts::find(app, row.user_id.unwrap_or_default()).await?;
    let user = user.ok_or_else(passkeys::expired)?;
    // The first proof may have been a password that is not the account's any more.
    if user.password_changed_at.is_some_and(|at| at > row.created_at) {
        return Err(passkeys::expired());
    }
    if !challenges::attempt(app, &row).await? {
        return Err(void());
    }
    let waiting: Waiting = challenges::state(app, &row).await?;
    let method = answer.method();
    let used = match check(app, device, &user, &waiting, answer).await? {
        Some(right) => use_up(app, device, &user, &row, right).await?,
        None => false,
    };
    metrics::second_factor(method, if used { "success" } else { "failure" });
    if !used {
        return Err(refuse(app, device, &row).await?);
    }
    let sign_in = SignIn {
        remember: waiting.remember,
        ..SignIn::new(
            &user,
            device,
            Proof::SecondFactor(format!("{}+{method}", waiting.method)),
        )
    };
    let outcome = sessions::sign_in(app, sign_in).await?;
    Ok((User::clone(&user), outcome))
}

async fn check(app: &App, device: &Device, user: &User, waiting: &Waiting, answer: Answer) -> Result<Option<Right>> {
    match answer {
        Answer::Totp(code) => {
            may_guess(app, user.id).await?;
            Ok(matching_step(app, user.id, &code).await?.map(Right::Step))
        }
        Answer::RecoveryCode(code) => {
            let known = store::knows_recovery_code(app, user.id, &code).await?;
            Ok(known.then_some(Right::RecoveryCode(code)))
        }
        Answer::Passkey(credential) => {
            let Some(asked) = &waiting.passkey else { return Ok(None) };
            let signed = passkeys::check(app, user.id, asked, &credential, device).await?;
            Ok(signed.map(Box::new).map(Right::Passkey))
        }
    }
}

/// Uses up the answer and the challenge together. False when another request was faster with either.
async fn use_up(app: &App, device: &Device, user: &User, row: &challenges::Row, right: Right) -> Result<bool> {
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    let fresh = match &right {
        Right::Step(step) => store::use_step(&tx, user.id, *step).await?,
        Right::RecoveryCode(code) => change::use_recovery_code(app, &tx, user, device, code).await?,
        Right::Passkey(signed) => store::use_passkey(&tx, &signed.row, &signed.credential, now).await?,
    };
    if !fresh || !challenges::take(&tx, row, now).await? {
        return Ok(false);
    }
    tx.commit().await?;
    if matches!(right, Right::RecoveryCode(_)) {
        app.mailer.wake();
    }
    Ok(true)
}

/// The last wrong answer is written down: somebody knows the password and not the rest.
async fn refuse(app: &App, device: &Device, row: &challenges::Row) -> Result<Error> {
    let Some(now) = challenges::find_by_id(app, row.id).await? else {
        return Ok(passkeys::expired());
    };
    if now.used_at.is_some() {
        return Ok(passkeys::expired());
    }
    let left = challenges::ATTEMPTS - now.attempts;
    if left > 0 {
        return Ok(wrong(left));
    }
    tracing::warn!(challenge_id = %row.id, "a second factor was answered wrong too often");
    let tx = app.db.begin().await?;
    let event = audit::Event {
        user_id: row.user_id,
        device: Some(device),
        data: serde_json::json!({ "attempts": now.attempts }),
        ..audit::Event::own(row.user_id.unwrap_or_default(), "second_factor.failed")
    };
    audit::record(app, &tx, event).await?;
    tx.commit().await?;
    Ok(void())
}

/// Whether one more code of this account may be looked at; the present one is counted already.
async fn may_guess(app: &App, user_id: Uuid) -> Result<()> {
    let since = app.clock.now() - GUESSES_IN;
    if challenges::guesses(app, user_id, since).await? <= GUESSES {
        return Ok(());
    }
    metrics::second_factor("totp", "limited");
    let detail = "Too many wrong codes for this account. Use a passkey or a recovery code, or wait an hour.";
    Err(Error::new(Code::RateLimited, detail).retry_after(GUESSES_IN.as_secs()))
}

async fn matching_step(app: &App, user_id: Uuid, code: &str) -> Result<Option<i64>> {
    let Some(row) = store::confirmed_totp(app.db.read(), user_id).await? else {
        return Ok(None);
    };
    let secret = secret_of(app, &row).await?;
    Ok(totp::matching_step(&secret, code, app.clock.now(), row.last_step))
}

pub(super) async fn secret_of(app: &App, row: &store::Totp) -> Result<Vec<u8>> {
    app.vault
        .unseal(Purpose::SecondFactor, row.user_id.as_bytes(), &row.secret)
        .await
        .map_err(Error::internal)
}

/// A code within a session: of the app, or a recovery code.
pub(super) async fn verify_code(app: &App, user_id: Uuid, code: &str) -> Result<bool> {
    if totp::digits(code).is_none() {
        return verify_recovery_code(app, user_id, code).await;
    }
    // Counted before it is looked at, so that many at once are not more than many in a row.
    let guess = challenges::note_guess(app, user_id).await?;
    may_guess(app, user_id).await?;
    let right = match matching_step(app, user_id, code).await? {
        Some(step) => store::use_step(app.db.write(), user_id, step).await?,
        None => false,
    };
    if right {
        challenges::forget_guess(app, guess).await?;
    }
    metrics::second_factor("totp", if right { "success" } else { "failure" });
    Ok(right)
}

async fn verify_recovery_code(app: &App, user_id: Uuid, code: &str) -> Result<bool> {
    let user = accounts::find(app, user_id).await?.ok_or_else(Error::not_found)?;
    let tx = app.db.begin().await?;
    let right = change::use_recovery_code(app, &tx, &user, &Device::default(), code).await?;
    tx.commit().await?;
    app.mailer.wake();
    metrics::second_factor("recovery", if right { "success" } else { "failure" });
    Ok(right)
}
