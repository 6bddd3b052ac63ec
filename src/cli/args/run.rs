//! `rcompose run`.

use std::ffi::OsString;
use std::path::PathBuf;

use super::{EnvironmentVariable, UpPull};
use crate::name::{ContainerName, ServiceName};

/// The flags of `run`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct RunArgs {
    /// Run the command in the background, and print the id of its container
    #[arg(short, long)]
    pub detach: bool,
    /// Remove the container when the command has ended
    #[arg(long)]
    pub rm: bool,
    /// Name of the container [default: PROJECT-SERVICE-run- and twelve digits]
    #[arg(long, value_name = "NAME")]
    pub name: Option<ContainerName>,
    /// Program in place of the entrypoint; it drops the service's command too
    #[arg(long, value_name = "COMMAND", allow_hyphen_values = true)]
    pub entrypoint: Option<String>,
    /// Set a variable, or pass ours on; repeatable
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    pub env: Vec<EnvironmentVariable>,
    /// File of variables; repeatable
    #[arg(long, value_name = "FILE")]
    pub env_from_file: Vec<PathBuf>,
    /// Run as this user, and group
    #[arg(short, long, value_name = "USER[:GROUP]")]
    pub user: Option<String>,
    /// Directory inside the container to run the command in
    #[arg(short, long, value_name = "DIR")]
    pub workdir: Option<String>,
    /// Mount a volume or a directory, as `volumes` in a Compose file; repeatable
    #[arg(short, long = "volume", value_name = "SOURCE:TARGET[:MODE]")]
    pub volumes: Vec<String>,
    /// Publish a port, as `ports` in a Compose file; repeatable
    #[arg(short, long = "publish", value_name = "[HOST:]PORT")]
    pub publish: Vec<String>,
    /// Publish the ports of the service
    #[arg(short = 'P', long, conflicts_with = "publish")]
    pub service_ports: bool,
    /// Let the container be found by the names of the service
    #[arg(long)]
    pub use_aliases: bool,
    /// Label of the container; repeatable
    #[arg(short, long = "label", value_name = "NAME=VALUE")]
    pub labels: Vec<String>,
    /// Capability to add; repeatable
    #[arg(long, value_name = "CAPABILITY")]
    pub cap_add: Vec<String>,
    /// Capability to drop; repeatable
    #[arg(long, value_name = "CAPABILITY")]
    pub cap_drop: Vec<String>,
    /// Pass standard input on
    #[arg(short, long, value_name = "BOOL", default_value_t = true, default_missing_value = "true", num_args = 0..=1,
          require_equals = true, action = clap::ArgAction::Set, hide_possible_values = true)]
    pub interactive: bool,
    /// Allocate no terminal [default: one if ours is a terminal]
    #[arg(short = 'T', long, alias = "no-TTY")]
    pub no_tty: bool,
    /// Do not start what the service depends on
    #[arg(long)]
    pub no_deps: bool,
    /// Which images to pull first [default: as each service's pull_policy says]
    #[arg(long, value_name = "WHEN")]
    pub pull: Option<UpPull>,
    /// Build the image first, even if it is there
    #[arg(long)]
    pub build: bool,
    /// Show no progress of builds
    #[arg(long)]
    pub quiet_build: bool,
    /// Show no progress of pulls
    #[arg(long)]
    pub quiet_pull: bool,
    /// Show no progress at all
    #[arg(short, long)]
    pub quiet: bool,
    /// Remove containers of services that the Compose file no longer has, and those of commands that have ended
    #[arg(long, env = "COMPOSE_REMOVE_ORPHANS", hide_env = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub remove_orphans: bool,
    #[doc(hidden)]
    #[arg(long, hide = true, env = super::IGNORE_ORPHANS, value_parser = clap::builder::FalseyValueParser::new())]
    pub ignore_orphans: bool,
    /// The service
    #[arg(value_name = "SERVICE")]
    pub service: ServiceName,
    /// The command and its arguments [default: the service's own]
    #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<OsString>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Command;
    use crate::cli::args::tests::parse;

    fn run(line: &str) -> RunArgs {
        match parse(line).unwrap().command {
            Command::Run(run) => *run,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_flag_has_the_spelling_of_docker_compose() {
        let line = "run -d --rm --name one --entrypoint sh -e A=1 --env B --env-from-file f -u 1:2 -w /srv -v d:/d \
                    -p 80:80 --use-aliases -l a=b --cap-add NET_ADMIN --cap-drop ALL -i=false -T --no-deps \
                    --pull never --quiet-pull -q --remove-orphans web ls -l --rm";
        let args = run(line);
        assert!(args.detach && args.rm && args.use_aliases && args.no_tty && args.no_deps && !args.interactive);
        assert!(args.quiet_pull && args.quiet && args.remove_orphans && !args.service_ports);
        assert_eq!((args.name.unwrap().as_str(), args.entrypoint.as_deref()), ("one", Some("sh")));
        assert_eq!((args.user.as_deref(), args.workdir.as_deref()), (Some("1:2"), Some("/srv")));
        assert_eq!((args.volumes, args.publish), (vec!["d:/d".to_owned()], vec!["80:80".to_owned()]));
        assert_eq!((args.labels, args.cap_add, args.cap_drop.len()), (vec!["a=b".into()], vec!["NET_ADMIN".into()], 1));
        assert_eq!((args.env.len(), args.env_from_file.len(), args.pull), (2, 1, Some(UpPull::Never)));
        assert_eq!(args.command, ["ls", "-l", "--rm"]);
        let args = run("run -P web");
        assert!(args.service_ports && args.interactive && args.command.is_empty());
        assert!(run("run --no-TTY -i web").no_tty);
        for line in ["run", "run -P -p 80 web", "run --name / web", "run --pull sometimes web"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
