//! `rcompose logs`.

use crate::cli::logs::{Moment, Tail};
use crate::name::ServiceName;

/// The flags of `logs`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct LogsArgs {
    /// Go on with new lines as they are written
    #[arg(short, long)]
    pub follow: bool,
    /// How many lines from the end of each container's log, or `all`
    #[arg(short = 'n', long, value_name = "LINES", default_value = "all", hide_default_value = true)]
    pub tail: Tail,
    /// Show when each line was written
    #[arg(short, long)]
    pub timestamps: bool,
    /// Only lines from then on: 2026-01-02T13:23:37Z, or 42m for that long ago
    #[arg(long, value_name = "TIME")]
    pub since: Option<Moment>,
    /// Only lines before then
    #[arg(long, value_name = "TIME")]
    pub until: Option<Moment>,
    /// `text`, or `json` for an object a line
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_default_value = true)]
    pub format: LogsFormat,
    /// Which of a service's containers [default: all]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub index: Option<u32>,
    /// Print no colours
    #[arg(long)]
    pub no_color: bool,
    /// Do not say which container wrote a line
    #[arg(long)]
    pub no_log_prefix: bool,
    /// Only these services
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,
}

/// How `logs` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogsFormat {
    /// Lines as they were written, behind who wrote them.
    Text,
    /// An object a line: `time`, `container`, `service`, `stream`, `line`.
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Command;
    use crate::cli::args::tests::parse;

    #[test]
    fn logs() {
        let args = parse("logs -f -n 5 -t --since 42m --until 1700000000 --no-color --no-log-prefix web db").unwrap();
        let Command::Logs(logs) = args.command else { panic!() };
        assert!(logs.follow && logs.timestamps && logs.no_color && logs.no_log_prefix);
        assert_eq!(logs.tail, Tail::Last(5));
        assert!(matches!((logs.since, logs.until), (Some(Moment::Ago(_)), Some(Moment::At(_)))));
        assert_eq!(logs.services.len(), 2);
        let Command::Logs(logs) = parse("logs").unwrap().command else { panic!() };
        assert_eq!((logs.tail, logs.format, logs.index), (Tail::All, LogsFormat::Text, None));
        let Command::Logs(logs) = parse("logs --format json --index 2 web").unwrap().command else { panic!() };
        assert_eq!((logs.format, logs.index), (LogsFormat::Json, Some(2)));
        assert!(parse("logs --since yesterday-ish").is_err());
    }
}
