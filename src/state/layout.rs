//! The directory layout, known here alone.
//!
//! ```text
//! <root>                                  /var/lib/rcompose
//!   networks.lock                         held while a project chooses a subnet or an address
//!   shared/NETWORK@PROJECT                projects on networks that several are on
//!   ids.lock                              the ids of the host that containers have
//!   images/                               the image store
//!   networks/NAME.json                    networks that belong to no project
//!   volumes/NAME/{volume.json,data/}
//!   volumes/.PROJECT/NAME/                one that a project makes, before it is whole, or removes
//!   volumes/NAME/{copying/,copied/}       what a new volume is filled with, before it is whole and before it is moved in
//!   volumes/NAME/incoming/                what takes the place of `data` when it is whole
//!   snapshots/PROJECT/NAME/{snapshot.json,volumes/VOLUME/}
//!   snapshots/PROJECT/{.new,.gone}/       one that is being made, or removed
//!   projects/PROJECT/
//!     networks/KEY.json
//!     containers/ID/{container.json,upper/,work/,container.log}
//! <run>                                   /run/rcompose: nothing in it outlives a boot
//!   .events/PROJECT                       the last that has happened, of projects that are gone too
//!   PROJECT/{lock,supervisor.sock,supervisor.pid,supervisor.log}
//!   PROJECT/held.json                     the containers that the supervisor has paused for a moment
//!   PROJECT/containers/ID/                state.json, the shim's records, /etc/hosts and the like
//!   PROJECT/grants/ID/                    configs and secrets made for a container: a tmpfs is mounted on `grants`
//!   PROJECT/leases/PID/                   lease.json, and /etc/hosts and the like: of a program of the host on networks
//! ```

use std::path::{Path, PathBuf};

use crate::name::{ContainerId, ProjectName, SnapshotName};

/// The two roots of everything rcompose keeps.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Layout {
    root: PathBuf,
    run: PathBuf,
}

impl Layout {
    /// A layout below `root` (survives a boot) and `run` (does not); both absolute.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, run: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), run: run.into() }
    }

    /// What survives a boot.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What does not.
    #[must_use]
    pub fn run(&self) -> &Path {
        &self.run
    }

    /// The image store.
    #[must_use]
    pub fn images(&self) -> PathBuf {
        self.root.join("images")
    }

    /// All volumes.
    #[must_use]
    pub fn volumes(&self) -> PathBuf {
        self.root.join("volumes")
    }

    /// A volume's directory, by the name it has on the host.
    #[must_use]
    pub fn volume(&self, name: &str) -> PathBuf {
        self.volumes().join(name)
    }

    /// The volumes that a project is making or removing. No volume is called so: names begin with a letter or digit.
    pub(super) fn volumes_aside(&self, project: &ProjectName) -> PathBuf {
        self.volumes().join(format!(".{project}"))
    }

    /// What is mounted for a volume.
    #[must_use]
    pub fn volume_data(&self, name: &str) -> PathBuf {
        self.volume(name).join("data")
    }

    /// What a new volume is being filled with.
    #[must_use]
    pub fn volume_copying(&self, name: &str) -> PathBuf {
        self.volume(name).join("copying")
    }

    /// What a new volume is filled with, all of it, as long as it is not all in the volume.
    #[must_use]
    pub fn volume_copied(&self, name: &str) -> PathBuf {
        self.volume(name).join("copied")
    }

    /// What is to take the place of a volume's data.
    #[must_use]
    pub fn volume_incoming(&self, name: &str) -> PathBuf {
        self.volume(name).join("incoming")
    }

    /// The snapshots of a project: they outlive all else of it.
    #[must_use]
    pub fn snapshots(&self, project: &ProjectName) -> PathBuf {
        self.root.join("snapshots").join(project.as_str())
    }

    /// What a snapshot has of a volume.
    #[must_use]
    pub fn snapshot_of(&self, project: &ProjectName, snapshot: &SnapshotName, volume: &str) -> PathBuf {
        self.snapshots(project).join(snapshot.as_str()).join("volumes").join(volume)
    }

    /// The records of networks that belong to no project.
    #[must_use]
    pub fn standalone_networks(&self) -> PathBuf {
        self.root.join("networks")
    }

    /// All projects' records.
    #[must_use]
    pub fn projects(&self) -> PathBuf {
        self.root.join("projects")
    }

    /// What has happened in projects. No project is called so: names begin with a letter or digit.
    pub(super) fn journals(&self) -> PathBuf {
        self.run.join(".events")
    }

    /// The paths of one project.
    #[must_use]
    pub fn project(&self, name: &ProjectName) -> ProjectLayout {
        ProjectLayout { root: self.projects().join(name.as_str()), run: self.run.join(name.as_str()) }
    }
}

/// The paths of a project.
#[derive(Debug, Clone)]
pub struct ProjectLayout {
    pub(super) root: PathBuf,
    pub(super) run: PathBuf,
}

impl ProjectLayout {
    /// What the supervisor locks for its life.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.run.join("lock")
    }

    /// Where the supervisor listens.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.run.join("supervisor.sock")
    }

    /// The supervisor's process id, for people; nothing acts on it.
    #[must_use]
    pub fn pid_file(&self) -> PathBuf {
        self.run.join("supervisor.pid")
    }

    /// What the supervisor has to say when nobody is connected.
    #[must_use]
    pub fn supervisor_log(&self) -> PathBuf {
        self.run.join("supervisor.log")
    }

    /// The containers that are paused until the supervisor has done something.
    #[must_use]
    pub fn held(&self) -> PathBuf {
        self.run.join("held.json")
    }

    /// The network records.
    #[must_use]
    pub fn networks(&self) -> PathBuf {
        self.root.join("networks")
    }

    /// The containers' directories.
    #[must_use]
    pub fn containers(&self) -> PathBuf {
        self.root.join("containers")
    }

    /// What there is of programs of the host that are on networks of the project.
    #[must_use]
    pub fn leases(&self) -> PathBuf {
        self.run.join("leases")
    }

    /// A file made for the program of the host with this process id: `hosts`, `resolv.conf`.
    #[must_use]
    pub fn lease_file(&self, pid: u32, name: &str) -> PathBuf {
        self.leases().join(pid.to_string()).join(name)
    }

    /// What is made for containers of configs and secrets.
    pub(super) fn grants(&self) -> PathBuf {
        self.run.join("grants")
    }

    /// The paths of a container.
    #[must_use]
    pub fn container(&self, id: &ContainerId) -> ContainerLayout {
        ContainerLayout {
            root: self.containers().join(id.as_str()),
            run: self.run.join("containers").join(id.as_str()),
            grants: self.grants().join(id.as_str()),
        }
    }
}

/// The paths of a container.
#[derive(Debug, Clone)]
pub struct ContainerLayout {
    pub(super) root: PathBuf,
    pub(super) run: PathBuf,
    pub(super) grants: PathBuf,
}

impl ContainerLayout {
    /// What survives a boot: the record, the writable layer, the log.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What does not: the shim's records, `/etc/hosts` and the like.
    #[must_use]
    pub fn run(&self) -> &Path {
        &self.run
    }

    /// The container's record.
    #[must_use]
    pub fn record(&self) -> PathBuf {
        self.root.join("container.json")
    }

    /// The supervisor's view of the running container.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.run.join("state.json")
    }

    /// The overlay's upper directory.
    #[must_use]
    pub fn upper(&self) -> PathBuf {
        self.root.join("upper")
    }

    /// The overlay's work directory.
    #[must_use]
    pub fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    /// What the kernel makes while the writable layer is mounted, and never removes.
    #[must_use]
    pub fn volatile_mark(&self) -> PathBuf {
        self.work().join("work/incompat/volatile")
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.root.join("container.log")
    }

    /// A file made for the container: `hosts`, `hostname`, `resolv.conf`.
    #[must_use]
    pub fn etc(&self, name: &str) -> PathBuf {
        self.run.join("etc").join(name)
    }

    /// The `index`th config or secret made for the container: written only after [`ProjectLayout::open_grants`].
    #[must_use]
    pub fn grant(&self, index: usize) -> PathBuf {
        self.grants.join(index.to_string())
    }
}
