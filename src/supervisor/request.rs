//! What each request of a client comes to: a plan that is executed, or a change of one container or network.

use std::rc::Rc;

use tokio::sync::oneshot;

use super::control::{Event, Request, Resource, Status};
use super::evidence;
use super::execute::{Cancelled, Limits, OnFailure, execute};
use super::failure::{Failure, FailureKind};
use super::grant;
use super::lease;
use super::links::links_gone;
use super::one_off::{self, OneOff};
use super::provision;
use super::rewire::Rewire;
use super::shared;
use super::snapshot;
use super::standalone;
use super::unit::{Command, UnitState};
use super::world::World;
use crate::compose::model::{Project, Service};
use crate::name::{ContainerId, NetworkName, ServiceName};
use crate::network::{self, IpFamily};
use crate::plan::{self, Action};

/// Performs a request to its end, or until `cancelled` resolves.
pub(super) async fn perform(world: &Rc<World>, request: Request, mut cancelled: Cancelled) -> Vec<Failure> {
    let result = match request {
        Request::Up { project, options, subnet_pools, timed, .. } => {
            world.subnet_pools.replace(subnet_pools);
            up(world, &Rc::new(*project), &options, timed, &mut cancelled).await
        }
        Request::Run { project, options, subnet_pools, one_off } => {
            world.subnet_pools.replace(subnet_pools);
            run(world, &Rc::new(*project), &options, &one_off, &mut cancelled).await
        }
        Request::Down { project, options } => {
            down(world, project.map(|project| Rc::new(*project)), &options, cancelled).await
        }
        Request::Act { project, services, action, at_once, timed } => {
            let limits = Limits { cancelled: &mut cancelled, time: None, at_once, timed };
            act(world, project.map(|project| Rc::new(*project)), &services, &action, limits).await
        }
        Request::Connect { container, network, attachment } => {
            rewire(world, &container, cancelled, || {
                Ok(Rewire::Connect { network: shared::key_of(world, &network)?, attachment })
            })
            .await
        }
        Request::Disconnect { container, network } => {
            rewire(world, &container, cancelled, || {
                Ok(Rewire::Disconnect { network: shared::key_of(world, &network)? })
            })
            .await
        }
        // Answered where it came in: see `connection`.
        Request::HostRun(_) | Request::Events { .. } => Ok(Vec::new()),
        Request::Snapshot(wish) => snapshot::fulfil(world, wish, cancelled).await,
        Request::RemoveNetwork { network } => remove_network(world, &network),
    };
    match result {
        Ok(failures) => failures,
        Err(failure) => vec![failure],
    }
}

/// Changes what a container is connected to, once it is neither being started nor stopped.
async fn rewire(
    world: &Rc<World>,
    container: &ContainerId,
    mut cancelled: Cancelled,
    change: impl FnOnce() -> Result<Rewire, Failure>,
) -> Result<Vec<Failure>, Failure> {
    tokio::select! {
        () = world.settled() => {}
        _ = &mut cancelled => return Err(Failure::interrupted()),
    }
    let gone = || Failure::new(FailureKind::NotRunning, format!("container {} exists no more", container.short()));
    let commands = world.with_unit(container, |unit| unit.commands.clone()).ok_or_else(gone)?;
    let (reply, answer) = oneshot::channel();
    commands.send(Command::Rewire(change()?, reply)).await.map_err(|_| gone())?;
    // Not given up half-way: it takes no time.
    let result = answer.await.map_err(|_| gone())?;
    shared::leave(world, &world.used_externals())?;
    result.map(|()| Vec::new())
}

async fn up(
    world: &Rc<World>,
    project: &Rc<Project>,
    options: &plan::UpOptions,
    timed: bool,
    cancelled: &mut Cancelled,
) -> Result<Vec<Failure>, Failure> {
    // What an interrupted request has begun is planned with when its outcome is known.
    tokio::select! {
        () = world.settled() => {}
        _ = &mut *cancelled => return Err(Failure::interrupted()),
    }
    let observed = world.observe(Some(project))?;
    let plan =
        plan::reconcile(project, &observed, options).map_err(|error| Failure::from_error(FailureKind::Plan, &error))?;
    provision::check(world, project, &plan)?;
    grant::renew(world, project)?;
    let touched = plan.containers();
    let mut concerned =
        plan::concerned(project, options).map_err(|error| Failure::from_error(FailureKind::Plan, &error))?;
    if let Some(one_off) = &options.one_off {
        // It is the service of a container of its own.
        concerned.remove(one_off);
    }
    for container in observed.containers.iter().filter(|container| concerned.contains(&container.service)) {
        if !touched.contains(&container.id) && world.is_running(&container.id) {
            let resource = Resource::Container(container.name.clone());
            world.say(Event::Progress { resource, status: Status::Running });
        }
    }
    if !project.networks.is_empty() {
        warn_of_foreign_firewalls(world, project);
    }
    let limits = Limits { cancelled, time: options.wait_timeout, at_once: options.at_once, timed };
    let failures = execute(world, Some(project), &plan, OnFailure::Stop, limits).await;
    world.forget_retired();
    if failures.is_empty() {
        tell_of_the_dead(world, &plan);
    }
    Ok(failures)
}

/// Makes what the container of a command needs, then the container, and has the command begin.
async fn run(
    world: &Rc<World>,
    project: &Rc<Project>,
    options: &plan::UpOptions,
    one_off: &OneOff,
    cancelled: &mut Cancelled,
) -> Result<Vec<Failure>, Failure> {
    let failures = up(world, project, options, false, cancelled).await?;
    if !failures.is_empty() {
        return Ok(failures);
    }
    tokio::select! {
        begun = one_off::begin(world, project, one_off) => begun.map(|()| Vec::new()),
        _ = cancelled => Err(Failure::interrupted()),
    }
}

/// Tells of containers that `plan` has started and that have failed since.
fn tell_of_the_dead(world: &World, plan: &plan::Plan) {
    for (_, step) in plan.steps() {
        let plan::Operation::StartContainer { service, number } = &step.operation else { continue };
        for (record, state) in world.units_of(service, |unit| (Rc::clone(&unit.record), unit.state.borrow().clone())) {
            let has_failed = matches!(state, UnitState::Exited { code: 1.., .. } | UnitState::Backoff { code: 1.. });
            if record.number == *number && has_failed {
                world.say(Event::Died(Box::new(evidence::of(world, &record, &state))));
            }
        }
    }
}

/// Tells whose rules keep the containers from one another, since nothing else will: what is dropped leaves no trace.
fn warn_of_foreign_firewalls(world: &World, project: &Project) {
    let bridges: Vec<_> = world.networks().iter().filter_map(|record| super::network::bridge(record).ok()).collect();
    // A network that is about to be made has IPv4, or says otherwise: the second family is warned of once it is there.
    let families = [IpFamily::V4, IpFamily::V6];
    let families = families.into_iter().filter(|family| bridges.is_empty() || bridges.iter().any(|of| of.has(*family)));
    let families: Vec<IpFamily> = families.collect();
    // Who cannot read the rules does not know of any; whether ours can be set is found out when they are.
    let mut firewalls = network::foreign_firewalls().unwrap_or_default();
    if project.services.values().any(Service::names_host) {
        firewalls.extend(network::foreign_input_firewalls().unwrap_or_default());
    }
    for firewall in firewalls {
        if families.iter().any(|family| firewall.is_of(*family)) {
            world.warn(&firewall.to_string());
        }
    }
}

async fn down(
    world: &Rc<World>,
    project: Option<Rc<Project>>,
    options: &plan::DownOptions,
    mut cancelled: Cancelled,
) -> Result<Vec<Failure>, Failure> {
    if options.services.is_empty() {
        tokio::select! {
            () = lease::end_all(world, options.timeout) => {}
            _ = &mut cancelled => return Err(Failure::interrupted()),
        }
    }
    let observed = world.observe(project.as_deref())?;
    let plan = plan::teardown(project.as_deref(), &observed, options);
    let touched = plan.containers();
    for one_off in observed.one_offs.iter().filter(|one_off| !touched.contains(&one_off.id)) {
        if options.services.is_empty() || options.services.contains(&one_off.service) {
            world.warn(&format!("{} was begun with `run` and goes on: --remove-orphans stops it", one_off.name));
        }
    }
    let limits = Limits { cancelled: &mut cancelled, time: None, at_once: options.at_once, timed: false };
    let failures = execute(world, project.as_ref(), &plan, OnFailure::Continue, limits).await;
    if options.volumes {
        world.remove_unused_anonymous_volumes()?;
    }
    shared::leave(world, &world.used_externals())?;
    if failures.is_empty() {
        let removed = plan.containers();
        links_gone(
            observed.containers.iter().chain(&observed.one_offs).filter(|container| removed.contains(&container.id)),
        )
        .await;
    }
    let removes_network = |step: &plan::Step| matches!(step.operation, plan::Operation::RemoveNetwork { .. });
    if !plan.steps().any(|(_, step)| removes_network(step)) {
        // A `down` that was killed after its last network may have left the firewall's table.
        world.apply_firewall_or_warn();
    }
    Ok(failures)
}

/// Removes a network that no container is on, running or not.
fn remove_network(world: &World, key: &NetworkName) -> Result<Vec<Failure>, Failure> {
    let Some(record) = world.network(key) else { return Ok(Vec::new()) };
    standalone::in_use(&record.name, &standalone::users(&world.layout, &record)?)?;
    lease::in_use(world, key)?;
    world.remove_network(key)?;
    Ok(Vec::new())
}

/// Does something to containers as they are.
async fn act(
    world: &Rc<World>,
    project: Option<Rc<Project>>,
    services: &[ServiceName],
    action: &Action,
    mut limits: Limits<'_>,
) -> Result<Vec<Failure>, Failure> {
    let begins = matches!(action, Action::Start { .. } | Action::Restart { .. });
    if begins {
        tokio::select! {
            () = world.settled() => {}
            _ = &mut *limits.cancelled => return Err(Failure::interrupted()),
        }
    }
    let observed = world.observe(project.as_deref())?;
    let plan = plan::act(project.as_deref(), &observed, services, action)
        .map_err(|error| Failure::from_error(FailureKind::Plan, &error))?;
    if let Some(project) = project.as_ref().filter(|_| begins) {
        grant::renew(world, project)?;
    }
    let on_failure = if begins { OnFailure::Stop } else { OnFailure::Continue };
    if let Action::Start { wait_timeout, .. } = action {
        limits.time = *wait_timeout;
    }
    let failures = execute(world, project.as_ref(), &plan, on_failure, limits).await;
    if matches!(action, Action::Remove { .. }) {
        world.forget_retired();
    }
    if matches!(action, Action::Restart { .. }) {
        world.note_restarts(&plan.containers());
    }
    Ok(failures)
}
