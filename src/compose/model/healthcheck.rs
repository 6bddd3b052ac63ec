//! `healthcheck`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::amount::duration;
use super::element::element;

element! {
    /// A health check as the service gives it; a field that is `None` is taken from the image's check, else Docker's
    /// default.
    #[derive(Eq)]
    pub struct Healthcheck {
        /// `test`; `None` takes the image's.
        #[serde(deserialize_with = "test")]
        test: Option<Probe>,
        /// `interval`; 30 s by default.
        #[serde(with = "duration")]
        interval: Option<Duration>,
        /// `timeout`; 30 s by default.
        #[serde(with = "duration")]
        timeout: Option<Duration>,
        /// `retries`; 3 by default.
        retries: Option<u32>,
        /// `start_period`; 0 s by default.
        #[serde(with = "duration")]
        start_period: Option<Duration>,
        /// `start_interval`; adaptive by default.
        #[serde(with = "duration")]
        start_interval: Option<Duration>,
        /// `disable`: no check, not even the image's.
        disable: bool,
    }
}

impl Healthcheck {
    /// What to run: `test`, unless the check is disabled.
    #[must_use]
    pub fn probe(&self) -> Option<&Probe> {
        if self.disable { Some(&Probe::None) } else { self.test.as_ref() }
    }
}

/// What a health check runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub enum Probe {
    /// `CMD`: these arguments.
    Command(Vec<String>),
    /// `CMD-SHELL` or a string: by the image's shell, `/bin/sh -c`.
    Shell(String),
    /// `NONE`: no check, not even the image's.
    None,
}

impl TryFrom<Vec<String>> for Probe {
    type Error = &'static str;
    fn try_from(mut words: Vec<String>) -> Result<Self, Self::Error> {
        if words.is_empty() {
            return Err("a list must begin with `CMD`, `CMD-SHELL` or `NONE`");
        }
        match words.remove(0).as_str() {
            "NONE" => Ok(Self::None),
            "CMD" if !words.is_empty() => Ok(Self::Command(words)),
            "CMD-SHELL" if words.len() == 1 => Ok(Self::Shell(words.remove(0))),
            "CMD" => Err("`CMD` needs a command"),
            "CMD-SHELL" => Err("`CMD-SHELL` takes one string"),
            _ => Err("a list must begin with `CMD`, `CMD-SHELL` or `NONE`"),
        }
    }
}

impl From<Probe> for Vec<String> {
    fn from(probe: Probe) -> Self {
        match probe {
            Probe::None => vec!["NONE".to_owned()],
            Probe::Shell(command) => vec!["CMD-SHELL".to_owned(), command],
            Probe::Command(words) => std::iter::once("CMD".to_owned()).chain(words).collect(),
        }
    }
}

/// An empty test takes the image's, as in Docker.
fn test<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Probe>, D::Error> {
    let words = Option::<Vec<String>>::deserialize(deserializer)?.filter(|words| !words.is_empty());
    words.map(|words| Probe::try_from(words).map_err(serde::de::Error::custom)).transpose()
}
