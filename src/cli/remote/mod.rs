//! Brings remote Compose files to this machine: commits of git repositories, artifacts of registries.
//!
//! ```text
//! reference ─┬▶ git ls-remote ─▶ commit ─┬▶ in the cache? ─▶ directory ─▶ its Compose file
//!            └▶ manifest ──────▶ digest ─┘        │ no
//!                          git fetch, layers ─▶ staging directory ─▶ rename
//! ```
//!
//! What a reference names now is asked once a command; what came once is not fetched again.

mod git;
mod oci;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use super::context;
use super::error::CliError;
use crate::build::remote::Cache;
use crate::compose::{Fetched, Files, HostFiles, RemoteError, RemoteReference};

pub use crate::build::remote::{CacheError, GitError};
pub use oci::OciError;

/// The variables that switch a source off, as docker compose has them.
const GIT_SWITCH: &str = "COMPOSE_EXPERIMENTAL_GIT_REMOTE";
const OCI_SWITCH: &str = "COMPOSE_EXPERIMENTAL_OCI_REMOTE";

/// The files of this machine, and those that can be brought to it.
#[derive(Debug)]
pub struct RemoteFiles {
    environment: BTreeMap<String, String>,
    /// By the name of the reference: a file that several include is asked for once.
    fetched: RefCell<BTreeMap<String, Fetched>>,
}

/// Why a remote file could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The source is switched off.
    #[error("`{variable}` switches this source off")]
    Disabled {
        /// The switch.
        variable: &'static str,
    },
    /// A switch is neither on nor off.
    #[error("`{variable}` is `{value}`: it must be true or false")]
    Switch {
        /// The switch.
        variable: &'static str,
        /// What it says.
        value: String,
    },
    /// A configuration of registries or their credentials.
    #[error(transparent)]
    Registries(Box<CliError>),
    /// The cache.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A git repository.
    #[error(transparent)]
    Git(#[from] GitError),
    /// An artifact.
    #[error(transparent)]
    Oci(#[from] OciError),
    /// This machine has no thread or descriptor left.
    #[error("cannot start fetching")]
    Start(#[source] io::Error),
}

impl RemoteFiles {
    /// Fetches with the `environment` of the process: where the cache is, which sources are on, what git is told.
    #[must_use]
    pub fn new(environment: BTreeMap<String, String>) -> Self {
        Self { environment, fetched: RefCell::default() }
    }

    fn fetch_now(&self, reference: &RemoteReference) -> Result<Fetched, FetchError> {
        let environment = &self.environment;
        match reference {
            RemoteReference::Git(reference) => {
                check_switch(environment, GIT_SWITCH)?;
                let cache = Cache::of(environment)?;
                Ok(block_on(git::fetch(reference, &cache, environment))??)
            }
            RemoteReference::Oci(reference) => {
                check_switch(environment, OCI_SWITCH)?;
                let cache = Cache::of(environment)?;
                let registries =
                    context::registries(environment).map_err(|error| FetchError::Registries(Box::new(error)))?;
                Ok(block_on(oci::fetch(reference, &cache, &registries))??)
            }
        }
    }
}

impl Files for RemoteFiles {
    fn read(&self, path: &Path) -> io::Result<String> {
        HostFiles.read(path)
    }

    fn exists(&self, path: &Path) -> bool {
        HostFiles.exists(path)
    }

    fn canonicalize(&self, path: &Path) -> Option<PathBuf> {
        HostFiles.canonicalize(path)
    }

    fn fetch(&self, reference: &RemoteReference) -> Result<Fetched, RemoteError> {
        let name = reference.name();
        if let Some(fetched) = self.fetched.borrow().get(&name) {
            return Ok(fetched.clone());
        }
        let fetched = self
            .fetch_now(reference)
            .map_err(|error| RemoteError::Fetch { reference: name.clone(), source: Box::new(error) })?;
        self.fetched.borrow_mut().insert(name, fetched.clone());
        Ok(fetched)
    }
}

/// What the user can do about `error`.
#[must_use]
pub fn hint(error: &RemoteError) -> Option<String> {
    let RemoteError::Fetch { source, .. } = error else { return None };
    let hint = match (&**source as &(dyn Error + 'static)).downcast_ref::<FetchError>()? {
        FetchError::Git(GitError::Missing) => "install git: repositories are fetched with it".to_owned(),
        FetchError::Git(GitError::Protocol { protocol, allowed }) => {
            format!("use https or ssh, or allow it for this command: GIT_ALLOW_PROTOCOL={allowed}:{protocol}")
        }
        FetchError::Git(GitError::NoSuchReference { reference }) if reference.len() < 40 => {
            "name a branch, a tag, or a commit by all digits of its id".to_owned()
        }
        FetchError::Git(error) if error.wants_login() => {
            "git asks for no password here: set up a credential helper or an SSH agent".to_owned()
        }
        FetchError::Cache(CacheError::Nowhere) => "set RCOMPOSE_CACHE to a directory".to_owned(),
        _ => return None,
    };
    Some(hint)
}

/// Refuses to go on when `variable` is false; the spellings are those that docker compose takes.
fn check_switch(environment: &BTreeMap<String, String>, variable: &'static str) -> Result<(), FetchError> {
    match environment.get(variable).map(String::as_str) {
        None | Some("" | "1" | "t" | "T" | "true" | "True" | "TRUE") => Ok(()),
        Some("0" | "f" | "F" | "false" | "False" | "FALSE") => Err(FetchError::Disabled { variable }),
        Some(value) => Err(FetchError::Switch { variable, value: value.to_owned() }),
    }
}

/// Runs `future` on a thread of its own: a load is synchronous, and may itself be called from a runtime.
fn block_on<T: Send>(future: impl Future<Output = T> + Send) -> Result<T, FetchError> {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(future))
    };
    let outcome: io::Result<T> = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("fetch".to_owned()).spawn_scoped(scope, run)?;
        thread.join().expect("a fetch does not panic")
    });
    outcome.map_err(FetchError::Start)
}
