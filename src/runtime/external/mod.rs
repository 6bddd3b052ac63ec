//! OCI runtimes other than our own: programs that take a bundle, driven as engines drive runc.
//!
//! ```text
//! shim ── in a mount namespace of its own: the root file system, `bundle/config.json`
//!   ├── NAME create --bundle … --pid-file …   its init is orphaned, and falls to the shim, a subreaper
//!   ├── NAME start                            when the network is attached
//!   └── NAME delete --force                   when init has ended, or nothing came of it
//! ```
//! Its state is in the container's run directory (`--root`), so that it is found, and removed, with that.

mod bundle;
mod console;
mod exec;
mod identity;
mod newborn;
mod orphans;
mod program;
mod table;

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub(super) use exec::run as exec;
pub(super) use newborn::Newborn;
pub(super) use orphans::Orphans;
pub use table::{Found as FoundRuntime, Runtimes};

use super::init::InitError;
use super::{Config, Signal};

/// A program with the command line of runc.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalRuntime {
    /// Where it is; absolute.
    pub path: PathBuf,
    /// What it is given before its verb.
    #[serde(default)]
    pub args: Vec<String>,
}

/// Why an external runtime did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ExternalError {
    /// It cannot be executed.
    #[error("cannot run `{}`", path.display())]
    Program {
        /// The program.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It said no.
    #[error("`{} {verb}`: {said}", path.display())]
    Refused {
        /// The program.
        path: PathBuf,
        /// What it was asked.
        verb: &'static str,
        /// What it answered.
        said: String,
    },
    /// It took too long.
    #[error("`{} {verb}` has not ended after {seconds} s", path.display())]
    Timeout {
        /// The program.
        path: PathBuf,
        /// What it was asked.
        verb: &'static str,
        /// How long it had.
        seconds: u64,
    },
    /// It did not leave what it should have.
    #[error("`{}` left no {what}", path.display())]
    Missing {
        /// The program.
        path: PathBuf,
        /// What.
        what: &'static str,
    },
    /// What it is given could not be made.
    #[error("cannot prepare `{}`", path.display())]
    Prepare {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The root file system, or who the process is.
    #[error("{0}")]
    Init(String),
    /// The bundle could not be written.
    #[error(transparent)]
    Runtime(#[from] Box<super::RuntimeError>),
}

impl From<InitError> for ExternalError {
    fn from(error: InitError) -> Self {
        Self::Init(super::init::text(&error))
    }
}

impl ExternalError {
    /// What a shell's `$?` would be, as far as the words of a runtime tell: the rule that Docker has.
    pub(super) fn code(&self) -> u8 {
        let Self::Refused { said, .. } = self else { return 125 };
        match said {
            said if said.contains("executable file") && said.contains("not found") => 127,
            said if said.contains("no such file or directory") || said.contains("No such file or directory") => 127,
            said if said.to_lowercase().contains("permission denied") => 126,
            _ => 125,
        }
    }
}

/// What is kept in the run directory of a container.
struct Places<'a>(&'a Path);

impl Places<'_> {
    /// The runtime's own state.
    fn state(&self) -> PathBuf {
        self.0.join("runtime")
    }

    fn bundle(&self) -> PathBuf {
        self.0.join("bundle")
    }

    /// Mounts that only the shim can make.
    fn mounts(&self) -> PathBuf {
        self.0.join("mounts")
    }

    fn log(&self) -> PathBuf {
        self.0.join("runtime.log")
    }
}

/// What `config` says of its runtime, and where it is.
fn runtime_of(config: &Config) -> Option<program::Program<'_>> {
    let runtime = config.external.as_ref()?;
    Some(program::Program { runtime, directory: &config.directory, id: config.id.as_str() })
}

/// Sends a signal through the runtime of a container; false if it has none.
pub(super) fn signal(config: &Config, signal: Signal) -> Result<bool, ExternalError> {
    let Some(program) = runtime_of(config) else { return Ok(false) };
    let number = signal.as_raw().to_string();
    program.run("kill", &[], &[&number])?;
    Ok(true)
}

/// Stops all processes of a container, or lets them go on; false if it has no runtime of this kind.
pub(super) fn pause(config: &Config, paused: bool) -> Result<bool, ExternalError> {
    let Some(program) = runtime_of(config) else { return Ok(false) };
    if is_paused(config)? != Some(paused) {
        program.run(if paused { "pause" } else { "resume" }, &[], &[])?;
    }
    Ok(true)
}

/// Whether a container is paused, if it has a runtime of this kind.
pub(super) fn is_paused(config: &Config) -> Result<Option<bool>, ExternalError> {
    #[derive(Deserialize)]
    struct State {
        status: String,
    }
    let Some(program) = runtime_of(config) else { return Ok(None) };
    let state: Result<State, _> = serde_json::from_str(&program.run("state", &[], &[])?);
    state
        .map(|state| Some(state.status == "paused"))
        .map_err(|_| ExternalError::Missing { path: program.runtime.path.clone(), what: "readable state" })
}

/// Removes what a runtime has left of a container that has ended. May be repeated.
pub(super) fn delete(config: &Config) -> Result<(), ExternalError> {
    let Some(program) = runtime_of(config) else { return Ok(()) };
    let state = program.places().state();
    if state.exists() {
        program.run("delete", &["--force"], &[])?;
        let _ = fs_err::remove_dir_all(state);
    }
    Ok(())
}
