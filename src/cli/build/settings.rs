//! `[build]` of the user's `config.toml`.

use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::text::units;

/// For how long what is not used is kept unless something else is said.
const AGE: Duration = Duration::from_secs(60 * 24 * 3600);

/// What it says.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::cli) struct BuildSettings {
    /// `cache_size`: how much builds may keep beside their images, in bytes; `"unlimited"` for as much as there is, and a part of
    /// the disk if it does not say.
    #[serde(deserialize_with = "size")]
    pub(super) cache_size: Limit<u64>,
    /// `cache_age`: for how long they keep what they do not use; `"unlimited"` for ever.
    #[serde(deserialize_with = "age")]
    pub(super) cache_age: Limit<Duration>,
}

/// How much is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Limit<T> {
    /// What is sane.
    #[default]
    Usual,
    /// So much.
    Of(T),
    /// Any.
    None,
}

impl Default for BuildSettings {
    fn default() -> Self {
        Self { cache_size: Limit::Usual, cache_age: Limit::Of(AGE) }
    }
}

impl BuildSettings {
    /// Reads the text of `config.toml`.
    ///
    /// # Errors
    /// What is wrong with it, with its line.
    pub(in crate::cli) fn parse(config: &str) -> Result<Self, toml::de::Error> {
        #[derive(Deserialize)]
        struct Document {
            #[serde(default)]
            build: BuildSettings,
        }
        Ok(toml::from_str::<Document>(config)?.build)
    }
}

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Limit<u64>, D::Error> {
    limit(deserializer, units::bytes)
}

fn age<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Limit<Duration>, D::Error> {
    limit(deserializer, units::duration)
}

fn limit<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    parse: fn(&str) -> Result<T, units::UnitError>,
) -> Result<Limit<T>, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "unlimited" => Ok(Limit::None),
        text => parse(text).map(Limit::Of).map_err(D::Error::custom),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_set() {
        assert_eq!(BuildSettings::parse(""), Ok(BuildSettings::default()));
        let set = BuildSettings::parse("[build]\ncache_size = \"20GB\"\ncache_age = \"2w\"").unwrap();
        assert_eq!(set.cache_size, Limit::Of(20 << 30));
        assert_eq!(set.cache_age, Limit::Of(Duration::from_secs(14 * 24 * 3600)));
        let set = BuildSettings::parse("[build]\ncache_size = \"unlimited\"\ncache_age = \"unlimited\"").unwrap();
        assert_eq!((set.cache_size, set.cache_age), (Limit::None, Limit::None));
    }

    #[test]
    fn what_cannot_be_set() {
        for (setting, reason) in [
            ("cache_size = \"much\"", "`much` is not a size"),
            ("cache_age = \"long\"", "`long` is not a duration"),
            ("cache_size = 5", "invalid type: integer"),
            ("cash_size = \"1g\"", "unknown field `cash_size`"),
        ] {
            let error = BuildSettings::parse(&format!("[build]\n{setting}")).unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains("line 2"), "{error}");
        }
    }
}
