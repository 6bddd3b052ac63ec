//! What is to be run, and with what.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Key;
use crate::image::Store;

/// A command and all that it sees.
#[derive(Debug, Clone)]
pub struct Run<'a> {
    /// The program and its arguments, the shell included: see [`script`](super::script).
    pub args: Vec<String>,
    /// `NAME=value`, all of them. `HOME` is added where it is missing, as the user's.
    pub env: Vec<String>,
    /// The working directory, absolute; made where it is missing.
    pub cwd: PathBuf,
    /// `name|uid[:group|gid]`, looked up in the workspace; empty for root.
    pub user: String,
    /// What it is called; `None` for `buildkitsandbox`.
    pub hostname: Option<String>,
    /// How it reaches others.
    pub network: Network<'a>,
    /// What it may do.
    pub security: Security,
    /// The devices that have nodes there, with the usual ones.
    pub devices: Vec<oci_spec::runtime::LinuxDevice>,
    /// `--mount`, in the order in which they were given.
    pub mounts: Vec<Mount>,
    /// What [`Mount::Secret`] asks for, by id.
    pub secrets: BTreeMap<String, Vec<u8>>,
    /// The SSH agents that [`Mount::Ssh`] asks for, by id.
    pub agents: BTreeMap<String, SshAgent>,
    /// How much it may use.
    pub limits: Limits,
    /// Further lines of `/etc/hosts`: a name and its address.
    pub extra_hosts: Vec<(String, IpAddr)>,
    /// Directories of this machine that are empty inside, where a layer shows them: with `/` as one, the state of all
    /// containers would be readable.
    pub hide: Vec<PathBuf>,
}

/// Where builds are run on this machine.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// The images, and the layers in the making.
    pub store: &'a Store,
    /// Where containers have a directory while they run: on a file system in memory, below the run directory.
    pub run: &'a Path,
    /// Where the directories of cache mounts are kept.
    pub caches: &'a Path,
}

/// Who signs for a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SshAgent {
    /// The agent behind a socket.
    Socket(PathBuf),
    /// Nobody but this: with these keys.
    Keys(Arc<Vec<Key>>),
}

/// How a command reaches others.
#[derive(Clone, Copy, Default)]
pub enum Network<'a> {
    /// Not at all: there is only a loopback interface.
    #[default]
    None,
    /// As this process does: `--network=host`.
    Host,
    /// Through what somebody attaches to its namespace.
    Own(&'a dyn Attach),
}

impl fmt::Debug for Network<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::None => "None",
            Self::Host => "Host",
            Self::Own(_) => "Own",
        })
    }
}

/// What an attached network holds on to: it goes when this is dropped.
pub type Attached = Box<dyn Any + Send>;

/// Gives containers a network. The build knows nothing of networks: this is the caller's.
pub trait Attach: Sync {
    /// What `/etc/resolv.conf` says in containers with this network.
    ///
    /// # Errors
    /// When that cannot be found out.
    fn resolv_conf(&self) -> io::Result<String>;

    /// Attaches the network to the namespace of the process `pid`, whose program has not been executed yet. What goes when that
    /// namespace does, even when this process is killed, needs no further care; the rest is [`Attached`]. `warn` is told why
    /// programs may not get far on it, once for all of them.
    ///
    /// # Errors
    /// When it cannot be.
    fn attach(&self, pid: i32, warn: &mut dyn FnMut(&str)) -> io::Result<Attached>;
}

/// What a command may do: `--security`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Security {
    /// What a service may that asks for nothing else.
    #[default]
    Sandbox,
    /// All: `--security=insecure`, `privileged: true`.
    Insecure,
}

/// How much a command may use. Nothing is limited that is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// `ulimits`.
    pub ulimits: Vec<Ulimit>,
    /// Of `/dev/shm`, in bytes; `None` for 64 MiB.
    pub shm_size: Option<u64>,
    /// In bytes.
    pub memory: Option<u64>,
    /// With swap, in bytes; -1 for as much as there is.
    pub memory_swap: Option<i64>,
    /// Relative to others: 1024 is usual.
    pub cpu_shares: Option<u64>,
    /// In microseconds per [`Self::cpu_period`].
    pub cpu_quota: Option<i64>,
    /// In microseconds.
    pub cpu_period: Option<u64>,
    /// `0-3`, `0,1`.
    pub cpuset_cpus: Option<String>,
    /// The same of memory nodes.
    pub cpuset_mems: Option<String>,
    /// How many processes there may be.
    pub pids: Option<i64>,
    /// The cgroup that its own is made in.
    pub cgroup_parent: Option<String>,
}

/// A limit that the kernel keeps of each process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ulimit {
    /// `nofile`.
    pub name: String,
    /// What it begins with; -1 is no limit.
    pub soft: i64,
    /// What it may become; -1 is no limit.
    pub hard: i64,
}

/// Whose a file is, and who may do what with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ownership {
    /// Permission bits.
    pub mode: u32,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// A tree of files that a part of is mounted: a directory of this machine, or layers, lowest first. One of no layers is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindSource {
    /// The directories, lowest first. Of the build context, where files of it are ignored, the caller may give a layer of whiteouts
    /// over it.
    pub layers: Vec<PathBuf>,
    /// Which part of it: `source`; `/` for all.
    pub path: PathBuf,
}

/// One that a command has: `--mount`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mount {
    /// Files of another stage, an image or the build context.
    Bind {
        /// Where.
        target: PathBuf,
        /// What.
        source: BindSource,
        /// Whether it can be written to. What is written is thrown away.
        writable: bool,
    },
    /// A directory that other builds see too.
    Cache(Cache),
    /// Memory.
    Tmpfs {
        /// Where.
        target: PathBuf,
        /// In bytes.
        size: Option<u64>,
    },
    /// A secret, as a file, a variable, or both.
    Secret {
        /// Its id.
        id: String,
        /// Where the file is; `None` for none. With neither this nor `env`, give `/run/secrets/ID`.
        target: Option<PathBuf>,
        /// What the variable is called.
        env: Option<String>,
        /// Whether there must be one. Otherwise it is left out.
        required: bool,
        /// Whose the file is: 0400 and root's by default.
        ownership: Ownership,
    },
    /// The socket of an SSH agent.
    Ssh {
        /// Its id: `default`.
        id: String,
        /// Where; `None` for `/run/buildkit/ssh_agent.N`. `SSH_AUTH_SOCK` says that of the first one.
        target: Option<PathBuf>,
        /// Whether there must be one. Otherwise it is left out.
        required: bool,
        /// Whose the socket is: 0600 and root's by default.
        ownership: Ownership,
    },
    /// A file that is there for this command only.
    File {
        /// Where.
        target: PathBuf,
        /// What is in it.
        content: Vec<u8>,
        /// Permission bits.
        mode: u32,
    },
}

/// A directory that outlasts builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// Where.
    pub target: PathBuf,
    /// Which one; the target by default.
    pub id: String,
    /// With whom.
    pub sharing: Sharing,
    /// Whether it cannot be written to.
    pub read_only: bool,
    /// What is in a new one; `None` for nothing.
    pub from: Option<BindSource>,
    /// Whose a new one without `from` is: 0755 and root's by default.
    pub ownership: Ownership,
}

/// Who may use a cache at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sharing {
    /// Everybody.
    #[default]
    Shared,
    /// One. Others have another cache, of the same id.
    Private,
    /// One. Others wait.
    Locked,
}
