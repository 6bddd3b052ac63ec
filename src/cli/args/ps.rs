//! `rcompose ps`.

use std::str::FromStr;

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
    /// `table`, `json`, a template, or `table TEMPLATE` for columns of one
    #[arg(long, value_name = "FORMAT", default_value = "table", hide_default_value = true)]
    pub format: String,
    /// Only containers of which this holds: `status=STATE`; repeatable
    #[arg(long, value_name = "FILTER")]
    pub filter: Vec<PsFilter>,
    /// Whether containers of services that the Compose file no longer has are listed
    #[arg(long, value_name = "BOOL", default_value_t = true, default_missing_value = "true", num_args = 0..=1,
          require_equals = true, action = clap::ArgAction::Set, hide_possible_values = true)]
    pub orphans: bool,
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

/// `--filter status=STATE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PsFilter(StateName);

impl FromStr for PsFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some(("status", state)) => clap::ValueEnum::from_str(state, false).map(Self),
            Some((kind, _)) => Err(format!("there is no filter `{kind}`: expected status=STATE")),
            None => Err("expected status=STATE".to_owned()),
        }
    }
}

impl PsArgs {
    /// Whether a container in this state is listed.
    #[must_use]
    pub fn lists(&self, state: StateName) -> bool {
        let mut wanted = self.status.iter().copied().chain(self.filter.iter().map(|filter| filter.0)).peekable();
        if wanted.peek().is_some() {
            return wanted.any(|wanted| wanted == state);
        }
        self.all || matches!(state, StateName::Running | StateName::Paused | StateName::Restarting)
    }
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
        assert_eq!((ps.format.as_str(), ps.orphans), ("json", true));
        assert_eq!(ps.status, [StateName::Running, StateName::Exited]);
        assert_eq!(ps.of_services.len(), 1);
        assert!(parse("ps --status healthy").is_err());
        assert!(parse("ps --filter status=healthy").is_err() && parse("ps --filter source=x").is_err());
    }

    #[test]
    fn states() {
        let lists = |line: &str, state| match parse(line).unwrap().command {
            Command::Ps(ps) => ps.lists(state),
            other => panic!("{other:?}"),
        };
        for (line, running, exited) in [
            ("ps", true, false),
            ("ps -a", true, true),
            ("ps --status exited", false, true),
            ("ps --filter status=exited", false, true),
            ("ps --status running --filter status=exited --orphans=false", true, true),
        ] {
            assert_eq!((lists(line, StateName::Running), lists(line, StateName::Exited)), (running, exited), "{line}");
        }
    }
}
