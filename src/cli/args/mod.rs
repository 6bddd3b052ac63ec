//! The command line as types: every flag spelled as `docker compose` spells it, and only flags that do something.

mod alpha;
mod attach;
mod build;
mod commit;
mod completion;
mod config;
mod cp;
mod create;
mod down;
mod events;
mod exec;
mod export;
mod graph;
mod host_run;
mod images;
mod lifecycle;
mod logs;
mod ls;
mod net;
mod network;
mod oci;
mod ps;
mod publish;
mod pull;
mod push;
mod run;
mod snapshot;
mod stats;
mod top;
mod up;
mod value;
mod version;
mod volumes;
mod watch;

pub use alpha::{AlphaArgs, AlphaVerb, GenerateArgs, RefusedArgs, VizArgs};
pub use attach::AttachArgs;
pub use build::{BuildArgs, BuildDfArgs, BuildPruneArgs, BuildVerb};
pub use commit::CommitArgs;
pub use completion::{CompletionArgs, ManArgs, Shell};
pub use config::{ConfigArgs, ConfigFormat, HashOf};
pub use cp::CpArgs;
pub use create::{CreateArgs, ScaleArgs};
pub use down::{DownArgs, Rmi};
pub use events::EventsArgs;
pub use exec::ExecArgs;
pub use export::ExportArgs;
pub use graph::{GraphArgs, GraphFormat};
pub use host_run::HostRunArgs;
pub use images::ImagesArgs;
pub use lifecycle::{KillArgs, PauseArgs, PortArgs, RestartArgs, RmArgs, SignalNumber, StartArgs, StopArgs, WaitArgs};
pub use logs::{LogsArgs, LogsFormat};
pub use ls::{LsArgs, NameFilter};
pub use net::{NetArgs, NetFormat};
pub use network::{
    NetworkArgs, NetworkConnectArgs, NetworkCreateArgs, NetworkDisconnectArgs, NetworkInspectArgs, NetworkLsArgs,
    NetworkPruneArgs, NetworkRmArgs, NetworkVerb,
};
pub use oci::{
    LogFormat, OciArgs, OciContainerArgs, OciCreateArgs, OciDeleteArgs, OciEventsArgs, OciExecArgs, OciFormat,
    OciKillArgs, OciListArgs, OciPsArgs, OciRunArgs, OciSpecArgs, OciUpdateArgs, OciVerb,
};
pub use ps::{PsArgs, PsFilter};
pub use publish::{OciVersion, PublishArgs};
pub use pull::{PullArgs, PullWhen};
pub use push::PushArgs;
pub use run::RunArgs;
pub use snapshot::{
    SnapshotArgs, SnapshotCreateArgs, SnapshotLsArgs, SnapshotRestoreArgs, SnapshotRmArgs, SnapshotVerb,
};
pub use stats::StatsArgs;
pub use top::TopArgs;
pub use up::{Ending, Recreate, UpArgs, UpPull};
pub use value::{EnvironmentVariable, InvalidValue, Scale};
pub use version::{VersionArgs, VersionFormat};
pub use volumes::VolumesArgs;
pub use watch::WatchArgs;

use std::path::PathBuf;

use crate::cli::progress::ProgressMode;
use crate::cli::style::Ansi;
use crate::compose::lint::LINTS;
use crate::name::ProjectName;

/// `rcompose [GLOBALS] COMMAND …`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Parser)]
#[command(name = "rcompose", version, about, disable_version_flag = true, arg = version_flag())]
pub struct Args {
    /// What holds for every command.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The variable that silences the warning about containers of services that the Compose file no longer has.
pub(in crate::cli) const IGNORE_ORPHANS: &str = "COMPOSE_IGNORE_ORPHANS";
/// The variable that stands for `--remove-orphans`.
pub(in crate::cli) const REMOVE_ORPHANS: &str = "COMPOSE_REMOVE_ORPHANS";
/// The variable that stands for `--menu`.
pub(in crate::cli) const MENU: &str = "COMPOSE_MENU";
/// The variable that stands for `--parallel`.
pub(in crate::cli) const PARALLEL_LIMIT: &str = "COMPOSE_PARALLEL_LIMIT";

/// `-v`, as docker compose has it: clap's own would be `-V`.
fn version_flag() -> clap::Arg {
    clap::Arg::new("version").short('v').long("version").action(clap::ArgAction::Version).help("Print the version")
}

/// What `--allow` takes.
fn lints() -> clap::builder::PossibleValuesParser {
    let names = LINTS.iter().map(|lint| clap::builder::PossibleValue::new(lint.name).help(lint.of));
    names.chain([clap::builder::PossibleValue::new("all").help("every warning")]).collect::<Vec<_>>().into()
}

/// The flags before the command: which project, and how to speak.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct Globals {
    /// Compose file; repeat to merge several; `-` reads standard input
    #[arg(short, long = "file", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Project name [default: `name` in the file, else its directory's]
    #[arg(short, long, value_name = "NAME")]
    pub project_name: Option<ProjectName>,
    /// Directory that relative paths start from [default: that of the first Compose file]
    #[arg(long, value_name = "DIR")]
    pub project_directory: Option<PathBuf>,
    /// File of variables for interpolation; repeatable [default: .env]
    #[arg(long = "env-file", value_name = "FILE")]
    pub env_files: Vec<PathBuf>,
    /// Profile to enable; repeatable
    #[arg(long = "profile", value_name = "NAME")]
    pub profiles: Vec<String>,
    /// Keep networks, volumes, configs and secrets that no service uses
    #[arg(long)]
    pub all_resources: bool,
    /// Name containers and built images as Compose 1 did: `shop_web_1`
    #[arg(long)]
    pub compatibility: bool,
    /// How many things to do at once; -1 is any number [default: -1]
    #[arg(long, value_name = "NUMBER", env = PARALLEL_LIMIT, hide_env = true, allow_negative_numbers = true)]
    pub parallel: Option<i64>,
    /// When to print colours and control characters [default: auto]
    #[arg(long, value_name = "WHEN", env = "COMPOSE_ANSI", hide_env = true)]
    pub ansi: Option<Ansi>,
    /// How to show progress [default: auto]
    #[arg(long, value_name = "TYPE", env = "COMPOSE_PROGRESS", hide_env = true)]
    pub progress: Option<ProgressMode>,
    /// Warning about the Compose file to silence, or `all`; repeatable
    #[arg(long, value_name = "NAME", global = true, value_parser = lints(), hide_possible_values = true)]
    pub allow: Vec<String>,
    /// Show what would be done, and do nothing
    #[arg(long, global = true)]
    pub dry_run: bool,
}

impl Globals {
    /// How many things may be done at once, where that is limited.
    #[must_use]
    pub fn at_once(&self) -> Option<usize> {
        self.parallel.and_then(|number| usize::try_from(number).ok()).filter(|number| *number > 0)
    }
}

/// The commands.
#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand)]
pub enum Command {
    /// Create and start the services
    Up(UpArgs),
    /// Build the images of the services
    #[command(alias = "builder")]
    Build(BuildArgs),
    /// Stop and remove containers and networks
    Down(DownArgs),
    /// Create containers, and do not start them
    Create(CreateArgs),
    /// Change how many containers services have
    Scale(ScaleArgs),
    /// Start containers that were stopped
    Start(StartArgs),
    /// Stop containers, and keep them
    Stop(StopArgs),
    /// Stop containers and start them again
    Restart(RestartArgs),
    /// Kill containers, or send them a signal
    Kill(KillArgs),
    /// Stop all processes of containers where they are
    Pause(PauseArgs),
    /// Let paused containers go on
    Unpause(PauseArgs),
    /// Remove containers that were stopped
    Rm(RmArgs),
    /// Wait until containers have ended
    Wait(WaitArgs),
    /// Bring changes of files into the containers, as they are made
    Watch(WatchArgs),
    /// Print where a port of a service is published
    Port(PortArgs),
    /// List containers
    Ps(PsArgs),
    /// List the projects of this machine
    Ls(LsArgs),
    /// List the images of the containers
    Images(ImagesArgs),
    /// List the volumes of the project
    Volumes(VolumesArgs),
    /// Keep what is in the volumes under a name, and put it back
    Snapshot(SnapshotArgs),
    /// Show the processes of the containers
    Top(TopArgs),
    /// Show what the containers use: processors, memory, networks, disks
    Stats(StatsArgs),
    /// Show what happens to the containers, as it happens
    Events(EventsArgs),
    /// Show what the containers wrote
    Logs(LogsArgs),
    /// Join the input and output of a running container
    Attach(AttachArgs),
    /// Run a command in a running container
    Exec(ExecArgs),
    /// Run a command in a container of its own
    Run(Box<RunArgs>),
    /// Copy files between containers and this machine
    Cp(CpArgs),
    /// Write the files of a container to an archive
    Export(ExportArgs),
    /// Make an image of what a container has changed
    Commit(CommitArgs),
    /// Run a program of this machine on the project's networks, with its names
    HostRun(HostRunArgs),
    /// Pull the images of the services
    Pull(PullArgs),
    /// Push the images of services that are built
    Push(PushArgs),
    /// Publish the project to a registry, to be run from there
    Publish(PublishArgs),
    /// Check the Compose file and print what it resolves to
    Config(ConfigArgs),
    /// Draw the services, what they need, their networks and volumes, and what runs
    Graph(GraphArgs),
    /// Show who reaches whom and why, and what keeps packets from it
    Net(NetArgs),
    /// List, make, remove and change networks
    Network(NetworkArgs),
    /// Run containers of OCI bundles, for engines that drive a runtime as they drive runc
    Oci(Box<OciArgs>),
    /// Draw the services; make a Compose file of containers
    Alpha(AlphaArgs),
    /// Turn the project into files for Kubernetes: not done here
    #[command(hide = true)]
    Bridge(RefusedArgs),
    /// Print what has a shell complete commands, flags and services
    Completion(CompletionArgs),
    /// Write manual pages
    #[command(hide = true)]
    Man(ManArgs),
    /// Print the version
    Version(VersionArgs),
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    /// Parses `line`, split at spaces.
    pub(in crate::cli) fn parse(line: &str) -> Result<Args, String> {
        Args::try_parse_from(std::iter::once("rcompose").chain(line.split_whitespace())).map_err(|e| e.to_string())
    }

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn globals_come_before_the_command() {
        let args = parse(
            "-f a.yaml --file b.yaml -p shop --project-directory d --env-file e --profile x --profile y \
             --compatibility --parallel -1 --ansi never --progress plain --allow open-port --dry-run down",
        )
        .unwrap();
        assert_eq!(args.globals.files, [PathBuf::from("a.yaml"), PathBuf::from("b.yaml")]);
        assert_eq!(args.globals.project_name.unwrap().as_str(), "shop");
        assert_eq!(args.globals.project_directory, Some(PathBuf::from("d")));
        assert_eq!(args.globals.env_files, [PathBuf::from("e")]);
        assert_eq!(args.globals.profiles, ["x", "y"]);
        assert_eq!(args.globals.ansi, Some(Ansi::Never));
        assert_eq!(args.globals.progress, Some(ProgressMode::Plain));
        assert_eq!(args.globals.allow, ["open-port"]);
        assert!(args.globals.dry_run && args.globals.compatibility);
        assert_eq!(args.globals.parallel, Some(-1));
        assert_eq!(parse("--parallel 2 up").unwrap().globals.at_once(), Some(2));
        assert!(parse("up --dry-run").unwrap().globals.dry_run);
        assert!(parse("up --profile x").is_err());
    }

    #[test]
    fn mistakes_are_named_with_what_was_probably_meant() {
        insta::assert_snapshot!(parse("volumess").unwrap_err(), @"
        error: unrecognized subcommand 'volumess'

          tip: a similar subcommand exists: 'volumes'

        Usage: rcompose [OPTIONS] <COMMAND>

        For more information, try '--help'.
        ");
        insta::assert_snapshot!(parse("up --detatch").unwrap_err(), @"
        error: unexpected argument '--detatch' found

          tip: a similar argument exists: '--detach'

        Usage: rcompose up --detach [SERVICE]...

        For more information, try '--help'.
        ");
        insta::assert_snapshot!(parse("-p Shop up").unwrap_err(), @"
        error: invalid value 'Shop' for '--project-name <NAME>': invalid project name `Shop`: must consist only of lowercase alphanumeric characters, hyphens, and underscores as well as start with a letter or number

        For more information, try '--help'.
        ");
        insta::assert_snapshot!(parse("ps a/b").unwrap_err(), @"
        error: invalid value 'a/b' for '[SERVICE]...': invalid service name `a/b`: must consist only of letters, digits, `.`, `_` and `-`

        For more information, try '--help'.
        ");
    }

    #[test]
    fn help_is_short() {
        insta::assert_snapshot!(Args::command().term_width(100).render_help(), @"
        docker compose without Docker: one binary, no daemon, stacks up in milliseconds

        Usage: rcompose [OPTIONS] <COMMAND>

        Commands:
          up          Create and start the services
          build       Build the images of the services
          down        Stop and remove containers and networks
          create      Create containers, and do not start them
          scale       Change how many containers services have
          start       Start containers that were stopped
          stop        Stop containers, and keep them
          restart     Stop containers and start them again
          kill        Kill containers, or send them a signal
          pause       Stop all processes of containers where they are
          unpause     Let paused containers go on
          rm          Remove containers that were stopped
          wait        Wait until containers have ended
          watch       Bring changes of files into the containers, as they are made
          port        Print where a port of a service is published
          ps          List containers
          ls          List the projects of this machine
          images      List the images of the containers
          volumes     List the volumes of the project
          snapshot    Keep what is in the volumes under a name, and put it back
          top         Show the processes of the containers
          stats       Show what the containers use: processors, memory, networks, disks
          events      Show what happens to the containers, as it happens
          logs        Show what the containers wrote
          attach      Join the input and output of a running container
          exec        Run a command in a running container
          run         Run a command in a container of its own
          cp          Copy files between containers and this machine
          export      Write the files of a container to an archive
          commit      Make an image of what a container has changed
          host-run    Run a program of this machine on the project's networks, with its names
          pull        Pull the images of the services
          push        Push the images of services that are built
          publish     Publish the project to a registry, to be run from there
          config      Check the Compose file and print what it resolves to
          graph       Draw the services, what they need, their networks and volumes, and what runs
          net         Show who reaches whom and why, and what keeps packets from it
          network     List, make, remove and change networks
          oci         Run containers of OCI bundles, for engines that drive a runtime as they drive runc
          alpha       Draw the services; make a Compose file of containers
          completion  Print what has a shell complete commands, flags and services
          version     Print the version
          help        Print this message or the help of the given subcommand(s)

        Options:
          -f, --file <FILE>              Compose file; repeat to merge several; `-` reads standard input
          -p, --project-name <NAME>      Project name [default: `name` in the file, else its directory's]
              --project-directory <DIR>  Directory that relative paths start from [default: that of the
                                         first Compose file]
              --env-file <FILE>          File of variables for interpolation; repeatable [default: .env]
              --profile <NAME>           Profile to enable; repeatable
              --all-resources            Keep networks, volumes, configs and secrets that no service uses
              --compatibility            Name containers and built images as Compose 1 did: `shop_web_1`
              --parallel <NUMBER>        How many things to do at once; -1 is any number [default: -1]
              --ansi <WHEN>              When to print colours and control characters [default: auto]
                                         [possible values: never, always, auto]
              --progress <TYPE>          How to show progress [default: auto] [possible values: auto, tty,
                                         plain, json, quiet]
              --allow <NAME>             Warning about the Compose file to silence, or `all`; repeatable
              --dry-run                  Show what would be done, and do nothing
          -v, --version                  Print the version
          -h, --help                     Print help (see more with '--help')
        ");
    }
}
