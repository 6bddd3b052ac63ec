//! `rcompose completion` and `rcompose man`.

use std::path::PathBuf;

/// The arguments of `completion`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct CompletionArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// A shell that completes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Shell {
    /// `source <(rcompose completion bash)` in `.bashrc`.
    Bash,
    /// `rcompose completion fish > ~/.config/fish/completions/rcompose.fish`.
    Fish,
    /// `source <(rcompose completion zsh)` in `.zshrc`.
    Zsh,
}

impl Shell {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Fish => "fish",
            Self::Zsh => "zsh",
        }
    }
}

/// The arguments of `man`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ManArgs {
    /// The directory that the pages are written to
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
}
