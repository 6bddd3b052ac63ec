//! `rcompose events`.

use crate::cli::logs::Moment;
use crate::name::ServiceName;

/// The flags of `events`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct EventsArgs {
    /// Print an object a line
    #[arg(long)]
    pub json: bool,
    /// Begin with what has happened since then: 2026-01-02T13:23:37Z, or 42m for that long ago
    #[arg(long, value_name = "TIME")]
    pub since: Option<Moment>,
    /// End then
    #[arg(long, value_name = "TIME")]
    pub until: Option<Moment>,
    /// Only these services
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,
}

#[cfg(test)]
mod tests {
    use crate::cli::args::Command;
    use crate::cli::args::tests::parse;

    #[test]
    fn events() {
        let Command::Events(events) = parse("events --json --since 5m --until 1700000000 web").unwrap().command else {
            panic!()
        };
        assert!(events.json && events.since.is_some() && events.until.is_some());
        assert_eq!(events.services.len(), 1);
    }
}
