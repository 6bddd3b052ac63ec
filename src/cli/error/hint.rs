//! What the user can do about an error.

use super::CliError;
use crate::cli::remote;
use crate::compose::{LoadError, UnknownPath};
use crate::image::{CommitError, PullError, PushError};
use crate::name::ServiceName;
use crate::plan::PlanError;
use crate::supervisor::{ClientError, Failure, FailureKind};
use crate::text::nearest;

impl CliError {
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
            Self::Load(LoadError::Remote(error)) => remote::hint(error),
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
