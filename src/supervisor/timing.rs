//! When each step of a plan was under way, by a clock that the client has too.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::compose::model::Condition;
use crate::name::ServiceName;
use crate::plan::{Operation, Plan, StepId};

/// A step of a plan that was under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepTime {
    /// Its number in the plan.
    pub step: usize,
    /// The steps that it came after.
    pub after: Vec<usize>,
    /// What was done.
    pub work: Work,
    /// To what: `web-1`, `network default`.
    pub subject: String,
    /// The service that this belongs to.
    pub service: Option<ServiceName>,
    /// When it began, by [`now`].
    pub begun: Duration,
    /// When it ended.
    pub ended: Duration,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Work {
    /// Something is made.
    Create,
    /// A container that runs is changed.
    Update,
    /// Containers of `pre_start` run.
    Prepare,
    /// Containers take over from others.
    Replace,
    /// A container is started.
    Start,
    /// It is waited for that a service runs.
    Started,
    /// It is waited for that a service is healthy.
    Healthy,
    /// It is waited for that a service has ended.
    Completed,
    /// A container is stopped.
    Stop,
    /// Something is removed.
    Remove,
    /// A container gets a signal, is paused or goes on; volumes are restored.
    Change,
}

/// The time since the machine has started, the same for every process.
#[must_use]
pub fn now() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    let (seconds, nanoseconds) = (u64::try_from(now.tv_sec), u32::try_from(now.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanoseconds.unwrap_or_default())
}

impl StepTime {
    /// A step that has begun, and ends now.
    pub(super) fn ended(plan: &Plan, id: StepId, begun: Duration) -> Self {
        let (work, subject, service) = told(&plan.step(id).operation);
        let after = plan.dependencies(id).into_iter().map(StepId::index).collect();
        Self { step: id.index(), after, work, subject, service: service.cloned(), begun, ended: now() }
    }
}

fn told(operation: &Operation) -> (Work, String, Option<&ServiceName>) {
    match operation {
        Operation::CreateNetwork { network } => (Work::Create, format!("network {network}"), None),
        Operation::RemoveNetwork { network } => (Work::Remove, format!("network {network}"), None),
        Operation::CreateVolume { volume } => (Work::Create, format!("volume {volume}"), None),
        Operation::RemoveVolume { volume, .. } => (Work::Remove, format!("volume {volume}"), None),
        Operation::RestoreVolumes { snapshot, .. } => (Work::Change, format!("snapshot {snapshot}"), None),
        // Done by the client: see there how long it took.
        Operation::PullImage { image } => (Work::Change, format!("image {image}"), None),
        Operation::BuildImage { service } => (Work::Change, format!("image of {service}"), Some(service)),
        Operation::CreateContainer { service, number, .. } => {
            (Work::Create, format!("{service}-{number}"), Some(service))
        }
        Operation::StartContainer { service, number } => (Work::Start, format!("{service}-{number}"), Some(service)),
        Operation::PreStart { service, .. } => (Work::Prepare, service.to_string(), Some(service)),
        Operation::RollOut { service, .. } => (Work::Replace, service.to_string(), Some(service)),
        Operation::AwaitCondition { service, condition, .. } => {
            let work = match condition {
                Condition::ServiceStarted => Work::Started,
                Condition::ServiceHealthy => Work::Healthy,
                Condition::ServiceCompletedSuccessfully => Work::Completed,
            };
            (work, service.to_string(), Some(service))
        }
        Operation::UpdateContainer { name, service, .. } => (Work::Update, name.to_string(), Some(service)),
        Operation::StopContainer { name, .. } => (Work::Stop, name.to_string(), None),
        Operation::RemoveContainer { name, .. } => (Work::Remove, name.to_string(), None),
        Operation::KillContainer { name, .. }
        | Operation::PauseContainer { name, .. }
        | Operation::UnpauseContainer { name, .. } => (Work::Change, name.to_string(), None),
    }
}
