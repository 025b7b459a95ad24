//! The figures: what is counted, and how much of it is free.

use std::time::Duration;

/// How failures of one kind are counted.
#[derive(Debug)]
pub struct Rule {
    pub name: &'static str,
    /// Failures that cost no wait.
    pub free: u32,
    /// The wait after the last free one; doubles with each further failure.
    pub first_wait: Duration,
    pub longest_wait: Duration,
    /// How long until one failure is forgotten.
    pub forget: Duration,
    /// Whether a success forgets all failures. Not where somebody's own success would cover guesses at others.
    pub success_clears: bool,
}

/// How uses of one kind are counted.
#[derive(Debug)]
pub struct Allowance {
    pub name: &'static str,
    /// Uses at once.
    pub burst: u32,
    /// Then one in so long.
    pub every: Duration,
}

pub(super) const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

const fn rule(name: &'static str, free: u32, forget: Duration, success_clears: bool) -> Rule {
    Rule {
        name,
        free,
        first_wait: Duration::from_secs(30),
        longest_wait: minutes(15),
        forget,
        success_clears,
    }
}

/// Passwords guessed for one account from one address.
pub const LOGIN_PAIR: Rule = rule("login_pair", 5, minutes(15), true);
/// Passwords guessed for one account from wherever, by browsers that never signed in to it.
pub const LOGIN_ACCOUNT: Rule = rule("login_account", 30, minutes(15), false);
/// Passwords guessed from one address for whatever account: 50 in a quarter of an hour.
pub const LOGIN_ADDRESS: Rule = Rule {
    longest_wait: minutes(5),
    ..rule("login_address", 50, Duration::from_secs(18), false)
};
/// Passwords mistyped in a browser that has signed in to the account before: strangers do not count here.
pub const LOGIN_DEVICE: Rule = rule("login_device", 10, minutes(15), true);
/// The current password, asked for again within a session.
pub const CONFIRM: Rule = rule("confirm_password", 10, minutes(15), true);
/// Tokens from mails that do not exist, per address.
pub const EMAIL_TOKEN: Rule = rule("email_token", 20, minutes(1), false);
/// Codes of a second factor, per account.
pub const SECOND_FACTOR: Rule = rule("second_factor", 5, minutes(15), true);
/// API keys that do not exist, per address.
pub const API_KEY: Rule = Rule {
    longest_wait: minutes(5),
    ..rule("api_key", 50, Duration::from_secs(18), false)
};

/// New accounts, per address.
pub const REGISTER: Allowance = Allowance {
    name: "register",
    burst: 30,
    every: minutes(1),
};
/// Requests that send mail, per address.
pub const MAIL_ADDRESS: Allowance = Allowance {
    name: "mail_address",
    burst: 15,
    every: minutes(1),
};
/// Mails to one mailbox, per kind of mail.
pub const MAILBOX: Allowance = Allowance {
    name: "mailbox",
    burst: 3,
    every: minutes(5),
};
