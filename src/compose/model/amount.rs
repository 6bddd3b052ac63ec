//! How amounts are written: durations and sizes as text with a unit, or digits.
//!
//! Each module is a `#[serde(with = …)]` for one kind of field; a text that is none fails there, at its own place.

use std::fmt::Display;

use serde::{Deserialize, Deserializer};

/// Reads a text, when there is one.
fn read<'de, T, E: Display, D: Deserializer<'de>>(
    deserializer: D,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, D::Error> {
    let text = Option::<Text>::deserialize(deserializer)?;
    text.map(|Text(text)| parse(&text).map_err(serde::de::Error::custom)).transpose()
}

/// A text, or a number as text.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

/// `1m30s`.
pub(super) mod duration {
    use std::time::Duration;

    use serde::{Deserializer, Serializer};

    use crate::text::units;

    #[expect(clippy::ref_option, reason = "as serde calls it")]
    pub(crate) fn serialize<S: Serializer>(value: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(duration) => serializer.serialize_str(&units::format_duration(*duration)),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        super::read(deserializer, units::duration)
    }
}

/// `64m`, or `"67108864"`.
pub(super) mod bytes {
    use serde::{Deserializer, Serializer};

    use crate::text::units;

    #[expect(clippy::ref_option, reason = "as serde calls it")]
    pub(crate) fn serialize<S: Serializer>(value: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(bytes) => serializer.collect_str(bytes),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        super::read(deserializer, units::bytes)
    }
}

/// As [`bytes`], or `-1` for no limit.
pub(super) mod limit {
    use serde::{Deserializer, Serializer};

    use crate::text::units;

    #[expect(clippy::ref_option, reason = "as serde calls it")]
    pub(crate) fn serialize<S: Serializer>(value: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(bytes) => serializer.collect_str(bytes),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
        super::read(deserializer, |text| match text.parse::<i64>() {
            Ok(number) if number < 0 => Ok(-1),
            _ => units::bytes(text).map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
        })
    }
}

/// A number of microseconds, or a duration such as `50ms`.
pub(super) mod microseconds {
    use serde::{Deserializer, Serializer};

    use crate::text::units;

    #[expect(clippy::ref_option, reason = "as serde calls it")]
    pub(crate) fn serialize<S: Serializer>(value: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(number) => serializer.collect_str(number),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
        super::read(deserializer, |text| match text.parse::<i64>() {
            Ok(number) => Ok(number),
            Err(_) => units::duration(text).map(|time| i64::try_from(time.as_micros()).unwrap_or(i64::MAX)),
        })
    }
}

/// `10mbit`, in bytes a second.
pub(super) mod rate {
    use serde::{Deserializer, Serializer};

    use crate::text::units;

    #[expect(clippy::ref_option, reason = "as serde calls it")]
    pub(crate) fn serialize<S: Serializer>(value: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(bytes) => serializer.collect_str(&format_args!("{bytes}bps")),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        super::read(deserializer, units::rate)
    }
}

/// `0.5%`.
pub(super) mod percentage {
    use serde::{Deserializer, Serializer};

    use crate::text::units;

    #[expect(clippy::ref_option, reason = "as serde calls it")]
    pub(crate) fn serialize<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(percentage) => serializer.collect_str(&format_args!("{percentage}%")),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        super::read(deserializer, units::percentage)
    }
}

/// Permission bits: octal with a leading `0` or `0o`, else decimal; written as `"0440"`.
pub(super) mod mode {
    use serde::{Deserializer, Serializer};

    #[expect(clippy::ref_option, reason = "as serde calls it")]
    pub(crate) fn serialize<S: Serializer>(value: &Option<u32>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(mode) => serializer.collect_str(&format_args!("0{mode:o}")),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
        super::read(deserializer, parse)
    }

    fn parse(text: &str) -> Result<u32, String> {
        let octal = text.strip_prefix("0o").or(text.strip_prefix('0'));
        let mode = match octal {
            Some("") => Ok(0),
            Some(digits) => u32::from_str_radix(digits, 8),
            None => text.parse(),
        };
        mode.ok().filter(|mode| *mode <= 0o7777).ok_or_else(|| format!("`{text}` is not a mode such as 0440"))
    }
}
