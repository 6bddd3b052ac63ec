//! What a container is made from, as it is handed to the shim and kept in `config.json` for later execs.

use std::path::{Path, PathBuf};

use oci_spec::runtime::{LinuxNamespace, LinuxNamespaceType, Spec};
use serde::{Deserialize, Serialize};

use crate::name::ContainerId;

/// A container to be made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Config {
    /// Its id: names its cgroup.
    pub id: ContainerId,
    /// The OCI configuration, taken literally: nothing is mounted, masked or limited that it does not say. `root.path`
    /// is not used, [`Self::rootfs`] is.
    pub spec: Spec,
    /// Its root file system.
    pub rootfs: Rootfs,
    /// Its directory on the host, which exists: `config.json`, `status.json` and `exit.json` are written there. Its root
    /// is mounted at `rootfs` in it, inside the container's mount namespace and nowhere else.
    pub directory: PathBuf,
    /// Its log file.
    pub log: PathBuf,
    /// How much of the log is kept, and where else it goes.
    #[serde(default)]
    pub log_options: super::log::Options,
    /// What its standard input is.
    #[serde(default)]
    pub stdin: super::Stdin,
    /// Whether PID 1 is a small reaper of ours, with the program as its child.
    pub init: bool,
    /// `name|uid[:name|gid]`, looked up in the container's own files; wins over `process.user`.
    pub user: Option<String>,
    /// Further groups, by name or gid.
    pub group_add: Vec<String>,
    /// Which system calls are allowed.
    pub seccomp: Seccomp,
    /// The program that runs it in place of our own runtime.
    #[serde(default)]
    pub external: Option<super::ExternalRuntime>,
    /// Who watches over it, to be started again by the shim when it dies.
    #[serde(default)]
    pub guardian: Option<super::Guardian>,
}

/// Where a root file system comes from.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rootfs {
    /// A directory as it is.
    Directory(PathBuf),
    /// Read-only directories under a writable one.
    Overlay {
        /// The layers, lowest first.
        lower: Vec<PathBuf>,
        /// Where changes go.
        upper: PathBuf,
        /// An empty directory on the file system of `upper`.
        work: PathBuf,
        /// Whether changes need not survive a power failure: nothing is synced at the end.
        volatile: bool,
        /// Directories of the host below one of `lower` that are empty inside.
        hide: Vec<PathBuf>,
    },
}

/// Which system calls a container may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seccomp {
    /// What Docker allows by default, given the capabilities.
    #[default]
    Default,
    /// What `linux.seccomp` says: all, if it is absent.
    #[serde(alias = "unconfined")]
    Specified,
}

impl Config {
    /// Where the root is mounted, seen from inside the container's mount namespace before it is the root.
    pub(super) fn mountpoint(&self) -> PathBuf {
        match &self.rootfs {
            // Where those who know the bundle look for it: hooks, and sources of later mounts that are inside of it.
            Rootfs::Directory(path) if !self.joins_mount_namespace() => path.clone(),
            // What is mounted in the run directory goes with that, in whichever namespace it is.
            _ => self.directory.join("rootfs"),
        }
    }

    fn joins_mount_namespace(&self) -> bool {
        let namespaces = self.spec.linux().as_ref().and_then(|linux| linux.namespaces().as_deref());
        let joins =
            |namespace: &LinuxNamespace| namespace.typ() == LinuxNamespaceType::Mount && namespace.path().is_some();
        namespaces.unwrap_or_default().iter().any(joins)
    }

    /// The cgroup, relative to the root of each hierarchy.
    pub(super) fn cgroup(&self) -> PathBuf {
        let path = self.spec.linux().as_ref().and_then(|linux| linux.cgroups_path().as_deref());
        super::cgroup::place(path, self.id.as_str())
    }

    /// The same with the cgroup written out: it must not depend on where those are who look for it later.
    pub(super) fn placed(&self) -> Self {
        let mut config = self.clone();
        let path = Path::new("/").join(config.cgroup());
        // None at all is not the same as the defaults.
        if let Some(linux) = config.spec.linux_mut() {
            linux.set_cgroups_path(Some(path));
        }
        config
    }
}
