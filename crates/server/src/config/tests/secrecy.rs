use super::super::schema::{KEYS, Key};
use super::super::{Secret, render_check};
use super::{file, load};

const CANARY: &str = "canary-7f3a";

/// A valid value of a secret that holds the canary, or is it.
fn canary(key: &Key) -> String {
    match key.path.as_str() {
        "database.url" => format!("postgres://u:{CANARY}@h/db"),
        // 32 bytes whose base64 begins with the canary's letters.
        "secrets.master_key" | "secrets.previous_master_keys" => {
            "canary7f3aECAwQFBgcICQoLDA0ODxAREhMUFRYXGBk=".to_owned()
        }
        _ => CANARY.to_owned(),
    }
}

fn leaks(text: &str) -> bool {
    text.contains(CANARY) || text.contains("canary7f3a")
}

#[test]
fn no_rendering_of_the_settings_shows_a_secret() {
    let secrets: Vec<&Key> = KEYS.iter().filter(|key| key.secret).collect();
    assert_eq!(secrets.len(), 10, "a new secret needs a value in `canary`");
    let values: Vec<(String, String)> = secrets.iter().map(|key| (key.env.clone(), canary(key))).collect();
    let env: Vec<(&str, &str)> = values
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let loaded = load(&env).unwrap();
    assert_eq!(
        loaded.config.telemetry.metrics_token.expose(),
        CANARY,
        "the canary is really in there"
    );
    assert!(loaded.config.secrets.master_key_bytes().is_some());
    let shown = [
        format!("{:?}", loaded.config),
        format!("{loaded:#?}"),
        loaded.explain_all(),
    ];
    for text in shown.into_iter().chain([render_check(&Ok(loaded))]) {
        assert!(!leaks(&text), "{text}");
    }
}

#[test]
fn no_problem_shows_a_secret() {
    let (_folder, path) = file(
        "bad.yaml",
        &format!(
            "database:\n  url: mysql://u:{CANARY}@h\nsecrets:\n  master_key: {CANARY}\ntelemetry:\n  metrics_token: [{CANARY}]\n"
        ),
    );
    let problems = load(&[("PARLOR_CONFIG", &path), ("DATABASE_URL", CANARY)]).unwrap_err();
    assert_eq!(problems.0.len(), 4);
    assert!(!leaks(&format!("{problems} {problems:?}")), "{problems}");
    for value in [
        format!("*{CANARY}"),
        format!("\"{CANARY}"),
        format!("[{CANARY}"),
        format!("a: {CANARY}: b"),
    ] {
        let (_folder, path) = file("broken.yaml", &format!("providers:\n  openai:\n    api_key: {value}\n"));
        let problems = load(&[("PARLOR_CONFIG", &path)]).unwrap_err();
        assert!(!leaks(&problems.to_string()), "{value}: {problems}");
    }
}

#[test]
fn a_secret_prints_as_redacted() {
    let secret = Secret::new(CANARY);
    assert_eq!(format!("{secret} {secret:?}"), "[redacted] [redacted]");
    assert!(secret.is_set() && !Secret::default().is_set());
}
