//! Replaces the containers of a service one after the other, as `deploy.update_config` says, without anybody who asks for
//! the service being turned away.
//!
//! ```text
//! start-first   new: start aside ─▶ healthy ─▶ known ─────────────┐ at once
//!               old:                           unknown ◀──────────┘ ─▶ drained ─▶ stopped ─▶ removed
//! stop-first    old: unknown ─▶ drained ─▶ stopped
//!               new:                       start aside ─▶ healthy ─▶ known            old ─▶ removed
//! ```
//! A container that is aside runs without being found: no name leads to it, and no published port. One that fails is removed,
//! and the one that it was to replace goes on, or is started again. Until the end of an update that may be rolled back, the
//! old containers are kept.

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::evidence;
use super::execute;
use super::failure::{Failure, FailureKind};
use super::observe::Record;
use super::provision;
use super::unit::{Command, UnitState};
use super::update_policy::{FailureAction, UpdatePolicy};
use super::world::World;
use crate::compose::model::{Project, UpdateOrder};
use crate::name::{ContainerId, ServiceName};
use crate::plan::{Health, Replaced};

/// How long a container that is not found any more is left to those who had found it before: between an answer of the name
/// server and the connection there is little time, and answers are not kept.
const DRAIN: Duration = Duration::from_millis(250);

/// Replaces `replaced`, all of them of `service`.
///
/// # Errors
/// [`FailureKind::UpdateFailed`] when more containers failed than may, whatever followed from it.
pub(super) async fn roll_out(
    world: &Rc<World>,
    project: &Project,
    service: &ServiceName,
    replaced: &[Replaced],
    renew_volumes: bool,
) -> Result<(), Failure> {
    let (update, rollback) = UpdatePolicy::both(&project.services[service]);
    let keeps_old = update.on_failure == FailureAction::Rollback;
    let mut done: Vec<Swap> = Vec::new();
    let mut failures: Vec<Failure> = Vec::new();
    let batches = replaced.chunks(update.batch(replaced.len()));
    for (index, batch) in batches.enumerate() {
        if index > 0 {
            sleep(update.delay).await;
        }
        let mut swaps = JoinSet::new();
        for old in batch {
            let aside = Aside::create(world, project, service, old, renew_volumes)?;
            let world = Rc::clone(world);
            let swap = Swap { old: old.clone(), new: aside.new.clone() };
            swaps.spawn_local(async move {
                let result = replace(&world, &swap.old.container, &swap.new, &update, swap.old.grace).await;
                aside.finish();
                (swap, result)
            });
        }
        while let Some(joined) = swaps.join_next().await {
            let Ok((swap, result)) = joined else { continue };
            match result {
                Ok(()) if keeps_old => done.push(swap),
                Ok(()) => settle(world, &swap, renew_volumes).await?,
                Err(failure) => {
                    discard(world, &swap.new).await?;
                    failures.push(failure);
                }
            }
        }
        match update.after(failures.len(), replaced.len()) {
            FailureAction::Continue => {}
            FailureAction::Pause => return Err(failed(service, failures, "paused: the others are as they were")),
            FailureAction::Rollback => {
                roll_back(world, done, &rollback).await?;
                return Err(failed(service, failures, "rolled back"));
            }
        }
    }
    for swap in &done {
        settle(world, swap, renew_volumes).await?;
    }
    for failure in failures {
        world.warn(&failure.to_string());
    }
    Ok(())
}

/// An old container and what takes its place.
#[derive(Debug, Clone)]
struct Swap {
    old: Replaced,
    new: ContainerId,
}

fn failed(service: &ServiceName, failures: Vec<Failure>, then: &str) -> Failure {
    let mut failure =
        Failure::new(FailureKind::UpdateFailed, format!("the update of service {service} failed and was {then}"));
    for cause in failures {
        failure.causes.push(cause.message);
        failure.causes.extend(cause.causes);
        failure.evidence.extend(cause.evidence);
    }
    failure
}

/// A new container that nobody is to find yet. Dropped before it has finished, as when another command takes over, it is
/// ended: the next `up` decides anew.
pub(super) struct Aside {
    world: Rc<World>,
    new: ContainerId,
    is_finished: bool,
}

impl Aside {
    /// The guard of a container that exists.
    pub(super) fn of(world: &Rc<World>, id: &ContainerId) -> Self {
        Self { world: Rc::clone(world), new: id.clone(), is_finished: false }
    }

    fn create(
        world: &Rc<World>,
        project: &Project,
        service: &ServiceName,
        old: &Replaced,
        renew_volumes: bool,
    ) -> Result<Self, Failure> {
        let inherits = (!renew_volumes).then_some(&old.container);
        if let Some(record) = record(world, &old.container).filter(|_| !renew_volumes) {
            world.retire(&record);
        }
        let new = provision::create_beside(world, project, service, &old.name, inherits)?;
        Ok(Self::of(world, &new))
    }

    /// That it has come to what it was for.
    pub(super) fn finish(mut self) {
        self.is_finished = true;
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        if let Some(commands) = self.world.with_unit(&self.new, |unit| unit.commands.clone()) {
            let (done, _) = oneshot::channel();
            // The unit has little else to do.
            let _ = commands.try_send(Command::Stop { grace: Duration::ZERO, done });
        }
        self.world.forget_aside(&self.new);
    }
}

/// Has `new` take the place of `old`. When that fails, `old` serves again.
async fn replace(
    world: &Rc<World>,
    old: &ContainerId,
    new: &ContainerId,
    policy: &UpdatePolicy,
    grace: Duration,
) -> Result<(), Failure> {
    let order = possible_order(world, old, new, policy.order);
    let was_running = world.is_running(old);
    if order == UpdateOrder::StopFirst {
        retire(world, old, grace).await?;
        world.set_aside(new, None);
    } else {
        world.set_aside(new, Some(old.clone()));
    }
    let result = bring_up(world, old, new, order, policy.monitor).await;
    match (&result, order) {
        (Ok(()), UpdateOrder::StartFirst) => {
            retire(world, old, grace).await?;
            // What was the old one's to listen on.
            tell(world, new, Command::Relay).await;
        }
        (Ok(()), UpdateOrder::StopFirst) => {}
        (Err(_), UpdateOrder::StartFirst) => {
            world.admit(old, Some(new))?;
            execute::end(world, new, grace).await;
        }
        (Err(_), UpdateOrder::StopFirst) => {
            world.hide(new);
            execute::end(world, new, grace).await;
            if was_running {
                execute::start_container(world, old).await?;
                // Whoever is told of the failure finds the service as it was; where it is not, the failure is told all the same.
                let _ = ready(world, old).await;
            }
        }
    }
    if result.is_err() {
        world.forget_aside(new);
    }
    result
}

/// Starts `new`, sees that it is ready, and has it found in place of `old`.
async fn bring_up(
    world: &Rc<World>,
    old: &ContainerId,
    new: &ContainerId,
    order: UpdateOrder,
    monitor: Duration,
) -> Result<(), Failure> {
    execute::start_container(world, new).await?;
    ready(world, new).await?;
    world.admit(new, Some(old).filter(|_| order == UpdateOrder::StartFirst))?;
    watch_over(world, new, monitor).await
}

/// What comes first: nothing can be started beside a container whose ports nobody can hand over.
fn possible_order(world: &World, old: &ContainerId, new: &ContainerId, wanted: UpdateOrder) -> UpdateOrder {
    let (Some(old), Some(new)) = (record(world, old), record(world, new)) else { return wanted };
    let fixed = new.config.service.ports.iter().any(|port| port.published.is_some());
    let same = old.config.service.ports == new.config.service.ports;
    if wanted == UpdateOrder::StopFirst || !fixed || !world.is_running(&old.id) || (same && world.has_ports(&old.id)) {
        return wanted;
    }
    let why = if same { "an earlier supervisor has taken its ports" } else { "its ports change" };
    world.warn(&format!("{} is stopped before the new one is started: {why}", old.name));
    UpdateOrder::StopFirst
}

/// Has nobody find a container any more, then stops it.
async fn retire(world: &Rc<World>, id: &ContainerId, grace: Duration) -> Result<(), Failure> {
    let Some(record) = record(world, id) else { return Ok(()) };
    if world.is_running(id) {
        world.hide(id);
        sleep(DRAIN).await;
    }
    execute::stop(world, id, &record.name, grace).await
}

/// Waits until a container is healthy, or runs if it has no check.
async fn ready(world: &World, id: &ContainerId) -> Result<(), Failure> {
    let (record, mut state) = unit(world, id)?;
    let has_check = record.config.check.is_some();
    loop {
        match is_ready(&state.borrow_and_update(), has_check) {
            Some(true) => return Ok(()),
            Some(false) => break,
            None => {}
        }
        if state.changed().await.is_err() {
            return Err(Failure::cancelled(&record.name));
        }
    }
    Err(not_good(world, &record, &state.borrow()))
}

/// Fails when a container does within `period`.
async fn watch_over(world: &World, id: &ContainerId, period: Duration) -> Result<(), Failure> {
    let (record, mut state) = unit(world, id)?;
    let has_check = record.config.check.is_some();
    let has_failed = |state: &UnitState| is_ready(state, has_check) == Some(false);
    match timeout(period, state.wait_for(has_failed)).await {
        Ok(Ok(state)) => Err(not_good(world, &record, &state)),
        // Nothing happened, or it was removed.
        Err(_) | Ok(Err(_)) => Ok(()),
    }
}

/// Whether a container in `state` is ready; `None` while it may become so.
fn is_ready(state: &UnitState, has_check: bool) -> Option<bool> {
    match state {
        UnitState::Running { health: Health::Healthy, .. } => Some(true),
        UnitState::Running { health: Health::Unhealthy, .. } => Some(false),
        UnitState::Running { .. } => (!has_check).then_some(true),
        UnitState::Created | UnitState::Starting => None,
        UnitState::Backoff { .. } | UnitState::Stopping | UnitState::Exited { .. } => Some(false),
    }
}

fn not_good(world: &World, record: &Record, state: &UnitState) -> Failure {
    let message = match state {
        UnitState::Running { .. } => format!("container {} is unhealthy", record.name),
        UnitState::Exited { code, .. } | UnitState::Backoff { code } => {
            format!("container {} exited ({code})", record.name)
        }
        _ => format!("container {} was stopped", record.name),
    };
    let mut failure = Failure::new(FailureKind::DependencyFailed, message);
    failure.evidence.push(evidence::of(world, record, state));
    failure
}

/// Gives the replaced containers of `done` their places back, the last one first.
async fn roll_back(world: &Rc<World>, mut done: Vec<Swap>, policy: &UpdatePolicy) -> Result<(), Failure> {
    done.reverse();
    for (index, batch) in done.chunks(policy.batch(done.len())).enumerate() {
        if index > 0 {
            sleep(policy.delay).await;
        }
        let mut swaps = JoinSet::new();
        for swap in batch.iter().cloned() {
            let (world, policy) = (Rc::clone(world), *policy);
            swaps.spawn_local(async move {
                let result = replace(&world, &swap.new, &swap.old.container, &policy, swap.old.grace).await;
                (swap, result)
            });
        }
        while let Some(joined) = swaps.join_next().await {
            let Ok((swap, result)) = joined else { continue };
            result?;
            discard(world, &swap.new).await?;
        }
    }
    Ok(())
}

/// Removes an old container, and gives the new one its name and number.
async fn settle(world: &Rc<World>, swap: &Swap, renew_volumes: bool) -> Result<(), Failure> {
    execute::remove_container(world, &swap.old.container, &swap.old.name, renew_volumes).await?;
    let Some(before) = record(world, &swap.new) else { return Ok(()) };
    let mut after = (*before).clone();
    after.name.clone_from(&swap.old.name);
    after.number = swap.old.number;
    for endpoint in &mut after.endpoints {
        endpoint.names.iter_mut().filter(|name| **name == before.name.as_str()).for_each(|name| {
            *name = swap.old.name.to_string();
        });
    }
    let number = ("com.docker.compose.container-number".to_owned(), swap.old.number.to_string());
    after.config.lowered.labels.extend([number.clone()]);
    after.labels.extend([number]);
    let after = Rc::new(after);
    tell(world, &swap.new, |reply| Command::Rename(Rc::clone(&after), reply)).await;
    world.rename(&before, &after)?;
    Ok(())
}

/// Removes a container that is not wanted.
async fn discard(world: &Rc<World>, id: &ContainerId) -> Result<(), Failure> {
    let Some(record) = record(world, id) else { return Ok(()) };
    execute::remove_container(world, id, &record.name, false).await
}

fn record(world: &World, id: &ContainerId) -> Option<Rc<Record>> {
    world.with_unit(id, |unit| Rc::clone(&unit.record))
}

fn unit(world: &World, id: &ContainerId) -> Result<(Rc<Record>, watch::Receiver<UnitState>), Failure> {
    let unit = world.with_unit(id, |unit| (Rc::clone(&unit.record), unit.state.clone()));
    unit.ok_or_else(|| Failure::new(FailureKind::Cancelled, format!("container {} was removed", id.short())))
}

/// Has a unit do what is soon done, and waits for it.
async fn tell(world: &World, id: &ContainerId, command: impl FnOnce(oneshot::Sender<()>) -> Command) {
    let Some(commands) = world.with_unit(id, |unit| unit.commands.clone()) else { return };
    let (reply, done) = oneshot::channel();
    if commands.send(command(reply)).await.is_ok() {
        let _ = done.await;
    }
}

/// The name that a new container has beside the one whose name it gets later.
pub(super) fn name_beside(id: &ContainerId, name: &crate::name::ContainerName) -> crate::name::ContainerName {
    crate::name::ContainerName::new(format!("{}_{name}", &id.short()[..8]))
        .expect("hexadecimal digits may come before a container name")
}

/// What a container is to be called that has such a name, which is what people are told; any other is called as it is.
#[must_use]
pub fn settled_name<'n>(id: &ContainerId, name: &'n str) -> &'n str {
    name.strip_prefix(&id.short()[..8]).and_then(|rest| rest.strip_prefix('_')).unwrap_or(name)
}

/// The number that a new container of `service` has until then: after all others.
pub(super) fn number_beside(world: &World, service: &ServiceName) -> u32 {
    let numbers = world.units_of(service, |unit| unit.record.number);
    numbers.into_iter().max().unwrap_or(0).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_a_new_container_is_ready() {
        let running = |health| UnitState::Running { health, probes: Vec::new() };
        for (state, has_check, ready) in [
            (UnitState::Created, true, None),
            (UnitState::Starting, false, None),
            (running(Health::Starting), true, None),
            (running(Health::Healthy), true, Some(true)),
            (running(Health::Unhealthy), true, Some(false)),
            (running(Health::None), false, Some(true)),
            (UnitState::Backoff { code: 0 }, true, Some(false)),
            (UnitState::Exited { code: 0, oom: false }, false, Some(false)),
        ] {
            assert_eq!(is_ready(&state, has_check), ready, "{state:?} {has_check}");
        }
    }
}
