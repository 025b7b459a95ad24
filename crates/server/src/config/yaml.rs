//! YAML as a flat list of settings with the line each stands on, so that a problem can point at it.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use serde_saphyr::Spanned;

/// One setting of a file.
#[derive(Debug)]
pub(super) struct Entry {
    /// Dotted path.
    pub path: String,
    /// The value: a scalar, a list, or `Null` when nothing is written behind the key.
    pub value: Value,
    /// Line of the key, counted from 1.
    pub line: u64,
}

/// Why a file could not be read as YAML. The text quotes nothing of the file, which may hold secrets.
#[derive(Debug)]
pub(super) struct YamlError {
    pub message: String,
    pub line: Option<u64>,
}

/// Reads a mapping of settings; an empty file has none.
pub(super) fn entries(text: &str) -> Result<Vec<Entry>, YamlError> {
    let options = serde_saphyr::options! { with_snippet: false, strict_booleans: true };
    let node = serde_saphyr::from_str_with_options(text, options).map_err(|error| YamlError {
        message: safe_message(&error.to_string()),
        line: error.location().map(|location| location.line()),
    })?;
    let mut found = Vec::new();
    match node {
        Node::Map(map) => flatten("", map, &mut found),
        Node::Leaf(Value::Null) => {}
        Node::Leaf(_) => {
            return Err(YamlError {
                message: "expected `key: value` lines".to_owned(),
                line: Some(1),
            });
        }
    }
    Ok(found)
}

/// The first line of the parser's message: the rest may show the source.
fn safe_message(full: &str) -> String {
    full.lines().next().unwrap_or("not YAML").to_owned()
}

fn flatten(prefix: &str, map: Vec<(Spanned<String>, Node)>, found: &mut Vec<Entry>) {
    for (key, node) in map {
        let path = if prefix.is_empty() {
            key.value
        } else {
            format!("{prefix}.{}", key.value)
        };
        match node {
            Node::Map(inner) => flatten(&path, inner, found),
            Node::Leaf(value) => found.push(Entry {
                path,
                value,
                line: key.referenced.line(),
            }),
        }
    }
}

enum Node {
    Leaf(Value),
    Map(Vec<(Spanned<String>, Node)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a setting or a section")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Leaf(Value::from(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Leaf(Value::from(value)))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Node, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("not a finite number"))?;
        Ok(Node::Leaf(Value::Number(number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Leaf(Value::from(value)))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Value>()? {
            list.push(item);
        }
        Ok(Node::Leaf(Value::Array(list)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry::<Spanned<String>, Node>()? {
            map.push(entry);
        }
        Ok(Node::Map(map))
    }
}
