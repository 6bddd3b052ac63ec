//! The steps of init that can fail: told to the supervisor as text, since the process that failed ends.

use std::error::Error;
use std::fmt::Write;
use std::io;
use std::path::PathBuf;

/// Which step failed, and why.
#[derive(Debug, thiserror::Error)]
pub(in crate::runtime) enum InitError {
    #[error("the configuration has no {0}")]
    Missing(&'static str),
    #[error("cannot reset signals")]
    Signals(#[source] io::Error),
    #[error(transparent)]
    Cgroup(#[from] crate::runtime::cgroup::CgroupError),
    #[error("cannot open namespace `{}`", path.display())]
    NamespacePath { path: PathBuf, source: io::Error },
    #[error("cannot join the {kind} namespace")]
    JoinNamespace { kind: &'static str, source: io::Error },
    #[error("cannot join the mnt namespace: it is the runtime's own, which would get the container's root")]
    OwnMountNamespace,
    #[error("cannot clone a process into new namespaces")]
    Clone(#[source] io::Error),
    #[error("{0}")]
    Proxy(String),
    #[error("cannot set `linux.timeOffsets`")]
    TimeOffsets(#[source] io::Error),
    #[error("cannot map ids by `{}`", path.display())]
    Mappings { path: PathBuf, source: io::Error },
    #[error("the user namespace has no root: ids 0 are not mapped in it")]
    NoRoot,
    #[error("the device `{}` belongs to uid {uid} with gid {gid}, which are not mapped in the container's user namespace", path.display())]
    UnmappedDevice { path: PathBuf, uid: u32, gid: u32 },
    #[error("cannot hand over what the container needs of the host")]
    Equip(#[source] io::Error),
    #[error("cannot make a cgroup namespace")]
    CgroupNamespace(#[source] io::Error),
    #[error("cannot keep mounts from the host")]
    Propagation(#[source] io::Error),
    #[error("cannot mount root file system `{}`{log}", path.display())]
    Rootfs { path: PathBuf, log: String, source: io::Error },
    #[error("cannot map the owners of an image's layers: that takes Linux 6.15{}", .0.as_ref().map(|error| format!(" ({error})")).unwrap_or_default())]
    MappedRoot(Option<io::Error>),
    #[error("cannot hide `{}`", path.display())]
    Hide { path: PathBuf, source: io::Error },
    #[error("cannot mount a private proc")]
    Proc(#[source] io::Error),
    #[error("cannot set sysctl `{key}` to `{value}`")]
    Sysctl { key: String, value: String, source: io::Error },
    #[error("cannot set the out-of-memory score")]
    OomScore(#[source] io::Error),
    #[error("cannot have the program confined by `{what}`")]
    SecurityModule { what: String, source: io::Error },
    #[error("cannot set the host name")]
    HostName(#[source] io::Error),
    #[error("cannot mount on `{}`: unknown option `{option}`", destination.display())]
    MountOption { destination: PathBuf, option: String },
    #[error("cannot mount on `{}`: {rule}", destination.display())]
    MountRefused { destination: PathBuf, rule: &'static str },
    #[error("cannot open mount source `{}`", path.display())]
    MountSource { path: PathBuf, source: io::Error },
    #[error("cannot map the owners of `{}`: it takes idmapped mounts, which its file system or this kernel does not have", path.display())]
    MapIds { path: PathBuf, source: io::Error },
    #[error("cannot make mount point `{}`", destination.display())]
    MountPoint { destination: PathBuf, source: io::Error },
    #[error("cannot mount on `{}`{log}", destination.display())]
    Mount { destination: PathBuf, log: String, source: io::Error },
    #[error("cannot make device `{}`", path.display())]
    Device { path: PathBuf, source: io::Error },
    #[error("cannot mask `{path}`")]
    Mask { path: String, source: io::Error },
    #[error("cannot make `{path}` read-only")]
    ReadOnly { path: String, source: io::Error },
    #[error("cannot set the propagation of the root")]
    RootPropagation(#[source] io::Error),
    #[error(transparent)]
    Hook(#[from] crate::runtime::oci::HookError),
    #[error("cannot open a terminal")]
    Terminal(#[source] io::Error),
    #[error("cannot set up the standard streams")]
    Streams(#[source] io::Error),
    #[error("cannot change the root directory")]
    Pivot(#[source] io::Error),
    #[error("cannot take away the host's `{}`", path.display())]
    HostFiles { path: PathBuf, source: io::Error },
    #[error(transparent)]
    User(#[from] super::user::UserError),
    #[error("cannot set resource limit {name}")]
    Rlimit { name: String, source: io::Error },
    #[error("cannot set `process.scheduler`")]
    Scheduler(#[source] io::Error),
    #[error("cannot set `process.ioPriority`")]
    IoPriority(#[source] io::Error),
    #[error("cannot set `linux.memoryPolicy`")]
    MemoryPolicy(#[source] io::Error),
    #[error("cannot set `linux.personality`")]
    Personality(#[source] io::Error),
    #[error("cannot run on processors `{list}`")]
    Affinity { list: String, source: io::Error },
    #[error("`{0}` is no list of numbers")]
    NumberList(String),
    #[error("cannot change to working directory `{}`", path.display())]
    WorkingDirectory { path: PathBuf, source: io::Error },
    #[error("cannot take the identity of uid {uid}")]
    Identity { uid: u32, source: io::Error },
    #[error("cannot be uid {} with gid {}{}: in the container's user namespace not all of them are mapped", .user.uid, .user.gid, .user.further_groups())]
    Unmapped { user: super::user::User },
    #[error("cannot drop capabilities")]
    Capabilities(#[source] io::Error),
    #[error("cannot make the seccomp filter")]
    Filter(#[from] crate::runtime::seccomp::SeccompError),
    #[error("cannot install the seccomp filter")]
    Seccomp(#[source] io::Error),
    #[error("cannot prepare file descriptors")]
    Descriptors(#[source] io::Error),
    #[error("there is no program to execute")]
    NoProgram,
    #[error("`{0}` holds a zero byte")]
    ZeroByte(String),
    #[error("exec: `{0}`: executable file not found in $PATH")]
    NotFound(String),
    #[error("exec: `{program}`")]
    Execute { program: String, source: io::Error },
    #[error("cannot start the program as a child of init")]
    Fork(#[source] io::Error),
}

impl InitError {
    /// What a shell would return: 127 for a program that is not there, 126 for one that cannot be executed. 125 is ours.
    pub(in crate::runtime) fn code(&self) -> u8 {
        match self {
            Self::NotFound(_) => 127,
            Self::Execute { source, .. } if source.kind() == io::ErrorKind::NotFound => 127,
            Self::Execute { .. } => 126,
            _ => 125,
        }
    }
}

/// An error and its sources on one line.
pub(in crate::runtime) fn text(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        write!(text, ": {error}").expect("a string grows as needed");
        source = error.source();
    }
    text
}
