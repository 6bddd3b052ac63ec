//! `rcompose build`.

mod disk;

pub use disk::{BuildDfArgs, BuildPruneArgs, BuildVerb};

use super::EnvironmentVariable;
use crate::compose::model::SshAgents;
use crate::name::ServiceName;

/// The flags of `build`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct BuildArgs {
    /// What to do but build
    #[command(subcommand)]
    pub verb: Option<BuildVerb>,
    /// Value of a build argument; without a value that of the environment; repeatable
    #[arg(long = "build-arg", value_name = "NAME[=VALUE]")]
    pub build_args: Vec<EnvironmentVariable>,
    /// Say what is better done otherwise in the Dockerfiles, and build nothing
    #[arg(long)]
    pub check: bool,
    /// Do everything anew, whatever was built before
    #[arg(long)]
    pub no_cache: bool,
    /// Print what would be built as a file of `docker buildx bake`, and build nothing
    #[arg(long)]
    pub print: bool,
    /// Pull newer versions of base images
    #[arg(long)]
    pub pull: bool,
    /// Push the images that were built
    #[arg(long)]
    pub push: bool,
    /// Show no progress
    #[arg(short, long)]
    pub quiet: bool,
    /// Agent or keys for `RUN --mount=type=ssh`: `default` or ID=PATH
    #[arg(long, value_name = "ID[=PATH]")]
    pub ssh: Vec<String>,
    /// Also what the services depend on
    #[arg(long)]
    pub with_dependencies: bool,
    /// Memory that each program of the build may use
    #[arg(short, long, value_name = "BYTES")]
    pub memory: Option<String>,
    /// For docker compose: there is one builder here
    #[arg(long, value_name = "NAME", hide = true)]
    pub builder: Option<String>,
    /// For docker compose: no attestation is made
    #[arg(long, value_name = "HOW", hide = true, num_args = 0..=1, require_equals = true)]
    pub provenance: Option<Option<String>>,
    /// For docker compose: no bill of materials is made
    #[arg(long, value_name = "HOW", hide = true, num_args = 0..=1, require_equals = true)]
    pub sbom: Option<Option<String>>,
    /// Only these services
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,
}

impl BuildArgs {
    /// What `--ssh` says, as `build.ssh` would.
    #[must_use]
    pub fn ssh(&self) -> SshAgents {
        let agent = |text: &String| match text.split_once('=') {
            Some((id, path)) => (id.to_owned(), Some(path.to_owned())),
            None => (text.clone(), None),
        };
        SshAgents(self.ssh.iter().map(agent).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Command;
    use crate::cli::args::tests::parse;

    #[test]
    fn every_flag_has_the_spelling_of_docker_compose() {
        let line = "build --build-arg A=1 --build-arg B --no-cache --pull --push -q --ssh default --ssh k=/key \
                    --with-dependencies -m 1g --builder x --provenance=false --sbom web";
        let Command::Build(build) = parse(line).unwrap().command else { panic!() };
        assert!(build.no_cache && build.pull && build.push && build.quiet && build.with_dependencies);
        assert_eq!(build.build_args.len(), 2);
        assert_eq!(
            build.ssh().0,
            [("default".to_owned(), None), ("k".to_owned(), Some("/key".to_owned()))].into_iter().collect()
        );
        assert_eq!(build.services.len(), 1);
    }

    #[test]
    fn what_builds_keep_is_shown_and_removed() {
        let verb = |line: &str| {
            let Command::Build(build) = parse(line).unwrap().command else { panic!() };
            build.verb
        };
        let line = "build prune -af --filter until=24h --filter type=mount --max-used-space 10GB";
        let Some(BuildVerb::Prune(prune)) = verb(line) else { panic!() };
        assert!(prune.all && prune.force && prune.filter == ["until=24h", "type=mount"]);
        assert_eq!(prune.max_used_space, Some(10 << 30));
        // As docker has it.
        assert!(matches!(verb("builder prune --keep-storage 1g"), Some(BuildVerb::Prune(_))));
        assert!(matches!(verb("build df --format json"), Some(BuildVerb::Df(_))));
        assert!(matches!(verb("build du"), Some(BuildVerb::Df(_))));
        assert_eq!(verb("build -- prune"), None, "a service of this name");
        assert!(parse("build prune --max-used-space much").is_err());
    }
}
