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
    /// No signal is called so.
    #[error("`{text}` is not a signal")]
    Signal {
        /// What was found.
        text: String,
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

/// Parses whole seconds.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: u32 = text.parse().map_err(|_| "expected a whole number of seconds".to_owned())?;
    Ok(Duration::from_secs(seconds.into()))
}

/// Parses whole seconds as `--timeout` takes them: a negative number is for ever, as with Docker.
pub(super) fn grace(text: &str) -> Result<Duration, String> {
    match text.parse::<i64>() {
        Ok(..0) => Ok(Duration::from_secs(u32::MAX.into())),
        _ => seconds(text),
    }
}

/// Parses the time between two reports: a Go duration that is not zero.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    match crate::compose::duration(text) {
        Ok(Duration::ZERO) => Err("it must be more than nothing".to_owned()),
        Ok(interval) => Ok(interval),
        Err(error) => Err(error.to_string()),
    }
}

/// Parses an amount of memory, as `update` takes it: bytes, also negative ones, or a number with a unit.
pub(super) fn memory(text: &str) -> Result<i64, String> {
    if let Ok(bytes) = text.parse() {
        return Ok(bytes);
    }
    let bytes = crate::compose::bytes(text).map_err(|error| error.to_string())?;
    i64::try_from(bytes).map_err(|_| format!("`{text}` is more than there can be"))
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
    fn graces() {
        for (text, parsed) in [("0", Some(0)), ("10", Some(10)), ("-1", Some(u64::from(u32::MAX))), ("1s", None)] {
            assert_eq!(grace(text).ok(), parsed.map(Duration::from_secs), "{text}");
        }
        assert_eq!(grace("soon").unwrap_err(), "expected a whole number of seconds");
    }

    #[test]
    fn intervals() {
        assert_eq!(interval("100ms"), Ok(Duration::from_millis(100)));
        assert_eq!(interval("1m5s"), Ok(Duration::from_secs(65)));
        assert_eq!(interval("0s").unwrap_err(), "it must be more than nothing");
        assert_eq!(interval("5").unwrap_err(), "`5` is not a duration such as `10s` or `1m30s`");
    }

    #[test]
    fn memory_sizes() {
        assert_eq!(memory("-1"), Ok(-1));
        assert_eq!(memory("1024"), Ok(1024));
        assert_eq!(memory("50M"), Ok(50 << 20));
        assert_eq!(memory("x").unwrap_err(), "`x` is not a size such as `512m` or `1.5gb`");
        assert!(memory("-1m").is_err());
        assert!(memory("16000000t").is_err());
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
