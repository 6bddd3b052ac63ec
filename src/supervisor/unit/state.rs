//! What a unit is told to do, and what it says of its container.

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::plan::{Health, ObservedState};
use crate::runtime::Signal;
use crate::supervisor::evidence::FailedProbe;
use crate::supervisor::failure::Failure;
use crate::supervisor::observe::Record;
use crate::supervisor::rewire::Rewire;

/// What a unit is told to do.
#[derive(Debug)]
pub(in crate::supervisor) enum Command {
    /// Starts the container; answered when its program runs.
    Start(oneshot::Sender<Result<(), Failure>>),
    /// Stops it; answered when it has ended.
    Stop {
        /// How long it has before it is killed.
        grace: Duration,
        /// Told what was noticed: `true` when the kernel drops the stop signal.
        done: oneshot::Sender<StopReport>,
    },
    /// Goes on with a changed record; answered when what runs is as it says.
    Update {
        /// The record.
        record: Rc<Record>,
        /// Where a failure leaves the record as it was.
        reply: oneshot::Sender<Result<(), Failure>>,
    },
    /// Sends it a signal other than SIGKILL; answered when that is done. It is no stop, but an end by the signal that asks
    /// for one is the user's doing.
    Signal(Signal, oneshot::Sender<Result<(), Failure>>),
    /// Pauses it, or lets it go on; answered when that is done.
    Pause {
        /// Which of the two.
        pause: bool,
        /// It fails for one that does not run, or is so already.
        reply: oneshot::Sender<Result<(), Failure>>,
    },
    /// Changes what it is connected to; answered when that is done.
    Rewire(Rewire, oneshot::Sender<Result<(), Failure>>),
    /// Relays to it what the kernel cannot send on, which another container did before.
    Relay(oneshot::Sender<()>),
    /// Goes on with a record that holds another name.
    Rename(Rc<Record>, oneshot::Sender<()>),
}

/// How a stop went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::supervisor) enum StopReport {
    /// It ended by itself, or did not run.
    Stopped,
    /// It was killed after its grace period.
    Killed,
    /// It was killed at once: PID 1 has no handler for the stop signal, so the kernel drops it.
    Deaf,
}

/// What a unit's container is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::supervisor) enum UnitState {
    /// Never started.
    Created,
    /// Is being started.
    Starting,
    /// Runs.
    Running {
        /// What its check says.
        health: Health,
        /// The last probes that failed, since one has passed.
        probes: Vec<FailedProbe>,
    },
    /// A restart is due.
    Backoff {
        /// The code it ended with.
        code: i32,
    },
    /// Was told to stop and has not ended.
    Stopping,
    /// Has ended, and stays so.
    Exited {
        /// The code it ended with.
        code: i32,
        /// Whether the kernel killed a process of it for want of memory.
        oom: bool,
    },
}

impl UnitState {
    /// As the plan wants to see it.
    pub(in crate::supervisor) fn observed(&self) -> ObservedState {
        match self {
            Self::Created => ObservedState::Created,
            Self::Running { health, .. } => ObservedState::Running { health: *health },
            Self::Starting | Self::Backoff { .. } | Self::Stopping => ObservedState::Running { health: Health::None },
            Self::Exited { code, .. } => ObservedState::Exited { code: *code },
        }
    }

    /// Whether it stays as it is for now: it is neither being started nor stopped.
    pub(in crate::supervisor) fn is_settled(&self) -> bool {
        !matches!(self, Self::Starting | Self::Stopping)
    }

    /// Whether a supervisor is needed for it.
    pub(in crate::supervisor) fn is_live(&self) -> bool {
        !matches!(self, Self::Created | Self::Exited { .. })
    }
}
