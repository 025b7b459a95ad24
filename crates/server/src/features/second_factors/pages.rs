//! Set up the second step, and answer it.

use axum::{
    Router,
    extract::{Query, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use jiff::tz::TimeZone;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    challenge::{self, Answer},
    challenge_cookie,
    change::{self, By, Setup},
    gate, passkeys, store,
    views::{Asking, ChallengeView, CodesView, FactorsView, PasskeyRow, TotpView},
};
use crate::{
    app::App,
    features::sessions::{self, Device, cookie},
    http::{
        Code, Error, Form, Path, Result, StepUp,
        auth::InSession,
        cookies,
        page::{Frame, go, show},
    },
    ui::{ConfirmView, Page, When},
};

const FACTORS: &str = "/security/factors";

pub fn pages() -> Router<App> {
    Router::new()
        .route("/{locale}/security/factors", get(factors))
        .route("/{locale}/security/factors/totp", get(totp).post(begin_totp))
        .route("/{locale}/security/factors/totp/confirm", post(confirm_totp))
        .route("/{locale}/security/factors/totp/remove", post(remove_totp))
        .route("/{locale}/security/factors/recovery-codes", post(renew_recovery_codes))
        .route("/{locale}/security/factors/passkeys", post(add_passkey))
        .route("/{locale}/security/factors/passkeys/{id}/rename", post(rename_passkey))
        .route("/{locale}/security/factors/passkeys/{id}/remove", post(remove_passkey))
        .route("/{locale}/login/second-factor", get(challenge_page).post(answer))
}

async fn factors(
    State(app): State<App>,
    Frame(page): Frame,
    session: InSession,
    headers: HeaderMap,
) -> Result<Response> {
    show(&factors_view(&app, page, &session, &headers, None).await?)
}

async fn factors_view(
    app: &App,
    page: Page,
    session: &InSession,
    headers: &HeaderMap,
    error: Option<String>,
) -> Result<FactorsView> {
    let factors = store::factors(app.db.write(), session.identity.user.id).await?;
    let now = app.clock.now().to_jiff().to_zoned(TimeZone::UTC);
    let when = |at: parlor_db::Timestamp| When::new(page.text, at.to_jiff(), &now);
    let row = |row: &store::Passkey| PasskeyRow {
        id: row.id.to_string(),
        name: row.name.clone(),
        added: when(row.created_at),
        used: row.last_used_at.map(when),
    };
    Ok(FactorsView {
        due: gate::is_due(app, &session.identity).await?,
        totp: factors.totp,
        codes_left: usize::try_from(factors.recovery_codes_left).unwrap_or(0),
        passkeys: factors.passkeys.iter().map(row).collect(),
        open_instead: (!passkeys::are_possible(app, headers)).then(|| passkeys::name_to_open(app)),
        error,
        page: Page {
            path: FACTORS.to_owned(),
            ..page
        },
    })
}

#[derive(Deserialize)]
pub struct Nothing {}

async fn begin_totp(
    State(app): State<App>,
    Frame(page): Frame,
    StepUp(session): StepUp,
    _: Form<Nothing>,
) -> Result<Response> {
    match change::begin_totp(&app, &session.identity.user, &page.t("factors-totp-qr")).await {
        Ok(_) => Ok(go(&page, "/security/factors/totp")),
        // It is on already: the list says so.
        Err(error) if error.code() == Code::Conflict => Ok(go(&page, FACTORS)),
        Err(error) => Err(error),
    }
}

async fn totp(State(app): State<App>, Frame(page): Frame, session: InSession) -> Result<Response> {
    match change::pending_totp(&app, &session.identity.user, &page.t("factors-totp-qr")).await? {
        Some(setup) => show(&totp_view(page, setup, false)),
        None => Ok(go(&page, FACTORS)),
    }
}

fn totp_view(page: Page, setup: Setup, wrong: bool) -> TotpView {
    let letters: Vec<char> = setup.key.chars().collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    TotpView {
        key: groups.join(" "),
        otpauth_url: setup.otpauth_url,
        qr_svg: setup.qr_svg,
        wrong,
        page: Page {
            // The language switch stays at a page that can be asked for.
            path: "/security/factors/totp".to_owned(),
            ..page
        },
    }
}

#[derive(Deserialize)]
pub struct CodeForm {
    #[serde(default)]
    code: String,
}

async fn confirm_totp(
    State(app): State<App>,
    Frame(page): Frame,
    StepUp(session): StepUp,
    device: Device,
    Form(form): Form<CodeForm>,
) -> Result<Response> {
    match change::confirm_totp(&app, &By::new(&session, &device), &form.code).await {
        Ok(codes) => show_codes(page, codes),
        Err(error) if error.code() == Code::ValidationFailed => {
            let setup = change::pending_totp(&app, &session.identity.user, &page.t("factors-totp-qr")).await?;
            let setup = setup.ok_or(error)?;
            let view = totp_view(page, setup, true);
            Ok((Code::ValidationFailed.status(), show(&view)?).into_response())
        }
        Err(error) if error.code() == Code::Conflict => Ok(go(&page, FACTORS)),
        Err(error) => Err(error),
    }
}

fn show_codes(page: Page, codes: Vec<String>) -> Result<Response> {
    let page = Page {
        path: FACTORS.to_owned(),
        ..page
    };
    show(&CodesView { page, codes })
}

#[derive(Deserialize)]
pub struct ConfirmForm {
    #[serde(default)]
    confirm: String,
}

/// The question for browsers without scripts; with them, the page has asked already.
fn are_you_sure(page: Page, [title, detail, button]: [&str; 3], action: &str) -> Result<Response> {
    show(&ConfirmView {
        title: page.t(title),
        detail: page.t(detail),
        button: page.t(button),
        action: page.url(action),
        back: page.url(FACTORS),
        page: Page {
            path: FACTORS.to_owned(),
            ..page
        },
    })
}

/// What is gone already need not be removed: the list shows that.
fn or_gone(removed: Result<()>) -> Result<()> {
    match removed {
        Err(error) if error.code() == Code::NotFound => Ok(()),
        other => other,
    }
}

async fn remove_totp(
    State(app): State<App>,
    Frame(page): Frame,
    StepUp(session): StepUp,
    device: Device,
    Form(form): Form<ConfirmForm>,
) -> Result<Response> {
    if form.confirm != "yes" {
        let words = [
            "factors-totp-remove-title",
            "factors-remove-detail",
            "factors-totp-remove",
        ];
        return are_you_sure(page, words, "/security/factors/totp/remove");
    }
    or_gone(change::remove_totp(&app, &By::new(&session, &device)).await)?;
    Ok(go(&page, "/security/factors?notice=totp-removed"))
}

async fn renew_recovery_codes(
    State(app): State<App>,
    Frame(page): Frame,
    StepUp(session): StepUp,
    device: Device,
    Form(form): Form<ConfirmForm>,
) -> Result<Response> {
    if form.confirm != "yes" {
        let words = ["codes-renew-title", "codes-renew-detail", "codes-renew"];
        return are_you_sure(page, words, "/security/factors/recovery-codes");
    }
    match change::renew_recovery_codes(&app, &By::new(&session, &device)).await {
        Ok(codes) => show_codes(page, codes),
        Err(error) if error.code() == Code::Conflict => Ok(go(&page, FACTORS)),
        Err(error) => Err(error),
    }
}

#[derive(Deserialize)]
pub struct PasskeyForm {
    #[serde(default)]
    challenge: String,
    #[serde(default)]
    credential: String,
    #[serde(default)]
    name: String,
}

async fn add_passkey(
    State(app): State<App>,
    Frame(page): Frame,
    StepUp(session): StepUp,
    device: Device,
    headers: HeaderMap,
    Form(form): Form<PasskeyForm>,
) -> Result<Response> {
    let name: String = form.name.trim().chars().take(80).collect();
    let name = if name.is_empty() { "Passkey".to_owned() } else { name };
    let by = By::new(&session, &device);
    let added = match read(&form.credential) {
        Ok(credential) => change::add_passkey(&app, &by, &form.challenge, &credential, &name).await,
        Err(error) => Err(error),
    };
    let sentence = match added {
        Ok((_, codes)) if codes.is_empty() => return Ok(go(&page, "/security/factors?notice=passkey-added")),
        Ok((_, codes)) => return show_codes(page, codes),
        Err(error) => match error.code() {
            Code::ChallengeExpired => page.t("passkey-expired"),
            Code::ValidationFailed => page.t("passkey-failed"),
            Code::Conflict => page.t("passkey-known"),
            _ => return Err(error),
        },
    };
    let view = factors_view(&app, page, &session, &headers, Some(sentence)).await?;
    Ok((Code::ValidationFailed.status(), show(&view)?).into_response())
}

fn read<T: serde::de::DeserializeOwned>(json: &str) -> Result<T> {
    passkeys::parse(serde_json::from_str(json).unwrap_or_default())
}

#[derive(Deserialize)]
pub struct NameForm {
    #[serde(default)]
    name: String,
}

async fn rename_passkey(
    State(app): State<App>,
    Frame(page): Frame,
    session: InSession,
    Path((_, id)): Path<(String, Uuid)>,
    Form(form): Form<NameForm>,
) -> Result<Response> {
    let name: String = form.name.trim().chars().take(80).collect();
    if !name.is_empty() {
        let row = store::rename_passkey(&app, session.identity.user.id, id, &name).await?;
        row.ok_or_else(Error::not_found)?;
    }
    Ok(go(&page, "/security/factors?notice=passkey-renamed"))
}

async fn remove_passkey(
    State(app): State<App>,
    Frame(page): Frame,
    StepUp(session): StepUp,
    device: Device,
    Path((_, id)): Path<(String, Uuid)>,
    Form(form): Form<ConfirmForm>,
) -> Result<Response> {
    if form.confirm != "yes" {
        let words = ["passkey-remove-title", "factors-remove-detail", "passkey-remove"];
        return are_you_sure(page, words, &format!("/security/factors/passkeys/{id}/remove"));
    }
    or_gone(change::remove_passkey(&app, &By::new(&session, &device), id).await)?;
    Ok(go(&page, "/security/factors?notice=passkey-removed"))
}

#[derive(Deserialize)]
pub struct Next {
    next: Option<String>,
}

async fn challenge_page(
    State(app): State<App>,
    Frame(page): Frame,
    headers: HeaderMap,
    Query(query): Query<Next>,
) -> Result<Response> {
    let token = cookies::get(&headers, challenge_cookie(&app)).unwrap_or_default();
    show(&challenge_view(&app, page, token, None, query.next).await?)
}

/// The question, or why there is none any more.
async fn challenge_view(
    app: &App,
    page: Page,
    token: &str,
    error: Option<String>,
    next: Option<String>,
) -> Result<ChallengeView> {
    let (asking, error) = match challenge::look(app, token).await {
        Ok(open) => {
            let asking = Asking {
                totp: open.methods.contains(&"totp"),
                recovery: open.methods.contains(&"recovery_code"),
                passkey: open.public_key.map(|options| options.to_string()),
            };
            (Some(asking), error)
        }
        Err(over) => (None, Some(sentence(&page, over, "")?)),
    };
    Ok(ChallengeView {
        page,
        asking,
        error,
        next,
    })
}

/// What a refusal says, in the page's words.
fn sentence(page: &Page, error: Error, wrong: &str) -> Result<String> {
    match error.code() {
        Code::SecondFactorInvalid => Ok(page.t(wrong)),
        Code::ChallengeExpired => Ok(page.t("challenge-expired")),
        Code::ChallengeVoid => Ok(page.t("challenge-void")),
        Code::RateLimited => Ok(page.t("challenge-limited")),
        Code::AccountDisabled => Ok(page.t("login-disabled")),
        _ => Err(error),
    }
}

#[derive(Deserialize)]
pub struct AnswerForm {
    code: Option<String>,
    recovery_code: Option<String>,
    credential: Option<String>,
    next: Option<String>,
}

async fn answer(
    State(app): State<App>,
    Frame(page): Frame,
    device: Device,
    headers: HeaderMap,
    Form(form): Form<AnswerForm>,
) -> Result<Response> {
    let token = cookies::get(&headers, challenge_cookie(&app)).unwrap_or_default();
    let (given, wrong) = match (form.code, form.recovery_code, form.credential) {
        (_, _, Some(credential)) => match read(&credential) {
            Ok(credential) => (Answer::Passkey(Box::new(credential)), "challenge-wrong-passkey"),
            Err(_) => (Answer::Totp(String::new()), "challenge-wrong-passkey"),
        },
        (_, Some(code), _) => (Answer::RecoveryCode(code), "challenge-wrong-recovery"),
        (code, ..) => (Answer::Totp(code.unwrap_or_default()), "challenge-wrong"),
    };
    match challenge::answer(&app, &device, token, given).await {
        Ok((_, outcome)) => {
            let mut response = sessions::answer_page(&app, &page, outcome, form.next.as_deref());
            let (name, value) = cookie::line(&app, challenge_cookie(&app), "", "; Max-Age=0");
            response.headers_mut().append(name, value);
            Ok(response)
        }
        Err(error) => {
            let status = error.code().status();
            let said = sentence(&page, error, wrong)?;
            let view = challenge_view(&app, page, token, Some(said), form.next).await?;
            Ok((status, show(&view)?).into_response())
        }
    }
}
