//! The states of a container, worded as docker words them.

use jiff::Timestamp;

use super::{age, elapsed};
use crate::cli::human;
use crate::plan::Health;

/// Whether a container runs, with what is known in that state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Made, never started.
    Created,
    /// Runs.
    Running {
        /// Since when.
        since: Timestamp,
        /// What its health check says.
        health: Health,
    },
    /// Its processes are stopped until it is unpaused.
    Paused {
        /// Since when it runs.
        since: Timestamp,
        /// What its health check said last.
        health: Health,
    },
    /// Has ended, and its restart policy will start it again.
    Restarting {
        /// Its exit code.
        code: i32,
        /// When it ended.
        at: Timestamp,
    },
    /// Has ended.
    Exited {
        /// Its exit code; 128 + signal when killed by one.
        code: i32,
        /// Whether the kernel killed a process of it for want of memory.
        oom: bool,
        /// When it ended.
        at: Timestamp,
    },
    /// Is being removed.
    Removing,
    /// Has ended in a way that left something behind.
    Dead,
}

/// The name of a state: what `ps --status` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum StateName {
    /// Made, never started.
    Created,
    /// Runs.
    Running,
    /// Is paused.
    Paused,
    /// Waits for its restart.
    Restarting,
    /// Has ended.
    Exited,
    /// Is being removed.
    Removing,
    /// Cannot be used any more.
    Dead,
}

impl StateName {
    /// The name as text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Exited => "exited",
            Self::Removing => "removing",
            Self::Dead => "dead",
        }
    }
}

impl State {
    /// The name of the state.
    #[must_use]
    pub fn name(&self) -> StateName {
        match self {
            Self::Created => StateName::Created,
            Self::Running { .. } => StateName::Running,
            Self::Paused { .. } => StateName::Paused,
            Self::Restarting { .. } => StateName::Restarting,
            Self::Exited { .. } => StateName::Exited,
            Self::Removing => StateName::Removing,
            Self::Dead => StateName::Dead,
        }
    }

    /// The state in words: `Up 3 seconds (healthy)`, `Exited (1) 2 minutes ago`.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> String {
        match *self {
            Self::Created => "Created".to_owned(),
            Self::Running { since, health } => {
                let up = human::duration(elapsed(since, now));
                match health {
                    Health::None => format!("Up {up}"),
                    Health::Starting => format!("Up {up} (health: starting)"),
                    Health::Healthy => format!("Up {up} (healthy)"),
                    Health::Unhealthy => format!("Up {up} (unhealthy)"),
                }
            }
            Self::Paused { since, .. } => format!("Up {} (Paused)", human::duration(elapsed(since, now))),
            Self::Restarting { code, at } => format!("Restarting ({code}) {}", age(at, now)),
            Self::Exited { code, oom, at } => {
                // At the end, so that what docker says there stays at the beginning for who reads it.
                format!("Exited ({code}) {}{}", age(at, now), if oom { " (out of memory)" } else { "" })
            }
            Self::Removing => "Removal In Progress".to_owned(),
            Self::Dead => "Dead".to_owned(),
        }
    }

    /// What the health check says, as text: empty without a check.
    pub(super) fn health(&self) -> &'static str {
        match self {
            Self::Running { health: Health::Starting, .. } | Self::Paused { health: Health::Starting, .. } => {
                "starting"
            }
            Self::Running { health: Health::Healthy, .. } | Self::Paused { health: Health::Healthy, .. } => "healthy",
            Self::Running { health: Health::Unhealthy, .. } | Self::Paused { health: Health::Unhealthy, .. } => {
                "unhealthy"
            }
            _ => "",
        }
    }

    /// The exit code: 0 for what has not ended.
    pub(super) fn exit_code(&self) -> i32 {
        match self {
            Self::Restarting { code, .. } | Self::Exited { code, .. } => *code,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn statuses() {
        let at = Timestamp::UNIX_EPOCH;
        let running = |health| State::Running { since: at, health };
        for (state, status) in [
            (State::Created, "Created"),
            (running(Health::None), "Up 2 minutes"),
            (running(Health::Starting), "Up 2 minutes (health: starting)"),
            (running(Health::Healthy), "Up 2 minutes (healthy)"),
            (running(Health::Unhealthy), "Up 2 minutes (unhealthy)"),
            (State::Paused { since: at, health: Health::None }, "Up 2 minutes (Paused)"),
            (State::Restarting { code: 1, at }, "Restarting (1) 2 minutes ago"),
            (State::Exited { code: 137, oom: false, at }, "Exited (137) 2 minutes ago"),
            (State::Exited { code: 137, oom: true, at }, "Exited (137) 2 minutes ago (out of memory)"),
            (State::Removing, "Removal In Progress"),
            (State::Dead, "Dead"),
        ] {
            assert_eq!(state.status(Timestamp::from_second(130).unwrap()), status);
        }
    }

    #[test]
    fn the_flag_takes_what_the_json_prints() {
        for name in StateName::value_variants() {
            assert_eq!(StateName::from_str(name.as_str(), false).as_ref(), Ok(name));
        }
    }
}
