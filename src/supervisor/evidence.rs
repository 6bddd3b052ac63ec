//! What explains a failure to whoever reads of it: facts about containers, collected here, where they are known. How they are
//! worded is for the command line to say.

use serde::{Deserialize, Serialize};

use super::observe::Record;
use super::unit::UnitState;
use super::world::World;
use crate::compose::model::Condition;
use crate::name::{ContainerName, ServiceName};
use crate::plan::Health;
use crate::runtime::log::Reader;

/// How many of its last lines are told of a container.
const LINES: usize = 10;

/// What a container has left that explains why it is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Which.
    pub container: ContainerName,
    /// How it ended, if it did.
    pub ended: Option<Ending>,
    /// The probes that have failed since one has passed, the last ones of them.
    pub probes: Vec<FailedProbe>,
    /// What it wrote last.
    pub lines: Vec<String>,
}

/// How a container ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// Its code; 128 + signal when killed by one.
    pub code: i32,
    /// Whether the kernel killed a process of it for want of memory.
    pub oom: bool,
    /// How much memory it may have, in bytes.
    pub memory_limit: Option<u64>,
}

/// A probe of a container's health that did not pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedProbe {
    /// What it returned, if it came to its end.
    pub code: Option<i32>,
    /// What it wrote, or why it did not run to its end.
    pub output: String,
}

/// Somebody who waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// The services that wait; none when it is the command itself.
    pub services: Vec<ServiceName>,
    /// For what.
    pub condition: Condition,
    /// What the container does that it is waited for.
    pub state: Pending,
    /// Which that is, and what is known of it.
    pub evidence: Evidence,
}

/// What a container does that may still meet a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pending {
    /// It is not started yet.
    Created,
    /// It is being started or stopped.
    Changing,
    /// It runs.
    Running,
    /// It ended with this code, and is started again.
    Restarting(i32),
}

impl Pending {
    pub(super) fn of(state: &UnitState) -> Self {
        match state {
            UnitState::Created => Self::Created,
            UnitState::Starting | UnitState::Stopping => Self::Changing,
            UnitState::Running { .. } | UnitState::Exited { .. } => Self::Running,
            UnitState::Backoff { code } => Self::Restarting(*code),
        }
    }
}

/// What is known of the container of `record`, which is in `state`.
pub(super) fn of(world: &World, record: &Record, state: &UnitState) -> Evidence {
    let memory_limit = record.config.service.memory_limit();
    let (ended, probes) = match state {
        UnitState::Exited { code, oom } => (Some(Ending { code: *code, oom: *oom, memory_limit }), Vec::new()),
        UnitState::Backoff { code } => (Some(Ending { code: *code, oom: false, memory_limit }), Vec::new()),
        UnitState::Running { health: Health::Starting | Health::Unhealthy, probes } => (None, probes.clone()),
        _ => (None, Vec::new()),
    };
    Evidence { container: record.name.clone(), ended, probes, lines: last_lines(world, record) }
}

/// The end of a container's log; what cannot be read is not told.
fn last_lines(world: &World, record: &Record) -> Vec<String> {
    let Ok(reader) = Reader::tail(&world.log(record), LINES) else { return Vec::new() };
    let lines = reader.map_while(Result::ok).map(|record| record.line.trim_end_matches(['\n', '\r']).to_owned());
    let mut lines: Vec<String> = lines.collect();
    lines.split_off(lines.len().saturating_sub(LINES))
}
