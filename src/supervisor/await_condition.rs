//! Waits until a service meets a condition: each unit pushes its state, nothing polls.

use std::rc::Rc;

use tokio::sync::watch;

use super::control::{Event, Resource, Status};
use super::evidence::{self, Pending, Wait};
use super::failure::{Failure, FailureKind};
use super::observe::Record;
use super::unit::UnitState;
use super::world::World;
use crate::compose::model::Condition;
use crate::name::{ContainerName, ServiceName};
use crate::plan::Health;

/// Who waits for a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// A service that depends on it.
    Dependent,
    /// The user, to whom one that has done what it is for is as good as one that runs.
    Command,
}

/// Returns when every container of `service` meets `condition`.
///
/// # Errors
/// [`FailureKind::DependencyFailed`] as soon as one of them cannot any more.
pub(super) async fn await_condition(
    world: &World,
    service: &ServiceName,
    condition: Condition,
    by: By,
) -> Result<(), Failure> {
    for (record, mut state) in world.units_of(service, |unit| (Rc::clone(&unit.record), unit.state.clone())) {
        let name = record.name.clone();
        let resource = Resource::Container(name.clone());
        if condition != Condition::ServiceStarted {
            world.say(Event::Progress { resource: resource.clone(), status: Status::Waiting });
        }
        let result = await_unit(service, &name, &mut state, condition, by).await.map_err(|mut failure| {
            failure.evidence.push(evidence::of(world, &record, &state.borrow()));
            failure
        });
        let status = match (&result, condition) {
            (Err(_), _) => Some(Status::Error),
            (Ok(()), _) if matches!(*state.borrow(), UnitState::Exited { .. }) => Some(Status::Completed),
            // Its start has said so, or that it ran already.
            (Ok(()), Condition::ServiceStarted) => None,
            (Ok(()), Condition::ServiceHealthy) => Some(Status::Healthy),
            (Ok(()), Condition::ServiceCompletedSuccessfully) => Some(Status::Completed),
        };
        if let Some(status) = status {
            world.say(Event::Progress { resource, status });
        }
        result?;
    }
    Ok(())
}

/// The containers of `service` that do not meet `condition` yet, with those who wait for it.
pub(super) fn waits(world: &World, service: &ServiceName, condition: Condition, services: &[ServiceName]) -> Vec<Wait> {
    let units = world.units_of(service, |unit| (Rc::clone(&unit.record), unit.state.borrow().clone()));
    let waits = units
        .into_iter()
        .filter(|(record, state)| judge(service, &record.name, state, condition, By::Dependent).is_none());
    let wait = |(record, state): (Rc<Record>, UnitState)| Wait {
        services: services.to_vec(),
        condition,
        state: Pending::of(&state),
        evidence: evidence::of(world, &record, &state),
    };
    waits.map(wait).collect()
}

async fn await_unit(
    service: &ServiceName,
    name: &ContainerName,
    state: &mut watch::Receiver<UnitState>,
    condition: Condition,
    by: By,
) -> Result<(), Failure> {
    loop {
        if let Some(verdict) = judge(service, name, &state.borrow_and_update(), condition, by) {
            return verdict;
        }
        if state.changed().await.is_err() {
            return Err(Failure::new(FailureKind::Cancelled, format!("container {name} was removed")));
        }
    }
}

/// Whether a unit in `state` meets `condition`; `None` while it may still.
fn judge(
    service: &ServiceName,
    name: &ContainerName,
    state: &UnitState,
    condition: Condition,
    by: By,
) -> Option<Result<(), Failure>> {
    let failed = |message: String| Some(Err(Failure::new(FailureKind::DependencyFailed, message)));
    match (condition, state) {
        (_, UnitState::Created | UnitState::Starting | UnitState::Stopping) => None,
        (_, UnitState::Exited { code: 0, .. }) if by == By::Command => Some(Ok(())),
        (Condition::ServiceStarted, UnitState::Backoff { .. }) if by == By::Command => None,
        (Condition::ServiceStarted, UnitState::Running { .. } | UnitState::Backoff { .. }) => Some(Ok(())),
        (Condition::ServiceStarted | Condition::ServiceHealthy, UnitState::Exited { code, oom }) => {
            failed(format!("container {name} exited ({code}{})", why(*oom)))
        }
        (Condition::ServiceHealthy, UnitState::Running { health: Health::Healthy, .. }) => Some(Ok(())),
        (Condition::ServiceHealthy, UnitState::Running { health: Health::Unhealthy, .. }) => {
            failed(format!("container {name} is unhealthy"))
        }
        (Condition::ServiceHealthy, UnitState::Running { health: Health::None, .. }) => {
            failed(format!("container {name} has no healthcheck configured"))
        }
        (Condition::ServiceHealthy, _) => None,
        (Condition::ServiceCompletedSuccessfully, UnitState::Exited { code: 0, .. }) => Some(Ok(())),
        (Condition::ServiceCompletedSuccessfully, UnitState::Exited { code, oom }) => {
            let (service, why) = (service.as_str(), why(*oom));
            failed(format!("service {service:?} didn't complete successfully: exit {code}{why}"))
        }
        (Condition::ServiceCompletedSuccessfully, _) => None,
    }
}

fn why(oom: bool) -> &'static str {
    if oom { ", out of memory" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_met_cannot_be_or_may_still() {
        use Condition::{
            ServiceCompletedSuccessfully as Completed, ServiceHealthy as Healthy, ServiceStarted as Started,
        };
        let running = |health| UnitState::Running { health, probes: Vec::new() };
        let exited = |code| UnitState::Exited { code, oom: false };
        let (service, name) = (ServiceName::new("db").unwrap(), ContainerName::new("shop-db-1").unwrap());
        for (condition, state, met) in [
            (Started, UnitState::Created, None),
            (Started, UnitState::Starting, None),
            (Started, UnitState::Stopping, None),
            (Started, running(Health::Starting), Some(true)),
            (Started, UnitState::Backoff { code: 1 }, Some(true)),
            (Started, exited(0), Some(false)),
            (Healthy, running(Health::Starting), None),
            (Healthy, running(Health::Healthy), Some(true)),
            (Healthy, running(Health::Unhealthy), Some(false)),
            (Healthy, running(Health::None), Some(false)),
            (Healthy, UnitState::Backoff { code: 1 }, None),
            (Healthy, exited(0), Some(false)),
            (Completed, running(Health::None), None),
            (Completed, UnitState::Backoff { code: 1 }, None),
            (Completed, exited(0), Some(true)),
            (Completed, exited(9), Some(false)),
        ] {
            let verdict = judge(&service, &name, &state, condition, By::Dependent).map(|verdict| verdict.is_ok());
            assert_eq!(verdict, met, "{condition:?} {state:?}");
        }
    }

    #[test]
    fn a_command_takes_what_is_done_for_what_runs() {
        let (service, name) = (ServiceName::new("job").unwrap(), ContainerName::new("shop-job-1").unwrap());
        let verdict = |state, condition| judge(&service, &name, &state, condition, By::Command).map(|end| end.is_ok());
        for condition in [Condition::ServiceStarted, Condition::ServiceHealthy] {
            assert_eq!(verdict(UnitState::Exited { code: 0, oom: false }, condition), Some(true), "{condition:?}");
            assert_eq!(verdict(UnitState::Exited { code: 1, oom: false }, condition), Some(false), "{condition:?}");
            assert_eq!(verdict(UnitState::Backoff { code: 0 }, condition), None, "{condition:?}: it is started again");
        }
    }
}
