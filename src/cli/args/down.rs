//! `rcompose down`.

use std::time::Duration;

use super::value::grace;
use crate::name::ServiceName;

/// The flags of `down`.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct DownArgs {
    /// Remove named volumes too, and what is in them
    #[arg(short, long)]
    pub volumes: bool,
    /// Remove containers of services that the Compose file no longer has, and those of `run` that still run
    #[arg(long, env = super::REMOVE_ORPHANS, hide_env = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub remove_orphans: bool,
    /// Remove images too: all that services use, or those alone that are built and have no name of their own
    #[arg(long, value_name = "WHICH")]
    pub rmi: Option<Rmi>,
    /// Seconds a container has to stop before it is killed (-1: for ever) [default: its stop_grace_period]
    #[arg(short, long, value_name = "SECONDS", value_parser = grace, allow_negative_numbers = true)]
    pub timeout: Option<Duration>,
    /// Only these services
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,
}

/// Which images `down --rmi` removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Rmi {
    /// Those of all services.
    All,
    /// Those that services are built as, without an `image` of their own.
    Local,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Command;
    use crate::cli::args::tests::parse;

    #[test]
    fn down() {
        let Command::Down(down) = parse("down -v -t 3 --rmi local --remove-orphans web").unwrap().command else {
            panic!()
        };
        let expected = DownArgs {
            volumes: true,
            remove_orphans: true,
            rmi: Some(Rmi::Local),
            timeout: Some(Duration::from_secs(3)),
            services: vec![ServiceName::new("web").unwrap()],
        };
        assert_eq!(down, expected);
        assert!(parse("down -t soon").is_err() && parse("down --rmi some").is_err());
    }
}
