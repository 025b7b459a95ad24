use proptest::prelude::*;

use super::render;

#[test]
fn renders_what_people_write() {
    let html = render(
        "# Plan\n\n- [x] pack\n- [ ] go\n\n| a | b |\n|---|--:|\n| 1 | ~~2~~ |\n\nSee https://example.org **now**.",
    );
    assert!(html.contains("<h3>Plan</h3>"), "{html}");
    assert!(html.contains("<span class=\"task\">☑</span> pack"), "{html}");
    assert!(html.contains("<span class=\"task\">☐</span> go"), "{html}");
    assert!(html.contains("<td align=\"right\"><del>2</del></td>"), "{html}");
    assert!(html.contains("<strong>now</strong>"), "{html}");
}

#[test]
fn links_leave_without_a_trace() {
    let html = render("[a](https://example.org/x) and [here](/en/logout) and [mail](mailto:a@example.org)");
    assert_eq!(
        html.matches("rel=\"noopener noreferrer nofollow\"").count(),
        3,
        "{html}"
    );
    assert_eq!(html.matches("target=\"_blank\"").count(), 3, "{html}");
    assert!(html.contains("href=\"https://example.org/x\""), "{html}");
    assert!(!html.contains("logout"), "{html}");
}

#[test]
fn pictures_are_links() {
    let html = render("![my cat](https://tracker.example/cat.png \"Tom\")");
    assert!(!html.contains("<img"), "{html}");
    assert!(html.contains("href=\"https://tracker.example/cat.png\""), "{html}");
    assert!(html.contains(">my cat</a>"), "{html}");
}

#[test]
fn code_is_coloured_labelled_and_can_be_copied() {
    let html = render("```rust\nfn main() { let a = \"<b>\"; }\n```");
    assert!(html.contains("<figure class=\"code\">"), "{html}");
    assert!(html.contains("<span class=\"code-language\">rust</span>"), "{html}");
    assert!(
        html.contains("<button type=\"button\" class=\"code-copy\" data-copy=\"\" hidden=\"\"></button>"),
        "{html}"
    );
    assert!(html.contains("class=\"hl-storage"), "{html}");
    assert!(html.contains("&lt;b&gt;"), "{html}");
}

#[test]
fn an_unknown_language_is_shown_plain() {
    let html = render("```klingon\nbatlh <x>\n```");
    assert!(html.contains("<code>batlh &lt;x&gt;"), "{html}");
}

/// While an answer arrives its Markdown is cut anywhere; every prefix must render.
#[test]
fn every_prefix_of_an_answer_renders() {
    let answer = "## A\n\n1. **x** `y`\n   ```js\n   let a = [1];\n   ```\n\n| a | b |\n|---|---|\n| [l](http://e.org) | ~~z~~ |\n";
    for end in (0..=answer.len()).filter(|end| answer.is_char_boundary(*end)) {
        render(&answer[..end]);
    }
    assert!(
        render("Look:\n```py\nprint(").contains("<figure class=\"code\">"),
        "an open fence is code already"
    );
}

/// SEC: what an answer (or a memory in it) contains never runs in the reader's page.
#[test]
fn known_attacks_are_harmless() {
    for attack in ATTACKS {
        assert_harmless(attack);
    }
}

const ATTACKS: [&str; 30] = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<a href=\"javascript:alert(1)\">x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](vbscript:msgbox(1))",
    "[x]( javascript:alert(1))",
    "<javascript:alert(1)>",
    "![x](javascript:alert(1))",
    "![x](https://e.org/\" onerror=\"alert(1))",
    "[x](https://e.org \"t\\\" onmouseover=\\\"alert(1)\")",
    "[ref]\n\n[ref]: javascript:alert(1)",
    "```\"><script>alert(1)</script>\ncode\n```",
    "```html\n<script>alert(1)</script>\n```",
    "```js onload=alert(1)\n</code></pre><script>alert(1)</script>\n```",
    "| <script>alert(1)</script> |\n|---|\n| <img src=x onerror=alert(1)> |",
    "<style>@import 'https://e.org/x.css';</style>",
    "<form action=https://e.org><input name=password><button>go</button></form>",
    "<base href=https://e.org>",
    "<meta http-equiv=refresh content='0;url=https://e.org'>",
    "<div style=\"background:url(https://e.org)\" class=\"composer\" id=\"composer\">x</div>",
    "<span class=\"hl-x\" onclick=\"alert(1)\">x</span>",
    "- [x] <input type=\"checkbox\" onfocus=alert(1) autofocus>",
];

/// Only elements and attributes can act, so they are read as a browser reads them: quotes hide everything but their end.
fn assert_harmless(markdown: &str) {
    let html = render(markdown);
    for (element, attributes) in elements(&html) {
        assert!(
            HARMLESS.contains(&element.as_str()),
            "{markdown:?} gave <{element}> in {html}"
        );
        for (name, value) in attributes {
            assert!(
                QUIET.contains(&name.as_str()),
                "{markdown:?} gave {name}={value:?} in {html}"
            );
            let schemes = ["http://", "https://", "mailto:"];
            assert!(
                name != "href" || schemes.iter().any(|scheme| value.to_lowercase().starts_with(scheme)),
                "{markdown:?} gave {value}"
            );
        }
    }
}

const HARMLESS: [&str; 25] = [
    "a",
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
    "li",
    "ol",
    "p",
    "pre",
    "span",
    "strong",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
];
const QUIET: [&str; 11] = [
    "align",
    "class",
    "data-copy",
    "hidden",
    "href",
    "rel",
    "start",
    "tabindex",
    "target",
    "title",
    "type",
];

/// Every opening tag of well-formed HTML: its name, and its attributes with their values.
fn elements(html: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let name_end = rest.find([' ', '>', '/', '\n']).unwrap_or(rest.len());
        let name = rest[..name_end].to_lowercase();
        rest = &rest[name_end..];
        let (attributes, after) = attributes(rest);
        if !name.is_empty() && name != "tr" && name != "ul" {
            found.push((name, attributes));
        }
        rest = after;
    }
    found
}

fn attributes(mut rest: &str) -> (Vec<(String, String)>, &str) {
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '/', '\n']);
        let Some(end) = rest.find(['=', '>', ' ']) else {
            return (found, "");
        };
        if let Some(after) = rest.strip_prefix('>') {
            return (found, after);
        }
        let name = rest[..end].to_lowercase();
        rest = &rest[end..];
        let value = rest.strip_prefix("=\"").and_then(|quoted| quoted.split_once('"'));
        rest = value.map_or(rest, |(_, after)| after);
        found.push((name, value.map_or(String::new(), |(value, _)| value.to_owned())));
    }
}

/// The reader of tags above must see what there is, or the tests with it mean nothing.
#[test]
fn the_reader_of_tags_sees_attributes() {
    let found = elements("<p>x</p><img src=\"a>b\" onerror=\"y\"><a hidden>");
    let image = found.iter().find(|(name, _)| name == "img").expect("the image");
    assert_eq!(
        image.1,
        [
            ("src".to_owned(), "a>b".to_owned()),
            ("onerror".to_owned(), "y".to_owned())
        ]
    );
    assert_eq!(
        found.iter().find(|(name, _)| name == "a").expect("the link").1[0].0,
        "hidden"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn nothing_anybody_writes_gets_through(parts in prop::collection::vec(prop::sample::select(&FRAGMENTS[..]), 1..12)) {
        assert_harmless(&parts.concat());
    }
}

const FRAGMENTS: [&str; 24] = [
    "<script>",
    "</script>",
    "<img src=x ",
    "onerror=alert(1)",
    ">",
    "\"",
    "'",
    "`",
    "```",
    "\n",
    "[x](",
    "javascript:",
    "alert(1)",
    ")",
    "<svg onload=",
    "<a href=",
    "| a |\n|---|\n",
    "- [x] ",
    "![",
    "](",
    "&quot;",
    "<!--",
    "-->",
    "\\",
];
