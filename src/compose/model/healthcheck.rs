//! `healthcheck`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A health check as the service gives it; a field that is `None` is taken from the image's check, else Docker's default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Healthcheck {
    /// `test`; `None` takes the image's.
    pub test: Option<Probe>,
    /// `interval`; 30 s by default.
    pub interval: Option<Duration>,
    /// `timeout`; 30 s by default.
    pub timeout: Option<Duration>,
    /// `retries`; 3 by default.
    pub retries: Option<u32>,
    /// `start_period`; 0 s by default.
    pub start_period: Option<Duration>,
    /// `start_interval`; adaptive by default.
    pub start_interval: Option<Duration>,
}

/// What a health check runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// `CMD`: these arguments.
    Command(Vec<String>),
    /// `CMD-SHELL` or a string: by the image's shell, `/bin/sh -c`.
    Shell(String),
    /// `NONE` or `disable: true`: no check, not even the image's.
    None,
}
