//! Typed views of nodes: each accessor gives the value or reports, once, why there is none.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::str::FromStr;

use super::keys::Keys;
use crate::compose::diagnostic::DiagnosticKind;
use crate::compose::node::{Entry, Kind, Mapping, Node, Value};
use crate::compose::report::{Origin, Report};
use crate::compose::suggest;

/// What an object belongs to, for messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// `service`; empty for the file itself.
    pub(super) kind: &'static str,
    /// The key of the service.
    pub(super) name: &'a str,
    /// The key of the innermost object inside it, if any.
    pub(super) within: &'a str,
}

impl Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, self.within) {
            ("", "") => formatter.write_str("the compose file"),
            ("", within) => write!(formatter, "`{within}` of the compose file"),
            (kind, "") => write!(formatter, "{kind} `{}`", self.name),
            (kind, within) => write!(formatter, "`{within}` of {kind} `{}`", self.name),
        }
    }
}

/// A value and what it is called.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) node: &'a Node,
    pub(super) key: &'a str,
    /// Where the key stands, or the item of a list.
    pub(super) at: Origin,
    pub(super) place: Place<'a>,
    pub(super) report: &'a Report,
}

/// A mapping whose keys are those of the specification.
#[derive(Debug, Clone, Copy)]
pub(super) struct Object<'a> {
    entries: &'a Mapping,
    pub(super) origin: Origin,
    pub(super) place: Place<'a>,
    pub(super) report: &'a Report,
}

impl<'a> Object<'a> {
    /// The value of a key; `None` for null.
    pub(super) fn get(&self, key: &'static str) -> Option<Field<'a>> {
        let entry = self.entries.get(key).filter(|entry| !entry.value.is_null())?;
        Some(Field { node: &entry.value, key, at: entry.key, place: self.place, report: self.report })
    }

    /// Whether a key is there, even with a mistake.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.get(key).is_some_and(|entry| !entry.value.is_null())
    }

    pub(super) fn string(&self, key: &'static str) -> Option<String> {
        self.get(key)?.string()
    }

    pub(super) fn boolean(&self, key: &'static str) -> Option<bool> {
        self.get(key)?.boolean()
    }

    pub(super) fn strings(&self, key: &'static str) -> Vec<String> {
        self.get(key).map(|field| field.strings()).unwrap_or_default()
    }

    pub(super) fn texts(&self, key: &'static str) -> BTreeMap<String, String> {
        self.get(key).map(Field::texts).unwrap_or_default()
    }

    pub(super) fn parse<T, E: Display>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.get(key)?.parse(parse)
    }

    pub(super) fn object(&self, key: &'static str, keys: &'static Keys) -> Option<Self> {
        self.get(key)?.object(keys)
    }

    /// Reports a required key that is not there.
    pub(super) fn missing(&self, key: &str) {
        self.report.error(self.origin, DiagnosticKind::Missing(format!("{} needs `{key}`", self.place)));
    }

    fn check_keys(&self, keys: &Keys) {
        for (key, Entry { key: origin, .. }) in self.entries {
            if key.starts_with("x-") || keys.supported.contains(&key.as_str()) {
                continue;
            }
            if keys.not_yet.contains(&key.as_str()) {
                let what = format!("`{key}` in {}", self.place);
                self.report.error(*origin, DiagnosticKind::NotSupported(what));
            } else {
                let help = suggest::did_you_mean(key, keys.supported.iter().chain(keys.not_yet).copied());
                let kind = DiagnosticKind::UnknownKey { key: key.clone(), place: self.place.to_string() };
                self.report.error_with_help(*origin, kind, help);
            }
        }
    }
}

impl<'a> Field<'a> {
    fn what(&self) -> String {
        match self.key {
            "" => self.place.to_string(),
            key => format!("`{key}` in {}", self.place),
        }
    }

    pub(super) fn invalid(&self, reason: impl Display) {
        if self.node.value != Value::Invalid {
            let kind = DiagnosticKind::InvalidValue { what: self.what(), reason: reason.to_string() };
            self.report.error(self.node.origin, kind);
        }
    }

    pub(super) fn wrong_type(&self, expected: &'static str) {
        self.wrong_type_with_help(expected, None);
    }

    pub(super) fn wrong_type_with_help(&self, expected: &'static str, help: Option<String>) {
        if self.node.value != Value::Invalid {
            let kind = DiagnosticKind::WrongType { what: self.what(), expected, found: self.node.found() };
            // Nothing has no place that could be underlined.
            let origin = if self.node.is_null() { self.at } else { self.node.origin };
            self.report.error_with_help(origin, kind, help);
        }
    }

    /// Reports that this value of the key is not supported, though others are.
    pub(super) fn not_supported(&self) {
        let value = self.node.text().map(|text| format!(": {text}")).unwrap_or_default();
        let what = format!("`{}{value}` in {}", self.key, self.place);
        self.report.error(self.node.origin, DiagnosticKind::NotSupported(what));
    }

    /// The text of any scalar.
    pub(super) fn text(self) -> Option<&'a str> {
        if self.node.text().is_none() || self.node.is_null() {
            self.wrong_type("a string, number or boolean");
            return None;
        }
        self.node.text()
    }

    /// The text of a string; a number or boolean without quotes is none.
    pub(super) fn string(self) -> Option<String> {
        match &self.node.value {
            Value::Scalar(scalar) if scalar.kind() == Kind::String => Some(scalar.text.clone()),
            Value::Scalar(scalar) if scalar.kind() != Kind::Null => {
                self.wrong_type_with_help("a string", Some(format!("write it in quotes: \"{}\"", scalar.text)));
                None
            }
            _ => {
                self.wrong_type("a string");
                None
            }
        }
    }

    pub(super) fn boolean(self) -> Option<bool> {
        match self.node.text().map(str::to_ascii_lowercase).as_deref() {
            Some("true" | "yes" | "y" | "on") => Some(true),
            Some("false" | "no" | "n" | "off") => Some(false),
            _ => {
                self.wrong_type("`true` or `false`");
                None
            }
        }
    }

    pub(super) fn number<T: FromStr>(self, expected: &'static str) -> Option<T> {
        let number = self.node.text().and_then(|text| text.parse().ok());
        if number.is_none() {
            match self.node.text() {
                Some(text) if !self.node.is_null() => self.invalid(format!("`{text}` is not {expected}")),
                _ => self.wrong_type(expected),
            }
        }
        number
    }

    /// The text of any scalar, parsed.
    pub(super) fn parse<T, E: Display>(self, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        let text = self.text()?;
        parse(text).map_err(|error| self.invalid(error)).ok()
    }

    /// The items of a list.
    pub(super) fn items(self) -> Vec<Self> {
        match &self.node.value {
            Value::Sequence(items) => items.iter().map(|node| Self { node, at: node.origin, ..self }).collect(),
            _ => {
                self.wrong_type("a list");
                Vec::new()
            }
        }
    }

    pub(super) fn strings(self) -> Vec<String> {
        self.items().into_iter().filter_map(Self::string).collect()
    }

    /// The entries of a mapping whose keys the user chooses.
    pub(super) fn entries(self) -> Vec<(&'a str, Self)> {
        match &self.node.value {
            Value::Mapping(entries) => {
                let field = |(key, entry): (&'a String, &'a Entry)| {
                    (key.as_str(), Self { node: &entry.value, key: key.as_str(), at: entry.key, ..self })
                };
                entries.iter().map(field).collect()
            }
            _ => {
                self.wrong_type("a mapping");
                Vec::new()
            }
        }
    }

    /// A mapping of texts; null is an empty one.
    pub(super) fn texts(self) -> BTreeMap<String, String> {
        let text = |field: Self| if field.node.is_null() { Some("") } else { field.text() };
        self.entries().into_iter().filter_map(|(key, field)| Some((key.to_owned(), text(field)?.to_owned()))).collect()
    }

    /// A mapping with known keys, called by its own. Reports the keys it should not have.
    pub(super) fn object(self, keys: &'static Keys) -> Option<Object<'a>> {
        self.object_at(Place { within: self.key, ..self.place }, keys)
    }

    /// As [`Self::object`], under a name of its own.
    pub(super) fn object_at(self, place: Place<'a>, keys: &'static Keys) -> Option<Object<'a>> {
        let Value::Mapping(entries) = &self.node.value else {
            self.wrong_type("a mapping");
            return None;
        };
        let object = Object { entries, origin: self.node.origin, place, report: self.report };
        object.check_keys(keys);
        Some(object)
    }
}
