//! Values that more than one command takes, parsed where they enter.

use std::num::ParseIntError;
use std::str::FromStr;
use std::time::Duration;

use crate::name::{InvalidName, ServiceName};

/// Why a value of a flag is not one.
#[derive(Debug, thiserror::Error)]
pub enum InvalidValue {
    /// `--scale` without `=`.
    #[error("expected SERVICE=NUMBER")]
    NotAnAssignment,
    /// The part that names a service does not.
    #[error(transparent)]
    Service(#[from] InvalidName),
    /// The part that counts does not.
    #[error("`{text}` is not a number of containers")]
    Replicas {
        /// What was found.
        text: String,
        /// What is wrong with it.
        source: ParseIntError,
    },
    /// `-e =value`.
    #[error("a variable needs a name")]
    UnnamedVariable,
}

/// `--scale SERVICE=NUMBER`: how many containers a service has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scale {
    /// The service.
    pub service: ServiceName,
    /// How many containers it has.
    pub replicas: u32,
}

impl FromStr for Scale {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let (service, replicas) = text.split_once('=').ok_or(InvalidValue::NotAnAssignment)?;
        let replicas =
            replicas.parse().map_err(|source| InvalidValue::Replicas { text: replicas.to_owned(), source })?;
        Ok(Self { service: ServiceName::new(service)?, replicas })
    }
}

/// `--env NAME[=VALUE]`: without a value, the variable is passed on from our own environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentVariable {
    /// Its name.
    pub name: String,
    /// Its value, unless passed on.
    pub value: Option<String>,
}

impl FromStr for EnvironmentVariable {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        if name.is_empty() {
            return Err(InvalidValue::UnnamedVariable);
        }
        Ok(Self { name: name.to_owned(), value })
    }
}

/// Parses whole seconds, as `--timeout` takes them.
pub(super) fn seconds(text: &str) -> Result<Duration, ParseIntError> {
    text.parse().map(|seconds: u32| Duration::from_secs(seconds.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales() {
        let web = |replicas| Scale { service: ServiceName::new("web").unwrap(), replicas };
        assert_eq!("web=3".parse::<Scale>().unwrap(), web(3));
        assert_eq!("web=0".parse::<Scale>().unwrap(), web(0));
        for (text, message) in [
            ("web", "expected SERVICE=NUMBER"),
            ("web=", "`` is not a number of containers"),
            ("web=-1", "`-1` is not a number of containers"),
            ("a/b=1", "invalid service name `a/b`: must consist only of letters, digits, `.`, `_` and `-`"),
        ] {
            assert_eq!(text.parse::<Scale>().unwrap_err().to_string(), message, "{text}");
        }
    }

    #[test]
    fn variables() {
        let variable = |name: &str, value: Option<&str>| EnvironmentVariable {
            name: name.to_owned(),
            value: value.map(str::to_owned),
        };
        for (text, expected) in [
            ("A=b=c", Some(variable("A", Some("b=c")))),
            ("A=", Some(variable("A", Some("")))),
            ("A", Some(variable("A", None))),
            ("=b", None),
            ("", None),
        ] {
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
    }
}
