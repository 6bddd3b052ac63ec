//! The tree every phase before the model works on: values that know where they came from.

use std::collections::BTreeMap;

use super::report::Origin;
use super::scalar::{Resolved, resolve};

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
    /// A text.
    pub(super) fn string(origin: Origin, text: impl Into<String>) -> Self {
        Self { origin, tag: None, value: Value::Scalar(Scalar { text: text.into(), style: Style::Quoted }) }
    }

    pub(super) fn number(origin: Origin, number: i64) -> Self {
        Self { origin, tag: None, value: Value::Scalar(Scalar { text: number.to_string(), style: Style::Plain }) }
    }

    pub(super) fn boolean(origin: Origin, value: bool) -> Self {
        Self { origin, tag: None, value: Value::Scalar(Scalar { text: value.to_string(), style: Style::Plain }) }
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
        matches!(&self.value, Value::Scalar(scalar) if scalar.is_null())
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

    pub(super) fn entries_mut(&mut self) -> Option<&mut Mapping> {
        match &mut self.value {
            Value::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// The items of a list; none of anything else.
    pub(super) fn items(&self) -> &[Self] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The value of a key for changing it, unless it is null.
    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        self.entries_mut()?.get_mut(key).map(|entry| &mut entry.value).filter(|value| !value.is_null())
    }

    /// The text of a key.
    pub(super) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    /// Whether a key is `true`.
    pub(super) fn is_true(&self, key: &str) -> bool {
        self.text_of(key) == Some("true")
    }

    /// Sets a key that is given by nobody.
    pub(super) fn set(&mut self, key: &str, value: Self) {
        if let Value::Mapping(entries) = &mut self.value {
            entries.insert(key.to_owned(), Entry { key: value.origin, value });
        }
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
                Kind::Date => "a date",
                Kind::String => "a string",
            },
        }
    }

    /// Whether `over` can be merged over this: anything over a scalar, a list over a list, a mapping over a mapping; a mistake
    /// is like anything.
    pub(super) fn takes(&self, over: &Self) -> bool {
        matches!(
            (&self.value, &over.value),
            (Value::Scalar(_) | Value::Invalid, _)
                | (_, Value::Invalid)
                | (Value::Sequence(_), Value::Sequence(_))
                | (Value::Mapping(_), Value::Mapping(_))
        )
    }

    /// Whether two nodes hold the same, wherever they stand.
    pub(super) fn same_value(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::Scalar(one), Value::Scalar(two)) => one == two,
            (Value::Sequence(one), Value::Sequence(two)) => {
                one.len() == two.len() && one.iter().zip(two).all(|(one, two)| one.same_value(two))
            }
            (Value::Mapping(one), Value::Mapping(two)) => {
                let same = |((one_key, one), (two_key, two)): ((&String, &Entry), (&String, &Entry))| {
                    one_key == two_key && one.value.same_value(&two.value)
                };
                one.len() == two.len() && one.iter().zip(two).all(same)
            }
            (Value::Invalid, Value::Invalid) => true,
            _ => false,
        }
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

/// What YAML makes of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Number,
    Date,
    String,
}

impl Scalar {
    pub(super) fn kind(&self) -> Kind {
        if self.style != Style::Plain {
            return Kind::String;
        }
        match resolve(&self.text) {
            Resolved::Null => Kind::Null,
            Resolved::Bool(_) => Kind::Boolean,
            Resolved::Int(_) | Resolved::Float(_) => Kind::Number,
            Resolved::Timestamp => Kind::Date,
            Resolved::String => Kind::String,
        }
    }

    fn is_null(&self) -> bool {
        self.style == Style::Plain && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }
}
