//! The exit code of the process.

use std::io;
use std::process::ExitCode;

use super::CliError;
use crate::runtime::RuntimeError;
use crate::supervisor::Failure;

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
}
