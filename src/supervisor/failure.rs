//! An error as it crosses the socket.

use std::error::Error;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::evidence::{Evidence, Wait};
use crate::name::ContainerName;
use crate::state::StateError;

/// An error as it crosses the socket: its class for the exit code and the hint, its text, and what caused it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Its class.
    pub kind: FailureKind,
    /// What failed.
    pub message: String,
    /// Why, outermost first.
    pub causes: Vec<String>,
    /// What is known of the containers that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// Who waited for whom when time was up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<Wait>,
}

/// The class of a failure: what the command line's hints and exit codes depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// The image is not in the store.
    ImageMissing,
    /// A bind mount's source does not exist.
    BindSourceMissing,
    /// A published port is taken.
    PortInUse,
    /// The command is not in the image.
    CommandNotFound,
    /// The command cannot be executed.
    CommandNotExecutable,
    /// A dependency ended, or is unhealthy.
    DependencyFailed,
    /// A hook of a service failed.
    HookFailed,
    /// Containers of a service could not be replaced.
    UpdateFailed,
    /// What is waited for took too long.
    NotInTime,
    /// An external network or volume does not exist.
    ExternalMissing,
    /// A volume is to be replaced, and a container runs that has it.
    VolumeInUse,
    /// The machine has no such device.
    DeviceMissing,
    /// A container whose namespaces or volumes are to be shared does not run, or does not exist.
    NotRunning,
    /// The plan cannot be made.
    Plan,
    /// Another request took over, or the client went away.
    Cancelled,
    /// Anything else the kernel or the file system refused.
    System,
}

impl Failure {
    /// A failure without a cause below it.
    #[must_use]
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), causes: Vec::new(), evidence: Vec::new(), waits: Vec::new() }
    }

    /// An error with its chain of sources.
    #[must_use]
    pub fn from_error(kind: FailureKind, error: &dyn Error) -> Self {
        let mut causes = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            causes.push(cause.to_string());
            source = cause.source();
        }
        Self { causes, ..Self::new(kind, error.to_string()) }
    }

    /// The same failure as the cause of `message`.
    #[must_use]
    pub fn because_of(mut self, message: impl Into<String>) -> Self {
        let message = std::mem::replace(&mut self.message, message.into());
        self.causes.insert(0, message);
        self
    }

    pub(super) fn interrupted() -> Self {
        Self::new(FailureKind::Cancelled, "interrupted by another command")
    }

    pub(super) fn cancelled(name: &ContainerName) -> Self {
        Self::new(FailureKind::Cancelled, format!("container {name} is being stopped"))
    }

    /// The code a shell would give: 127, 126, else 125 for a failure of ours.
    #[must_use]
    pub fn exit_code(&self) -> i32 {
        match self.kind {
            FailureKind::CommandNotFound => 127,
            FailureKind::CommandNotExecutable => 126,
            _ => 125,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)?;
        self.causes.iter().try_for_each(|cause| write!(formatter, ": {cause}"))
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        Self::from_error(FailureKind::System, &error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::from_error(FailureKind::System, &error)
    }
}
