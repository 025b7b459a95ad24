//! Accounts that a sign-in provider vouches for.

use parlor_db::{
    Tx,
    entities::users,
    sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter},
};

use super::{Status, User, email, register, rules, store};
use crate::{
    app::App,
    http::Result,
    mail::{self, Mail, Recipient},
};

/// What a provider says of a person who has no account here.
pub struct FromProvider<'a> {
    pub email: &'a str,
    /// Whether the provider says that the address is theirs.
    pub email_verified: bool,
    pub name: Option<&'a str>,
    pub avatar_url: Option<&'a str>,
    pub locale: &'a str,
}

/// How that ended.
pub enum Made {
    New(Box<User>),
    /// The address has an account, which stays as it is.
    Taken(Box<User>),
}

/// Makes an account without a password as part of `tx`, unless the address has one, with the mail that
/// greets the person or asks them to confirm the address. Call it under the lock
/// `first account`, so that of two at once only one finds the address free.
///
/// # Errors
/// When the database fails.
pub async fn create_from_provider(app: &App, tx: &Tx, person: FromProvider<'_>) -> Result<Made> {
    let email_key = email::key(person.email);
    let known = users::Entity::find().filter(users::Column::EmailKey.eq(&email_key));
    if let Some(user) = known.one(tx).await? {
        return Ok(Made::Taken(Box::new(user)));
    }
    let (role, plan) = rules::role_and_plan(store::none_yet(tx).await?);
    let now = app.clock.now();
    let short = |text: &str| text.trim().chars().take(120).collect::<String>();
    let name = person.name.map(short).filter(|name| !name.is_empty());
    let avatar_url = person
        .avatar_url
        .filter(|url| url.starts_with("https://") && url.len() <= 2000);
    let user = User {
        id: app.ids.next(),
        email_key,
        email: person.email.trim().to_owned(),
        email_verified_at: person.email_verified.then_some(now),
        password_hash: None,
        display_name: name.clone().unwrap_or_else(|| rules::name_from_email(person.email)),
        full_name: name,
        avatar_url: avatar_url.map(str::to_owned),
        bio: None,
        locale: person.locale.to_owned(),
        role: role.to_owned(),
        plan: plan.to_owned(),
        status: Status::Active.as_str().to_owned(),
        chat_count: 0,
        message_count: 0,
        created_at: now,
        updated_at: now,
        terms_version: None,
        terms_accepted_at: None,
        password_changed_at: None,
        mail_new_device: true,
    };
    users::Entity::insert(user.clone().into_active_model().reset_all())
        .exec_without_returning(tx)
        .await?;
    write_to(app, tx, &user).await?;
    Ok(Made::New(Box::new(user)))
}

/// Asks for the proof that the provider did not give, or says hello.
async fn write_to(app: &App, tx: &Tx, user: &User) -> Result<()> {
    if user.email_verified_at.is_some() {
        let link = app.config.public_url.clone();
        return mail::enqueue(app, tx, &Recipient::from(user), &Mail::Welcome { link }).await;
    }
    if !app.config.must_verify_email() {
        return Ok(());
    }
    register::send_verification(app, tx, user).await
}
