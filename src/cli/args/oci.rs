//! `rcompose oci`: the flags of runc, for engines that drive a runtime as they drive that.

use std::path::PathBuf;

/// The flags of `oci`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(version = concat!(env!("CARGO_PKG_VERSION"), "\nspec: 1.2.0"))]
pub struct OciArgs {
    /// Directory that holds the state of the containers [default: /run/rcompose-oci, or below $XDG_RUNTIME_DIR]
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// File to append errors and warnings to [default: standard error]
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Form of those
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
    /// Log more than errors and warnings
    #[arg(long)]
    pub debug: bool,
    /// `linux.cgroupsPath` is SLICE:PREFIX:NAME, as systemd has it
    #[arg(long)]
    pub systemd_cgroup: bool,
    /// Taken, as engines give it; whether rights are missing is found out
    #[arg(long, value_name = "BOOL", default_value = "auto", hide = true)]
    pub rootless: String,
    /// What to do
    #[command(subcommand)]
    pub verb: OciVerb,
}

/// The form of log records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// `time=… level=… msg=…`
    #[default]
    Text,
    /// One object a line
    Json,
}

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum OciFormat {
    /// For people
    #[default]
    Table,
    /// For programs
    Json,
}

/// The verbs.
#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand)]
pub enum OciVerb {
    /// Make a container that waits for `start`
    Create(OciCreateArgs),
    /// Execute the program of a container that has been created
    Start(OciContainerArgs),
    /// Create and start a container
    Run(OciRunArgs),
    /// Print the state of a container
    State(OciContainerArgs),
    /// Send a signal to the init of a container
    Kill(OciKillArgs),
    /// Remove what a container leaves
    Delete(OciDeleteArgs),
    /// List the containers
    List(OciListArgs),
}

/// Which container.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct OciContainerArgs {
    /// The container
    #[arg(value_name = "ID")]
    pub id: String,
}

/// The flags of `create`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct OciCreateArgs {
    /// Directory with config.json [default: the current one]
    #[arg(short, long, value_name = "DIR", default_value = ".", hide_default_value = true)]
    pub bundle: PathBuf,
    /// Unix socket to hand the terminal to
    #[arg(long, value_name = "SOCKET")]
    pub console_socket: Option<PathBuf>,
    /// Unix socket to hand a pidfd of the init to
    #[arg(long, value_name = "SOCKET")]
    pub pidfd_socket: Option<PathBuf>,
    /// File to write the pid of the init to
    #[arg(long, value_name = "FILE")]
    pub pid_file: Option<PathBuf>,
    /// Number of descriptors, from 3 up, to pass on
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub preserve_fds: u32,
    /// Refused: the root is always changed by pivot_root(2)
    #[arg(long)]
    pub no_pivot: bool,
    /// Taken, as engines give it: no session keyring is made in any case
    #[arg(long)]
    pub no_new_keyring: bool,
    /// How it shall be called
    #[arg(value_name = "ID")]
    pub id: String,
}

/// The flags of `run`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct OciRunArgs {
    /// Return when it runs
    #[arg(short, long)]
    pub detach: bool,
    /// Keep its state when it has ended
    #[arg(long)]
    pub keep: bool,
    /// Taken, as engines give it: orphans of the container are always reaped
    #[arg(long, hide = true)]
    pub no_subreaper: bool,
    /// As for `create`
    #[command(flatten)]
    pub create: OciCreateArgs,
}

/// The flags of `kill`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct OciKillArgs {
    /// Send it to every process of the container
    #[arg(short, long)]
    pub all: bool,
    /// The container
    #[arg(value_name = "ID")]
    pub id: String,
    /// By name, with or without SIG, or by number
    #[arg(value_name = "SIGNAL", default_value = "SIGTERM")]
    pub signal: String,
}

/// The flags of `delete`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct OciDeleteArgs {
    /// Kill it first if it runs; none of that id is no error
    #[arg(short, long)]
    pub force: bool,
    /// The container
    #[arg(value_name = "ID")]
    pub id: String,
}

/// The flags of `list`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct OciListArgs {
    /// What to print
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub format: OciFormat,
    /// Print only ids
    #[arg(short, long)]
    pub quiet: bool,
}
