use super::{file, load};

const GOOD_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const ONE_BYTE: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// The keys that are refused under this environment.
fn refused(env: &[(&str, &str)]) -> Vec<String> {
    load(env)
        .err()
        .map(|problems| problems.0.into_iter().map(|problem| problem.key).collect())
        .unwrap_or_default()
}

#[test]
fn each_bad_value_is_refused_and_names_its_key() {
    for (name, value, key) in [
        ("PARLOR_BIND", "localhost", "bind"),
        ("PARLOR_BIND", "127.0.0.1:99999", "bind"),
        ("PARLOR_PUBLIC_URL", "chat.example.org", "public_url"),
        ("PARLOR_PUBLIC_URL", "ftp://chat.example.org", "public_url"),
        ("PARLOR_PUBLIC_URL", "https://example.org/chat", "public_url"),
        ("PARLOR_PUBLIC_URL", "https://example.org/?a", "public_url"),
        ("PARLOR_PUBLIC_URL", "https://me:pw@example.org", "public_url"),
        ("PARLOR_ENV", "prod", "env"),
        ("PARLOR_RATE_LIMITS", "none", "rate_limits"),
        ("PARLOR_DATA_DIR", "", "data_dir"),
        ("PARLOR_DATABASE_URL", "mysql://h/a", "database.url"),
        ("DATABASE_URL", "localhost/parlor", "database.url"),
        ("PARLOR_DATABASE_MAX_CONNECTIONS", "0", "database.max_connections"),
        ("PARLOR_DATABASE_MAX_CONNECTIONS", "4.5", "database.max_connections"),
        (
            "PARLOR_HTTP_TRUSTED_PROXIES",
            "10.0.0.0/8,proxy",
            "http.trusted_proxies",
        ),
        ("PARLOR_SECRETS_MASTER_KEY", "c2hvcnQ=", "secrets.master_key"),
        ("PARLOR_SECRETS_MASTER_KEY", ONE_BYTE, "secrets.master_key"),
        ("PARLOR_SECRETS_MASTER_KEY", "not base64!", "secrets.master_key"),
        ("PARLOR_PASSWORDS_MIN_LENGTH", "7", "passwords.min_length"),
        (
            "PARLOR_PASSWORDS_ARGON2_MEMORY_KIB",
            "19455",
            "passwords.argon2_memory_kib",
        ),
        ("PARLOR_PASSWORDS_ARGON2_ITERATIONS", "1", "passwords.argon2_iterations"),
        ("PARLOR_SESSIONS_IDLE_DAYS", "-1", "sessions.idle_days"),
        ("PARLOR_SESSIONS_IDLE_DAYS", "seven", "sessions.idle_days"),
        ("PARLOR_MEMORY_ENABLED", "maybe", "memory.enabled"),
        ("PARLOR_TELEMETRY_LOG_LEVEL", "infoo", "telemetry.log_level"),
        ("PARLOR_TELEMETRY_LOG_LEVEL", "info,sqlx=loud", "telemetry.log_level"),
        ("PARLOR_TELEMETRY_LOG_FORMAT", "xml", "telemetry.log_format"),
        ("OPENAI_BASE_URL", "localhost:9000/v1", "providers.openai.base_url"),
        (
            "PARLOR_TIERS_QUICK_SYSTEM",
            "You are {{persona}}.",
            "tiers.quick.system",
        ),
        ("PARLOR_TIERS_QUICK_TEMPERATURE", "2.1", "tiers.quick.temperature"),
        ("PARLOR_TIERS_QUICK_TEMPERATURE", "NaN", "tiers.quick.temperature"),
        ("PARLOR_TIERS_ENHANCED_LOCAL_MODEL", " ", "tiers.enhanced.local_model"),
        (
            "PARLOR_SECRETS_MASTER_KEY_FILE",
            "/nowhere/at/all",
            "secrets.master_key",
        ),
    ] {
        assert_eq!(refused(&[(name, value)]), [key], "{name}={value}");
    }
}

#[test]
fn good_values_near_the_bounds_pass() {
    for (name, value) in [
        ("PARLOR_SECRETS_MASTER_KEY", GOOD_KEY),
        ("PARLOR_SECRETS_MASTER_KEY", GOOD_KEY.trim_end_matches('=')),
        ("PARLOR_PASSWORDS_MIN_LENGTH", "8"),
        ("PARLOR_DATABASE_URL", "postgresql://u:p@h:5432/parlor"),
        ("PARLOR_TELEMETRY_LOG_LEVEL", "info,sqlx=warn"),
        ("PARLOR_TELEMETRY_LOG_LEVEL", "off"),
        ("PARLOR_PUBLIC_URL", "https://chat.example.org:8443"),
    ] {
        assert_eq!(refused(&[(name, value)]), [""; 0], "{name}={value}");
    }
}

#[test]
fn production_refuses_what_is_only_safe_at_home() {
    let production = |more: &[(&'static str, &'static str)]| {
        let mut env = vec![("PARLOR_ENV", "production")];
        env.extend_from_slice(more);
        refused(&env)
    };
    let none: [&str; 0] = [];
    assert_eq!(production(&[]), none, "this machine alone");
    assert_eq!(production(&[("PARLOR_PUBLIC_URL", "http://localhost:8080")]), none);
    assert_eq!(
        production(&[("PARLOR_PUBLIC_URL", "http://chat.example.org")]),
        ["public_url"]
    );
    assert_eq!(
        production(&[("PARLOR_PUBLIC_URL", "http://localhost.example.org")]),
        ["public_url"]
    );
    assert_eq!(production(&[("PARLOR_BIND", "0.0.0.0:8080")]), ["public_url"]);
    assert_eq!(
        production(&[
            ("PARLOR_BIND", "0.0.0.0:8080"),
            ("PARLOR_PUBLIC_URL", "https://chat.example.org")
        ]),
        none
    );
    assert_eq!(production(&[("PARLOR_RATE_LIMITS", "off")]), ["rate_limits"]);
    assert_eq!(
        refused(&[("PARLOR_RATE_LIMITS", "off"), ("PARLOR_BIND", "0.0.0.0:8080")]),
        none,
        "development"
    );
}

#[test]
fn all_problems_of_all_layers_come_at_once_with_their_place() {
    let yaml = "bindd: 127.0.0.1:1\nsessions:\n  idle_days: many\n  absolute_days: 0\nhttp: 5\nthemes:\n  Bad Id: x\n";
    let (_folder, path) = file("my.yaml", yaml);
    let env = [
        ("PARLOR_CONFIG", path.as_str()),
        ("PARLOR_ENV", "production"),
        ("PARLOR_RATE_LIMITS", "off"),
        ("PARLOR_BIND", "x"),
    ];
    let shown = load(&env).unwrap_err().to_string();
    for line in [
        "7 problems in the settings:".to_owned(),
        format!("bindd ({path}:1): no such setting; did you mean bind?"),
        format!("sessions.idle_days ({path}:3): expected a whole number"),
        format!("sessions.absolute_days ({path}:4): 0 is out of range: write a number from 1 to 3650"),
        format!("http ({path}:5): this is a section"),
        format!("themes.Bad Id ({path}:7): no such setting"),
        "bind (environment PARLOR_BIND): `x` is no address and port".to_owned(),
        "rate_limits (environment PARLOR_RATE_LIMITS): off is only for tests".to_owned(),
    ] {
        assert!(shown.contains(&line), "{line}\nis missing in\n{shown}");
    }
}

#[test]
fn files_that_cannot_be_read_are_problems() {
    assert_eq!(refused(&[("PARLOR_CONFIG", "/nowhere/parlor.yaml")]), ["PARLOR_CONFIG"]);
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(
        refused(&[("PARLOR_CONFIG", empty.path().to_str().unwrap())]),
        ["PARLOR_CONFIG"]
    );
    for text in ["bind: [1, 2", "- a\n- b\n", "bind: 127.0.0.1:1\nbind: 127.0.0.1:2\n"] {
        let (_folder, path) = file("bad.yaml", text);
        assert_eq!(refused(&[("PARLOR_CONFIG", &path)]), ["file"], "{text}");
    }
    let (_folder, path) = file("number.yaml", "data_dir: 12\nhttp:\n  trusted_proxies: [1]\n");
    assert_eq!(
        refused(&[("PARLOR_CONFIG", &path)]),
        ["data_dir", "http.trusted_proxies"]
    );
}

#[test]
fn a_secret_given_twice_is_a_problem() {
    let (_folder, path) = file("key", "a");
    let env = [("OPENAI_API_KEY", "b"), ("OPENAI_API_KEY_FILE", path.as_str())];
    assert_eq!(refused(&env), ["providers.openai.api_key"]);
}

#[test]
fn ses_14_production_refuses_a_master_key_that_somebody_made_up() {
    let refused_with = |key| refused(&[("PARLOR_ENV", "production"), ("PARLOR_SECRETS_MASTER_KEY", key)]);
    let random = "sjps3EQtXI2icllTRLvHaQqNVAZJAjA6Uwd9CD3R+KU=";
    assert_eq!(refused_with(random), [""; 0]);
    // 0, 1, 2, …; "change-me-change-me-change-me-32"; sixteen zeros and sixteen ones.
    let text = "Y2hhbmdlLW1lLWNoYW5nZS1tZS1jaGFuZ2UtbWUtMzI=";
    let halves = "AAAAAAAAAAAAAAAAAAAAAAEBAQEBAQEBAQEBAQEBAQE=";
    for weak in [ONE_BYTE, GOOD_KEY, text, halves] {
        assert_eq!(refused_with(weak), ["secrets.master_key"], "{weak}");
    }
    // At home they may stay, or this test means nothing.
    assert_eq!(refused(&[("PARLOR_SECRETS_MASTER_KEY", GOOD_KEY)]), [""; 0]);
}
