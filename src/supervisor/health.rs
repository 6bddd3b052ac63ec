//! Runs the probes of one container, as [`super::health_policy`] says when.

use std::path::{Path, PathBuf};
use std::time::Duration;

use oci_spec::runtime::Process;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::evidence::FailedProbe;
use super::health_policy::{HealthPolicy, ProbeResult};
use super::observe::Record;
use crate::compose::model::Probe;
use crate::plan::Health;
use crate::runtime::{self, ExecOptions, Handle};
use crate::state::ContainerLayout;

/// How much of a probe's output is kept, in bytes.
const OUTPUT_LIMIT: usize = 4096;
/// How many failed probes are kept.
const FAILURES: usize = 5;

/// How long after a probe of a paused container the next one follows.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What one probe gave.
struct Outcome {
    started: Instant,
    ended: Instant,
    failure: Option<FailedProbe>,
}

/// The probes of one run of a container; dropping it ends a probe under way.
pub(super) struct Prober {
    checked: Option<Checked>,
    failures: Vec<FailedProbe>,
}

struct Checked {
    policy: HealthPolicy,
    options: ExecOptions,
    directory: PathBuf,
    /// When the container started.
    began: Instant,
    due: Instant,
    /// A probe that runs; kept here so that awaiting it can be cancelled and taken up again.
    under_way: Option<JoinHandle<Outcome>>,
}

/// What is shown right after the start.
pub(super) fn initial(record: &Record) -> Health {
    if record.config.check.is_some() { Health::Starting } else { Health::None }
}

impl Prober {
    /// The prober of a container that runs since `began`.
    pub(super) fn new(record: &Record, paths: &ContainerLayout, began: Instant) -> Self {
        let checked = record.config.check.clone().map(|check| {
            // With what was only known when it started; one that cannot be read is no longer there to be asked.
            let process = runtime::first_process(paths.run()).ok().flatten();
            let options = options(record, process, &check.probe);
            let policy = HealthPolicy::new(check);
            let due = began + policy.first_delay();
            Checked { policy, options, directory: paths.run().to_owned(), began, due, under_way: None }
        });
        Self { checked, failures: Vec::new() }
    }

    /// What the probes say so far.
    pub(super) fn health(&self) -> Health {
        self.checked.as_ref().map_or(Health::None, |checked| checked.policy.health())
    }

    /// The last probes that failed, since one has passed.
    pub(super) fn failures(&self) -> Vec<FailedProbe> {
        self.failures.clone()
    }

    /// Runs the next probe when it is due; never returns without a check. `is_awaited` is asked after it. Safe to cancel.
    pub(super) async fn probe(&mut self, is_awaited: impl Fn() -> bool) {
        let Some(checked) = &mut self.checked else { return std::future::pending().await };
        if checked.under_way.is_none() {
            sleep_until(checked.due).await;
        }
        let start = || {
            let (directory, options) = (checked.directory.clone(), checked.options.clone());
            tokio::task::spawn_local(run(directory, options, checked.policy.check().timeout))
        };
        let outcome = checked.under_way.get_or_insert_with(start).await;
        checked.under_way = None;
        // A probe is neither aborted while it is awaited nor panics.
        let Ok(outcome) = outcome else { return };
        if outcome.failure.is_some() && is_paused(&checked.directory) {
            // It says nothing about the program, which is asked again when it goes on.
            checked.due = outcome.ended + checked.policy.check().interval.min(LOOK_AGAIN);
            return;
        }
        let result = ProbeResult {
            passed: outcome.failure.is_none(),
            started: outcome.started - checked.began,
            took: outcome.ended - outcome.started,
        };
        checked.due = outcome.ended + checked.policy.observe(result, is_awaited()).delay;
        match outcome.failure {
            None => self.failures.clear(),
            Some(failure) => {
                if self.failures.len() == FAILURES {
                    self.failures.remove(0);
                }
                self.failures.push(failure);
            }
        }
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        if let Some(probe) = self.checked.as_ref().and_then(|checked| checked.under_way.as_ref()) {
            probe.abort();
        }
    }
}

/// The probe as a process of the container: its user, environment and rights, other arguments.
fn options(record: &Record, process: Option<Process>, probe: &Probe) -> ExecOptions {
    let lowered = &record.config.lowered;
    let mut process = process.unwrap_or_default();
    process.set_args(Some(match probe {
        Probe::Command(arguments) => arguments.clone(),
        Probe::Shell(command) => vec!["/bin/sh".to_owned(), "-c".to_owned(), command.clone()],
        Probe::None => Vec::new(),
    }));
    ExecOptions { process, user: lowered.user.clone(), ..ExecOptions::default() }
}

/// Whether all processes of the container are stopped.
fn is_paused(directory: &Path) -> bool {
    Handle::adopt(directory).ok().flatten().is_some_and(|container| container.is_paused().unwrap_or(false))
}

async fn run(directory: PathBuf, options: ExecOptions, timeout: Duration) -> Outcome {
    let started = Instant::now();
    let failure = match runtime::probe(&directory, &options, timeout, OUTPUT_LIMIT).await {
        Ok(probe) => match probe.code {
            Some(0) => None,
            code @ Some(_) => Some(FailedProbe { code, output: String::from_utf8_lossy(&probe.output).into_owned() }),
            None => Some(FailedProbe { code: None, output: format!("timed out after {timeout:?}") }),
        },
        Err(error) => Some(FailedProbe { code: None, output: error.to_string() }),
    };
    Outcome { started, ended: Instant::now(), failure }
}
