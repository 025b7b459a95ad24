//! Fenced code: highlighted by class, with its language and a copy button.

use std::sync::LazyLock;

use syntect::html::{ClassStyle, ClassedHTMLGenerator};
use syntect::parsing::{SyntaxReference, SyntaxSet};
use syntect::util::LinesWithEndings;

/// Loading takes tens of milliseconds, so it happens once.
static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(SyntaxSet::load_defaults_newlines);

/// Colouring costs about a microsecond a byte; beyond these sizes (in bytes) code is shown plain, so that nobody can
/// keep a core busy with one message.
const MAX_CODE: usize = 48 * 1024;
const MAX_LINE: usize = 2 * 1024;

/// Names people write after a fence for languages that go by another name here.
const ALIASES: [(&str, &str); 9] = [
    ("typescript", "js"),
    ("ts", "js"),
    ("tsx", "js"),
    ("jsx", "js"),
    ("shell", "sh"),
    ("console", "sh"),
    ("golang", "go"),
    ("jsonc", "json"),
    ("kotlin", "java"),
];

/// A block of code as `<figure class="code">`. The button has no words: the page's script adds them and shows it.
pub fn figure(language: &str, code: &str) -> String {
    let label = ammonia::clean_text(language);
    let body = highlight(language, code).unwrap_or_else(|| ammonia::clean_text(code));
    format!(
        "<figure class=\"code\"><figcaption><span class=\"code-language\">{label}</span>\
         <button type=\"button\" class=\"code-copy\" data-copy hidden></button></figcaption>\
         <pre tabindex=\"0\"><code>{body}</code></pre></figure>"
    )
}

fn highlight(language: &str, code: &str) -> Option<String> {
    if code.len() > MAX_CODE || code.lines().any(|line| line.len() > MAX_LINE) {
        return None;
    }
    let style = ClassStyle::SpacedPrefixed { prefix: "hl-" };
    let mut generator = ClassedHTMLGenerator::new_with_class_style(syntax(language)?, &SYNTAXES, style);
    for line in LinesWithEndings::from(code) {
        generator.parse_html_for_line_which_includes_newline(line).ok()?;
    }
    Some(generator.finalize())
}

fn syntax(language: &str) -> Option<&'static SyntaxReference> {
    let name = language.to_ascii_lowercase();
    let name = ALIASES
        .iter()
        .find(|(alias, _)| *alias == name)
        .map_or(name.as_str(), |(_, known)| known);
    if name.is_empty() {
        None
    } else {
        SYNTAXES.find_syntax_by_token(name)
    }
}
