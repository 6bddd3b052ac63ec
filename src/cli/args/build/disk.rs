//! `rcompose build df` and `build prune`.

use crate::cli::listing::ListFormat;
use crate::text::units;

/// The verbs of `build` about what builds keep.
#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand)]
pub enum BuildVerb {
    /// Show what builds keep on disk
    #[command(alias = "du")]
    Df(BuildDfArgs),
    /// Remove what builds keep and no image needs
    Prune(BuildPruneArgs),
}

/// The flags of `build df`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct BuildDfArgs {
    /// How to print
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: ListFormat,
}

/// The flags of `build prune`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct BuildPruneArgs {
    /// Also forget the steps of images that are there: they are done anew then
    #[arg(short, long)]
    pub all: bool,
    /// `until=` (not used since then, or for so long), `type=` (step, mount, source) or `id=`; repeatable
    #[arg(long, value_name = "FILTER")]
    pub filter: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    pub force: bool,
    /// Keep as much as this, of what was used last
    #[arg(long, value_name = "BYTES", alias = "keep-storage", value_parser = units::bytes)]
    pub max_used_space: Option<u64>,
}
