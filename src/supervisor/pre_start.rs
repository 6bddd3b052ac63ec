//! Runs the `pre_start` hooks of a service: each in a container of its own, with the volumes and networks of the service, to
//! its end, before any container of the service is started.

use std::rc::Rc;

use super::control::Event;
use super::evidence;
use super::execute;
use super::failure::{Failure, FailureKind};
use super::observe::Record;
use super::provision;
use super::rollout::Aside;
use super::unit::UnitState;
use super::world::World;
use crate::compose::model::{Deploy, Healthcheck, Hook, Project, Service};
use crate::name::{ContainerId, ServiceName};
use crate::runtime::log::Reader;

/// Runs the hooks that are for each container, for that with `number`; without one those that are for the service.
///
/// # Errors
/// [`FailureKind::HookFailed`] for the first that fails; those after it are not run.
pub(super) async fn run(
    world: &Rc<World>,
    project: &Project,
    service: &ServiceName,
    number: Option<u32>,
) -> Result<(), Failure> {
    let config = &project.services[service];
    let units = world.units_of(service, |unit| Rc::clone(&unit.record));
    let is_meant = |record: &&Rc<Record>| number.is_none_or(|number| record.number == number);
    let Some(replica) = units.iter().find(is_meant) else { return Ok(()) };
    for hook in config.pre_start.iter().filter(|hook| hook.per_replica == number.is_some()) {
        let mut altered = project.clone();
        altered.services.insert(service.clone(), container_of(config, hook));
        // The anonymous volumes of the one that it prepares for are its own too.
        world.retire(replica);
        let id = provision::create_beside(world, &altered, service, &replica.name, Some(&replica.id))?;
        let aside = Aside::of(world, &id);
        world.set_aside(&id, None);
        let result = run_to_end(world, service, replica, &id).await;
        aside.finish();
        if let Some(name) = world.with_unit(&id, |unit| unit.record.name.clone()) {
            execute::remove_container(world, &id, &name, false).await?;
        }
        world.forget_aside(&id);
        result?;
    }
    Ok(())
}

/// Runs the container of a hook, and tells what it has written as the hook of `replica`.
async fn run_to_end(world: &World, service: &ServiceName, replica: &Record, id: &ContainerId) -> Result<(), Failure> {
    let about = format!("cannot run a hook of service {service}");
    execute::start_container(world, id).await.map_err(|failure| failure.because_of(about))?;
    let unit = world.with_unit(id, |unit| (Rc::clone(&unit.record), unit.state.clone()));
    let gone = || Failure::new(FailureKind::Cancelled, format!("container {} was removed", id.short()));
    let (record, mut state) = unit.ok_or_else(gone)?;
    let state = state.wait_for(|state| matches!(state, UnitState::Exited { .. })).await.map_err(|_| gone())?.clone();
    if let Ok(lines) = Reader::open(&world.log(&record)) {
        for line in lines.map_while(Result::ok) {
            let line = line.line.trim_end_matches(['\n', '\r']).to_owned();
            world.say(Event::Hook { container: replica.name.clone(), line });
        }
    }
    match state {
        UnitState::Exited { code: 0, .. } => Ok(()),
        UnitState::Exited { code, .. } => {
            let message = format!("a pre_start hook of service {service} exited with status {code}");
            let mut failure = Failure::new(FailureKind::HookFailed, message);
            failure.evidence.push(evidence::of(world, &record, &state));
            Err(failure)
        }
        _ => Err(gone()),
    }
}

/// What the container of a hook is made from: the service without what makes it one that others find and wait for.
fn container_of(service: &Service, hook: &Hook) -> Service {
    let mut container = service.clone();
    container.image = hook.image.clone().unwrap_or(container.image);
    container.command.clone_from(&hook.command);
    container.entrypoint = Some(Vec::new());
    container.user = hook.user.clone().or(container.user);
    container.working_dir = hook.working_dir.clone().or(container.working_dir);
    container.privileged = hook.privileged;
    container.environment.extend(hook.environment.clone());
    container.deploy = container.deploy.map(|deploy| Deploy { resources: deploy.resources, ..Deploy::default() });
    container.healthcheck = Some(Healthcheck { disable: true, ..Healthcheck::default() });
    container.restart = None;
    (container.tty, container.stdin_open) = (false, false);
    (container.container_name, container.hostname, container.mac_address) = (None, None, None);
    container.ports.clear();
    container.depends_on.clear();
    container.pre_start.clear();
    container.post_start.clear();
    container.pre_stop.clear();
    for attachment in container.networks.values_mut() {
        attachment.aliases.clear();
        attachment.link_local_ips.clear();
        (attachment.ipv4_address, attachment.ipv6_address, attachment.mac_address) = (None, None, None);
    }
    container
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_has_what_the_service_has_and_is_not_it() {
        let service: Service = serde_json::from_str(
            r#"{"image": "app:1", "command": ["serve"], "restart": "always", "environment": {"A": "1", "B": "1"},
                "hostname": "app", "user": "app", "networks": {"net": {"ipv4_address": "10.0.0.9", "aliases": ["x"]}},
                "depends_on": {"db": {"condition": "service_started"}}}"#,
        )
        .unwrap();
        let hook: Hook = serde_json::from_str(
            r#"{"image": "tool:2", "command": ["migrate", "up"], "environment": {"B": "2"}, "working_dir": "/w"}"#,
        )
        .unwrap();
        let container = serde_json::to_value(container_of(&service, &hook)).unwrap();
        let expected = serde_json::json!({
            "image": "tool:2", "command": ["migrate", "up"], "entrypoint": [], "environment": {"A": "1", "B": "2"},
            "user": "app", "working_dir": "/w", "networks": {"net": {}}, "healthcheck": {"disable": true},
        });
        assert_eq!(container, expected);
    }
}
