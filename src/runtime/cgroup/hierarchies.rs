//! Version 1: one hierarchy for each controller, each of which costs a directory, so that only those are made that do
//! something: `devices` always, since CAP_MKNOD is in Docker's default set and only this controller stops a container
//! from opening a disk; the others where a limit is set; `freezer` at the first pause.

use std::io;
use std::path::{Path, PathBuf};

use super::CgroupError;
use super::devices::{DEVICES, Policy};
use super::directory::{self, MOUNT};
use super::setting::{Setting, write, write_all};

pub(super) const CPUSET: &str = "cpuset";
/// The hierarchies in which a container may have a directory. The first that it has lists its processes.
pub(super) const CONTROLLERS: [&str; 15] = [
    DEVICES,
    "memory",
    "cpu",
    "cpuacct",
    CPUSET,
    "pids",
    "blkio",
    "hugetlb",
    "net_cls",
    "net_prio",
    "rdma",
    "freezer",
    "perf_event",
    "systemd",
    UNIFIED,
];
const REALTIME: &str = "cpu.rt_runtime_us";
/// Version 2 beside version 1, without controllers.
pub(super) const UNIFIED: &str = "unified";

/// The directory of a cgroup in a hierarchy.
pub(super) fn of(controller: &str, path: &Path) -> PathBuf {
    Path::new(MOUNT).join(controller).join(path)
}

/// The directories of a cgroup that exist.
pub(super) fn existing(path: &Path) -> Vec<(&'static str, PathBuf)> {
    let all = CONTROLLERS.into_iter().map(|controller| (controller, of(controller, path)));
    all.filter(|(_, directory)| directory.is_dir()).collect()
}

/// Makes the cgroup in the hierarchies that the settings need; what was made is in `directories` even after an error.
pub(super) fn create(
    path: &Path,
    settings: &[Setting],
    policy: &Policy,
    directories: &mut Vec<(&'static str, PathBuf)>,
) -> Result<(), CgroupError> {
    let devices = of(DEVICES, Path::new("cgroup.procs")).exists().then(|| policy.settings()).transpose()?;
    // Without the controller, device nodes are restricted as those of a user without rights.
    let devices = devices.unwrap_or_default();
    for setting in devices.iter().chain(settings) {
        let has_one = directories.iter().any(|(controller, _)| *controller == setting.controller);
        if !has_one {
            let directory = add(setting.controller, path)?;
            directory::unoccupied(&directory)?;
            directories.push((setting.controller, directory));
        }
    }
    if let Some((_, directory)) = directories.iter().find(|(controller, _)| *controller == DEVICES) {
        write_devices(directory, &devices)?;
    }
    set(path, settings)
}

/// Makes the cgroup in every other hierarchy there is: who drives an OCI runtime looks for its statistics there.
pub(super) fn complete(path: &Path, directories: &mut Vec<(&'static str, PathBuf)>) -> Result<(), CgroupError> {
    for controller in CONTROLLERS {
        let has_one = directories.iter().any(|(other, _)| *other == controller);
        // There a new cgroup takes the right to real-time scheduling from those in it, which has to be shared out.
        let shares_realtime = of(controller, Path::new(REALTIME)).exists();
        if !has_one && !shares_realtime && of(controller, Path::new("cgroup.procs")).exists() {
            let directory = add(controller, path)?;
            directory::unoccupied(&directory)?;
            directories.push((controller, directory));
        }
    }
    Ok(())
}

/// Writes limits whose directories exist.
pub(super) fn set(path: &Path, settings: &[Setting]) -> Result<(), CgroupError> {
    if settings.iter().any(|setting| setting.file == REALTIME) {
        inherit_realtime(path)?;
    }
    write_all(settings, |setting| Ok(of(setting.controller, path)))
}

/// Makes the cgroup in one hierarchy.
pub(super) fn add(controller: &'static str, path: &Path) -> Result<PathBuf, CgroupError> {
    let root = of(controller, Path::new(""));
    if !root.join("cgroup.procs").exists() {
        return Err(CgroupError::NoController(controller));
    }
    directory::make_all(&root, path)?;
    if controller == CPUSET {
        inherit_cpuset(&root, path)?;
    }
    Ok(root.join(path))
}

/// The kernel takes one rule with each call.
pub(super) fn write_devices(directory: &Path, rules: &[Setting]) -> Result<(), CgroupError> {
    let mut file: Option<(PathBuf, std::fs::File)> = None;
    for rule in rules {
        let path = directory.join(&*rule.file);
        let failed = |error| CgroupError::limit(&path, &rule.value, error);
        let open = match &mut file {
            Some((open, file)) if *open == path => file,
            _ => {
                let opened = std::fs::OpenOptions::new().write(true).open(&path).map_err(failed)?;
                &mut file.insert((path.clone(), opened)).1
            }
        };
        io::Write::write_all(open, rule.value.as_bytes()).map_err(failed)?;
    }
    Ok(())
}

/// A new cpuset has no CPUs and takes no processes until it is given some: those of its parent.
fn inherit_cpuset(root: &Path, path: &Path) -> Result<(), CgroupError> {
    for (parent, child) in steps(root, path) {
        for file in ["cpuset.cpus", "cpuset.mems"] {
            let path = child.join(file);
            let value = fs_err::read_to_string(parent.join(file)).unwrap_or_default();
            if fs_err::read_to_string(&path).is_ok_and(|own| own.trim().is_empty()) {
                write(&path, value.trim()).map_err(|source| CgroupError::limit(&path, &value, source))?;
            }
        }
    }
    Ok(())
}

/// A new cgroup has no time for real-time processes, and none to give to those below it: the ones above a container get
/// what their parents have.
fn inherit_realtime(path: &Path) -> Result<(), CgroupError> {
    let root = of("cpu", Path::new(""));
    let Some(parent_path) = path.parent() else { return Ok(()) };
    let number = |path: &Path| -> Option<i64> { fs_err::read_to_string(path).ok()?.trim().parse().ok() };
    for (parent, child) in steps(&root, parent_path) {
        let Some(value) = number(&parent.join("cpu.rt_runtime_us")) else { continue };
        let path = child.join("cpu.rt_runtime_us");
        if number(&path) == Some(0) {
            let value = value.to_string();
            write(&path, &value).map_err(|source| CgroupError::limit(&path, &value, source))?;
        }
    }
    Ok(())
}

/// Every cgroup on the way down, with its parent.
fn steps(root: &Path, path: &Path) -> Vec<(PathBuf, PathBuf)> {
    let mut parent = root.to_owned();
    let step = |part| {
        let child = parent.join(part);
        (std::mem::replace(&mut parent, child.clone()), child)
    };
    path.iter().map(step).collect()
}
