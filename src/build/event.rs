//! What a build tells while it runs.

use std::time::{Duration, Instant};

/// Which step of all that are built together, in the order of the graph.
pub type StepNumber = usize;

/// Something happened to a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Which.
    pub step: StepNumber,
    /// When.
    pub at: Instant,
    /// What.
    pub kind: EventKind,
}

/// What happened to a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// It is worked on.
    Started {
        /// What it is called: `[build 2/4] RUN make`.
        name: String,
    },
    /// Its program wrote something: whole lines, but for the last of it.
    Output {
        /// What, as it was written.
        bytes: Vec<u8>,
    },
    /// Nothing had to be done.
    Cached,
    /// It is done.
    Done {
        /// For how long it was worked on.
        took: Duration,
    },
    /// It failed.
    Failed {
        /// Why, in one line.
        why: String,
    },
    /// It was given up, since another one has failed or the user wants it.
    Cancelled,
}
