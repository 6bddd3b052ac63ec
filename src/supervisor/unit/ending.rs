//! The end of a container: what is told of it, and whether it is started again.

use std::time::Duration;

use tokio::time::Instant;

use super::{Phase, Unit, UnitState};
use crate::runtime::{ExitStatus, RuntimeError, Signal};
use crate::state::HealthRecord;
use crate::supervisor::control::ContainerChange;
use crate::supervisor::restart::{self, Decision, Exit};
use crate::supervisor::start::Live;
use crate::supervisor::{one_off, shaping};

/// A restart that an earlier supervisor has left undone.
pub(super) enum Owed {
    /// It was decided: after this wait.
    Due { after: Duration, code: i32 },
    /// Nobody has seen the end of the container.
    Undecided { code: i32, oom: bool, ran_for: Duration },
}

impl Unit {
    /// The container ended, and not because the user stopped it: its policy decides.
    pub(super) fn ended(&mut self, exit: Exit, oom: bool, ran_for: Duration) -> Phase {
        let code = exit.code;
        let decision = restart::next(&self.policy(), exit, self.attempts, ran_for);
        self.withdraw(code, oom, matches!(decision, Decision::Restart { .. }));
        match decision {
            Decision::Restart { after, attempts } => {
                self.attempts = attempts;
                // The next supervisor goes on counting.
                self.world.update_state(&self.record, |state| {
                    (state.restarts, state.restarts_in_a_row) = (attempts.total, attempts.in_a_row);
                });
                self.publish.send_replace(UnitState::Backoff { code });
                Phase::Backoff { due: Instant::now() + after, code }
            }
            Decision::Stay => {
                self.finish(code, oom);
                Phase::Idle
            }
        }
    }

    /// It has ended, and stays so.
    pub(super) fn finish(&self, code: i32, oom: bool) {
        self.publish.send_replace(UnitState::Exited { code, oom });
        one_off::ended(&self.world, &self.record);
    }

    /// What is owed to a container that does not run, when its policy wants it back.
    pub(super) fn owed_restart(&self) -> Option<Owed> {
        let UnitState::Exited { code, oom } = *self.publish.borrow() else { return None };
        let paths = self.world.paths.container(&self.record.id);
        let state = paths.read_state().ok().filter(|state| !state.stopped)?;
        let exit = ExitStatus::read_or_killed(paths.run()).ok().flatten();
        let policy = self.policy();
        if state.restarting {
            let waited = exit.map(|exit| exit.finished_at.duration_until(jiff::Timestamp::now()));
            // A clock that was set back has not waited.
            let waited = waited.and_then(|waited| Duration::try_from(waited).ok()).unwrap_or_default();
            return Some(Owed::Due { after: policy.wait(self.attempts).saturating_sub(waited), code });
        }
        let ran_for = exit.and_then(|exit| Duration::try_from(exit.started_at.duration_until(exit.finished_at)).ok());
        let ran_for = ran_for.unwrap_or_default();
        let decision = restart::next(&policy, Exit { code, ..Exit::default() }, self.attempts, ran_for);
        matches!(decision, Decision::Restart { .. }).then_some(Owed::Undecided { code, oom, ran_for })
    }

    /// The code a container ended with, and whether for want of memory; one that cannot be told counts as killed.
    pub(super) fn outcome(&self, exit: Result<ExitStatus, RuntimeError>) -> (i32, bool) {
        exit.map_or_else(
            |error| {
                self.world.warn(&format!("{}: {error}", self.record.name));
                (137, false)
            },
            |exit| (exit.code, exit.oom),
        )
    }

    pub(super) fn kill(&self, live: &Live, signal: Signal) {
        self.note_signal(signal);
        if let Err(error) = live.handle.signal(signal) {
            self.world.warn(&format!("{}: {error}", self.record.name));
        }
    }

    pub(super) fn note_signal(&self, signal: Signal) {
        self.world.happenings.note(&self.record, "kill", &[("signal", signal.as_raw().to_string())]);
    }

    pub(super) fn withdraw(&self, code: i32, oom: bool, restarting: bool) {
        self.world.withdraw(&self.record);
        if self.record.config.service.network_limits().is_some()
            && let Err(failure) = shaping::end(&self.record)
        {
            self.world.warn(&format!("{}: {failure}", self.record.name));
        }
        self.world.update_state(&self.record, |state| {
            state.restarting = restarting;
            state.health = HealthRecord::None;
            state.ports.clear();
        });
        self.world.announce(&self.record, ContainerChange::Exited { code, oom, restarting });
    }

    pub(super) fn mark_stopped(&self) {
        self.world.update_state(&self.record, |state| state.stopped = true);
    }
}
