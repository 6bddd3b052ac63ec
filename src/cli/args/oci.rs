//! `rcompose oci`: the flags of runc, for engines that drive a runtime as they drive that.

use std::path::PathBuf;
use std::time::Duration;

/// The flags of `oci`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(version = concat!(env!("CARGO_PKG_VERSION"), "\nspec: 1.3.0"), arg = super::version_flag())]
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
    /// Run a further process in a container
    Exec(OciExecArgs),
    /// List the processes of a container
    Ps(OciPsArgs),
    /// Stop all processes of a container
    Pause(OciContainerArgs),
    /// Let them go on
    Resume(OciContainerArgs),
    /// Change the limits of a container
    Update(OciUpdateArgs),
    /// Print what a container uses, again and again, and when it runs out of memory
    Events(OciEventsArgs),
    /// List the containers
    List(OciListArgs),
    /// Print what this runtime can do
    Features,
    /// Write a config.json to begin with
    Spec(OciSpecArgs),
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
    /// Move the root over the host's, which pivot_root(2) cannot when that is an initramfs; less safe
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

/// The flags of `exec`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct OciExecArgs {
    /// Unix socket to hand the terminal to
    #[arg(long, value_name = "SOCKET", requires = "detach")]
    pub console_socket: Option<PathBuf>,
    /// Unix socket to hand a pidfd of the process to
    #[arg(long, value_name = "SOCKET")]
    pub pidfd_socket: Option<PathBuf>,
    /// Directory inside the container
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<PathBuf>,
    /// Set a variable; repeatable
    #[arg(short, long, value_name = "NAME=VALUE")]
    pub env: Vec<String>,
    /// Allocate a terminal
    #[arg(short, long)]
    pub tty: bool,
    /// Run as this user, and group
    #[arg(short, long, value_name = "USER[:GROUP]")]
    pub user: Option<String>,
    /// Further group; repeatable
    #[arg(short = 'g', long, value_name = "GID")]
    pub additional_gids: Vec<u32>,
    /// File that describes the process, in place of a command
    #[arg(short, long, value_name = "FILE")]
    pub process: Option<PathBuf>,
    /// Return when it runs
    #[arg(short, long)]
    pub detach: bool,
    /// File to write its pid to
    #[arg(long, value_name = "FILE")]
    pub pid_file: Option<PathBuf>,
    /// SELinux label
    #[arg(long, value_name = "LABEL")]
    pub process_label: Option<String>,
    /// AppArmor profile
    #[arg(long, value_name = "PROFILE")]
    pub apparmor: Option<String>,
    /// Let it gain no privileges
    #[arg(long)]
    pub no_new_privs: bool,
    /// Capability to give it; repeatable
    #[arg(short, long, value_name = "CAPABILITY")]
    pub cap: Vec<String>,
    /// Number of descriptors, from 3 up, to pass on
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub preserve_fds: u32,
    /// Allow it in a paused container: it runs when that does
    #[arg(long)]
    pub ignore_paused: bool,
    /// Cgroup inside the container's to put it into; repeatable with controllers
    #[arg(long, value_name = "[CONTROLLER[,CONTROLLER…]:]PATH")]
    pub cgroup: Vec<String>,
    /// The container
    #[arg(value_name = "ID")]
    pub id: String,
    /// The command and its arguments
    #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
}

/// The flags of `ps`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct OciPsArgs {
    /// What to print
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub format: OciFormat,
    /// The container
    #[arg(value_name = "ID")]
    pub id: String,
    /// Arguments for ps(1) [default: -ef]
    #[arg(value_name = "PS-ARG", trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<String>,
}

/// The flags of `events`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct OciEventsArgs {
    /// Time between two reports, as 500ms or 5s
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = super::value::interval)]
    pub interval: Duration,
    /// Print what it uses once
    #[arg(long)]
    pub stats: bool,
    /// The container
    #[arg(value_name = "ID")]
    pub id: String,
}

/// The flags of `update`.
#[derive(Debug, Clone, PartialEq, Eq, Default, clap::Args)]
pub struct OciUpdateArgs {
    /// File in the form of `linux.resources`; `-` reads standard input
    #[arg(short, long, value_name = "FILE")]
    pub resources: Option<PathBuf>,
    /// Weight for block devices, 10 to 1000
    #[arg(long, value_name = "N")]
    pub blkio_weight: Option<u16>,
    /// Length of a period, in microseconds
    #[arg(long, value_name = "N")]
    pub cpu_period: Option<u64>,
    /// Time in each period, in microseconds; -1 is no limit
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub cpu_quota: Option<i64>,
    /// Time that may be saved up, in microseconds
    #[arg(long, value_name = "N")]
    pub cpu_burst: Option<u64>,
    /// Share of the processors, against others
    #[arg(long, value_name = "N")]
    pub cpu_share: Option<u64>,
    /// Real-time period, in microseconds
    #[arg(long, value_name = "N")]
    pub cpu_rt_period: Option<u64>,
    /// Real-time in each, in microseconds
    #[arg(long, value_name = "N")]
    pub cpu_rt_runtime: Option<i64>,
    /// 1 has it run only when nothing else does
    #[arg(long, value_name = "N")]
    pub cpu_idle: Option<i64>,
    /// Processors, as 0-3,7
    #[arg(long, value_name = "LIST")]
    pub cpuset_cpus: Option<String>,
    /// Memory nodes
    #[arg(long, value_name = "LIST")]
    pub cpuset_mems: Option<String>,
    /// Memory, in bytes, or as 64m; -1 is no limit
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true, value_parser = super::value::memory)]
    pub memory: Option<i64>,
    /// Memory it keeps when there is little, likewise
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true, value_parser = super::value::memory)]
    pub memory_reservation: Option<i64>,
    /// Memory and swap, likewise
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true, value_parser = super::value::memory)]
    pub memory_swap: Option<i64>,
    /// Number of processes; -1 is no limit
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub pids_limit: Option<i64>,
    /// The container
    #[arg(value_name = "ID")]
    pub id: String,
}

/// The flags of `spec`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct OciSpecArgs {
    /// Directory to write it to [default: the current one]
    #[arg(short, long, value_name = "DIR", default_value = ".", hide_default_value = true)]
    pub bundle: PathBuf,
    /// For a user without rights
    #[arg(long)]
    pub rootless: bool,
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
