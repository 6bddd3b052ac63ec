//! What a command failed with: how it is told, what to do about it, and which code the process exits with.
//!
//! ```text
//! error: cannot run `psql` in service `db`
//!   caused by: service `db` is not running
//! hint: start it with `rcompose up -d db`
//! ```

mod exit_code;
mod hint;
mod render;

pub(in crate::cli) use hint::pull_hint;
pub use render::{as_json, as_text, diagnostics};

use std::io;
use std::path::PathBuf;

use super::build::BuildFailure;
use super::copy::CopyError;
use super::network::InvalidFilter;
use super::provider::ProviderError;
use super::template::TemplateError;
use super::watch::WatchError;
use crate::cli::terminal::TerminalError;
use crate::compose::{LoadError, UnknownPath};
use crate::image::{CommitError, CredentialsError, PullError, PushError, RegistryConfigError, StoreError};
use crate::name::{ContainerName, InvalidReference, ProjectName, ServiceName, SnapshotName};
use crate::plan::PlanError;
use crate::runtime::RuntimeError;
use crate::runtime::files::FilesError;
use crate::runtime::host_program::HostProgramError;
use crate::state::StateError;
use crate::supervisor::{ClientError, Failure};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Standard output or standard error takes no more.
    #[error("cannot write the output")]
    Output {
        /// Why.
        source: io::Error,
    },
    /// A file asked for with `--output` cannot be written.
    #[error("cannot write the output file")]
    OutputFile {
        /// Why, with the path.
        source: io::Error,
    },
    /// The terminal cannot be handed to a command in a container.
    #[error(transparent)]
    Terminal(#[from] TerminalError),
    /// An argument names a service that the project does not have.
    #[error("no such service: {service}")]
    NoSuchService {
        /// The name.
        service: ServiceName,
        /// Those it has.
        known: Vec<ServiceName>,
    },
    /// A command needs a container of a service, and none runs.
    #[error("service `{service}` is not running")]
    NotRunning {
        /// The service.
        service: ServiceName,
    },
    /// A command needs a running container, and the project has none.
    #[error("no containers for project {:?}", project.as_str())]
    NothingRuns {
        /// The project.
        project: ProjectName,
    },
    /// The variable that limits how much is done at once is no number.
    #[error("COMPOSE_PARALLEL_LIMIT must be an integer (found: {found:?})")]
    ParallelLimit {
        /// What it is.
        found: String,
    },
    /// Orphans are to be passed over, and to be removed.
    #[error("COMPOSE_IGNORE_ORPHANS cannot be combined with --remove-orphans")]
    IgnoredAndRemoved,
    /// A port is not published.
    #[error("no port {port}/{protocol} for container {container}: {}", published.join(", "))]
    NoSuchPort {
        /// The port in the container.
        port: u16,
        /// Its protocol.
        protocol: String,
        /// The container.
        container: ContainerName,
        /// The ports of the host that lead to it.
        published: Vec<String>,
    },
    /// A command needs a container of a service, and there is none.
    #[error("no container found for service `{service}`")]
    NoContainer {
        /// The service.
        service: ServiceName,
    },
    /// There is no container of that name or id, nor a service.
    #[error("container {container} not found")]
    NoSuchContainerName {
        /// What was given.
        container: String,
        /// What could have been given, where that is known.
        known: Vec<String>,
    },
    /// There is no network of that name or id.
    #[error("network {network} not found")]
    NoSuchNetwork {
        /// What was given.
        network: String,
    },
    /// The project has no volume of that name.
    #[error("no such volume: {volume}")]
    NoSuchVolume {
        /// The name.
        volume: String,
        /// Those it has.
        known: Vec<String>,
    },
    /// A command needs volumes, and the project has none.
    #[error("project {project} has no volumes")]
    NoVolumes {
        /// The project.
        project: ProjectName,
    },
    /// The project has no snapshot of that name.
    #[error("no such snapshot: {snapshot}")]
    NoSuchSnapshot {
        /// The name.
        snapshot: SnapshotName,
        /// Those it has.
        known: Vec<String>,
    },
    /// Several networks have that name, or an id that begins so.
    #[error("network {network} is ambiguous: {count} are called that")]
    AmbiguousNetwork {
        /// What was given.
        network: String,
        /// How many there are.
        count: usize,
    },
    /// A filter that is none.
    #[error(transparent)]
    Filter(#[from] InvalidFilter),
    /// A `--format` that is no template, or not one of what is shown.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// `--index` names a container that the service does not have.
    #[error("service `{service}` has no container {index}")]
    NoSuchContainer {
        /// The service.
        service: ServiceName,
        /// What was asked for.
        index: u32,
    },
    /// A terminal cannot be joined from something else.
    #[error("service `{service}` has a terminal, and standard input is none")]
    NoTerminal {
        /// The service.
        service: ServiceName,
    },
    /// A program of the host cannot be executed.
    #[error("cannot run `{command}`")]
    HostCommand {
        /// As it was given.
        command: String,
        /// Why.
        source: io::Error,
    },
    /// A program of the host cannot be given its networks and names.
    #[error(transparent)]
    HostProgram(#[from] HostProgramError),
    /// The directory to run a command in cannot be entered.
    #[error("cannot enter the directory `{}`", directory.display())]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What would be published was not agreed to.
    #[error("nothing was published: it was not agreed to")]
    NotConfirmed,
    /// Services that nobody who takes the project from a registry could run.
    #[error("services that are only built cannot be published: {}", services.join(", "))]
    OnlyBuilt {
        /// The services.
        services: Vec<String>,
    },
    /// `bridge`.
    #[error("`bridge` turns a project into files for Kubernetes, which rcompose does not")]
    NoBridge,
    /// Ctrl-C, or a signal that asks to end.
    #[error("interrupted")]
    Interrupted,
    /// The user is not root.
    #[error("rcompose needs root: containers are made of namespaces, mounts and networks of this machine")]
    NotRoot,
    /// The kernel is older than the calls that containers are made with.
    #[error("this kernel ({release}) lacks mount_setattr(2): rcompose needs Linux 5.12 or later")]
    KernelTooOld {
        /// As `uname -r` has it.
        release: String,
    },
    /// The directory the command was run in is gone.
    #[error("cannot tell the current directory")]
    WorkingDirectory(#[source] io::Error),
    /// The Compose file.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The plan cannot be made.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The records of the project.
    #[error(transparent)]
    State(#[from] StateError),
    /// The image store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An image cannot be pulled.
    #[error(transparent)]
    Pull(PullError),
    /// An image or an artifact cannot be pushed.
    #[error(transparent)]
    Push(PushError),
    /// An image cannot be called so.
    #[error(transparent)]
    ImageName(#[from] InvalidReference),
    /// There is nothing at the path of `config --explain`.
    #[error(transparent)]
    Explain(#[from] UnknownPath),
    /// `config.toml` is not understood.
    #[error("cannot use `{}`", path.display())]
    Registries {
        /// The file.
        path: PathBuf,
        /// Why.
        source: RegistryConfigError,
    },
    /// `config.toml` has runtimes that are none.
    #[error("cannot use `{}`", path.display())]
    Runtimes {
        /// The file.
        path: PathBuf,
        /// Why.
        source: toml::de::Error,
    },
    /// `config.toml` says of networks what cannot be.
    #[error("cannot use `{}`", path.display())]
    NetworkConfig {
        /// The file.
        path: PathBuf,
        /// Why.
        source: toml::de::Error,
    },
    /// `config.toml` says of builds what cannot be.
    #[error("cannot use `{}`", path.display())]
    BuildConfig {
        /// The file.
        path: PathBuf,
        /// Why.
        source: toml::de::Error,
    },
    /// A service uses a language model, and nobody says where one is.
    #[error("service `{service}` uses the model `{model}`, and no server of models is known")]
    NoModels {
        /// The service.
        service: ServiceName,
        /// The key of the model.
        model: String,
    },
    /// Files cannot be watched.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// A provider did not provide.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// Docker's `config.json` is not understood.
    #[error("cannot use `{}`", path.display())]
    Credentials {
        /// The file.
        path: PathBuf,
        /// Why.
        source: CredentialsError,
    },
    /// The supervisor cannot be talked to.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// What the supervisor reports.
    #[error("{}", failures.first().map_or("failed", |failure| failure.message.as_str()))]
    Failed {
        /// Each of them.
        failures: Vec<Failure>,
    },
    /// What the supervisor reports of the container of a command, which has not begun.
    #[error("{}", failures.first().map_or("failed", |failure| failure.message.as_str()))]
    NotBegun {
        /// Each of them.
        failures: Vec<Failure>,
    },
    /// A process in a container.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// What `cp` was asked for cannot be.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// Files of a container, or for one.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A container cannot be made an image of.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// Services cannot be built.
    #[error(transparent)]
    Build(Box<BuildFailure>),
    /// An archive would be written to a terminal.
    #[error("an archive is not written to a terminal")]
    ArchiveOnTerminal,
    /// The kernel refused; the error names the path.
    #[error(transparent)]
    System(#[from] io::Error),
}

impl From<BuildFailure> for CliError {
    fn from(failure: BuildFailure) -> Self {
        Self::Build(Box::new(failure))
    }
}

impl From<Failure> for CliError {
    fn from(failure: Failure) -> Self {
        Self::Failed { failures: vec![failure] }
    }
}

impl CliError {
    /// Whether there is anything to tell: not to someone who has closed the pipe, or pressed Ctrl-C.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        match self {
            Self::Interrupted => true,
            _ => self.is_unread(),
        }
    }

    /// Whether whoever reads the output has read enough. No command writes to any other pipe.
    fn is_unread(&self) -> bool {
        match self {
            Self::Output { source } | Self::System(source) | Self::Files(FilesError::Output(source)) => {
                source.kind() == io::ErrorKind::BrokenPipe
            }
            _ => false,
        }
    }
}
