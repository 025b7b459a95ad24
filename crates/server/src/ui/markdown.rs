//! An answer's Markdown as safe HTML.
//!
//! Three steps, each with one task: comrak reads the Markdown and escapes raw HTML, [`code`] colours fenced code by
//! class, and [`sanitize`] lets only known elements through. The last step does not trust the first two.

mod code;
mod sanitize;

use comrak::nodes::{AstNode, NodeValue};
use comrak::{Arena, Options, format_html, parse_document};

/// Headings start below those of the page and of the message.
const HEADING_SHIFT: u8 = 2;

/// Renders Markdown, complete or cut off anywhere, as HTML that is safe to put into a page.
///
/// Pictures become links, because fetching one would tell its server who reads.
pub fn render(markdown: &str) -> String {
    let arena = Arena::new();
    let options = options();
    let root = parse_document(&arena, markdown, &options);
    for node in root.descendants() {
        prepare(node);
    }
    let mut html = String::with_capacity(markdown.len() * 2);
    match format_html(root, &options, &mut html) {
        Ok(()) => sanitize::clean(&with_task_marks(&html)),
        // Writing to a string does not fail; if it ever did, the words are still shown.
        Err(_) => ammonia::clean_text(markdown),
    }
}

fn options() -> Options<'static> {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.tasklist = true;
    options.extension.autolink = true;
    options.render.escape = true;
    options.render.hardbreaks = true;
    options
}

fn prepare<'a>(node: &'a AstNode<'a>) {
    let value = &mut node.data_mut().value;
    match value {
        NodeValue::Heading(heading) => heading.level = (heading.level + HEADING_SHIFT).min(6),
        NodeValue::Image(image) => *value = NodeValue::Link(image.clone()),
        NodeValue::CodeBlock(block) => {
            let language = block.info.split_whitespace().next().unwrap_or("");
            *value = NodeValue::Raw(code::figure(language, &block.literal));
        }
        _ => {}
    }
}

/// A check mark instead of an input: nothing in an answer can be ticked, and an input without a label is a riddle to a
/// screen reader. Raw HTML is escaped by now, so these strings come from task lists alone.
fn with_task_marks(html: &str) -> String {
    html.replace(
        "<input type=\"checkbox\" checked=\"\" disabled=\"\" />",
        "<span class=\"task\">☑</span>",
    )
    .replace(
        "<input type=\"checkbox\" disabled=\"\" />",
        "<span class=\"task\">☐</span>",
    )
}

#[cfg(test)]
mod tests;
