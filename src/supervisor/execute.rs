//! Walks a plan: every step starts as soon as the steps it comes after are done. Decides nothing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::await_condition::{By, await_condition, waits};
use super::control::{Event, Resource, Status};
use super::failure::{Failure, FailureKind};
use super::hooks;
use super::network;
use super::observe::Record;
use super::pre_start;
use super::provision;
use super::rollout;
use super::shaping;
use super::share;
use super::snapshot;
use super::timing::{self, StepTime};
use super::unit::{Command, StopReport};
use super::world::World;
use crate::compose::model::{Condition, Project};
use crate::name::{ContainerId, ContainerName, ServiceName};
use crate::plan::{Cause, Operation, Plan, Step, StepId};
use crate::runtime::Signal;

/// What a failed step means for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFailure {
    /// Nothing new is started, nobody is waited for: `up`.
    Stop,
    /// All the rest is done: `down`.
    Continue,
}

/// Resolves when a request is to be given up: its other end is dropped.
pub(super) type Cancelled = oneshot::Receiver<()>;

/// What ends the execution of a plan before its end.
#[derive(Debug)]
pub(super) struct Limits<'a> {
    /// A request that takes over, or a client that went away.
    pub(super) cancelled: &'a mut Cancelled,
    /// How long it may take.
    pub(super) time: Option<Duration>,
    /// How many steps may be under way at once, waits not counted.
    pub(super) at_once: Option<usize>,
    /// Whether to tell in the end when each step was under way.
    pub(super) timed: bool,
}

/// Executes `plan`, and tells how long that took where it is to be timed.
pub(super) async fn execute(
    world: &Rc<World>,
    project: Option<&Rc<Project>>,
    plan: &Plan,
    on_failure: OnFailure,
    limits: Limits<'_>,
) -> Vec<Failure> {
    let mut walk = Walk::new(world, project, plan, &limits);
    let timed = limits.timed;
    let failures = walk.run(on_failure, limits).await;
    if timed {
        world.say(Event::Timed(walk.times()));
    }
    failures
}

struct Walk<'a> {
    world: &'a Rc<World>,
    project: Option<&'a Rc<Project>>,
    plan: &'a Plan,
    running: JoinSet<(StepId, Result<(), Failure>)>,
    waits: Vec<AbortHandle>,
    /// The steps that have begun and not ended, and since when.
    under_way: BTreeMap<StepId, Duration>,
    /// Those that have ended.
    ended: Vec<StepTime>,
    at_once: usize,
    /// How many of `under_way` count as work.
    working: usize,
    /// The steps that may begin as soon as there is room.
    ready: VecDeque<StepId>,
    /// How many steps a step still comes after.
    open: BTreeMap<StepId, usize>,
}

/// Returns at `deadline`, if there is one.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

impl<'a> Walk<'a> {
    fn new(world: &'a Rc<World>, project: Option<&'a Rc<Project>>, plan: &'a Plan, limits: &Limits<'_>) -> Self {
        Self {
            world,
            project,
            plan,
            running: JoinSet::new(),
            waits: Vec::new(),
            under_way: BTreeMap::new(),
            ended: Vec::new(),
            at_once: limits.at_once.unwrap_or(usize::MAX),
            working: 0,
            ready: VecDeque::new(),
            open: plan.steps().map(|(id, _)| (id, plan.dependencies(id).len())).collect(),
        }
    }

    /// Begins and ends steps until there are none; returns every failure. When `cancelled`, it returns as soon as no step is
    /// under way any more; a container whose start has begun is left to its unit.
    async fn run(&mut self, on_failure: OnFailure, limits: Limits<'_>) -> Vec<Failure> {
        // One too far away for the clock never comes.
        let deadline = limits.time.and_then(|time| Instant::now().checked_add(time));
        let mut failures = Vec::new();
        let plan = self.plan;
        for (id, _) in plan.steps() {
            if plan.dependencies(id).is_empty() {
                self.begin(id);
            }
        }
        loop {
            let joined = tokio::select! {
                joined = self.running.join_next() => joined,
                _ = &mut *limits.cancelled => {
                    self.running.shutdown().await;
                    failures.push(Failure::interrupted());
                    return failures;
                }
                () = until(deadline) => {
                    failures.push(self.overdue(limits.time.unwrap_or_default()));
                    self.running.shutdown().await;
                    return failures;
                }
            };
            let (id, result) = match joined {
                None => return failures,
                Some(Ok(step)) => step,
                // Only the waits are ever aborted, after the failure that made them pointless was noted.
                Some(Err(error)) if error.is_cancelled() => continue,
                Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
            };
            self.end(id);
            if let Err(failure) = result {
                if self.is_optional(id) {
                    self.world.warn(&failure.to_string());
                    self.pass_by(id);
                    self.begin_ready();
                    continue;
                }
                failures.push(failure);
                if on_failure == OnFailure::Stop {
                    self.waits.drain(..).for_each(|wait| wait.abort());
                    continue;
                }
            }
            if failures.is_empty() || on_failure == OnFailure::Continue {
                self.finish(id);
                self.begin_ready();
            }
        }
    }

    /// When each step was under way that has begun, whether it came to its end or not.
    fn times(self) -> Vec<StepTime> {
        let given_up = self.under_way.iter().map(|(id, begun)| StepTime::ended(self.plan, *id, *begun));
        let given_up: Vec<_> = given_up.collect();
        self.ended.into_iter().chain(given_up).collect()
    }

    /// That time is up: who waits for whom.
    fn overdue(&self, time: Duration) -> Failure {
        let seconds = time.as_secs_f64();
        let mut failure = Failure::new(FailureKind::NotInTime, format!("application not healthy after {seconds}s"));
        for id in self.under_way.keys() {
            let operation = &self.plan.step(*id).operation;
            let Operation::AwaitCondition { service, condition, .. } = operation else {
                failure.causes.push(format!("still under way: {operation}"));
                continue;
            };
            let waiting: BTreeSet<ServiceName> = self
                .plan
                .dependents(*id)
                .into_iter()
                .filter_map(|next| match &self.plan.step(next).operation {
                    Operation::StartContainer { service, .. } => Some(service.clone()),
                    _ => None,
                })
                .collect();
            let waiting: Vec<_> = waiting.into_iter().collect();
            failure.waits.extend(waits(self.world, service, *condition, &waiting));
        }
        failure
    }

    /// Takes note that a step has ended, in whatever way.
    fn end(&mut self, id: StepId) {
        let Some(begun) = self.under_way.remove(&id) else { return };
        self.ended.push(StepTime::ended(self.plan, id, begun));
        if !self.is_wait(id) {
            self.working -= 1;
        }
    }

    /// Begins what had no room before, as far as there is some now.
    fn begin_ready(&mut self) {
        while self.working < self.at_once
            && let Some(id) = self.ready.pop_front()
        {
            self.begin(id);
        }
    }

    /// Whether a step only waits for what others do.
    fn is_wait(&self, id: StepId) -> bool {
        matches!(self.plan.step(id).operation, Operation::AwaitCondition { .. })
    }

    fn begin(&mut self, id: StepId) {
        let is_wait = self.is_wait(id);
        if !is_wait && self.working >= self.at_once {
            self.ready.push_back(id);
            return;
        }
        let Step { operation, cause } = self.plan.step(id).clone();
        if let (Operation::AwaitCondition { condition: Condition::ServiceStarted, .. }, Cause::NeededBy(_)) =
            (&operation, &cause)
        {
            // Met by the starts it comes after, even when the container has ended since; only `--wait` asks for more.
            self.under_way.insert(id, timing::now());
            self.running.spawn_local(std::future::ready((id, Ok(()))));
            return;
        }
        let by = if cause == Cause::Requested { By::Command } else { By::Dependent };
        let (world, project) = (Rc::clone(self.world), self.project.cloned());
        let work = async move { (id, perform(&world, project.as_deref(), operation, by).await) };
        self.under_way.insert(id, timing::now());
        let task = self.running.spawn_local(work);
        if is_wait {
            self.waits.push(task);
        } else {
            self.working += 1;
        }
    }

    /// Whether a step only serves dependencies with `required: false`, so that its failure fails nothing.
    fn is_optional(&self, id: StepId) -> bool {
        let dependents = self.plan.dependents(id);
        !dependents.is_empty() && dependents.into_iter().all(|next| self.tolerates(next) || self.is_optional(next))
    }

    fn tolerates(&self, id: StepId) -> bool {
        matches!(self.plan.step(id).operation, Operation::AwaitCondition { required: false, .. })
    }

    /// Goes on behind an optional step that failed: what needs it is left out, up to the wait that tolerates it.
    fn pass_by(&mut self, id: StepId) {
        for next in self.plan.dependents(id) {
            if self.is_last_before(next) {
                if self.tolerates(next) { self.finish(next) } else { self.pass_by(next) }
            }
        }
    }

    /// Counts a step done before `next`; true when it was the last.
    fn is_last_before(&mut self, next: StepId) -> bool {
        let open = self.open.get_mut(&next).expect("every step of the plan is counted");
        *open -= 1;
        *open == 0
    }

    fn finish(&mut self, id: StepId) {
        for next in self.plan.dependents(id) {
            if self.is_last_before(next) {
                self.begin(next);
            }
        }
    }
}

async fn perform(world: &Rc<World>, project: Option<&Project>, operation: Operation, by: By) -> Result<(), Failure> {
    let project = || project.ok_or_else(|| Failure::new(FailureKind::Plan, "a project is needed to create anything"));
    match operation {
        Operation::CreateNetwork { network } => {
            let project = project()?;
            let resource = Resource::Network(project.networks[&network].name.clone());
            reported(world, resource, Status::Creating, Status::Created, || network::create(world, project, &network))
        }
        Operation::CreateVolume { volume } => {
            let project = project()?;
            let resource = Resource::Volume(project.volumes[&volume].name.clone());
            reported(world, resource, Status::Creating, Status::Created, || {
                provision::create_volume(world, project, &volume)
            })
        }
        // Pulled or built by the client before it asked; the container's creation finds out when it was not.
        Operation::PullImage { .. } | Operation::BuildImage { .. } => Ok(()),
        Operation::CreateContainer { service, number, replaces } => {
            provision::create_container(world, project()?, &service, number, replaces.as_ref())
        }
        Operation::UpdateContainer { container, service, .. } => update(world, project()?, &container, &service).await,
        Operation::StartContainer { service, number } => start(world, &service, number).await,
        Operation::AwaitCondition { service, condition, required } => {
            match await_condition(world, &service, condition, by).await {
                Err(failure) if !required => {
                    world.warn(&failure.to_string());
                    Ok(())
                }
                result => result,
            }
        }
        Operation::StopContainer { container, name, grace } => stop(world, &container, &name, grace).await,
        Operation::KillContainer { container, name, signal } => kill(world, &container, &name, signal).await,
        Operation::PauseContainer { container, name } => pause(world, &container, &name, true).await,
        Operation::UnpauseContainer { container, name } => pause(world, &container, &name, false).await,
        Operation::RemoveContainer { container, name, volumes } => {
            remove_container(world, &container, &name, volumes).await
        }
        Operation::PreStart { service, number } => pre_start::run(world, project()?, &service, number).await,
        Operation::RollOut { service, containers, volumes } => {
            rollout::roll_out(world, project()?, &service, &containers, volumes).await
        }
        Operation::RemoveNetwork { network } => {
            let Some(record) = world.network(&network) else { return Ok(()) };
            if let Some(user) = super::shared::user(world, &record.name)? {
                world.warn(&format!("network {} stays: {user} is on it", record.name));
                return Ok(());
            }
            let resource = Resource::Network(record.name);
            reported(world, resource, Status::Removing, Status::Removed, || world.remove_network(&network))
        }
        Operation::RestoreVolumes { snapshot, volumes } => snapshot::put_back(world, &snapshot, &volumes).await,
        Operation::RemoveVolume { volume, name } => remove_volume(world, &volume, name.as_deref()),
    }
}

/// Removes a container.
pub(super) async fn remove_container(
    world: &World,
    id: &ContainerId,
    name: &ContainerName,
    volumes: bool,
) -> Result<(), Failure> {
    // A start that an interrupted request has begun comes to its end first.
    end(world, id, Duration::ZERO).await;
    let resource = Resource::Container(name.clone());
    reported(world, resource, Status::Removing, Status::Removed, || remove(world, id, volumes))
}

fn reported(
    world: &World,
    resource: Resource,
    doing: Status,
    done: Status,
    operation: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    world.say(Event::Progress { resource: resource.clone(), status: doing });
    let result = operation();
    world.say(Event::Progress { resource, status: if result.is_ok() { done } else { Status::Error } });
    result
}

/// Has a container, running or not, get what its service says now of what can be changed as it runs.
async fn update(world: &Rc<World>, project: &Project, id: &ContainerId, service: &ServiceName) -> Result<(), Failure> {
    // One that is gone was removed by a request that took over.
    let unit = world.with_unit(id, |unit| (Rc::clone(&unit.record), unit.commands.clone()));
    let Some((before, commands)) = unit else { return Ok(()) };
    let mut record = (*before).clone();
    record.config.service.set_network_limits(project.services[service].network_limits().cloned());
    let record = Rc::new(record);
    let (reply, answer) = oneshot::channel();
    let result = match commands.send(Command::Update { record: Rc::clone(&record), reply }).await {
        Ok(()) => answer.await.unwrap_or_else(|_| Err(Failure::cancelled(&before.name))),
        Err(_) => Err(Failure::cancelled(&before.name)),
    };
    let result = result.and_then(|()| Ok(world.replace_record(record)?));
    let status = if result.is_ok() { Status::Updated } else { Status::Error };
    world.say(Event::Progress { resource: Resource::Container(before.name.clone()), status });
    result.map_err(|failure| failure.because_of(format!("cannot change {}", before.name)))
}

async fn start(world: &Rc<World>, service: &ServiceName, number: u32) -> Result<(), Failure> {
    let unit = world.units_of(service, |unit| (unit.record.number, Rc::clone(&unit.record), unit.commands.clone()));
    let Some((_, record, commands)) = unit.into_iter().find(|(of, _, _)| *of == number) else {
        return Err(Failure::new(
            FailureKind::System,
            format!("container {number} of service {service} does not exist"),
        ));
    };
    start_unit(world, &record, commands).await
}

/// Starts a container that exists.
pub(super) async fn start_container(world: &World, id: &ContainerId) -> Result<(), Failure> {
    let unit = world.with_unit(id, |unit| (Rc::clone(&unit.record), unit.commands.clone()));
    let gone = || Failure::new(FailureKind::Cancelled, format!("container {} was removed", id.short()));
    let (record, commands) = unit.ok_or_else(gone)?;
    start_unit(world, &record, commands).await
}

async fn start_unit(world: &World, record: &Record, commands: mpsc::Sender<Command>) -> Result<(), Failure> {
    let name = record.name.clone();
    let resource = Resource::Container(name.clone());
    world.say(Event::Progress { resource: resource.clone(), status: Status::Starting });
    let (reply, answer) = oneshot::channel();
    // A unit that is gone was removed by a request that took over.
    let result = match commands.send(Command::Start(reply)).await {
        Ok(()) => answer.await.unwrap_or_else(|_| Err(Failure::cancelled(&name))),
        Err(_) => Err(Failure::cancelled(&name)),
    };
    let status = if result.is_ok() { Status::Started } else { Status::Error };
    world.say(Event::Progress { resource, status });
    result.map_err(|failure| failure.because_of(format!("cannot start {name}")))?;
    hooks::run(world, record, &record.config.service.post_start).await
}

/// Stops a container and says how it went; one that does not run is stopped already.
pub(super) async fn stop(
    world: &Rc<World>,
    id: &ContainerId,
    name: &ContainerName,
    grace: Duration,
) -> Result<(), Failure> {
    let was_running = world.is_running(id);
    let resource = Resource::Container(name.clone());
    if was_running {
        world.say(Event::Progress { resource: resource.clone(), status: Status::Stopping });
        let record = world.with_unit(id, |unit| Rc::clone(&unit.record));
        // Who kills it at once has no time for that.
        if let Some(record) = record.filter(|_| !grace.is_zero())
            && let Err(failure) = hooks::run(world, &record, &record.config.service.pre_stop).await
        {
            world.warn(&format!("{name} is stopped all the same: {failure}"));
        }
    }
    let report = end(world, id, grace).await;
    if was_running {
        let status = if report == StopReport::Killed { Status::Killed } else { Status::Stopped };
        world.say(Event::Progress { resource, status });
    }
    if report == StopReport::Deaf {
        world.warn(&format!(
            "{name}: its PID 1 has no handler for the stop signal, so the kernel drops it: killed without waiting (set `init: true`)"
        ));
    }
    Ok(())
}

/// Has a unit stop its container; one that is gone, or does not run, has stopped.
pub(super) async fn end(world: &World, id: &ContainerId, grace: Duration) -> StopReport {
    let Some(commands) = world.with_unit(id, |unit| unit.commands.clone()) else { return StopReport::Stopped };
    let (done, report) = oneshot::channel();
    match commands.send(Command::Stop { grace, done }).await {
        Ok(()) => report.await.unwrap_or(StopReport::Stopped),
        Err(_) => StopReport::Stopped,
    }
}

/// Sends a container a signal; SIGKILL ends it, and is waited for.
async fn kill(world: &Rc<World>, id: &ContainerId, name: &ContainerName, signal: i32) -> Result<(), Failure> {
    let resource = Resource::Container(name.clone());
    world.say(Event::Progress { resource: resource.clone(), status: Status::Killing });
    let result = match crate::sys::signal::numbered(signal) {
        Some(Signal::KILL) => {
            end(world, id, Duration::ZERO).await;
            Ok(())
        }
        Some(signal) => tell(world, id, name, |reply| Command::Signal(signal, reply)).await,
        None => Err(Failure::new(FailureKind::Plan, format!("there is no signal {signal}"))),
    };
    let status = if result.is_ok() { Status::Killed } else { Status::Error };
    world.say(Event::Progress { resource, status });
    result.map_err(|failure| failure.because_of(format!("cannot kill {name}")))
}

/// Pauses a container or lets it go on, and says so.
pub(super) async fn pause(
    world: &Rc<World>,
    id: &ContainerId,
    name: &ContainerName,
    pause: bool,
) -> Result<(), Failure> {
    let result = tell(world, id, name, |reply| Command::Pause { pause, reply }).await;
    let status = match (&result, pause) {
        (Err(_), _) => Status::Error,
        (Ok(()), true) => Status::Paused,
        (Ok(()), false) => Status::Unpaused,
    };
    world.say(Event::Progress { resource: Resource::Container(name.clone()), status });
    result.map_err(|failure| failure.because_of(format!("cannot {} {name}", if pause { "pause" } else { "unpause" })))
}

/// Gives a unit a command, and waits for its answer.
async fn tell(
    world: &World,
    id: &ContainerId,
    name: &ContainerName,
    command: impl FnOnce(oneshot::Sender<Result<(), Failure>>) -> Command,
) -> Result<(), Failure> {
    let gone = || Failure::new(FailureKind::NotRunning, format!("container {name} is not running"));
    let commands = world.with_unit(id, |unit| unit.commands.clone()).ok_or_else(gone)?;
    let (reply, answer) = oneshot::channel();
    commands.send(command(reply)).await.map_err(|_| gone())?;
    answer.await.map_err(|_| gone())?
}

fn remove(world: &World, id: &ContainerId, volumes: bool) -> Result<(), Failure> {
    let record = world.with_unit(id, |unit| Rc::clone(&unit.record));
    world.remove_unit(id);
    if let Some(record) = &record {
        // What a supervisor that died did not remove.
        shaping::end(record)?;
    }
    crate::runtime::delete(world.paths.container(id).run())
        .map_err(|error| Failure::from_error(FailureKind::System, &error))?;
    world.paths.container(id).remove()?;
    if let Some(record) = &record {
        world.happenings.note(record, "destroy", &[]);
    }
    if let Some(record) = record {
        if volumes {
            for volume in share::anonymous_volumes(world, &record)? {
                if !share::is_borrowed(world, &volume)? {
                    world.layout.remove_volume(&world.project, &volume)?;
                }
            }
        } else {
            world.retire(&record);
        }
    }
    Ok(())
}

fn remove_volume(world: &World, key: &crate::name::VolumeName, name: Option<&str>) -> Result<(), Failure> {
    for record in world.layout.project_volumes(&world.project)? {
        if record.key.as_deref() == Some(key.as_str()) && name.is_none_or(|name| record.name == name) {
            let resource = Resource::Volume(record.name.clone());
            reported(world, resource, Status::Removing, Status::Removed, || {
                Ok(world.layout.remove_volume(&world.project, &record.name)?)
            })?;
        }
    }
    Ok(())
}
