//! Hooks: programs that the configuration wants run at points of a container's life, with its state on standard input.

use std::io::{self, Read, Seek, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use oci_spec::runtime::{Hook, Hooks};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::MemfdFlags;
use rustix::process::{Pid, PidfdFlags, Signal};

/// How much of what a hook says is repeated when it fails.
const SAID: u64 = 4096;

/// A point of a container's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::runtime) enum Point {
    Prestart,
    CreateRuntime,
    CreateContainer,
    StartContainer,
    Poststart,
    Poststop,
}

impl Point {
    /// All, in the order of a life.
    pub(super) const ALL: [Self; 6] = [
        Self::Prestart,
        Self::CreateRuntime,
        Self::CreateContainer,
        Self::StartContainer,
        Self::Poststart,
        Self::Poststop,
    ];

    /// As the configuration spells it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Prestart => "prestart",
            Self::CreateRuntime => "createRuntime",
            Self::CreateContainer => "createContainer",
            Self::StartContainer => "startContainer",
            Self::Poststart => "poststart",
            Self::Poststop => "poststop",
        }
    }

    fn of(self, hooks: &Hooks) -> &[Hook] {
        let hooks = match self {
            Self::Prestart => hooks.prestart(),
            Self::CreateRuntime => hooks.create_runtime(),
            Self::CreateContainer => hooks.create_container(),
            Self::StartContainer => hooks.start_container(),
            Self::Poststart => hooks.poststart(),
            Self::Poststop => hooks.poststop(),
        };
        hooks.as_deref().unwrap_or_default()
    }
}

/// A hook that failed.
#[derive(Debug, thiserror::Error)]
#[error("error running {} hook #{number}: `{}`: {failure}", point.name(), path.display())]
pub struct HookError {
    point: Point,
    /// Its place in the list, from 0.
    number: usize,
    path: PathBuf,
    failure: HookFailure,
}

#[derive(Debug, thiserror::Error)]
enum HookFailure {
    #[error("{0}")]
    Start(io::Error),
    #[error("{status}{said}")]
    Status { status: ExitStatus, said: String },
    #[error("it took longer than {0} s")]
    Timeout(i64),
    #[error("its timeout of {0} s is not positive")]
    NoTime(i64),
}

/// Runs the hooks of `point` one after the other, in `directory`, until one fails.
pub(in crate::runtime) fn run(
    point: Point,
    hooks: Option<&Hooks>,
    state: &str,
    directory: Option<&Path>,
) -> Result<(), HookError> {
    run_each(point, hooks, state, directory).into_iter().try_for_each(|result| result)
}

/// Runs those right before the program, which have its environment unless they say another.
pub(super) fn run_as_program(hooks: Option<&Hooks>, state: &str, environment: &[String]) -> Result<(), HookError> {
    let surroundings = Surroundings { directory: None, environment: Some(environment) };
    each(Point::StartContainer, hooks, state, surroundings).into_iter().try_for_each(|result| result)
}

/// What a hook is run in.
#[derive(Debug, Clone, Copy)]
struct Surroundings<'a> {
    /// Its own working directory; this process's when `None`.
    directory: Option<&'a Path>,
    /// Of a hook that says none; this process's when `None`.
    environment: Option<&'a [String]>,
}

/// Runs the hooks of `point` lazily: each when its result is asked for.
pub(super) fn run_each<'a>(
    point: Point,
    hooks: Option<&'a Hooks>,
    state: &'a str,
    directory: Option<&'a Path>,
) -> impl IntoIterator<Item = Result<(), HookError>> {
    each(point, hooks, state, Surroundings { directory, environment: None })
}

fn each<'a>(
    point: Point,
    hooks: Option<&'a Hooks>,
    state: &'a str,
    surroundings: Surroundings<'a>,
) -> impl IntoIterator<Item = Result<(), HookError>> {
    hooks.map(|hooks| point.of(hooks)).unwrap_or_default().iter().enumerate().map(move |(number, hook)| {
        run_one(hook, state, surroundings).map_err(|failure| HookError {
            point,
            number,
            path: hook.path().clone(),
            failure,
        })
    })
}

/// Files in memory in place of pipes: nobody has to read and write at the same time, and no thread is started.
fn run_one(hook: &Hook, state: &str, surroundings: Surroundings<'_>) -> Result<(), HookFailure> {
    if let Some(seconds) = hook.timeout().filter(|&seconds| seconds <= 0) {
        return Err(HookFailure::NoTime(seconds));
    }
    let mut input = memory("state").map_err(HookFailure::Start)?;
    let mut output = memory("output").map_err(HookFailure::Start)?;
    let mut start = || -> io::Result<Child> {
        input.write_all(state.as_bytes())?;
        input.rewind()?;
        let mut command = Command::new(hook.path());
        let arguments = hook.args().as_deref().unwrap_or_default();
        if let Some((name, arguments)) = arguments.split_first() {
            command.arg0(name).args(arguments);
        }
        if let Some(environment) = hook.env().as_deref().or(surroundings.environment) {
            command.env_clear().envs(environment.iter().filter_map(|entry| entry.split_once('=')));
        }
        command.process_group(0);
        if let Some(directory) = surroundings.directory {
            command.current_dir(directory);
        }
        command.stdin(input.try_clone()?).stdout(output.try_clone()?).stderr(output.try_clone()?).spawn()
    };
    let mut child = start().map_err(HookFailure::Start)?;
    let ended = wait(&child, hook.timeout()).map_err(HookFailure::Start)?;
    if !ended {
        // Not reaped yet, so the pid is still its own.
        if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
    }
    let status = child.wait().map_err(HookFailure::Start)?;
    match (ended, hook.timeout()) {
        (false, Some(seconds)) => Err(HookFailure::Timeout(seconds)),
        _ if status.success() => Ok(()),
        _ => Err(HookFailure::Status { status, said: said(&mut output) }),
    }
}

fn memory(name: &str) -> io::Result<std::fs::File> {
    Ok(rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC)?.into())
}

/// Whether the child ended in time.
fn wait(child: &Child, timeout: Option<i64>) -> io::Result<bool> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidData)?;
    let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
    let deadline = timeout.and_then(|seconds| {
        std::time::Instant::now().checked_add(Duration::from_secs(u64::try_from(seconds).unwrap_or_default()))
    });
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(std::time::Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], left.as_ref()) {
            Err(rustix::io::Errno::INTR) => {}
            ready => return Ok(ready? > 0),
        }
    }
}

fn said(output: &mut std::fs::File) -> String {
    let mut text = Vec::new();
    if output.rewind().is_err() || output.take(SAID).read_to_end(&mut text).is_err() || text.is_empty() {
        return String::new();
    }
    format!(", stdout and stderr: {}", String::from_utf8_lossy(&text).trim_end())
}
