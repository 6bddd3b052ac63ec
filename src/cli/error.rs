//! What a command failed with: how it is told, what to do about it, and which code the process exits with.
//!
//! ```text
//! error: cannot run `psql` in service `db`
//!   caused by: service `db` is not running
//! hint: start it with `rcompose up -d db`
//! ```

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use super::build::BuildFailure;
use super::copy::CopyError;
use super::evidence;
use super::network::InvalidFilter;
use super::provider::ProviderError;
use super::template::TemplateError;
use super::watch::WatchError;
use crate::cli::style::{ERROR, NOTE, Paint};
use crate::cli::terminal::TerminalError;
use crate::compose::{Diagnostic, LoadError, UnknownPath, render_all};
use crate::image::{CommitError, CredentialsError, PullError, PushError, RegistryConfigError, StoreError};
use crate::name::{ContainerName, InvalidReference, ProjectName, ServiceName, SnapshotName};
use crate::plan::PlanError;
use crate::runtime::RuntimeError;
use crate::runtime::files::FilesError;
use crate::runtime::host_program::HostProgramError;
use crate::state::StateError;
use crate::supervisor::{ClientError, Failure, FailureKind};
use crate::text::nearest;

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
    /// The code of the process.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        let code: u8 = match self {
            // As a process that a broken pipe kills: 128 + SIGPIPE.
            _ if self.is_unread() => 141,
            Self::Interrupted | Self::NotConfirmed => 130,
            // As a shell has it: 127 for a command that is not there, 126 for one that cannot be executed.
            Self::Runtime(RuntimeError::Container { code, .. }) => *code,
            Self::Failed { failures } => failures
                .iter()
                .map(Failure::exit_code)
                .find(|code| *code != 125)
                .map_or(1, |code| u8::try_from(code).unwrap_or(1)),
            // As `docker run` has it: 125 for what is not the command's fault.
            Self::NotBegun { failures } => {
                failures.first().map_or(125, |failure| u8::try_from(failure.exit_code()).unwrap_or(125))
            }
            // As a shell has it.
            Self::HostCommand { source, .. } if source.kind() == io::ErrorKind::NotFound => 127,
            Self::HostCommand { .. } => 126,
            Self::Output { .. }
            | Self::OutputFile { .. }
            | Self::HostProgram(_)
            | Self::Directory { .. }
            | Self::Terminal(_)
            | Self::NoSuchService { .. }
            | Self::NotRunning { .. }
            | Self::NothingRuns { .. }
            | Self::NoSuchPort { .. }
            | Self::IgnoredAndRemoved
            | Self::ParallelLimit { .. }
            | Self::NoContainer { .. }
            | Self::NoSuchContainer { .. }
            | Self::NoSuchContainerName { .. }
            | Self::NoSuchNetwork { .. }
            | Self::NoSuchVolume { .. }
            | Self::NoVolumes { .. }
            | Self::NoSuchSnapshot { .. }
            | Self::AmbiguousNetwork { .. }
            | Self::Filter(_)
            | Self::Template(_)
            | Self::NoTerminal { .. }
            | Self::NotRoot
            | Self::KernelTooOld { .. }
            | Self::WorkingDirectory(_)
            | Self::Load(_)
            | Self::Plan(_)
            | Self::State(_)
            | Self::Store(_)
            | Self::Pull(_)
            | Self::Push(_)
            | Self::ImageName(_)
            | Self::Explain(_)
            | Self::Registries { .. }
            | Self::Runtimes { .. }
            | Self::NetworkConfig { .. }
            | Self::BuildConfig { .. }
            | Self::NoModels { .. }
            | Self::Provider(_)
            | Self::Watch(_)
            | Self::Credentials { .. }
            | Self::Client(_)
            | Self::Copy(_)
            | Self::Files(_)
            | Self::Build(_)
            | Self::Commit(_)
            | Self::ArchiveOnTerminal
            | Self::NoBridge
            | Self::OnlyBuilt { .. }
            | Self::Runtime(_)
            | Self::System(_) => 1,
        };
        ExitCode::from(code)
    }

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

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoSuchService { known, .. } if known.is_empty() => None,
            Self::NoSuchService { service, known } => {
                let known: Vec<_> = known.iter().map(ServiceName::as_str).collect();
                Some(match nearest(service.as_str(), known.iter().copied()) {
                    Some(nearest) => format!("did you mean `{nearest}`?"),
                    None => format!("the services are {}", known.join(", ")),
                })
            }
            Self::Plan(PlanError::PortOfMany { .. }) => Some(
                "publish a range that is long enough, `8080-8089:80`, or no port of the machine at all, `80`"
                    .to_owned(),
            ),
            Self::NotRunning { service } | Self::NoContainer { service } => {
                Some(format!("start it with `rcompose up -d {service}`"))
            }
            Self::NoSuchContainer { service, .. } => Some(format!("list its containers with `rcompose ps {service}`")),
            Self::NoSuchContainerName { container, known } => {
                Some(match nearest(container, known.iter().map(String::as_str)) {
                    Some(nearest) => format!("did you mean `{nearest}`?"),
                    None => "list containers with `rcompose ps -a`".to_owned(),
                })
            }
            Self::NoSuchNetwork { .. } => Some("list them with `rcompose network ls`".to_owned()),
            Self::NoSuchVolume { volume, known } => meant("volumes", volume, known),
            Self::NoSuchSnapshot { snapshot, known } => meant("snapshots", snapshot.as_str(), known),
            Self::NoVolumes { .. } => Some("name them under `volumes`, and make them with `rcompose up -d`".to_owned()),
            Self::AmbiguousNetwork { .. } => Some("name it by its id: `rcompose network ls`".to_owned()),
            Self::NoTerminal { .. } => Some("only look on: `attach --no-stdin`".to_owned()),
            Self::Terminal(_) => Some("run the command without a terminal: `exec -T`".to_owned()),
            Self::NotConfirmed => Some("agree to all of it with `--yes`".to_owned()),
            Self::OnlyBuilt { .. } => Some("say under `image` what the result of `build` is called".to_owned()),
            Self::NoBridge => Some("give what `rcompose config` prints to a converter, such as kompose".to_owned()),
            Self::ArchiveOnTerminal => Some("name a file with `-o FILE`, or redirect the output".to_owned()),
            Self::Commit(CommitError::NoLayers { .. }) => {
                Some("keep its files with `rcompose export`, or use an image of a registry".to_owned())
            }
            Self::Commit(_) => None,
            Self::NotRoot => Some("run it with sudo".to_owned()),
            Self::KernelTooOld { .. } => {
                Some("boot a newer kernel: the distribution may have one to install".to_owned())
            }
            Self::Load(LoadError::NoFile { .. }) => {
                Some("make a `compose.yaml`, or name the file with `-f FILE`".to_owned())
            }
            Self::Load(LoadError::NoSuchService { nearest: Some(nearest), .. }) => {
                Some(format!("did you mean `{nearest}`?"))
            }
            Self::Load(LoadError::Remote(error)) => super::remote::hint(error),
            Self::Explain(UnknownPath { nearest: Some(nearest), .. }) => Some(format!("did you mean `{nearest}`?")),
            Self::Pull(error) => pull_hint(error),
            Self::Build(failure) => failure.hint(),
            Self::Provider(error) => error.hint(),
            Self::Watch(error) => error.hint(),
            Self::NoModels { .. } => {
                Some("run one, and name it in `config.toml`: `[models]` `endpoint = \"http://…/v1\"`".to_owned())
            }
            Self::Push(PushError::Missing { .. }) => {
                Some("make it with `rcompose commit`, or fetch it with `rcompose pull`".to_owned())
            }
            Self::Push(_) => None,
            Self::Failed { failures } | Self::NotBegun { failures } => failures.iter().find_map(failure_hint),
            Self::Client(ClientError::Lost { .. }) => {
                Some("run the command again: what was done stays done".to_owned())
            }
            Self::NothingRuns { .. } => Some("start them with `rcompose up -d`".to_owned()),
            Self::NoSuchPort { .. } => Some("publish it under `ports` in the compose file".to_owned()),
            Self::Output { .. }
            | Self::IgnoredAndRemoved
            | Self::ParallelLimit { .. }
            | Self::OutputFile { .. }
            | Self::HostCommand { .. }
            | Self::HostProgram(_)
            | Self::Directory { .. }
            | Self::Interrupted
            | Self::WorkingDirectory(_)
            | Self::Load(_)
            | Self::Plan(_)
            | Self::State(_)
            | Self::Store(_)
            | Self::ImageName(_)
            | Self::Explain(_)
            | Self::Registries { .. }
            | Self::Runtimes { .. }
            | Self::NetworkConfig { .. }
            | Self::BuildConfig { .. }
            | Self::Credentials { .. }
            | Self::Client(_)
            | Self::Filter(_)
            | Self::Template(_)
            | Self::Copy(_)
            | Self::Files(_)
            | Self::Runtime(_)
            | Self::System(_) => None,
        }
    }
}

impl CliError {
    /// The whole of it, as the user is told: each mistake of a file with its line, each failure with its causes.
    #[must_use]
    pub fn render(&self, paint: Paint) -> String {
        let hint = self.hint();
        let hint = hint.as_deref().map_or_else(String::new, |hint| format!("{} {hint}\n", paint.apply(NOTE, "hint:")));
        match self {
            Self::Load(LoadError::Diagnostics(diagnostics)) => render_all(diagnostics, paint == Paint::COLOURED),
            Self::Build(failure) => failure.render(paint),
            Self::Failed { failures } | Self::NotBegun { failures } => {
                let text = |failure: &Failure| {
                    let waits = failure.waits.iter().map(evidence::waiting);
                    let facts: String = waits.chain(failure.evidence.iter().map(evidence::told)).collect();
                    told(&failure.message, failure.causes.clone(), paint) + &facts
                };
                failures.iter().map(text).collect::<String>() + &hint
            }
            _ => as_text(self, self.hint().as_deref(), paint),
        }
    }
}

/// What may have been meant by a name that is none of those `known`.
fn meant(kind: &str, name: &str, known: &[String]) -> Option<String> {
    match nearest(name, known.iter().map(String::as_str)) {
        Some(nearest) => Some(format!("did you mean `{nearest}`?")),
        None if known.is_empty() => None,
        None => Some(format!("the {kind} are {}", known.join(", "))),
    }
}

pub(in crate::cli) fn pull_hint(error: &PullError) -> Option<String> {
    let hint = match error {
        PullError::NotFound { .. } => "check the name and the tag under `image`",
        PullError::Unauthorized { .. } => "put credentials into Docker's `config.json` (`docker login` writes them)",
        PullError::Unreachable { .. } => "check the network, or name a mirror in `config.toml`",
        PullError::DigestMismatch { .. } | PullError::SizeMismatch { .. } => {
            "pull again; if it stays so, the registry is broken"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

fn failure_hint(failure: &Failure) -> Option<String> {
    let hint = match failure.kind {
        FailureKind::PortInUse => "stop what has the port, or publish another one under `ports`",
        FailureKind::CommandNotFound => "check `command` and `entrypoint`: nothing of that name is in the image's PATH",
        FailureKind::CommandNotExecutable => "make the file executable, or run it through its interpreter",
        FailureKind::BindSourceMissing => "create it, or correct the path in the compose file",
        FailureKind::DependencyFailed if failure.evidence.iter().any(|of| !of.lines.is_empty()) => return None,
        FailureKind::DependencyFailed => "see what it wrote: `rcompose logs`",
        FailureKind::HookFailed => "hooks run in the container itself: their programs have to be in its image",
        FailureKind::UpdateFailed => "correct the service and run `up` again: until then the old containers serve",
        FailureKind::NotInTime => "what is there stays: `rcompose ps -a` and `rcompose logs` tell more",
        FailureKind::ExternalMissing => "create it, or drop `external: true`",
        FailureKind::ImageMissing => "pull it: `rcompose pull`",
        FailureKind::DeviceMissing => "plug it in or install its driver, or correct `devices` in the compose file",
        FailureKind::NotRunning => "start it, or see why it ended: `rcompose logs`",
        FailureKind::VolumeInUse | FailureKind::Plan | FailureKind::Cancelled | FailureKind::System => return None,
    };
    Some(hint.to_owned())
}

/// `error` with everything it was caused by and its `hint`, each on lines of their own.
#[must_use]
pub fn as_text(error: &dyn Error, hint: Option<&str>, paint: Paint) -> String {
    let mut text = told(&error.to_string(), causes(error), paint);
    if let Some(hint) = hint {
        text.push_str(&format!("{} {hint}\n", paint.apply(NOTE, "hint:")));
    }
    text
}

fn told(message: &str, causes: impl IntoIterator<Item = String>, paint: Paint) -> String {
    let mut text = format!("{} {message}\n", paint.apply(ERROR, "error:"));
    for cause in causes {
        text.push_str(&format!("  {} {cause}\n", paint.apply(ERROR, "caused by:")));
    }
    text
}

/// `error` on one line, as `--progress json` tells it: with each mistake of the file when that is what it is.
#[must_use]
pub fn as_json(error: &CliError) -> String {
    let chain: Vec<_> = std::iter::once(error.to_string()).chain(causes(error)).collect();
    let mut object = serde_json::json!({ "error": true, "message": chain.join(": ") });
    if let CliError::Failed { failures } | CliError::NotBegun { failures } = error {
        let evidence: Vec<_> = failures.iter().flat_map(|failure| &failure.evidence).collect();
        let waits: Vec<_> = failures.iter().flat_map(|failure| &failure.waits).collect();
        object["evidence"] = serde_json::json!(evidence);
        object["waits"] = serde_json::json!(waits);
    }
    if let CliError::Load(LoadError::Diagnostics(_)) = error {
        object["diagnostics"] = diagnostics(error);
    }
    format!("{object}\n")
}

/// `error` as editors read it: the mistakes of the file, or one without a place for what is wrong elsewhere.
#[must_use]
pub fn diagnostics(error: &CliError) -> serde_json::Value {
    if let CliError::Load(LoadError::Diagnostics(diagnostics)) = error {
        return diagnostics.iter().map(Diagnostic::to_json).collect();
    }
    let chain: Vec<_> = std::iter::once(error.to_string()).chain(causes(error)).collect();
    serde_json::json!([{
        "severity": "error",
        "name": "not-loaded",
        "message": chain.join(": "),
        "help": error.hint(),
        "labels": [],
    }])
}

fn causes(error: &dyn Error) -> impl Iterator<Item = String> {
    std::iter::successors(error.source(), |cause| (**cause).source()).map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str) -> ServiceName {
        ServiceName::new(name).unwrap()
    }

    fn text(error: &CliError, paint: Paint) -> String {
        as_text(error, error.hint().as_deref(), paint)
    }

    #[test]
    fn an_error_its_causes_and_a_hint() {
        let full = CliError::OutputFile { source: io::Error::other("no space left on `out.yaml`") };
        insta::assert_snapshot!(text(&full, Paint::PLAIN), @"
        error: cannot write the output file
          caused by: no space left on `out.yaml`
        ");
        insta::assert_snapshot!(as_json(&full), @r#"{"error":true,"message":"cannot write the output file: no space left on `out.yaml`"}"#);
        let unknown = CliError::NoSuchService { service: service("wbe"), known: vec![service("db"), service("web")] };
        insta::assert_snapshot!(text(&unknown, Paint::PLAIN), @"
        error: no such service: wbe
        hint: did you mean `web`?
        ");
        let stopped = CliError::NotRunning { service: service("db") };
        insta::assert_snapshot!(text(&stopped, Paint::COLOURED).replace('\x1b', "^"), @"
        ^[1m^[31merror:^[0m service `db` is not running
        ^[36mhint:^[0m start it with `rcompose up -d db`
        ");
    }

    #[test]
    fn codes_and_silence() {
        let output = |kind: io::ErrorKind| CliError::Output { source: kind.into() };
        for (error, code, silent) in [
            (output(io::ErrorKind::BrokenPipe), 141, true),
            (output(io::ErrorKind::StorageFull), 1, false),
            (CliError::Interrupted, 130, true),
            (CliError::NotRunning { service: service("db") }, 1, false),
        ] {
            assert_eq!((error.exit_code(), error.is_silent()), (ExitCode::from(code), silent), "{error}");
        }
    }
}
