//! The last gate: only these elements, attributes and addresses reach a page.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};

const ELEMENTS: [&str; 33] = [
    "a",
    "b",
    "blockquote",
    "br",
    "button",
    "code",
    "del",
    "em",
    "figcaption",
    "figure",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "kbd",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
];

static GATE: LazyLock<Builder<'static>> = LazyLock::new(gate);

/// What may stay of `html`.
pub fn clean(html: &str) -> String {
    GATE.clean(html).to_string()
}

fn gate() -> Builder<'static> {
    let mut builder = Builder::empty();
    builder
        .tags(HashSet::from(ELEMENTS))
        .clean_content_tags(HashSet::from(["script", "style"]))
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href", "title"])),
            ("ol", HashSet::from(["start"])),
            ("td", HashSet::from(["align"])),
            ("th", HashSet::from(["align"])),
        ]))
        .tag_attribute_values(HashMap::from([
            (
                "button",
                HashMap::from([
                    ("type", HashSet::from(["button"])),
                    ("hidden", HashSet::from([""])),
                    ("data-copy", HashSet::from([""])),
                ]),
            ),
            ("pre", HashMap::from([("tabindex", HashSet::from(["0"]))])),
        ]))
        .set_tag_attribute_value("a", "target", "_blank")
        .allowed_classes(HashMap::from([
            ("figure", HashSet::from(["code"])),
            ("button", HashSet::from(["code-copy"])),
        ]))
        // Span classes are many (one for each kind of token), so they are judged by name below.
        .add_tag_attributes("span", ["class"])
        .attribute_filter(|element, attribute, value| {
            (element != "span" || attribute != "class" || span_class(value)).then(|| value.into())
        })
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        // A relative link would lead into Parlor itself, with the reader's cookie.
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow"));
    builder
}

/// Classes of highlighted code, and our own two.
fn span_class(value: &str) -> bool {
    value == "task" || value == "code-language" || value.split(' ').all(|class| class.starts_with("hl-"))
}
