//! `rcompose snapshot`.

use crate::name::{SnapshotName, VolumeName};

/// The verbs of `snapshot`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct SnapshotArgs {
    /// What to do
    #[command(subcommand)]
    pub verb: SnapshotVerb,
}

/// The verbs.
#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand)]
pub enum SnapshotVerb {
    /// Keep what is in the project's volumes under a name
    Create(SnapshotCreateArgs),
    /// List the project's snapshots
    #[command(visible_alias = "list")]
    Ls(SnapshotLsArgs),
    /// Put back into volumes what a snapshot has of them
    Restore(SnapshotRestoreArgs),
    /// Remove snapshots
    #[command(visible_alias = "remove")]
    Rm(SnapshotRmArgs),
}

/// The flags of `snapshot create`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct SnapshotCreateArgs {
    /// Take the place of a snapshot of that name
    #[arg(long)]
    pub force: bool,
    /// Do not pause who writes to the volumes while they are copied
    #[arg(long)]
    pub no_pause: bool,
    /// What it shall be called
    #[arg(value_name = "NAME")]
    pub name: SnapshotName,
    /// Keys of volumes [default: all that belong to the project]
    #[arg(value_name = "VOLUME")]
    pub volumes: Vec<VolumeName>,
}

/// The flags of `snapshot ls`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct SnapshotLsArgs {
    /// Print only names
    #[arg(short, long)]
    pub quiet: bool,
    /// `table`, `json`, a template, or `table TEMPLATE` for columns of one
    #[arg(long, value_name = "FORMAT", default_value = "table", hide_default_value = true)]
    pub format: String,
}

/// The flags of `snapshot restore`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct SnapshotRestoreArgs {
    /// Stop the services that use the volumes, start them again, and wait until they are healthy
    #[arg(long)]
    pub stop: bool,
    /// The snapshot
    #[arg(value_name = "NAME")]
    pub name: SnapshotName,
    /// Keys of volumes [default: all in the snapshot]
    #[arg(value_name = "VOLUME")]
    pub volumes: Vec<VolumeName>,
}

/// The flags of `snapshot rm`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct SnapshotRmArgs {
    /// Do not mind those that do not exist
    #[arg(short, long)]
    pub force: bool,
    /// The snapshots
    #[arg(value_name = "NAME", required = true)]
    pub names: Vec<SnapshotName>,
}

#[cfg(test)]
mod tests {
    use crate::cli::args::tests::parse;

    #[test]
    fn names_are_names_of_files() {
        assert!(parse("snapshot create seeded-1.0 db").is_ok());
        for name in ["../x", ".new", "a/b", &"x".repeat(129)] {
            let error = parse(&format!("snapshot rm {name}")).unwrap_err();
            assert!(error.contains("must begin with a letter or digit"), "{error}");
        }
    }
}
