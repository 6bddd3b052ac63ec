//! `rcompose watch`: its flags.

use crate::name::ServiceName;

/// The flags of `watch`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct WatchArgs {
    /// Leave the services as they are, and watch
    #[arg(long)]
    pub no_up: bool,
    /// Remove images that a rebuild has replaced
    #[arg(long, value_name = "BOOL", default_value_t = true, default_missing_value = "true", num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    pub prune: bool,
    /// Hide the output of builds, and the progress of what is started
    #[arg(long)]
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
    fn every_flag_has_the_spelling_of_docker_compose() {
        let watch = |line: &str| {
            let Command::Watch(watch) = parse(line).unwrap().command else { panic!() };
            (watch.no_up, watch.prune, watch.quiet, watch.services.len())
        };
        assert_eq!(watch("watch"), (false, true, false, 0));
        assert_eq!(watch("watch --no-up --prune=false --quiet web db"), (true, false, true, 2));
        assert_eq!(watch("watch --prune web"), (false, true, false, 1));
    }
}
