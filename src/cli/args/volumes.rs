//! `rcompose volumes`.

use crate::name::ServiceName;

/// The flags of `volumes`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct VolumesArgs {
    /// `table`, `json`, a template, or `table TEMPLATE` for columns of one
    #[arg(long, value_name = "FORMAT", default_value = "table", hide_default_value = true)]
    pub format: String,
    /// Print only names
    #[arg(short, long)]
    pub quiet: bool,
    /// Only volumes of these services
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,
}
