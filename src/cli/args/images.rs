//! `rcompose images`.

use crate::cli::listing::ListFormat;
use crate::name::ServiceName;

/// The flags of `images`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ImagesArgs {
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "table", hide_default_value = true)]
    pub format: ListFormat,
    /// Print only ids
    #[arg(short, long)]
    pub quiet: bool,
    /// Only these services
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,
}
