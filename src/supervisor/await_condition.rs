//! Waits until a service meets a condition: each unit pushes its state, nothing polls.

use tokio::sync::watch;

use super::control::{Event, Resource, Status};
use super::failure::{Failure, FailureKind};
use super::unit::UnitState;
use super::world::World;
use crate::compose::model::Condition;
use crate::name::{ContainerName, ServiceName};
use crate::plan::Health;

/// Returns when every container of `service` meets `condition`.
///
/// # Errors
/// [`FailureKind::DependencyFailed`] as soon as one of them cannot any more.
pub(super) async fn await_condition(world: &World, service: &ServiceName, condition: Condition) -> Result<(), Failure> {
    for (name, mut state) in world.units_of(service, |unit| (unit.record.name.clone(), unit.state.clone())) {
        let resource = Resource::Container(name.clone());
        if condition != Condition::ServiceStarted {
            world.say(Event::Progress { resource: resource.clone(), status: Status::Waiting });
        }
        let result = await_unit(service, &name, &mut state, condition).await;
        let status = match (&result, condition) {
            (Err(_), _) => Status::Error,
            (Ok(()), Condition::ServiceStarted) => Status::Started,
            (Ok(()), Condition::ServiceHealthy) => Status::Healthy,
            (Ok(()), Condition::ServiceCompletedSuccessfully) => Status::Completed,
        };
        world.say(Event::Progress { resource, status });
        result?;
    }
    Ok(())
}

async fn await_unit(
    service: &ServiceName,
    name: &ContainerName,
    state: &mut watch::Receiver<UnitState>,
    condition: Condition,
) -> Result<(), Failure> {
    loop {
        if let Some(verdict) = judge(service, name, &state.borrow_and_update(), condition) {
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
) -> Option<Result<(), Failure>> {
    let failed = |message: String| Some(Err(Failure::new(FailureKind::DependencyFailed, message)));
    match (condition, state) {
        (_, UnitState::Created | UnitState::Starting | UnitState::Stopping) => None,
        (Condition::ServiceStarted, UnitState::Running { .. } | UnitState::Backoff { .. }) => Some(Ok(())),
        (Condition::ServiceStarted | Condition::ServiceHealthy, UnitState::Exited { code, oom }) => {
            failed(format!("container {name} exited ({code}{})", why(*oom)))
        }
        (Condition::ServiceHealthy, UnitState::Running { health: Health::Healthy, .. }) => Some(Ok(())),
        (Condition::ServiceHealthy, UnitState::Running { health: Health::Unhealthy, last_probe }) => {
            let mut failure = Failure::new(FailureKind::DependencyFailed, format!("container {name} is unhealthy"));
            failure.causes.extend(last_probe.as_ref().map(|output| format!("its last probe: {}", output.trim())));
            Some(Err(failure))
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
        let running = |health| UnitState::Running { health, last_probe: None };
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
            let verdict = judge(&service, &name, &state, condition).map(|verdict| verdict.is_ok());
            assert_eq!(verdict, met, "{condition:?} {state:?}");
        }
    }

    #[test]
    fn the_last_probe_is_told() {
        let state = UnitState::Running { health: Health::Unhealthy, last_probe: Some("no answer\n".to_owned()) };
        let (service, name) = (ServiceName::new("db").unwrap(), ContainerName::new("shop-db-1").unwrap());
        let failure = judge(&service, &name, &state, Condition::ServiceHealthy).unwrap().unwrap_err();
        assert_eq!(failure.to_string(), "container shop-db-1 is unhealthy: its last probe: no answer");
    }
}
