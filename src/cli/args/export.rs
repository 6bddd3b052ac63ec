//! `rcompose export`.

use std::path::PathBuf;

use crate::name::ServiceName;

/// The flags of `export`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ExportArgs {
    /// Which of the service's containers [default: the lowest number]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub index: Option<u32>,
    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The service
    #[arg(value_name = "SERVICE")]
    pub service: ServiceName,
}
