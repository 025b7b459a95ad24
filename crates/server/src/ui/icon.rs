//! The line icons of the interface: 24 units square, drawn with the colour of the text around them.

/// The icon `name` as an inline `<svg>` that screen readers skip; nothing for an unknown name.
pub fn icon(name: &str) -> String {
    let Some((_, shape)) = ICONS.iter().find(|(known, _)| *known == name) else {
        return String::new();
    };
    format!("<svg class=\"icon\" viewBox=\"0 0 24 24\" aria-hidden=\"true\" focusable=\"false\">{shape}</svg>")
}

const ICONS: [(&str, &str); 23] = [
    ("plus", "<path d=\"M12 5v14M5 12h14\"/>"),
    (
        "search",
        "<circle cx=\"11\" cy=\"11\" r=\"6.5\"/><path d=\"m16 16 4 4\"/>",
    ),
    ("menu", "<path d=\"M4 7h16M4 12h16M4 17h10\"/>"),
    ("close", "<path d=\"m6 6 12 12M18 6 6 18\"/>"),
    (
        "more",
        "<path d=\"M6 12h.01M12 12h.01M18 12h.01\" stroke-width=\"2.6\"/>",
    ),
    ("send", "<path d=\"M12 19V5M6 11l6-6 6 6\"/>"),
    (
        "stop",
        "<rect x=\"7\" y=\"7\" width=\"10\" height=\"10\" rx=\"2\" fill=\"currentColor\"/>",
    ),
    (
        "memory",
        "<path d=\"M7 4h10a1.5 1.5 0 0 1 1.5 1.5V20L12 15.8 5.5 20V5.5A1.5 1.5 0 0 1 7 4z\"/>",
    ),
    (
        "account",
        "<circle cx=\"12\" cy=\"8.5\" r=\"3.8\"/><path d=\"M4.8 20a7.2 7.2 0 0 1 14.4 0\"/>",
    ),
    (
        "log-out",
        "<path d=\"M14 4.5H6.5A1.5 1.5 0 0 0 5 6v12a1.5 1.5 0 0 0 1.5 1.5H14M10 12h10M16.5 8.5 20 12l-3.5 3.5\"/>",
    ),
    (
        "trash",
        "<path d=\"M4.5 7h15M9.5 7V4.5h5V7M6.5 7l.9 12.5h9.2L17.5 7M10.3 11v5M13.7 11v5\"/>",
    ),
    ("down", "<path d=\"M12 5v14M6 13l6 6 6-6\"/>"),
    ("back", "<path d=\"M19 12H5M11 6l-6 6 6 6\"/>"),
    ("chevron", "<path d=\"m9 6 6 6-6 6\"/>"),
    (
        "alert",
        "<path d=\"M12 4 2.8 19.5h18.4z\"/><path d=\"M12 10v4M12 16.8v.01\"/>",
    ),
    (
        "chat",
        "<path d=\"M4 19.5V7A2.5 2.5 0 0 1 6.5 4.5h11A2.5 2.5 0 0 1 20 7v6.5a2.5 2.5 0 0 1-2.5 2.5H8z\"/>",
    ),
    (
        "language",
        "<circle cx=\"12\" cy=\"12\" r=\"8\"/><path d=\"M4 12h16M12 4c2.4 2.3 3.5 5 3.5 8s-1.1 5.7-3.5 8c-2.4-2.3-3.5-5-3.5-8s1.1-5.7 3.5-8z\"/>",
    ),
    (
        "device-desktop",
        "<rect x=\"3\" y=\"4.5\" width=\"18\" height=\"12\" rx=\"1.5\"/><path d=\"M8.5 20h7M12 16.5V20\"/>",
    ),
    (
        "device-mobile",
        "<rect x=\"7\" y=\"3\" width=\"10\" height=\"18\" rx=\"2\"/><path d=\"M11 17.8h2\"/>",
    ),
    (
        "device-tablet",
        "<rect x=\"4.5\" y=\"3\" width=\"15\" height=\"18\" rx=\"2\"/><path d=\"M10.5 17.8h3\"/>",
    ),
    (
        "device-bot",
        "<rect x=\"5\" y=\"8\" width=\"14\" height=\"11\" rx=\"2.5\"/><path d=\"M12 4.5V8M9.5 12.8v.4M14.5 12.8v.4M9.5 16h5\"/>",
    ),
    (
        "device-api",
        "<rect x=\"3.5\" y=\"5\" width=\"17\" height=\"14\" rx=\"2\"/><path d=\"m7.5 9.5 3 2.5-3 2.5M12.5 15h4\"/>",
    ),
    (
        "device-unknown",
        "<circle cx=\"12\" cy=\"12\" r=\"8.5\"/><path d=\"M9.6 9.6a2.5 2.5 0 1 1 3.4 2.6c-.7.3-1 .8-1 1.6M12 16.6v.01\"/>",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_icon_is_drawn_and_an_unknown_one_is_nothing() {
        assert!(icon("send").contains("<path"));
        assert_eq!(icon("unicorn"), "");
    }
}
