//! What `config` prints, between the tree and the text: values without places, keys in their final order.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Number;

/// A value to print.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Printed {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Self>),
    Map(Entries),
}

/// The entries of a mapping in the order they are printed in.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Entries(pub(super) Vec<(String, Printed)>);

impl Printed {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Whether it says nothing.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Null | Self::Bool(false) => true,
            Self::Bool(true) => false,
            Self::Text(text) => text.is_empty(),
            Self::Number(number) => number.as_f64() == Some(0.0),
            Self::List(items) => items.is_empty(),
            Self::Map(entries) => entries.0.is_empty(),
        }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is the number 0.
    pub(super) fn is_zero(&self) -> bool {
        matches!(self, Self::Number(number) if number.as_i64() == Some(0))
    }
}

impl Entries {
    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Printed> {
        self.0.iter_mut().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    pub(super) fn remove(&mut self, key: &str) -> Option<Printed> {
        let at = self.0.iter().position(|(known, _)| known == key)?;
        Some(self.0.remove(at).1)
    }

    pub(super) fn push(&mut self, key: impl Into<String>, value: Printed) {
        self.0.push((key.into(), value));
    }
}

impl FromIterator<(String, Printed)> for Entries {
    fn from_iter<I: IntoIterator<Item = (String, Printed)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl Serialize for Printed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => items.serialize(serializer),
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.0.len()))?;
                for (key, value) in &entries.0 {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}
