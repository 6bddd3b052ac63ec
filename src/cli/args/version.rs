//! `rcompose version`.

/// The flags of `version`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct VersionArgs {
    /// Output format
    #[arg(short, long, value_name = "FORMAT", default_value = "pretty", hide_default_value = true)]
    pub format: VersionFormat,
    /// Print only the number
    #[arg(long)]
    pub short: bool,
}

/// How `version` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum VersionFormat {
    /// A sentence.
    Pretty,
    /// An object.
    Json,
}
