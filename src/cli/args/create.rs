//! `rcompose create` and `rcompose scale`: containers as the file has them, made or counted.

use super::up::{Recreate, UpPull, building, recreate};
use super::{IGNORE_ORPHANS, Scale};
use crate::cli::timings::TimingsTo;
use crate::name::ServiceName;
use crate::plan::Building;

/// The flags of `create`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct CreateArgs {
    /// Recreate containers that have not changed
    #[arg(long, conflicts_with = "no_recreate")]
    pub force_recreate: bool,
    /// Leave containers that exist as they are
    #[arg(long)]
    pub no_recreate: bool,
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
    /// Remove containers of services that the Compose file no longer has
    #[arg(long, env = super::REMOVE_ORPHANS, hide_env = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub remove_orphans: bool,
    #[doc(hidden)]
    #[arg(long, hide = true, env = IGNORE_ORPHANS, value_parser = clap::builder::FalseyValueParser::new())]
    pub ignore_orphans: bool,
    /// How many containers a service has; repeatable
    #[arg(long, value_name = "SERVICE=NUMBER")]
    pub scale: Vec<Scale>,
    /// Take every question as answered with yes
    #[arg(short, long)]
    pub yes: bool,
    /// Tell where the time went: as a waterfall, or in a file that ends in .svg or .json
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub timings: Option<TimingsTo>,
    /// Only these services, and what they depend on
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,
}

impl CreateArgs {
    /// When images are built.
    #[must_use]
    pub fn building(&self) -> Building {
        building(self.build, self.no_build)
    }

    /// What happens to containers that exist.
    #[must_use]
    pub fn recreate(&self) -> Recreate {
        recreate(self.force_recreate, self.no_recreate)
    }
}

/// The flags of `scale`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ScaleArgs {
    /// Do not start what the services depend on
    #[arg(long)]
    pub no_deps: bool,
    #[doc(hidden)]
    #[arg(long, hide = true, env = IGNORE_ORPHANS, value_parser = clap::builder::FalseyValueParser::new())]
    pub ignore_orphans: bool,
    /// How many containers each service has
    #[arg(value_name = "SERVICE=NUMBER", required = true)]
    pub scale: Vec<Scale>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Command;
    use crate::cli::args::tests::parse;

    #[test]
    fn create() {
        let line = "create --force-recreate --pull never --quiet-pull --remove-orphans --scale web=2 -y db";
        let Command::Create(create) = parse(line).unwrap().command else { panic!() };
        assert_eq!((create.recreate(), create.pull), (Recreate::Always, Some(UpPull::Never)));
        assert!(create.quiet_pull && create.remove_orphans && create.yes);
        assert_eq!((create.scale.len(), create.services.len()), (1, 1));
        assert!(parse("create --force-recreate --no-recreate").is_err());
    }

    #[test]
    fn scale() {
        let Command::Scale(scale) = parse("scale --no-deps web=2 db=0").unwrap().command else { panic!() };
        assert!(scale.no_deps);
        let counts: Vec<_> = scale.scale.iter().map(|of| (of.service.as_str(), of.replicas)).collect();
        assert_eq!(counts, [("web", 2), ("db", 0)]);
        for line in ["scale", "scale web", "scale web=-1", "scale web=two"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
