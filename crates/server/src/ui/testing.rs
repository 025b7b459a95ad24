//! For the tests of views: sample frames, and what must hold for every page.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Banner, LOCALES, Notice, NoticeKind, Page, Text, Theme, Viewer};

/// A frame for each language, signed in and with a notice.
pub fn pages() -> Vec<Page> {
    LOCALES.iter().map(|locale| page(locale.code)).collect()
}

/// The frame of one language.
pub fn page(code: &str) -> Page {
    Page {
        text: Text::for_locale(code),
        nonce: "test-nonce".into(),
        csrf: "test-csrf".into(),
        viewer: Some(Viewer {
            display_name: "Mira Holm".into(),
            email: "mira@example.org".into(),
            is_admin: true,
        }),
        path: "/chats".into(),
        theme: Theme::Auto,
        notice: Some(Notice {
            kind: NoticeKind::Info,
            text: "A notice <b>".into(),
        }),
        banners: vec![Banner {
            id: "0198c0de-0000-7000-8000-000000000000".into(),
            text: "Something <new>".into(),
            link: Some(("/sessions", "Look".into())),
        }],
    }
}

/// What must hold for every page: nothing left unfilled, language set, one main heading, every field labelled, and
/// nothing that the Content-Security-Policy would refuse.
pub fn check_html(html: &str, page: &Page) {
    assert!(
        html.contains(&format!("<html lang=\"{}\"", page.locale().code)),
        "the language"
    );
    check_fragment(html);
    assert_eq!(html.matches("<h1").count(), 1, "one main heading");
    assert!(html.contains("<title>") && !html.contains("<title></title>"), "a title");
    for script in tags(html, "script") {
        assert!(
            script.contains("nonce=\"test-nonce\"") && script.contains("src="),
            "{script}"
        );
    }
    for form in html
        .split("<form")
        .skip(1)
        .filter(|form| form.split('>').next().unwrap_or("").contains("method=\"post\""))
    {
        let form = form.split("</form>").next().unwrap_or(form);
        assert!(form.contains("name=\"csrf_token\" value=\"test-csrf\""), "{form}");
    }
}

/// What must hold for a part of a page.
pub fn check_fragment(html: &str) {
    assert!(!html.contains("{{") && !html.contains("{%"), "nothing left unfilled");
    assert!(
        !html.contains(" style=") && !html.contains(" onclick="),
        "no inline style or script"
    );
    for key in keys_in_use().keys() {
        for place in [
            format!(">{key}<"),
            format!("aria-label=\"{key}\""),
            format!("placeholder=\"{key}\""),
            format!("title=\"{key}\""),
        ] {
            assert!(!html.contains(&place), "{key} has no words");
        }
    }
    for name in ["input", "textarea", "select"] {
        for field in tags(html, name) {
            check_label(html, field);
        }
    }
}

fn check_label(html: &str, field: &str) {
    if field.contains("type=\"hidden\"") || field.contains("aria-label=") {
        return;
    }
    let id = field.split(" id=\"").nth(1).and_then(|rest| rest.split('"').next());
    let id = id.unwrap_or_else(|| panic!("a field without id: {field}"));
    assert!(html.contains(&format!("for=\"{id}\"")), "no label for {id}");
}

fn tags<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let opening = format!("<{name} ");
    html.match_indices(&opening)
        .filter_map(|(start, _)| html[start..].split('>').next())
        .collect()
}

/// Every literal key that a template or Rust file asks for, with a file that does.
pub fn keys_in_use() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found
}

fn collect(folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found);
        } else if ["html", "rs"]
            .iter()
            .any(|extension| path.extension().is_some_and(|found| found == *extension))
        {
            let source = std::fs::read_to_string(&path).unwrap_or_default();
            found.extend(keys(&source).map(|key| (key, path.display().to_string())));
        }
    }
}

fn keys(source: &str) -> impl Iterator<Item = String> {
    let calls = [
        "page.t(\"",
        "page.with(\"",
        "page.count(\"",
        "text.t(\"",
        "text.t_with(\"",
    ];
    let argument = |call: &'static str| source.split(call).skip(1).filter_map(|rest| rest.split('"').next());
    calls
        .into_iter()
        .flat_map(argument)
        .filter(|key| *key != "no-such-key")
        .map(str::to_owned)
        .collect::<Vec<_>>()
        .into_iter()
}
