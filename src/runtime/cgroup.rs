//! A container's cgroup: one type over version 2 and the version 1 hierarchies.
//!
//! Version 2 has one directory per container. Version 1 has one per controller, each of which costs a mkdir and a write,
//! so only those are made that do something: `devices` always, since CAP_MKNOD is in Docker's default set and only this
//! controller stops a container from opening a disk; `memory`, `cpu`, `cpuset` and `pids` where a limit is set. Killing
//! needs none: a pid namespace dies with its init.
//!
//! Version 2 restricts devices by BPF programs, which are not written yet: there, [`Cgroup::restricts_devices`] is false
//! and the container loses CAP_MKNOD and sees no devices but those in its /dev.

use std::io;
use std::path::{Path, PathBuf};

use oci_spec::runtime::LinuxResources;
use rustix::process::{Pid, Signal};

use crate::sys::pidfd::PidFd;

mod limits;

const MOUNT: &str = "/sys/fs/cgroup";
/// `CGROUP2_SUPER_MAGIC`.
const CGROUP2: u64 = 0x6367_7270;

/// The cgroup that holds those of all containers, unless they are to be elsewhere.
pub(super) const PARENT: &str = "rcompose";
/// How often making a cgroup is tried again when its parent vanishes under it.
const ATTEMPTS: u32 = 16;

/// Why a cgroup could not be made, changed or removed.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// A directory could not be made or removed.
    #[error("cannot {action} cgroup `{}`", path.display())]
    Directory {
        /// `make` or `remove`.
        action: &'static str,
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A limit could not be set.
    #[error("cannot write `{value}` to `{}`", path.display())]
    Limit {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        value: String,
        /// Why.
        source: io::Error,
    },
    /// A limit is set whose controller this machine does not have.
    #[error("the kernel has no `{0}` cgroup controller")]
    NoController(&'static str),
    /// The processes in it could not be ended.
    #[error("cannot kill the processes of cgroup `{}`", path.display())]
    Kill {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A container's cgroup, or its absence on a machine without any.
#[derive(Debug)]
pub(super) struct Cgroup {
    version: Version,
    /// (controller, directory); for version 2 one, whose name is empty.
    directories: Vec<(&'static str, PathBuf)>,
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
    /// Makes the cgroup at `path`, relative to each hierarchy's root, and sets its limits.
    pub(super) fn create(path: &Path, resources: Option<&LinuxResources>) -> Result<Self, CgroupError> {
        let version = version();
        let settings = limits::settings(resources, version == Version::Two)?;
        let mut cgroup = Self { version, directories: Vec::new() };
        let result = match version {
            Version::Two => cgroup.create_unified(path, &settings),
            Version::One => cgroup.create_hierarchies(path, &settings),
        };
        // What exists now is the container's; whoever fails to make it also removes it.
        if let Err(error) = result {
            let _ = cgroup.delete();
            return Err(error);
        }
        Ok(cgroup)
    }

    fn create_unified(&mut self, path: &Path, settings: &[limits::Setting]) -> Result<(), CgroupError> {
        let mut directory = PathBuf::from(MOUNT);
        for part in path {
            for setting in settings {
                // Refused where it is not available, and then the file of the limit is missing: that is the error.
                let _ = fs_err::write(directory.join("cgroup.subtree_control"), format!("+{}", setting.controller));
            }
            directory.push(part);
            make(&directory)?;
        }
        self.directories.push(("", directory.clone()));
        settings.iter().try_for_each(|setting| setting.write(&directory))
    }

    fn create_hierarchies(&mut self, path: &Path, settings: &[limits::Setting]) -> Result<(), CgroupError> {
        for setting in settings {
            let directory = match self.directories.iter().find(|(controller, _)| *controller == setting.controller) {
                Some((_, directory)) => directory.clone(),
                None => {
                    let root = Path::new(MOUNT).join(setting.controller);
                    if !root.join("cgroup.procs").exists() {
                        // Without the controller, device nodes are restricted as on version 2.
                        if setting.controller == limits::DEVICES {
                            continue;
                        }
                        return Err(CgroupError::NoController(setting.controller));
                    }
                    let directory = root.join(path);
                    make_all(&root, path)?;
                    self.directories.push((setting.controller, directory.clone()));
                    if setting.controller == limits::CPUSET {
                        limits::inherit_cpuset(&root, path)?;
                    }
                    directory
                }
            };
            setting.write(&directory)?;
        }
        Ok(())
    }

    /// The cgroup at `path` that an earlier process made.
    pub(super) fn existing(path: &Path) -> Self {
        let version = version();
        let directories = match version {
            Version::Two => vec![("", Path::new(MOUNT).join(path))],
            Version::One => limits::CONTROLLERS
                .iter()
                .map(|&controller| (controller, Path::new(MOUNT).join(controller).join(path)))
                .collect(),
        };
        let directories = directories.into_iter().filter(|(_, directory)| directory.is_dir()).collect();
        Self { version, directories }
    }

    /// Whether device nodes are restricted by it.
    pub(super) fn restricts_devices(&self) -> bool {
        self.directories.iter().any(|(controller, _)| *controller == limits::DEVICES)
    }

    /// Its directories by controller, to be shown inside the container; version 2 has one, of no name.
    pub(super) fn directories(&self) -> &[(&'static str, PathBuf)] {
        &self.directories
    }

    /// Moves this process in.
    pub(super) fn join(&self) -> Result<(), CgroupError> {
        for (_, directory) in &self.directories {
            let path = directory.join("cgroup.procs");
            fs_err::write(&path, "0").map_err(|source| CgroupError::Limit { path, value: "0".to_owned(), source })?;
        }
        Ok(())
    }

    /// Whether the kernel has killed one of its processes for want of memory.
    pub(super) fn oom_killed(&self) -> bool {
        let file = match self.version {
            Version::Two => self.directories.first().map(|(_, directory)| directory.join("memory.events")),
            Version::One => self
                .directories
                .iter()
                .find(|(controller, _)| *controller == "memory")
                .map(|(_, directory)| directory.join("memory.oom_control")),
        };
        let text = file.and_then(|file| fs_err::read_to_string(file).ok()).unwrap_or_default();
        text.lines().any(|line| line.strip_prefix("oom_kill ").is_some_and(|count| count != "0"))
    }

    /// Kills what is in it and removes it. What is gone already is no error.
    pub(super) fn delete(&self) -> Result<(), CgroupError> {
        let mut first_error = Ok(());
        for (_, directory) in &self.directories {
            let result = match rustix::fs::rmdir(directory) {
                Err(rustix::io::Errno::BUSY) => kill(directory).and_then(|()| remove(directory)),
                _ => remove(directory),
            };
            first_error = first_error.and(result);
            // Busy while it holds other containers; whoever removes the last one removes it too.
            if let Some(parent) = directory.parent().filter(|parent| parent.ends_with(PARENT)) {
                let _ = rustix::fs::rmdir(parent);
            }
        }
        first_error
    }
}

fn make(directory: &Path) -> Result<(), CgroupError> {
    match fs_err::create_dir(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(CgroupError::Directory { action: "make", path: directory.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

fn make_all(root: &Path, path: &Path) -> Result<(), CgroupError> {
    // Usually only the last part is missing.
    if rustix::fs::mkdir(root.join(path), rustix::fs::Mode::from(0o755)).is_ok() {
        return Ok(());
    }
    let made = || {
        let mut directory = root.to_owned();
        path.iter().try_for_each(|part| {
            directory.push(part);
            make(&directory)
        })
    };
    // Between two of the steps somebody may remove what is empty still.
    let is_gone = |error: &CgroupError| matches!(error, CgroupError::Directory { source, .. } if source.kind() == io::ErrorKind::NotFound);
    (0..ATTEMPTS).find_map(|_| Some(made()).filter(|result| !result.as_ref().is_err_and(is_gone))).unwrap_or_else(made)
}

fn remove(directory: &Path) -> Result<(), CgroupError> {
    match rustix::fs::rmdir(directory) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
        Err(error) => {
            Err(CgroupError::Directory { action: "remove", path: directory.to_owned(), source: error.into() })
        }
    }
}

/// Kills every process of a cgroup and waits until they have ended.
fn kill(directory: &Path) -> Result<(), CgroupError> {
    let failed = |source| CgroupError::Kill { path: directory.to_owned(), source };
    // A process may fork while the list is read: until it is empty.
    loop {
        let list = match std::fs::read_to_string(directory.join("cgroup.procs")) {
            // Its shim has just removed it.
            Err(error) if [libc::ENOENT, libc::ENODEV].map(Some).contains(&error.raw_os_error()) => return Ok(()),
            result => result.map_err(failed)?,
        };
        let pids: Vec<Pid> = list.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?)).collect();
        if pids.is_empty() {
            return Ok(());
        }
        for pid in pids {
            let Ok(start_time) = crate::sys::pidfd::start_time(pid) else { continue };
            if let Some(process) = PidFd::open(pid, start_time).map_err(failed)? {
                process.signal(Signal::KILL).map_err(failed)?;
                process.wait_exited().map_err(failed)?;
            }
        }
    }
}
