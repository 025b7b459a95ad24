use super::super::schema::KEYS;
use super::super::{env_example, render_check};
use super::{file, load};

#[test]
fn every_setting_is_documented() {
    for key in KEYS.iter().filter(|key| !key.path.starts_with("themes.")) {
        let section = key.path.split('.').next().unwrap_or_default();
        let free = matches!(section, "audiences" | "response_styles");
        assert!(free || key.comment.ends_with('.'), "{} has no comment", key.path);
        if let Some(alias) = key.alias {
            assert!(
                key.comment.contains(alias),
                "the comment of {} does not name {alias}",
                key.path
            );
        }
    }
}

/// `PARLOR_TEST_WRITE_DOCS=1 cargo test -p parlor-server env_example` writes the file anew.
#[test]
fn env_example_has_not_drifted() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.env.example");
    if std::env::var_os("PARLOR_TEST_WRITE_DOCS").is_some() {
        std::fs::write(path, env_example()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap();
    assert!(
        written == env_example(),
        ".env.example is not what the settings say: write it with PARLOR_TEST_WRITE_DOCS=1"
    );
}

#[test]
fn env_example_read_back_gives_the_defaults() {
    let example = env_example();
    let pairs: Vec<(String, String)> = example
        .lines()
        .filter_map(|line| line.strip_prefix("# ")?.split_once('='))
        .filter(|(name, _)| name.starts_with("PARLOR_"))
        .map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()))
        .collect();
    assert_eq!(pairs.len(), KEYS.len());
    let env: Vec<(&str, &str)> = pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        format!("{:?}", load(&env).unwrap().config),
        format!("{:?}", load(&[]).unwrap().config)
    );
}

#[test]
fn explain_says_value_origin_meaning_and_names() {
    let (_folder, path) = file("my.yaml", "sessions:\n  idle_days: 3\n");
    let loaded = load(&[("PARLOR_CONFIG", &path), ("DATABASE_URL", "postgres://u:pw@h/db")]).unwrap();
    let days = format!(
        "sessions.idle_days = 3\n  from: {path}:2\n  Days without activity after which a session ends.\n  environment: PARLOR_SESSIONS_IDLE_DAYS\n"
    );
    assert_eq!(loaded.explain("sessions.idle_days"), Ok(days.clone()));
    assert_eq!(loaded.explain("PARLOR_SESSIONS_IDLE_DAYS"), Ok(days));
    let url = loaded.explain("database.url").unwrap();
    assert!(
        url.starts_with("database.url = [redacted]\n  from: environment DATABASE_URL\n"),
        "{url}"
    );
    assert!(
        url.ends_with("PARLOR_DATABASE_URL, PARLOR_DATABASE_URL_FILE, DATABASE_URL, DATABASE_URL_FILE\n"),
        "{url}"
    );
    assert!(
        loaded
            .explain("themes.coding")
            .unwrap()
            .contains("What a chat is about.")
    );
    assert_eq!(loaded.explain("passwords").unwrap().matches("from: default").count(), 4);
    assert!(
        loaded
            .explain("session.idle_day")
            .unwrap_err()
            .contains("did you mean sessions.idle_days?")
    );
    assert_eq!(loaded.explain("xyzzyxyzzy").unwrap_err(), "xyzzyxyzzy: no such setting");
    assert_eq!(loaded.explain_all().matches("  from: ").count(), KEYS.len());
}

#[test]
fn check_counts_changes_and_lists_warnings() {
    let shown = render_check(&load(&[("PARLOR_BIND", "127.0.0.1:1"), ("PARLOR_BINT", "x")]));
    assert!(shown.starts_with("The settings are valid: 1 of "), "{shown}");
    assert!(shown.contains("warning: PARLOR_BINT is set but is no setting of Parlor; did you mean PARLOR_BIND?"));
    assert!(render_check(&load(&[("PARLOR_BIND", "x")])).starts_with("1 problem in the settings:\n  - bind "));
}
