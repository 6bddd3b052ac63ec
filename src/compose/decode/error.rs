//! What is wrong with a value, and where: the innermost place that is known.

use std::fmt::{self, Display};

use serde::de::{Expected, Unexpected};

use crate::compose::diagnostic::DiagnosticKind;
use crate::compose::node::{Node, Value};
use crate::compose::report::{Origin, Report};

/// Why an element does not decode.
#[derive(Debug)]
pub(super) struct DecodeError {
    kind: Kind,
    origin: Option<Origin>,
    /// The keys that lead to the value, innermost first.
    keys: Vec<String>,
}

#[derive(Debug)]
enum Kind {
    Invalid(String),
    WrongType {
        expected: String,
        found: &'static str,
    },
    Missing(&'static str),
    /// A mistake that is reported already.
    Known,
}

/// An element of the file, for messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// `service`.
    pub(super) kind: &'static str,
    /// Its key.
    pub(super) name: &'a str,
}

impl Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} `{}`", self.kind, self.name)
    }
}

impl DecodeError {
    pub(super) fn wrong_type(node: &Node, expected: &str) -> Self {
        let kind = match node.value {
            Value::Invalid => Kind::Known,
            _ => Kind::WrongType { expected: expected.to_owned(), found: node.found() },
        };
        let origin = (!node.is_null()).then_some(node.origin);
        Self { kind, origin, keys: Vec::new() }
    }

    /// The place, unless a place further in is known.
    pub(super) fn at(mut self, origin: Origin) -> Self {
        self.origin.get_or_insert(origin);
        self
    }

    /// A key on the way to the value.
    pub(super) fn below(mut self, key: &str) -> Self {
        self.keys.push(key.to_owned());
        self
    }

    /// Reports the mistake of an element that stands at `origin`.
    pub(super) fn report(self, place: Place<'_>, origin: Origin, report: &Report) {
        let within = |outer: Option<&String>| match outer {
            Some(outer) => format!("`{outer}` of {place}"),
            None => place.to_string(),
        };
        let what = match self.keys.first() {
            Some(key) => format!("`{key}` in {}", within(self.keys.get(1))),
            None => place.to_string(),
        };
        let kind = match self.kind {
            Kind::Known => return,
            Kind::Invalid(reason) => DiagnosticKind::InvalidValue { what, reason },
            Kind::WrongType { expected, found } => {
                DiagnosticKind::InvalidValue { what, reason: format!("must be {expected}, found {found}") }
            }
            Kind::Missing(key) => DiagnosticKind::Missing(format!("{} needs `{key}`", within(self.keys.first()))),
        };
        report.error(self.origin.unwrap_or(origin), kind);
    }
}

impl From<Kind> for DecodeError {
    fn from(kind: Kind) -> Self {
        Self { kind, origin: None, keys: Vec::new() }
    }
}

impl serde::de::Error for DecodeError {
    fn custom<T: Display>(reason: T) -> Self {
        Kind::Invalid(reason.to_string()).into()
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Bool(_) => "a boolean",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
            Unexpected::Seq => "a list",
            Unexpected::Map | Unexpected::StructVariant => "a mapping",
            Unexpected::Unit | Unexpected::Option => "nothing",
            _ => "a string",
        };
        Kind::WrongType { expected: expected.to_string(), found }.into()
    }

    fn missing_field(field: &'static str) -> Self {
        Kind::Missing(field).into()
    }
}

impl Display for DecodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Invalid(reason) => formatter.write_str(reason),
            Kind::WrongType { expected, found } => write!(formatter, "must be {expected}, found {found}"),
            Kind::Missing(key) => write!(formatter, "needs `{key}`"),
            Kind::Known => formatter.write_str("a mistake"),
        }
    }
}

impl std::error::Error for DecodeError {}
