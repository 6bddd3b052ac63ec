//! One container: its state machine, owned by one task.
//!
//! ```text
//! Idle ──start──▶ Running ──ends──▶ Idle                    (policy: stay)
//!   ▲               │   └───ends──▶ Backoff ──due──▶ Running (policy: restart)
//!   └──── Stopping ◀┴──stop            ▲
//!             └──ends, was unhealthy──┘
//! ```
//!
//! The task takes commands, awaits the container's end and its probes, and publishes its [`UnitState`]; whoever waits
//! for a state waits on that channel. Nothing else changes a unit.

mod ending;
mod state;

pub(super) use state::{Command, StopReport, UnitState};

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use ending::Owed;

use super::control::ContainerChange;
use super::evidence::FailedProbe;
use super::failure::{Failure, FailureKind};
use super::health::Prober;
use super::observe::{Record, health_record};
use super::publish;
use super::restart::{Attempts, Exit, Policy};
use super::rewire::{Rewire, rewire};
use super::shaping;
use super::start::{Live, start};
use super::world::World;
use crate::plan::Health;
use crate::runtime::{Handle, RuntimeError, Signal};
use crate::state::{FailedStart, HealthRecord};

/// The world's end of a unit.
#[derive(Debug)]
pub(super) struct UnitHandle {
    /// The container.
    pub(super) record: Rc<Record>,
    /// Commands to the task; at most a few are ever under way.
    pub(super) commands: mpsc::Sender<Command>,
    /// What the container is doing.
    pub(super) state: watch::Receiver<UnitState>,
}

/// Starts the task of a container; `live` when it runs already.
pub(super) fn spawn(world: &Rc<World>, record: Rc<Record>, initial: UnitState, live: Option<Live>) -> UnitHandle {
    let (commands, inbox) = mpsc::channel(8);
    let (publish, state) = watch::channel(initial);
    let before = world.paths.container(&record.id).read_state().unwrap_or_default();
    let attempts = Attempts { total: before.restarts, in_a_row: before.restarts_in_a_row };
    let unit = Unit { world: Rc::clone(world), record: Rc::clone(&record), inbox, publish, attempts };
    tokio::task::spawn_local(unit.run(live));
    UnitHandle { record, commands, state }
}

struct Unit {
    world: Rc<World>,
    record: Rc<Record>,
    inbox: mpsc::Receiver<Command>,
    publish: watch::Sender<UnitState>,
    /// The restarts so far.
    attempts: Attempts,
}

/// Where the state machine is. Each phase owns what only it needs.
enum Phase {
    Idle,
    Running(Box<Live>),
    Stopping(Stopping),
    Backoff { due: Instant, code: i32 },
}

/// A container that is to end.
struct Stopping {
    live: Box<Live>,
    deadline: Instant,
    report: StopReport,
    done: Vec<oneshot::Sender<StopReport>>,
    /// Whether it is started again, since it was only unhealthy.
    unhealthy: bool,
}

impl Unit {
    async fn run(mut self, live: Option<Live>) {
        let mut phase = match live {
            Some(live) => Phase::Running(Box::new(live)),
            None => match self.owed_restart() {
                Some(Owed::Due { after, code }) => {
                    self.publish.send_replace(UnitState::Backoff { code });
                    Phase::Backoff { due: Instant::now() + after, code }
                }
                Some(Owed::Undecided { code, oom, ran_for }) => {
                    self.ended(Exit { code, ..Exit::default() }, oom, ran_for)
                }
                None => Phase::Idle,
            },
        };
        loop {
            let next = match phase {
                Phase::Idle => self.idle().await,
                Phase::Running(live) => self.running(live).await,
                Phase::Stopping(stopping) => self.stopping(stopping).await,
                Phase::Backoff { due, code } => self.backoff(due, code).await,
            };
            match next {
                Some(next) => phase = next,
                // The world dropped the unit: the container was removed.
                None => return,
            }
        }
    }

    async fn idle(&mut self) -> Option<Phase> {
        match self.inbox.recv().await? {
            // Whoever asked was interrupted before it came to this: nobody wants it any more.
            Command::Start(reply) if reply.is_closed() => Some(Phase::Idle),
            Command::Start(reply) => {
                self.attempts = Attempts::default();
                Some(self.start(Some(reply)).await)
            }
            Command::Stop { done, .. } => {
                let _ = done.send(StopReport::Stopped);
                Some(Phase::Idle)
            }
            Command::Update { record, reply } => {
                self.update(record, reply);
                Some(Phase::Idle)
            }
            Command::Rewire(change, reply) => {
                let _ = reply.send(self.rewire(&change, None));
                Some(Phase::Idle)
            }
            Command::Relay(reply) => {
                let _ = reply.send(());
                Some(Phase::Idle)
            }
            Command::Rename(record, reply) => {
                self.rename(record, reply);
                Some(Phase::Idle)
            }
            Command::Signal(_, reply) | Command::Pause { reply, .. } => {
                let _ = reply.send(Err(self.not_running()));
                Some(Phase::Idle)
            }
        }
    }

    /// Takes a changed record, which is obeyed at the next start.
    fn update(&mut self, record: Rc<Record>, reply: oneshot::Sender<Result<(), Failure>>) {
        self.record = record;
        let _ = reply.send(Ok(()));
    }

    /// Takes a record that holds another name.
    fn rename(&mut self, record: Rc<Record>, reply: oneshot::Sender<()>) {
        self.record = record;
        let _ = reply.send(());
    }

    async fn running(&mut self, mut live: Box<Live>) -> Option<Phase> {
        let mut prober = Prober::new(&self.record, &self.world.paths.container(&self.record.id), live.since);
        self.publish_health(prober.health(), Vec::new());
        let mut by_user = false;
        loop {
            tokio::select! {
                exit = live.handle.exited() => {
                    let ran_for = live.ran_for();
                    let (code, oom) = self.outcome(exit);
                    return Some(self.ended(Exit { code, by_user, ..Exit::default() }, oom, ran_for));
                }
                command = self.inbox.recv() => match command? {
                    Command::Start(reply) => {
                        let _ = reply.send(Ok(()));
                    }
                    Command::Stop { grace, done } => {
                        self.mark_stopped();
                        let stopping = self.begin_stop(live, grace);
                        return Some(Phase::Stopping(Stopping { done: vec![done], ..stopping }));
                    }
                    Command::Update { record, reply } => match shaping::change(&self.world, &self.record, &record) {
                        Ok(()) => self.update(record, reply),
                        Err(failure) => drop(reply.send(Err(failure))),
                    },
                    Command::Rewire(change, reply) => {
                        let before = Rc::clone(&self.record);
                        let result = self.rewire(&change, Some(&live.handle));
                        if !publish::leads_alike(&self.world, &before, &self.record) {
                            live.relay_again(&self.world, &self.record).await;
                        }
                        let _ = reply.send(result);
                    }
                    Command::Relay(reply) => {
                        live.relay_again(&self.world, &self.record).await;
                        let _ = reply.send(());
                    }
                    Command::Rename(record, reply) => self.rename(record, reply),
                    Command::Signal(signal, reply) => {
                        self.note_signal(signal);
                        if signal == live.stop_signal {
                            by_user = true;
                            self.mark_stopped();
                        }
                        let sent = live.handle.signal(signal).and_then(|()| match by_user {
                            // A paused one could not obey.
                            true => live.handle.unpause(),
                            false => Ok(()),
                        });
                        let _ = reply.send(sent.map_err(|error| Failure::from_error(FailureKind::System, &error)));
                    }
                    Command::Pause { pause, reply } => {
                        let _ = reply.send(self.pause(&live.handle, pause));
                    }
                },
                () = prober.probe(|| self.publish.receiver_count() > 1) => {
                    if prober.health() == Health::Unhealthy && self.policy().on_unhealthy {
                        return Some(self.begin_unhealthy_stop(live, prober.failures()));
                    }
                    self.publish_health(prober.health(), prober.failures());
                }
            }
        }
    }

    /// Stops a container for no other reason than its health. Who waits for it to be healthy waits on, as for one that
    /// ended and is started again.
    fn begin_unhealthy_stop(&mut self, live: Box<Live>, probes: Vec<FailedProbe>) -> Phase {
        self.world.warn(&format!("{} is unhealthy: it is started again", self.record.name));
        self.world.update_state(&self.record, |state| {
            (state.health, state.last_probe) = (HealthRecord::Unhealthy, last_output(&probes));
            // Which the next supervisor does if this one does not come to it.
            state.restarting = true;
        });
        let grace = self.record.config.service.stop_grace_period();
        Phase::Stopping(Stopping { unhealthy: true, ..self.begin_stop(live, grace) })
    }

    /// Signals the container; a signal that the kernel drops is told apart, since no grace period can help then:
    /// PID 1 of a pid namespace gets only the signals it has handlers for (pid_namespaces(7)).
    fn begin_stop(&mut self, live: Box<Live>, grace: Duration) -> Stopping {
        let (signal, report) = if grace.is_zero() {
            (Signal::KILL, StopReport::Killed)
        } else if live.handle.ignores(live.stop_signal).unwrap_or(false) {
            (Signal::KILL, StopReport::Deaf)
        } else {
            (live.stop_signal, StopReport::Stopped)
        };
        self.kill(&live, signal);
        // While it is paused, it gets no other signal.
        if signal != Signal::KILL
            && let Err(error) = live.handle.unpause()
        {
            self.world.warn(&format!("{}: {error}", self.record.name));
        }
        self.publish.send_replace(UnitState::Stopping);
        Stopping { live, deadline: deadline(grace), report, done: Vec::new(), unhealthy: false }
    }

    async fn stopping(&mut self, mut stopping: Stopping) -> Option<Phase> {
        loop {
            tokio::select! {
                exit = stopping.live.handle.exited() => {
                    let (code, oom) = self.outcome(exit);
                    if stopping.unhealthy {
                        let exit = Exit { code, unhealthy: true, ..Exit::default() };
                        return Some(self.ended(exit, oom, stopping.live.ran_for()));
                    }
                    self.withdraw(code, oom, false);
                    self.world.happenings.note(&self.record, "stop", &[]);
                    self.finish(code, oom);
                    for done in stopping.done {
                        let _ = done.send(stopping.report);
                    }
                    return Some(Phase::Idle);
                }
                () = sleep_until(stopping.deadline), if stopping.report == StopReport::Stopped => {
                    self.kill(&stopping.live, Signal::KILL);
                    stopping.report = StopReport::Killed;
                }
                command = self.inbox.recv() => match command? {
                    Command::Start(reply) => {
                        let _ = reply.send(Err(Failure::cancelled(&self.record.name)));
                    }
                    Command::Stop { grace, done } => {
                        self.mark_stopped();
                        stopping.unhealthy = false;
                        stopping.deadline = stopping.deadline.min(deadline(grace));
                        stopping.done.push(done);
                    }
                    Command::Update { record, reply } => self.update(record, reply),
                    Command::Rewire(_, reply) | Command::Pause { reply, .. } => {
                        let _ = reply.send(Err(Failure::cancelled(&self.record.name)));
                    }
                    Command::Relay(reply) => drop(reply.send(())),
                    Command::Rename(record, reply) => self.rename(record, reply),
                    Command::Signal(signal, reply) => {
                        self.kill(&stopping.live, signal);
                        let _ = reply.send(Ok(()));
                    }
                },
            }
        }
    }

    async fn backoff(&mut self, due: Instant, code: i32) -> Option<Phase> {
        tokio::select! {
            () = sleep_until(due) => {
                Some(self.start(None).await)
            }
            command = self.inbox.recv() => match command? {
                Command::Start(reply) => Some(self.start(Some(reply)).await),
                Command::Stop { done, .. } => {
                    self.mark_stopped();
                    self.withdraw(code, false, false);
                    self.publish.send_replace(UnitState::Exited { code, oom: false });
                    let _ = done.send(StopReport::Stopped);
                    Some(Phase::Idle)
                }
                Command::Update { record, reply } => {
                    self.update(record, reply);
                    Some(Phase::Backoff { due, code })
                }
                Command::Rewire(change, reply) => {
                    let _ = reply.send(self.rewire(&change, None));
                    Some(Phase::Backoff { due, code })
                }
                Command::Relay(reply) => {
                    let _ = reply.send(());
                    Some(Phase::Backoff { due, code })
                }
                Command::Rename(record, reply) => {
                    self.rename(record, reply);
                    Some(Phase::Backoff { due, code })
                }
                Command::Signal(_, reply) | Command::Pause { reply, .. } => {
                    let _ = reply.send(Err(self.not_running()));
                    Some(Phase::Backoff { due, code })
                }
            },
        }
    }

    fn not_running(&self) -> Failure {
        Failure::new(FailureKind::NotRunning, format!("container {} is not running", self.record.name))
    }

    fn pause(&self, handle: &Handle, pause: bool) -> Result<(), Failure> {
        let system = |error: RuntimeError| Failure::from_error(FailureKind::System, &error);
        let name = &self.record.name;
        match (handle.is_paused().map_err(system)?, pause) {
            (true, true) => Err(Failure::new(FailureKind::Plan, format!("container {name} is already paused"))),
            (false, false) => Err(Failure::new(FailureKind::Plan, format!("container {name} is not paused"))),
            (false, true) => handle.pause().map_err(system),
            (true, false) => handle.unpause().map_err(system),
        }?;
        self.world.happenings.note(&self.record, if pause { "pause" } else { "unpause" }, &[]);
        Ok(())
    }

    /// Changes what the container is connected to; `live` is it, if it runs.
    fn rewire(&mut self, change: &Rewire, live: Option<&Handle>) -> Result<(), Failure> {
        self.record = rewire(&self.world, &self.record, change, live)?;
        Ok(())
    }

    async fn start(&mut self, reply: Option<oneshot::Sender<Result<(), Failure>>>) -> Phase {
        self.publish.send_replace(UnitState::Starting);
        match start(&self.world, &self.record, self.attempts).await {
            Ok(live) => {
                // Published before the reply: whoever was answered sees the container running.
                self.publish_health(super::health::initial(&self.record), Vec::new());
                self.world.announce(&self.record, ContainerChange::Started { log: self.world.log(&self.record) });
                match reply {
                    Some(reply) => drop(reply.send(Ok(()))),
                    // By its policy: nobody has planned for those who share with it.
                    None => super::share::rejoin(&self.world, &self.record),
                }
                Phase::Running(Box::new(live))
            }
            Err(failure) => {
                let code = failure.exit_code();
                let failed_start = Some(FailedStart { code, at: jiff::Timestamp::now() });
                self.world.update_state(&self.record, |state| state.failed_start = failed_start);
                match reply {
                    Some(reply) => {
                        self.finish(code, false);
                        let _ = reply.send(Err(failure));
                        Phase::Idle
                    }
                    None => {
                        self.world.warn(&format!("{}: {failure}", self.record.name));
                        self.ended(Exit { code, ..Exit::default() }, false, Duration::ZERO)
                    }
                }
            }
        }
    }

    fn policy(&self) -> Policy {
        Policy::of(&self.record.config.service)
    }

    fn publish_health(&self, health: Health, probes: Vec<FailedProbe>) {
        let before = match &*self.publish.borrow() {
            UnitState::Running { health, .. } => *health,
            _ => Health::None,
        };
        match health {
            Health::Healthy if before != health => {
                self.world.happenings.note(&self.record, "health_status: healthy", &[]);
            }
            Health::Unhealthy if before != health => {
                self.world.happenings.note(&self.record, "health_status: unhealthy", &[]);
            }
            _ => {}
        }
        let last_probe = last_output(&probes);
        let state = UnitState::Running { health, probes };
        self.publish.send_if_modified(|current| {
            let changed = *current != state;
            if changed {
                current.clone_from(&state);
            }
            changed
        });
        self.world.update_state(&self.record, |record| {
            record.health = health_record(health);
            record.last_probe = last_probe;
        });
    }
}

/// What is recorded of failed probes.
fn last_output(probes: &[FailedProbe]) -> Option<String> {
    probes.last().map(|probe| probe.output.clone())
}

/// The end of a grace period; one too long for the clock ends in a year.
fn deadline(grace: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(grace).unwrap_or(now + Duration::from_hours(24 * 365))
}
