//! Runs the hooks of a container: `post_start` after it was started, `pre_stop` before it is stopped, by an operation of the
//! user. What its restart policy does runs none.

use oci_spec::runtime::Process;

use super::control::Event;
use super::evidence::{Ending, Evidence};
use super::failure::{Failure, FailureKind};
use super::observe::Record;
use super::rollout::settled_name;
use super::world::World;
use crate::compose::model::Hook;
use crate::name::ContainerName;
use crate::runtime::defaults::every_capability;
use crate::runtime::{self, ExecOptions};

/// How many of its last lines are told of a hook that failed.
const LINES: usize = 10;

/// Runs `hooks` in the running container of `record`, one after the other, up to the first that fails. Dropped, it kills the
/// one that runs.
///
/// # Errors
/// [`FailureKind::HookFailed`].
pub(super) async fn run(world: &World, record: &Record, hooks: &[Hook]) -> Result<(), Failure> {
    if hooks.is_empty() {
        return Ok(());
    }
    let directory = world.paths.container(&record.id).run().to_owned();
    let process = runtime::first_process(&directory).ok().flatten().unwrap_or_default();
    for hook in hooks {
        let mut heard = Heard::new(world, record);
        let options = hook_options(record, process.clone(), hook);
        let code = match &hook.command {
            Some(command) if !command.is_empty() => {
                let code = runtime::watch(&directory, &options, |bytes| heard.take(bytes)).await;
                code.map_err(|error| {
                    let about = format!("cannot run a hook of service {}", record.service);
                    Failure::from_error(FailureKind::HookFailed, &error).because_of(about)
                })?
            }
            _ => {
                let message = format!("a hook of service {} has no command", record.service);
                return Err(Failure::new(FailureKind::Plan, message));
            }
        };
        heard.finish();
        if code != 0 {
            // As docker compose words it.
            let message = format!("{} hook exited with status {code}", record.service);
            let mut failure = Failure::new(FailureKind::HookFailed, message);
            let ended = Some(Ending { code, oom: false, memory_limit: None }).filter(|_| code > 125);
            let (container, probes) = (record.name.clone(), Vec::new());
            failure.evidence.push(Evidence { container, ended, probes, lines: heard.last });
            return Err(failure);
        }
    }
    Ok(())
}

/// The command as a process of the container: its user, environment and rights unless the hook says otherwise.
#[must_use]
pub fn hook_options(record: &Record, mut process: Process, hook: &Hook) -> ExecOptions {
    process.set_args(hook.command.clone()).set_terminal(None);
    let mut environment = process.env().clone().unwrap_or_default();
    for (name, value) in &hook.environment {
        let prefix = format!("{name}=");
        environment.retain(|known| !known.starts_with(&prefix));
        environment.push(format!("{prefix}{value}"));
    }
    process.set_env(Some(environment));
    if let Some(directory) = &hook.working_dir {
        process.set_cwd(directory.into());
    }
    if hook.privileged {
        process.set_capabilities(Some(every_capability()));
    }
    let user = hook.user.clone().or_else(|| record.config.lowered.user.clone());
    ExecOptions { process, user, privileged: hook.privileged, ..ExecOptions::default() }
}

/// What a hook writes, told line by line.
struct Heard<'a> {
    world: &'a World,
    record: &'a Record,
    begun: Vec<u8>,
    last: Vec<String>,
}

impl<'a> Heard<'a> {
    fn new(world: &'a World, record: &'a Record) -> Self {
        Self { world, record, begun: Vec::new(), last: Vec::new() }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.begun.extend_from_slice(bytes);
        while let Some(end) = self.begun.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.begun.drain(..=end).collect();
            self.say(&line);
        }
    }

    /// The last line need not be ended.
    fn finish(&mut self) {
        let rest = std::mem::take(&mut self.begun);
        if !rest.is_empty() {
            self.say(&rest);
        }
    }

    fn say(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line).trim_end_matches(['\n', '\r']).to_owned();
        let name = settled_name(&self.record.id, self.record.name.as_str());
        let container = ContainerName::new(name).unwrap_or_else(|_| self.record.name.clone());
        self.world.say(Event::Hook { container, line: line.clone() });
        if self.last.len() == LINES {
            self.last.remove(0);
        }
        self.last.push(line);
    }
}
