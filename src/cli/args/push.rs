//! `rcompose push`.

use crate::name::ServiceName;

/// The flags of `push`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct PushArgs {
    /// Push what can be pushed, and succeed
    #[arg(long)]
    pub ignore_push_failures: bool,
    /// Also the images of what the services depend on
    #[arg(long)]
    pub include_deps: bool,
    /// Show no progress
    #[arg(short, long)]
    pub quiet: bool,
    /// Only these services
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,
}

#[cfg(test)]
mod tests {
    use crate::cli::args::Command;
    use crate::cli::args::tests::parse;

    #[test]
    fn push() {
        let Command::Push(push) = parse("push -q --ignore-push-failures --include-deps web").unwrap().command else {
            panic!()
        };
        assert!(push.quiet && push.ignore_push_failures && push.include_deps);
        assert_eq!(push.services.len(), 1);
    }
}
