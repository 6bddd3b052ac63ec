//! A container's cgroup: one type over version 2 ([`unified`]) and the version 1 hierarchies ([`hierarchies`]).
//!
//! ```text
//! LinuxResources ─┬─▶ limits ──▶ settings: files to write ─┬─▶ hierarchies   (version 1)
//!                 └─▶ devices ─▶ policy ─┬▶ settings ──────┘
//!                                        └▶ device_program ──▶ unified      (version 2)
//! ```
//!
//! Everything asked for is set or refused by name. Where no policy for devices can be had ([`Cgroup::restricts_devices`]),
//! the container loses CAP_MKNOD and sees no devices but those in its /dev.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use oci_spec::runtime::LinuxResources;

mod device_program;
mod devices;
mod directory;
mod error;
mod freezer;
mod hierarchies;
mod limits;
mod limits_one;
mod limits_two;
mod monitor;
mod place;
mod setting;
mod stats;
mod unified;
mod update;

pub use error::CgroupError;
pub use monitor::MonitorCgroup;
pub(super) use place::place;
pub use place::{Cgroups, cgroup_parent};
pub use stats::{CpuStats, DeviceIo, MemoryStats, PidsStats, Stats};

use devices::Policy;
use directory::MOUNT;

/// `CGROUP2_SUPER_MAGIC`.
const CGROUP2: u64 = 0x6367_7270;

/// A container's cgroup, or its absence on a machine without any.
#[derive(Debug)]
pub(super) struct Cgroup {
    version: Version,
    /// Relative to the root of each hierarchy.
    path: PathBuf,
    /// (controller, directory); for version 2 one, whose name is empty.
    directories: Vec<(&'static str, PathBuf)>,
    restricts_devices: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

fn version() -> Version {
    match rustix::fs::statfs(MOUNT) {
        Ok(status) if u64::try_from(status.f_type) == Ok(CGROUP2) => Version::Two,
        _ => Version::One,
    }
}

impl Cgroup {
    /// Makes the cgroup at `path`, relative to each hierarchy's root, and sets its limits. With version 1 it is made where
    /// there is something to limit, or `everywhere`.
    pub(super) fn create(
        path: &Path,
        resources: Option<&LinuxResources>,
        everywhere: bool,
    ) -> Result<Self, CgroupError> {
        let version = version();
        let none = LinuxResources::default();
        let resources = resources.unwrap_or(&none);
        let settings = limits::settings(resources, version)?;
        let policy = Policy::new(resources.devices().as_deref().unwrap_or_default())?;
        let mut cgroup = Self { version, path: path.to_owned(), directories: Vec::new(), restricts_devices: false };
        let result = match version {
            Version::Two => {
                let mut directory = None;
                let result = unified::create(path, &settings, &policy, &mut directory);
                cgroup.directories.extend(directory.map(|directory| ("", directory)));
                result.map(|restricts| cgroup.restricts_devices = restricts)
            }
            Version::One => {
                let mut result = hierarchies::create(path, &settings, &policy, &mut cgroup.directories);
                if everywhere {
                    result = result.and_then(|()| hierarchies::complete(path, &mut cgroup.directories));
                }
                let has_devices = |(controller, _): &(&str, PathBuf)| *controller == devices::DEVICES;
                cgroup.restricts_devices = cgroup.directories.iter().any(has_devices);
                result
            }
        };
        let result = result.and_then(|()| if everywhere { cgroup.unfrozen() } else { Ok(()) });
        // What exists now is the container's; whoever fails to make it also removes it.
        result.inspect_err(|_| cgroup.directories.iter().for_each(|(_, directory)| directory::undo(directory)))?;
        Ok(cgroup)
    }

    /// A cgroup that was there before may be frozen. Then it is somebody's, and stays as it is.
    fn unfrozen(&mut self) -> Result<(), CgroupError> {
        if !self.is_frozen() {
            return Ok(());
        }
        self.directories.retain(|(controller, _)| !matches!(*controller, "" | freezer::FREEZER));
        Err(CgroupError::Frozen(self.path.clone()))
    }

    /// The cgroup at `path` that an earlier process made.
    pub(super) fn existing(path: &Path) -> Self {
        let version = version();
        let directories = match version {
            Version::Two => vec![("", unified::of(path))],
            Version::One => hierarchies::existing(path),
        };
        let directories: Vec<_> = directories.into_iter().filter(|(_, directory)| directory.is_dir()).collect();
        let restricts_devices = match version {
            Version::Two => directories.first().is_some_and(|(_, directory)| unified::restricts_devices(directory)),
            Version::One => directories.iter().any(|(controller, _)| *controller == devices::DEVICES),
        };
        Self { version, path: path.to_owned(), directories, restricts_devices }
    }

    /// Whether device nodes are restricted by it.
    pub(super) fn restricts_devices(&self) -> bool {
        self.restricts_devices
    }

    /// What is shown inside the container, by controller: its own directories, as if they were the roots; without an `own`
    /// namespace for cgroups, all of version 2.
    pub(super) fn shown(&self, own: bool) -> Vec<(&'static str, PathBuf)> {
        match self.version {
            Version::Two if !own => vec![("", PathBuf::from(MOUNT))],
            Version::Two => self.directories.clone(),
            Version::One => {
                let shown = self.directories.iter().filter(|(name, _)| *name != hierarchies::UNIFIED);
                shown.cloned().collect()
            }
        }
    }

    /// Its directories by controller; version 2 has one, of no name.
    pub(super) fn directories(&self) -> &[(&'static str, PathBuf)] {
        &self.directories
    }

    fn directory(&self, controller: &str) -> Option<&Path> {
        let mut directories = self.directories.iter();
        directories.find(|(other, _)| *other == controller).map(|(_, directory)| directory.as_path())
    }

    /// With version 2, the directory that a process can be cloned into.
    pub(super) fn target(&self) -> std::io::Result<Option<OwnedFd>> {
        let directory = self.directory("").map(|directory| File::open(directory).map(OwnedFd::from));
        directory.transpose()
    }

    /// Opens what a process joins it by, for one that cannot reach these files any more when it does, or may not: from
    /// inside a cgroup namespace there is no way in for who is outside, and it is the opening that counts. `parts` are
    /// cgroups in it to be joined instead, by controller; no name stands for all.
    pub(super) fn entrance(&self, parts: &BTreeMap<String, PathBuf>) -> Result<Entrance, CgroupError> {
        if let Some(name) = parts.keys().find(|name| !name.is_empty() && self.directory(name).is_none()) {
            return Err(CgroupError::NotIn(name.clone()));
        }
        let open = |(controller, directory): &(&str, PathBuf)| {
            let file = match self.version {
                Version::One if *controller != hierarchies::UNIFIED => {
                    // Of the thread that writes to it: without the lock that all forks of the machine wait for.
                    "tasks"
                }
                _ => "cgroup.procs",
            };
            let directory = match parts.get("").or_else(|| parts.get(*controller)) {
                Some(part) => below(directory, part)?,
                None => directory.clone(),
            };
            let path = directory.join(file);
            let opened = File::options().write(true).open(&path);
            opened.map(|file| (path.clone(), file)).map_err(|source| CgroupError::limit(&path, "0", source))
        };
        self.directories.iter().map(open).collect::<Result<_, _>>().map(Entrance)
    }

    /// Moves this process, which has one thread, in; one that was cloned into its [`Self::target`] is there.
    pub(super) fn join(&self) -> Result<(), CgroupError> {
        if self.version == Version::Two { Ok(()) } else { self.entrance(&BTreeMap::new())?.enter() }
    }

    /// The pids of its processes.
    pub(super) fn processes(&self) -> std::io::Result<Vec<i32>> {
        match self.directories.first() {
            Some((_, directory)) => directory::processes(directory),
            None => Ok(Vec::new()),
        }
    }

    /// Whether the kernel has killed one of its processes for want of memory, be it the first one or another.
    pub(super) fn oom_killed(&self) -> bool {
        self.oom_kills() > 0
    }

    /// How many of its processes the kernel has killed for want of memory.
    pub(super) fn oom_kills(&self) -> u64 {
        let file = match self.version {
            Version::Two => self.directory("").map(|directory| directory.join("memory.events")),
            Version::One => self.directory("memory").map(|directory| directory.join("memory.oom_control")),
        };
        let text = file.and_then(|file| fs_err::read_to_string(file).ok()).unwrap_or_default();
        let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        count.and_then(|count| count.parse().ok()).unwrap_or(0)
    }

    /// Kills what is in it and removes it. What is gone already is no error.
    pub(super) fn delete(&self) -> Result<(), CgroupError> {
        // Others may have added to it since.
        let directories = match self.version {
            Version::Two => self.directories.clone(),
            Version::One => hierarchies::existing(&self.path),
        };
        // With version 1 what is frozen does not even die.
        let mut first_error = if self.version == Version::One { self.thaw() } else { Ok(()) };
        for (_, directory) in &directories {
            first_error = first_error.and(directory::delete(directory));
        }
        first_error
    }
}

/// A cgroup in one of a container.
fn below(directory: &Path, part: &Path) -> Result<PathBuf, CgroupError> {
    if part.components().any(|component| component == Component::ParentDir) {
        return Err(CgroupError::Outside(part.to_owned()));
    }
    let path = directory.join(part.strip_prefix("/").unwrap_or(part));
    match fs_err::metadata(&path) {
        Ok(_) => Ok(path),
        Err(source) => Err(CgroupError::Directory { action: "find", path, source }),
    }
}

/// Open files of a cgroup through which a process gets into it.
#[derive(Debug)]
pub(super) struct Entrance(Vec<(PathBuf, File)>);

impl Entrance {
    /// Moves this process, which has one thread, in.
    pub(super) fn enter(&self) -> Result<(), CgroupError> {
        self.0.iter().try_for_each(|(path, file)| {
            std::io::Write::write_all(&mut &*file, b"0").map_err(|source| CgroupError::limit(path, "0", source))
        })
    }
}
