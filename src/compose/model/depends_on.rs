//! `depends_on`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One entry of `depends_on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// What to wait for.
    pub condition: Condition,
    /// Whether the dependent restarts after the dependency was restarted or recreated by an operation.
    pub restart: bool,
    /// Whether a dependency that cannot be had is an error.
    pub required: bool,
}

/// What a dependent waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Every container of the service has been started.
    ServiceStarted,
    /// Every container of the service is healthy.
    ServiceHealthy,
    /// Every container of the service has ended with code 0.
    ServiceCompletedSuccessfully,
}

impl fmt::Display for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ServiceStarted => "service_started",
            Self::ServiceHealthy => "service_healthy",
            Self::ServiceCompletedSuccessfully => "service_completed_successfully",
        })
    }
}
