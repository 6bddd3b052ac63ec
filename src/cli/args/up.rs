//! `rcompose up`: its flags, which of them exclude one another, and what they amount to.

use std::time::Duration;

use super::value::{grace, seconds};
use super::{IGNORE_ORPHANS, Scale};
use crate::cli::timings::TimingsTo;
use crate::compose::model::PullPolicy;
use crate::name::ServiceName;
use crate::plan::Building;

/// The flags of `up`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct UpArgs {
    /// Leave the containers running in the background
    #[arg(short, long, conflicts_with_all = ["abort_on_container_exit", "abort_on_container_failure", "exit_code_from", "attach", "attach_dependencies", "watch"])]
    pub detach: bool,
    /// Wait until the services run and are healthy; implies --detach
    #[arg(long, conflicts_with_all = ["abort_on_container_exit", "abort_on_container_failure", "exit_code_from", "attach", "attach_dependencies", "watch"])]
    pub wait: bool,
    /// Seconds that --wait waits at most
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub wait_timeout: Option<Duration>,
    /// Recreate containers that have not changed
    #[arg(long, conflicts_with = "no_recreate")]
    pub force_recreate: bool,
    /// Recreate what named services depend on, even if it has not changed
    #[arg(long, conflicts_with = "no_recreate")]
    pub always_recreate_deps: bool,
    /// Give recreated containers new anonymous volumes
    #[arg(short = 'V', long, conflicts_with = "no_recreate")]
    pub renew_anon_volumes: bool,
    /// Leave containers that exist as they are
    #[arg(long)]
    pub no_recreate: bool,
    /// Create the containers, and do not start them
    #[arg(long)]
    pub no_start: bool,
    /// Do not start what the services depend on
    #[arg(long)]
    pub no_deps: bool,
    /// Remove containers of services that the Compose file no longer has
    #[arg(long, env = super::REMOVE_ORPHANS, hide_env = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub remove_orphans: bool,
    #[doc(hidden)]
    #[arg(long, hide = true, env = IGNORE_ORPHANS, value_parser = clap::builder::FalseyValueParser::new())]
    pub ignore_orphans: bool,
    /// Which images to pull first [default: as each service's pull_policy says]
    #[arg(long, value_name = "WHEN")]
    pub pull: Option<UpPull>,
    /// Build images first, even those that are there
    #[arg(long, conflicts_with = "no_build")]
    pub build: bool,
    /// Build nothing, even what is missing
    #[arg(long)]
    pub no_build: bool,
    /// Show no progress of pulls
    #[arg(long)]
    pub quiet_pull: bool,
    /// Show no progress of builds
    #[arg(long)]
    pub quiet_build: bool,
    /// Take every question as answered with yes
    #[arg(short, long)]
    pub yes: bool,
    /// How many containers a service has; repeatable
    #[arg(long, value_name = "SERVICE=NUMBER")]
    pub scale: Vec<Scale>,
    /// Seconds a container has to stop before it is killed (-1: for ever) [default: its stop_grace_period]
    #[arg(short, long, value_name = "SECONDS", value_parser = grace, allow_negative_numbers = true)]
    pub timeout: Option<Duration>,
    /// Print no colours
    #[arg(long)]
    pub no_color: bool,
    /// Do not say which container wrote a line
    #[arg(long)]
    pub no_log_prefix: bool,
    /// Show when each line was written
    #[arg(long)]
    pub timestamps: bool,
    /// Stop everything when a container exits
    #[arg(long, conflicts_with = "abort_on_container_failure")]
    pub abort_on_container_exit: bool,
    /// Stop everything when a container fails
    #[arg(long)]
    pub abort_on_container_failure: bool,
    /// Exit with the code of this service; implies --abort-on-container-exit
    #[arg(long, value_name = "SERVICE")]
    pub exit_code_from: Option<ServiceName>,
    /// Show the output of this service only; repeatable
    #[arg(long, value_name = "SERVICE")]
    pub attach: Vec<ServiceName>,
    /// Show the output of what named services depend on, too
    #[arg(long, conflicts_with = "attach")]
    pub attach_dependencies: bool,
    /// Do not show the output of this service; repeatable
    #[arg(long, value_name = "SERVICE")]
    pub no_attach: Vec<ServiceName>,
    /// Bring changes of files into the containers, as `rcompose watch` does
    #[arg(short, long, conflicts_with = "no_start")]
    pub watch: bool,
    /// Take keys while the output is shown: w watches files, d leaves the containers running
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", conflicts_with_all = ["detach", "wait", "no_start"])]
    pub menu: Option<bool>,
    /// Tell where the time went: as a waterfall, or in a file that ends in .svg or .json
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub timings: Option<TimingsTo>,
    /// Only these services, and what they depend on
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,
}

/// Which images `up --pull` pulls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum UpPull {
    /// All.
    Always,
    /// Those that are not there.
    Missing,
    /// None: one that is not there is an error.
    Never,
    /// As each service's `pull_policy` says.
    Policy,
}

/// What happens to containers that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recreate {
    /// Those that changed are recreated.
    Changed,
    /// All are: `--force-recreate`.
    Always,
    /// None are: `--no-recreate`.
    Never,
}

/// What ends an attached `up`, and with which code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// All containers have exited; the code is 0.
    AllExited,
    /// The first container to exit, with its code.
    AnyExit,
    /// The first container to exit with another code than 0, with that code.
    AnyFailure,
    /// The first container to exit, with the code of this service.
    CodeFrom(ServiceName),
    /// The first container to fail, with the code of this service.
    FailureCodeFrom(ServiceName),
}

impl UpArgs {
    /// Whether `up` returns while the containers run.
    #[must_use]
    pub fn detached(&self) -> bool {
        self.detach || self.wait || self.no_start
    }

    /// What happens to containers that exist.
    #[must_use]
    pub fn recreate(&self) -> Recreate {
        recreate(self.force_recreate, self.no_recreate)
    }

    /// When images are built.
    #[must_use]
    pub fn building(&self) -> Building {
        building(self.build, self.no_build)
    }

    /// What ends an attached `up`.
    #[must_use]
    pub fn ending(&self) -> Ending {
        match (&self.exit_code_from, self.abort_on_container_failure) {
            (Some(service), true) => Ending::FailureCodeFrom(service.clone()),
            (Some(service), false) => Ending::CodeFrom(service.clone()),
            (None, true) => Ending::AnyFailure,
            (None, false) if self.abort_on_container_exit => Ending::AnyExit,
            (None, false) => Ending::AllExited,
        }
    }

    /// Whether the output of `service` is shown, given whether it asks to be (`attach` in the Compose file).
    /// Of named services only these are shown, not what they depend on.
    #[must_use]
    pub fn shows(&self, service: &ServiceName, wants: bool) -> bool {
        if self.no_attach.contains(service) {
            return false;
        }
        if !self.attach.is_empty() {
            return self.attach.contains(service);
        }
        wants && (self.services.is_empty() || self.services.contains(service))
    }
}

/// What the flags `--build` and `--no-build` amount to.
pub(super) fn building(always: bool, never: bool) -> Building {
    match (always, never) {
        (true, _) => Building::Always,
        (_, true) => Building::Never,
        (false, false) => Building::Missing,
    }
}

/// What the flags `--force-recreate` and `--no-recreate` amount to.
pub(super) fn recreate(force: bool, never: bool) -> Recreate {
    match (force, never) {
        (true, _) => Recreate::Always,
        (_, true) => Recreate::Never,
        (false, false) => Recreate::Changed,
    }
}

impl UpPull {
    /// What stands in for each service's own policy.
    #[must_use]
    pub fn policy(self) -> Option<PullPolicy> {
        match self {
            Self::Policy => None,
            Self::Always => Some(PullPolicy::Always),
            Self::Missing => Some(PullPolicy::Missing),
            Self::Never => Some(PullPolicy::Never),
        }
    }
}

impl Ending {
    /// Whether everything stops because a container exited with `code` and is not going to be restarted.
    #[must_use]
    pub fn is_reached_by(&self, code: i32) -> bool {
        match self {
            Self::AllExited => false,
            Self::AnyExit | Self::CodeFrom(_) => true,
            Self::AnyFailure | Self::FailureCodeFrom(_) => code != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Command;
    use crate::cli::args::tests::parse;

    fn up(line: &str) -> UpArgs {
        let Command::Up(up) = parse(line).unwrap().command else { panic!() };
        up
    }

    fn service(name: &str) -> ServiceName {
        ServiceName::new(name).unwrap()
    }

    #[test]
    fn every_flag_has_the_spelling_of_docker_compose() {
        let args = up("up -d --wait --wait-timeout 60 --force-recreate --no-deps --remove-orphans --pull missing \
                       --scale web=2 -t 3 --no-color --no-log-prefix --timestamps --no-attach db web");
        assert!(args.detached() && args.wait && args.no_deps && args.remove_orphans);
        assert!(args.no_color && args.no_log_prefix && args.timestamps);
        let more = up("up --always-recreate-deps --renew-anon-volumes --no-start --quiet-pull --yes");
        assert!(more.always_recreate_deps && more.renew_anon_volumes && more.no_start && more.quiet_pull && more.yes);
        assert!(
            more.detached() && up("up -V -y").renew_anon_volumes && up("up --attach-dependencies").attach_dependencies
        );
        assert_eq!(args.wait_timeout, Some(Duration::from_secs(60)));
        assert_eq!(args.timeout, Some(Duration::from_secs(3)));
        assert_eq!(args.pull, Some(UpPull::Missing));
        assert_eq!(args.scale, [Scale { service: service("web"), replicas: 2 }]);
        assert_eq!((args.no_attach, args.services), (vec![service("db")], vec![service("web")]));
    }

    #[test]
    fn flags_that_contradict_one_another() {
        for line in [
            "up -d --abort-on-container-exit",
            "up -d --abort-on-container-failure",
            "up -d --exit-code-from web",
            "up -d --attach web",
            "up --wait --abort-on-container-exit",
            "up --wait --attach web",
            "up --abort-on-container-exit --abort-on-container-failure",
            "up --force-recreate --no-recreate",
            "up --always-recreate-deps --no-recreate",
            "up -V --no-recreate",
            "up -d --attach-dependencies",
            "up -d --watch",
            "up --wait -w",
            "up --wait --attach-dependencies",
            "up --attach web --attach-dependencies",
            "up --build --no-build",
            "up -d --menu",
        ] {
            assert!(parse(line).unwrap_err().contains("cannot be used with"), "{line}");
        }
    }

    #[test]
    fn endings() {
        for (line, ending, by_success, by_failure) in [
            ("up", Ending::AllExited, false, false),
            ("up --abort-on-container-exit", Ending::AnyExit, true, true),
            ("up --abort-on-container-failure", Ending::AnyFailure, false, true),
            ("up --exit-code-from web", Ending::CodeFrom(service("web")), true, true),
            ("up --abort-on-container-exit --exit-code-from web", Ending::CodeFrom(service("web")), true, true),
            (
                "up --abort-on-container-failure --exit-code-from web",
                Ending::FailureCodeFrom(service("web")),
                false,
                true,
            ),
        ] {
            assert_eq!(up(line).ending(), ending, "{line}");
            assert_eq!((ending.is_reached_by(0), ending.is_reached_by(3)), (by_success, by_failure), "{line}");
        }
    }

    #[test]
    fn builds() {
        assert_eq!(up("up").building(), Building::Missing);
        assert_eq!(up("up --build --quiet-build").building(), Building::Always);
        assert_eq!(up("up --no-build").building(), Building::Never);
    }

    #[test]
    fn recreation() {
        assert_eq!(up("up").recreate(), Recreate::Changed);
        assert_eq!(up("up --force-recreate").recreate(), Recreate::Always);
        assert_eq!(up("up --no-recreate").recreate(), Recreate::Never);
    }

    #[test]
    fn whose_output_is_shown() {
        for (line, wants, shown) in [
            ("up", true, true),
            ("up", false, false),
            ("up web", true, true),
            ("up db", true, false),
            ("up --attach web", false, true),
            ("up --attach db", true, false),
            ("up --no-attach web", true, false),
        ] {
            assert_eq!(up(line).shows(&service("web"), wants), shown, "{line} {wants}");
        }
    }
}
