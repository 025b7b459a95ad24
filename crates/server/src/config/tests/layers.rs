use super::super::{Environment, LogFormat, Origin, RateLimits};
use super::{Config, file, load};

#[test]
fn nothing_configured_is_a_valid_local_server() {
    let config = load(&[("HOME", "/home/ada")]).unwrap().config;
    assert_eq!(config.bind.to_string(), "127.0.0.1:8080");
    assert_eq!(config.public_url, "http://127.0.0.1:8080");
    assert_eq!(config.env, Environment::Development);
    assert_eq!(config.rate_limits, RateLimits::Default);
    assert_eq!(config.telemetry.log_format, LogFormat::Auto);
    assert_eq!(config.models.dir.to_str(), Some("/home/ada/.cache/parlor/models"));
    assert_eq!(config.tiers.enhanced.units, 2);
    assert!(config.themes.contains_key("coding"));
    assert!(!config.is_https() && !config.database.url.is_set() && !config.providers.openai.is_on());
}

#[test]
fn the_cache_folder_follows_the_desktop_rules() {
    let dir = |env: &[(&str, &str)]| load(env).unwrap().config.models.dir.to_str().unwrap().to_owned();
    assert_eq!(dir(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/c")]), "/c/parlor/models");
    assert_eq!(
        dir(&[("HOME", "/h"), ("XDG_CACHE_HOME", "relative")]),
        "/h/.cache/parlor/models"
    );
    assert_eq!(dir(&[]), "./data/models");
    assert_eq!(dir(&[("HOME", "/h"), ("PARLOR_MODELS_DIR", "/m")]), "/m");
}

#[test]
fn a_file_overrides_the_defaults_and_the_environment_overrides_both() {
    let yaml = "sessions:\n  idle_days: 3\n  remember_days: 60\nthemes:\n  cooking: The person cooks.\n";
    let (_folder, path) = file("my.yaml", yaml);
    let loaded = load(&[("PARLOR_CONFIG", &path), ("PARLOR_SESSIONS_REMEMBER_DAYS", "45")]).unwrap();
    let sessions = &loaded.config.sessions;
    assert_eq!(
        (sessions.idle_days, sessions.remember_days, sessions.absolute_days),
        (3, 45, 30)
    );
    assert_eq!(loaded.config.themes["cooking"], "The person cooks.");
    assert!(
        loaded.config.themes.contains_key("writing"),
        "a file adds themes, it does not replace them"
    );
    assert_eq!(
        *loaded.origin("sessions.idle_days"),
        Origin::File {
            path: path.into(),
            line: 2
        }
    );
    assert_eq!(
        *loaded.origin("sessions.remember_days"),
        Origin::Env("PARLOR_SESSIONS_REMEMBER_DAYS".into())
    );
    assert_eq!(*loaded.origin("sessions.absolute_days"), Origin::Default);
}

#[test]
fn a_folder_is_read_file_by_file() {
    let (folder, _) = file("server.yaml", "bind: 127.0.0.1:9000\nhttp:\n");
    std::fs::write(
        folder.path().join("prompts.yaml"),
        "tiers:\n  quick:\n    temperature: 1\n",
    )
    .unwrap();
    let config = load(&[("PARLOR_CONFIG", folder.path().to_str().unwrap())])
        .unwrap()
        .config;
    assert_eq!(config.bind.port(), 9000);
    assert_eq!(config.public_url, "http://127.0.0.1:9000");
    assert!((config.tiers.quick.temperature - 1.0).abs() < f32::EPSILON);
}

#[test]
fn an_empty_file_changes_nothing() {
    let (_folder, path) = file("empty.yaml", "# only a comment\n");
    assert!(load(&[("PARLOR_CONFIG", &path)]).unwrap().origins.is_empty());
}

#[test]
fn environment_values_are_read_as_the_type_of_the_default() {
    let config = load(&[
        ("PARLOR_MEMORY_ENABLED", "no"),
        ("PARLOR_HTTP_TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
        ("PARLOR_TIERS_QUICK_TEMPERATURE", "0"),
        ("PARLOR_SESSIONS_IDLE_DAYS", ""),
        ("PARLOR_TELEMETRY_METRICS_TOKEN", "no: [it is] #1 *text"),
        ("PARLOR_DATA_DIR", "0123"),
    ])
    .unwrap()
    .config;
    assert!(!config.memory.enabled);
    assert_eq!(config.http.trusted_proxies.len(), 2);
    assert!(config.tiers.quick.temperature.abs() < f32::EPSILON);
    assert_eq!(config.sessions.idle_days, 7, "an empty number is an unset one");
    assert_eq!(config.telemetry.metrics_token.expose(), "no: [it is] #1 *text");
    assert_eq!(config.data_dir.to_str(), Some("0123"));
}

#[test]
fn other_programs_names_work_and_ours_win() {
    let alias = load(&[
        ("DATABASE_URL", "postgres://h/a"),
        ("OPENAI_API_KEY", "k1"),
        ("OPENAI_BASE_URL", ""),
    ])
    .unwrap();
    assert_eq!(alias.config.database.url.expose(), "postgres://h/a");
    assert!(alias.config.database.is_postgres());
    assert_eq!(alias.config.providers.openai.api_key.expose(), "k1");
    assert_eq!(alias.config.providers.openai.endpoint(), "https://api.openai.com/v1");
    let both = load(&[
        ("DATABASE_URL", "postgres://h/a"),
        ("PARLOR_DATABASE_URL", "sqlite:b.db"),
    ])
    .unwrap();
    assert_eq!(both.config.database.url.expose(), "sqlite:b.db");
}

#[test]
fn a_secret_can_come_from_a_file() {
    let (_folder, path) = file("key", "  sk-from-file\n");
    let loaded = load(&[("OPENAI_API_KEY_FILE", &path)]).unwrap();
    assert_eq!(loaded.config.providers.openai.api_key.expose(), "sk-from-file");
    let ours = load(&[
        ("OPENAI_API_KEY", "other"),
        ("PARLOR_PROVIDERS_OPENAI_API_KEY_FILE", &path),
    ])
    .unwrap();
    assert_eq!(ours.config.providers.openai.api_key.expose(), "sk-from-file");
    let public = load(&[("PARLOR_BIND_FILE", &path)]).unwrap();
    assert_eq!(public.warnings.len(), 1, "what is no secret is not read from files");
}

#[test]
fn unknown_names_warn_and_point_at_the_nearest() {
    let loaded = load(&[
        ("PARLOR_SESSION_IDLE_DAYS", "3"),
        ("PARLOR_TEST_POSTGRES", "x"),
        ("OTHER", "y"),
    ])
    .unwrap();
    let warning =
        "PARLOR_SESSION_IDLE_DAYS is set but is no setting of Parlor; did you mean PARLOR_SESSIONS_IDLE_DAYS?";
    assert_eq!(loaded.warnings, [warning]);
}

#[test]
fn the_public_address_has_no_trailing_slash_and_names_no_wildcard() {
    let url = |env: &[(&str, &str)]| load(env).unwrap().config.public_url;
    assert_eq!(
        url(&[("PARLOR_PUBLIC_URL", "https://chat.example.org/")]),
        "https://chat.example.org"
    );
    assert_eq!(url(&[("PARLOR_BIND", "0.0.0.0:80")]), "http://localhost:80");
    assert_eq!(url(&[("PARLOR_BIND", "[::1]:80")]), "http://[::1]:80");
}

#[test]
fn a_system_prompt_takes_the_date_and_the_name() {
    let env = [(
        "PARLOR_TIERS_QUICK_SYSTEM",
        "Today is {{date}}, you talk to {{ name }}. {x}",
    )];
    let tier = load(&env).unwrap().config.tiers.quick;
    assert_eq!(
        tier.system_prompt("2026-11-21", "{{date}}"),
        "Today is 2026-11-21, you talk to {{date}}. {x}"
    );
}

#[test]
fn the_settings_for_tests_are_valid() {
    let config = Config::for_tests();
    assert_eq!((config.bind.port(), config.rate_limits), (0, RateLimits::Off));
}
