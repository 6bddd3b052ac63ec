//! `rcompose pull`.

use crate::name::ServiceName;

/// The flags of `pull`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct PullArgs {
    /// Show no progress
    #[arg(short, long)]
    pub quiet: bool,
    /// Pull what can be pulled, and succeed
    #[arg(long)]
    pub ignore_pull_failures: bool,
    /// Leave out the images of services that can be built
    #[arg(long)]
    pub ignore_buildable: bool,
    /// Also the images of what the services depend on
    #[arg(long)]
    pub include_deps: bool,
    /// Which images to pull [default: as each service's pull_policy says]
    #[arg(long, value_name = "WHEN")]
    pub policy: Option<PullWhen>,
    /// Only these services
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,
}

/// Which images `pull --policy` pulls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum PullWhen {
    /// All.
    Always,
    /// Those that are not there.
    Missing,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Command;
    use crate::cli::args::tests::parse;

    #[test]
    fn pull() {
        let Command::Pull(pull) =
            parse("pull -q --ignore-pull-failures --ignore-buildable --include-deps --policy missing db")
                .unwrap()
                .command
        else {
            panic!()
        };
        assert!(pull.quiet && pull.ignore_pull_failures && pull.ignore_buildable && pull.include_deps);
        assert_eq!(pull.policy, Some(PullWhen::Missing));
        assert_eq!(pull.services.len(), 1);
    }
}
