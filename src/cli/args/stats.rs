//! `rcompose stats`.

use crate::name::ServiceName;

/// The flags of `stats`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct StatsArgs {
    /// Show stopped containers too
    #[arg(short, long)]
    pub all: bool,
    /// `table`, `json`, a template, or `table TEMPLATE` for columns of one
    #[arg(long, value_name = "FORMAT", default_value = "table", hide_default_value = true)]
    pub format: String,
    /// Print once, and end
    #[arg(long)]
    pub no_stream: bool,
    /// Do not shorten ids
    #[arg(long)]
    pub no_trunc: bool,
    /// Only this service
    #[arg(value_name = "SERVICE")]
    pub service: Option<ServiceName>,
}

#[cfg(test)]
mod tests {
    use crate::cli::args::Command;
    use crate::cli::args::tests::parse;

    #[test]
    fn stats() {
        let Command::Stats(stats) = parse("stats -a --no-stream --no-trunc --format json web").unwrap().command else {
            panic!()
        };
        assert!(stats.all && stats.no_stream && stats.no_trunc);
        assert_eq!((stats.format.as_str(), stats.service.unwrap().as_str()), ("json", "web"));
        assert!(parse("stats web db").is_err());
    }
}
