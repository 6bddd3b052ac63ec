//! The tree every phase before the model works on: values that know where they came from.

use std::collections::BTreeMap;

use super::report::Origin;

/// A value in a tree.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) origin: Origin,
    pub(super) tag: Option<Tag>,
    pub(super) value: Value,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Mapping),
    /// A value with a mistake that is already reported: whoever meets it says nothing more.
    Invalid,
}

/// The entries of a mapping by key.
pub(super) type Mapping = BTreeMap<String, Entry>;

/// The value of a key and where the key stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: Origin,
    pub(super) value: Node,
}

/// A text and whether its form may give it another type than string.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scalar {
    pub(super) text: String,
    pub(super) style: Style,
}

/// How a scalar was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Without quotes: may be null, a boolean or a number.
    Plain,
    /// In quotes or as a block: a string.
    Quoted,
    /// The result of a substitution: whatever is wanted of it.
    Interpolated,
}

/// What Compose makes of a tagged node when files are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    /// `!reset`: removes the value of earlier files.
    Reset,
    /// `!override`: replaces it, where it would be merged.
    Override,
}

impl Node {
    pub(super) fn scalar(origin: Origin, text: impl Into<String>) -> Self {
        Self { origin, tag: None, value: Value::Scalar(Scalar { text: text.into(), style: Style::Interpolated }) }
    }

    pub(super) fn null(origin: Origin) -> Self {
        Self { origin, tag: None, value: Value::Scalar(Scalar { text: String::new(), style: Style::Plain }) }
    }

    pub(super) fn sequence(origin: Origin, items: Vec<Self>) -> Self {
        Self { origin, tag: None, value: Value::Sequence(items) }
    }

    pub(super) fn mapping<K: Into<String>>(origin: Origin, entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        let entries = entries.into_iter().map(|(key, value)| (key.into(), Entry { key: origin, value }));
        Self { origin, tag: None, value: Value::Mapping(entries.collect()) }
    }

    /// `~`, `null` or nothing at all.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.kind() == Kind::Null)
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    pub(super) fn entries(&self) -> Option<&Mapping> {
        match &self.value {
            Value::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// The value of a key, unless it is null.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entries()?.get(key).map(|entry| &entry.value).filter(|value| !value.is_null())
    }

    /// What the node is, in words.
    pub(super) fn found(&self) -> &'static str {
        match &self.value {
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
            Value::Invalid => "a mistake",
            Value::Scalar(scalar) => match scalar.kind() {
                Kind::Null => "nothing",
                Kind::Boolean => "a boolean",
                Kind::Number => "a number",
                Kind::String => "a string",
            },
        }
    }

    /// Whether two nodes are both scalars, both lists or both mappings; a mistake is like anything.
    pub(super) fn merges_with(&self, other: &Self) -> bool {
        matches!(
            (&self.value, &other.value),
            (Value::Scalar(_), Value::Scalar(_))
                | (Value::Sequence(_), Value::Sequence(_))
                | (Value::Mapping(_), Value::Mapping(_))
                | (Value::Invalid, _)
                | (_, Value::Invalid)
        )
    }

    /// How many nodes it has, and how deep they are nested.
    pub(super) fn measure(&self) -> (usize, usize) {
        let fold = |(size, depth): (usize, usize), node: &Self| {
            let (more, deeper) = node.measure();
            (size + more, depth.max(deeper + 1))
        };
        match &self.value {
            Value::Scalar(_) | Value::Invalid => (1, 0),
            Value::Sequence(items) => items.iter().fold((1, 1), fold),
            Value::Mapping(entries) => entries.values().map(|entry| &entry.value).fold((1, 1), fold),
        }
    }
}

/// What YAML's core schema makes of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Number,
    String,
}

impl Scalar {
    pub(super) fn kind(&self) -> Kind {
        match (self.style, self.text.as_str()) {
            (Style::Quoted | Style::Interpolated, _) => Kind::String,
            (Style::Plain, "" | "~" | "null" | "Null" | "NULL") => Kind::Null,
            (Style::Plain, "true" | "True" | "TRUE" | "false" | "False" | "FALSE") => Kind::Boolean,
            (Style::Plain, text) if is_number(text) => Kind::Number,
            (Style::Plain, _) => Kind::String,
        }
    }
}

/// Integers in any base and decimals; `_` may separate digits, as in YAML 1.1.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(digits, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let based = |prefix: &str, base: u32| {
        digits.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_digit(base)))
    };
    if based("0x", 16) || based("0o", 8) || based("0b", 2) {
        return true;
    }
    let plain = digits.replace('_', "");
    digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && plain.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b))
        && plain.parse::<f64>().is_ok()
}
