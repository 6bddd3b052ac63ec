//! `rcompose ps`.

use crate::cli::ps::StateName;
use crate::name::ServiceName;

/// The flags of `ps`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct PsArgs {
    /// Show stopped containers too
    #[arg(short, long)]
    pub all: bool,
    /// Print only ids
    #[arg(short, long)]
    pub quiet: bool,
    /// Print only the names of the services
    #[arg(long)]
    pub services: bool,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "table", hide_default_value = true)]
    pub format: PsFormat,
    /// Only containers in this state; repeatable
    #[arg(long, value_name = "STATE")]
    pub status: Vec<StateName>,
    /// Shorten neither ids nor commands
    #[arg(long)]
    pub no_trunc: bool,
    /// Only these services
    #[arg(value_name = "SERVICE")]
    pub of_services: Vec<ServiceName>,
}

/// How `ps` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum PsFormat {
    /// Columns, for people.
    Table,
    /// One object a line, with the fields of docker compose.
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Command;
    use crate::cli::args::tests::parse;

    #[test]
    fn ps() {
        let args = parse("ps -a -q --services --format json --status running --status exited --no-trunc web").unwrap();
        let Command::Ps(ps) = args.command else { panic!() };
        assert!(ps.all && ps.quiet && ps.services && ps.no_trunc);
        assert_eq!(ps.format, PsFormat::Json);
        assert_eq!(ps.status, [StateName::Running, StateName::Exited]);
        assert_eq!(ps.of_services.len(), 1);
        assert!(parse("ps --status healthy").is_err());
    }
}
