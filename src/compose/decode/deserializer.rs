//! Serde over the tree: a node deserializes into whatever is asked of it, and what fails says where.
//!
//! A scalar is what is wanted of it: a number where a number is wanted, a text where a text is, since
//! variables leave texts behind. Null is the default of lists, mappings and texts, and in a mapping with known keys it
//! is as if the key were not there.

use std::str::FromStr;

use serde::Deserializer;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Error as _, IntoDeserializer as _, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::error::DecodeError;
use crate::compose::node::{Entry, Kind, Mapping, Node, Value};

/// What null holds.
static NONE: Mapping = Mapping::new();

/// A node to be deserialized.
#[derive(Debug, Clone, Copy)]
pub(super) struct NodeDeserializer<'a> {
    node: &'a Node,
    /// Whether its keys are known: one with null is not there.
    known_keys: bool,
}

impl<'a> NodeDeserializer<'a> {
    /// An element; with extensions serde calls it a map, but its keys are known.
    pub(super) fn element(node: &'a Node) -> Self {
        Self { node, known_keys: true }
    }

    fn value(node: &'a Node) -> Self {
        Self { node, known_keys: false }
    }

    fn text(self, expected: &str) -> Result<&'a str, DecodeError> {
        match &self.node.value {
            Value::Scalar(_) if self.node.is_null() => Ok(""),
            Value::Scalar(scalar) => Ok(&scalar.text),
            _ => Err(self.wrong_type(expected)),
        }
    }

    fn wrong_type(self, expected: &str) -> DecodeError {
        DecodeError::wrong_type(self.node, expected)
    }

    fn integer<T: FromStr + TryFrom<i64>>(self) -> Result<T, DecodeError> {
        let expected = "a whole number";
        let text = match &self.node.value {
            Value::Scalar(scalar) if !self.node.is_null() => scalar.text.trim(),
            _ => return Err(self.wrong_type(expected)),
        };
        let based = |prefix: &str, base| {
            let digits = text.strip_prefix(prefix)?;
            T::try_from(i64::from_str_radix(digits, base).ok()?).ok()
        };
        let decimal = || text.replace('_', "").parse().ok().or_else(|| whole(text)?.try_into().ok());
        let number = based("0x", 16).or_else(|| based("0o", 8)).or_else(|| based("0b", 2)).or_else(decimal);
        number.ok_or_else(|| DecodeError::custom(format_args!("`{text}` is not {expected}")).at(self.node.origin))
    }

    fn float(self) -> Result<f64, DecodeError> {
        let text = self.text("a number")?;
        text.trim()
            .parse()
            .map_err(|_| DecodeError::custom(format_args!("`{text}` is not a number")).at(self.node.origin))
    }

    fn boolean(self) -> Result<bool, DecodeError> {
        match self.node.text().map(str::to_ascii_lowercase).as_deref() {
            Some("true" | "yes" | "y" | "on" | "1") => Ok(true),
            Some("false" | "no" | "n" | "off" | "0") => Ok(false),
            _ => Err(self.wrong_type("`true` or `false`")),
        }
    }

    fn map<V: Visitor<'a>>(self, visitor: V, known_keys: bool) -> Result<V::Value, DecodeError> {
        match &self.node.value {
            Value::Mapping(entries) => visitor.visit_map(Entries { rest: entries.iter(), known_keys, next: None }),
            Value::Scalar(_) if self.node.is_null() => {
                visitor.visit_map(Entries { rest: NONE.iter(), known_keys, next: None })
            }
            _ => Err(self.wrong_type("a mapping")),
        }
        .map_err(|error| error.at(self.node.origin))
    }
}

/// A number without a fraction, as a float writes it: `1e3`.
fn whole(text: &str) -> Option<i64> {
    let number: f64 = text.parse().ok()?;
    // Every whole number up to here is a float, too.
    let exact = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    exact.then(|| format!("{number:.0}").parse().ok())?
}

macro_rules! numbers {
    ($($method:ident $read:ident $visit:ident,)*) => {$(
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            self.$read().and_then(|number| visitor.$visit(number)).map_err(|error: DecodeError| error.at(self.node.origin))
        }
    )*};
}

impl<'a> Deserializer<'a> for NodeDeserializer<'a> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let Value::Scalar(scalar) = &self.node.value else {
            return match self.node.value {
                Value::Sequence(_) => self.deserialize_seq(visitor),
                _ => self.map(visitor, false),
            };
        };
        let text = scalar.text.as_str();
        match scalar.kind() {
            Kind::Null => visitor.visit_unit(),
            Kind::Boolean => self.boolean().and_then(|value| visitor.visit_bool(value)),
            Kind::Number => match text.parse::<i64>() {
                Ok(number) => visitor.visit_i64(number),
                Err(_) => match self.integer::<i64>() {
                    Ok(number) => visitor.visit_i64(number),
                    Err(_) => self.float().and_then(|number| visitor.visit_f64(number)),
                },
            },
            Kind::String | Kind::Date => visitor.visit_borrowed_str(text),
        }
        .map_err(|error| error.at(self.node.origin))
    }

    numbers! {
        deserialize_bool boolean visit_bool,
        deserialize_i8 integer visit_i64,
        deserialize_i16 integer visit_i64,
        deserialize_i32 integer visit_i64,
        deserialize_i64 integer visit_i64,
        deserialize_u8 integer visit_i64,
        deserialize_u16 integer visit_i64,
        deserialize_u32 integer visit_i64,
        deserialize_u64 integer visit_u64,
        deserialize_f32 float visit_f64,
        deserialize_f64 float visit_f64,
    }

    fn deserialize_str<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let text = self.text("a string")?;
        visitor.visit_borrowed_str(text).map_err(|error: DecodeError| error.at(self.node.origin))
    }

    fn deserialize_string<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
            .map_err(|error: DecodeError| error.at(self.node.origin))
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(self, _: &'static str, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self).map_err(|error| error.at(self.node.origin))
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.node.value {
            Value::Sequence(items) => visitor.visit_seq(Items { rest: items.iter() }),
            Value::Scalar(_) if self.node.is_null() => visitor.visit_seq(Items { rest: [].iter() }),
            _ => Err(self.wrong_type("a list")),
        }
        .map_err(|error| error.at(self.node.origin))
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.map(visitor, self.known_keys)
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.map(visitor, true)
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let text = self.text("a string")?;
        let word: StrDeserializer<'_, DecodeError> = text.into_deserializer();
        visitor.visit_enum(word).map_err(|error: DecodeError| error.at(self.node.origin))
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        <W: Visitor<'a>>
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier
    }
}

/// The items of a list.
struct Items<'a> {
    rest: std::slice::Iter<'a, Node>,
}

impl<'a> SeqAccess<'a> for Items<'a> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        let item = self
            .rest
            .next()
            .map(|node| seed.deserialize(NodeDeserializer::value(node)).map_err(|error| error.at(node.origin)));
        item.transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The entries of a mapping.
struct Entries<'a, I: Iterator<Item = (&'a String, &'a Entry)>> {
    rest: I,
    known_keys: bool,
    /// The entry whose key was read last.
    next: Option<(&'a str, &'a Entry)>,
}

impl<'a, I: Iterator<Item = (&'a String, &'a Entry)>> MapAccess<'a> for Entries<'a, I> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        let known_keys = self.known_keys;
        let Some((key, entry)) = self.rest.find(|(_, entry)| !known_keys || !entry.value.is_null()) else {
            return Ok(None);
        };
        self.next = Some((key, entry));
        let name: StrDeserializer<'_, DecodeError> = key.as_str().into_deserializer();
        seed.deserialize(name).map(Some).map_err(|error| error.at(entry.key))
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, DecodeError> {
        let Some((key, entry)) = self.next.take() else {
            return Err(DecodeError::custom("a value was asked for before its key"));
        };
        // Nothing has no place that could be underlined.
        let origin = if entry.value.is_null() { entry.key } else { entry.value.origin };
        seed.deserialize(NodeDeserializer::value(&entry.value)).map_err(|error| error.at(origin).below(key))
    }
}
