//! `depends_on`.

use serde::{Deserialize, Serialize};

use super::word::words;

/// One entry of `depends_on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// What to wait for.
    pub condition: Condition,
    /// Whether the dependent restarts after the dependency was restarted or recreated by an operation.
    #[serde(default)]
    pub restart: bool,
    /// Whether a dependency that cannot be had is an error.
    #[serde(default = "required")]
    pub required: bool,
}

fn required() -> bool {
    true
}

words! {
    /// What a dependent waits for.
    pub enum Condition {
        /// Every container of the service has been started.
        ServiceStarted = "service_started",
        /// Every container of the service is healthy.
        ServiceHealthy = "service_healthy",
        /// Every container of the service has ended with code 0.
        ServiceCompletedSuccessfully = "service_completed_successfully",
    }
    else "must be `service_started`, `service_healthy` or `service_completed_successfully`"
}
