//! Where in a project a value is, for messages: `healthcheck.test` of service `web`.

use std::fmt::{self, Display};

/// A chain of keys, from the inside out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    key: &'a str,
    parent: Option<&'a Self>,
}

impl<'a> Place<'a> {
    /// The root of a file.
    pub(super) const ROOT: Place<'static> = Place { key: "", parent: None };

    pub(super) fn below(&'a self, key: &'a str) -> Self {
        Self { key, parent: Some(self) }
    }

    /// The keys from the outside in.
    pub(super) fn keys(&self) -> Vec<&'a str> {
        let mut keys = Vec::new();
        let mut at = Some(self);
        while let Some(place) = at.filter(|place| place.parent.is_some()) {
            keys.push(place.key);
            at = place.parent;
        }
        keys.reverse();
        keys
    }

    /// The value at this place: `healthcheck.test` in service `web`.
    pub(super) fn value(&self) -> String {
        match self.split() {
            (None, rest) if rest.is_empty() => "the compose file".to_owned(),
            (None, rest) => format!("`{rest}`"),
            (Some(owner), rest) if rest.is_empty() => owner,
            (Some(owner), rest) => format!("`{rest}` in {owner}"),
        }
    }

    /// The service, network, … and the keys inside it.
    fn split(&self) -> (Option<String>, String) {
        let keys = self.keys();
        let kind = match keys.first() {
            Some(&"services") => "service",
            Some(&"networks") => "network",
            Some(&"volumes") => "volume",
            Some(&"secrets") => "secret",
            Some(&"configs") => "config",
            Some(&"models") => "model",
            _ => return (None, keys.join(".")),
        };
        match keys.get(1) {
            Some(name) => (Some(format!("{kind} `{name}`")), keys[2..].join(".")),
            None => (None, keys.join(".")),
        }
    }
}

/// The mapping at this place: `healthcheck` of service `web`.
impl Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.split() {
            (None, rest) if rest.is_empty() => formatter.write_str("the compose file"),
            (None, rest) => write!(formatter, "`{rest}` of the compose file"),
            (Some(owner), rest) if rest.is_empty() => formatter.write_str(&owner),
            (Some(owner), rest) => write!(formatter, "`{rest}` of {owner}"),
        }
    }
}
