//! `rcompose host-run`.

use std::ffi::OsString;
use std::path::PathBuf;

use super::EnvironmentVariable;
use crate::name::ContainerName;

/// The flags of `host-run`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct HostRunArgs {
    /// Network to be on; repeatable [default: all that are not internal]
    #[arg(long = "network", value_name = "NETWORK")]
    pub networks: Vec<String>,
    /// Name by which the containers there find the program [default: none]
    #[arg(long, value_name = "NAME")]
    pub name: Option<ContainerName>,
    /// Set a variable; repeatable
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    pub env: Vec<EnvironmentVariable>,
    /// Directory to run the command in
    #[arg(short, long, value_name = "DIR")]
    pub workdir: Option<PathBuf>,
    /// The program of this machine and its arguments
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<OsString>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Command;
    use crate::cli::args::tests::parse;

    #[test]
    fn flags_come_before_the_command() {
        let line = "host-run --network back --network front --name api -e A=1 -w /srv -- cargo test -e -- --nocapture";
        let Command::HostRun(args) = parse(line).unwrap().command else { panic!() };
        assert_eq!(args.networks, ["back", "front"]);
        assert_eq!(args.name.unwrap().as_str(), "api");
        assert_eq!((args.env.len(), args.workdir), (1, Some(PathBuf::from("/srv"))));
        assert_eq!(args.command, ["cargo", "test", "-e", "--", "--nocapture"]);
        let Command::HostRun(args) = parse("host-run psql -h db").unwrap().command else { panic!() };
        assert_eq!(args.command, ["psql", "-h", "db"]);
        for line in ["host-run", "host-run --name a/b -- true"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
