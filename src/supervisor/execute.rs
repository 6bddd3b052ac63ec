//! Walks a plan: every step starts as soon as the steps it comes after are done. Decides nothing.

mod operation;

pub(super) use operation::{end, pause, remove_container, start_container, stop};

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

use operation::perform;

use super::await_condition::{By, waits};
use super::control::Event;
use super::failure::{Failure, FailureKind};
use super::timing::{self, StepTime};
use super::world::World;
use crate::compose::model::{Condition, Project};
use crate::name::ServiceName;
use crate::plan::{Cause, Operation, Plan, Step, StepId};

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
    if plan.steps().any(|(_, step)| matches!(step.operation, Operation::StartContainer { .. })) {
        crate::runtime::prepare();
    }
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
