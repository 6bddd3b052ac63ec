//! A further process in a running container: `rcompose __exec` enters it, forks into its pid namespace and waits.

mod child;
mod enter;

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use oci_spec::runtime::Process;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;

pub use child::ExecChild;
pub(super) use enter::main;

use super::RuntimeError;

/// The first argument of this role.
pub(super) const ROLE: &str = "__exec";

/// What to run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ExecOptions {
    /// The process: arguments, environment, directory, capabilities, limits, terminal and its size.
    pub process: Process,
    /// `name|uid[:name|gid]`, looked up in the container; wins over `process.user`.
    pub user: Option<String>,
    /// Whether it may make every system call, whatever the container may. Its capabilities are those of `process`.
    #[serde(default)]
    pub privileged: bool,
    /// Whether it lives on when nobody waits for it any more. Otherwise dropping the [`ExecChild`] kills it and its
    /// process group.
    pub detach: bool,
    /// Whether it falls to the nearest subreaper as soon as it runs: nobody of ours stays with it.
    #[serde(default)]
    pub orphan: bool,
    /// Whether a paused container may get it: it does not run before the container does.
    #[serde(default)]
    pub ignore_paused: bool,
    /// Whether its terminal passes newlines on as they are written, for another terminal to make lines of.
    #[serde(default)]
    pub plain_newlines: bool,
    /// Cgroups inside the container's that it is put into, by controller; no name stands for all.
    #[serde(default)]
    pub cgroups: BTreeMap<String, PathBuf>,
}

/// The standard streams of a process; with a terminal they are not used.
pub type Stdio<'a> = crate::sys::spawn::Streams<'a>;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    directory: PathBuf,
    options: ExecOptions,
}

/// The first process of the container of this run directory, as it was when it was started: with what was only known then.
///
/// # Errors
/// [`RuntimeError::Record`].
pub fn first_process(directory: &Path) -> Result<Option<Process>, RuntimeError> {
    let config = super::record::read::<super::Config>(directory, super::record::CONFIG)?;
    Ok(config.and_then(|config| config.spec.process().clone()))
}

/// Runs a process in the container of this run directory; returns once it has been executed.
///
/// # Errors
/// [`RuntimeError::NotRunning`]; [`RuntimeError::Container`] with code 127 or 126 when it cannot be executed.
pub async fn exec(directory: &Path, options: &ExecOptions, stdio: Stdio<'_>) -> Result<ExecChild, RuntimeError> {
    exec_with(directory, options, stdio, &[]).await
}

/// As [`exec`]; the process has `preserved` as descriptors 3 and up.
pub(super) async fn exec_with(
    directory: &Path,
    options: &ExecOptions,
    stdio: Stdio<'_>,
    preserved: &[BorrowedFd<'_>],
) -> Result<ExecChild, RuntimeError> {
    super::spec::process::check(&options.process)?;
    let request = Request { directory: directory.to_owned(), options: options.clone() };
    ExecChild::spawn(request, stdio, preserved).await
}

/// The result of a [`probe`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// What the process returned; `None` when it was killed because it took too long.
    pub code: Option<i32>,
    /// The beginning of what it wrote to either stream.
    pub output: Vec<u8>,
}

/// Runs a process to its end, or kills it and its process group after `timeout`: a health check. Keeps `limit` bytes of
/// its output.
///
/// # Errors
/// As [`exec`].
pub async fn probe(
    directory: &Path,
    options: &ExecOptions,
    timeout: Duration,
    limit: usize,
) -> Result<Probe, RuntimeError> {
    let mut output = Vec::new();
    let run = watch(directory, options, |bytes| {
        output.extend_from_slice(&bytes[..bytes.len().min(limit.saturating_sub(output.len()))]);
    });
    // Dropping the child kills it.
    let code = match tokio::time::timeout(timeout, run).await {
        Ok(code) => Some(code?),
        Err(_) => None,
    };
    Ok(Probe { code, output })
}

/// Runs a process to its end, and tells what it writes to either stream as it comes; dropped, it kills it and its process
/// group. Returns its code.
///
/// # Errors
/// As [`exec`].
pub async fn watch(directory: &Path, options: &ExecOptions, mut heard: impl FnMut(&[u8])) -> Result<i32, RuntimeError> {
    let null = super::spawn::null().map_err(RuntimeError::Channel)?;
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
        .map_err(|error| RuntimeError::Channel(error.into()))?;
    let mut reader = tokio::net::unix::pipe::Receiver::from_owned_fd(read).map_err(RuntimeError::Channel)?;
    let stdio = Stdio { stdin: null.as_fd(), stdout: write.as_fd(), stderr: write.as_fd() };
    let child = exec(directory, options, stdio).await?;
    let mut buffer = [0; 4096];
    let wait = child.wait();
    tokio::pin!(wait);
    loop {
        tokio::select! {
            // What it has written before its end is in the pipe by then.
            biased;
            count = reader.read(&mut buffer) => heard(&buffer[..count.map_err(RuntimeError::Channel)?]),
            code = &mut wait => return code,
        }
    }
}
