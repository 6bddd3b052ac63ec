//! The mounts of the specification, in its order. Each is made detached and attached by descriptors: between the check
//! of a mount point and its use there is no path that somebody could change.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use oci_spec::runtime::{Mount, Spec};
use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MoveMountFlags, OpenTreeFlags, fsconfig_create, fsconfig_set_flag, fsconfig_set_string,
    fsmount, fsopen, move_mount, open_tree,
};

use super::InitError;
use super::mount_options::{Options, parse};
use super::proc::Proc;
use crate::runtime::cgroup::Cgroup;
use crate::sys::RootDir;
use crate::sys::mount::{MountAttrFlags, set_attributes};

/// `PROC_SUPER_MAGIC`.
const PROC: u64 = 0x9fa0;

/// Mounts everything; `proc` becomes the container's `/proc` if it has one.
pub(super) fn mount_all(spec: &Spec, root: &RootDir, proc: Proc, cgroup: &Cgroup) -> Result<(), InitError> {
    let mut proc = Some(proc);
    for mount in spec.mounts().iter().flatten() {
        let destination = clean(mount.destination());
        let options = parse(mount.options().as_deref().unwrap_or_default());
        let kind = mount.typ().as_deref().unwrap_or("none");
        if options.bind.is_some() || kind == "bind" {
            bind(mount, &destination, options, root)?;
        } else if kind == "cgroup" || kind == "cgroup2" {
            cgroups(&destination, &options, root, cgroup)?;
        } else {
            let target = directory(root, &destination)?;
            // The same one again only if it is mounted twice.
            let private = if kind == "proc" { proc.take() } else { None };
            let made = match private {
                Some(Proc(mount)) => set_attributes(&mount, false, options.set, MountAttrFlags::empty(), None)
                    .map(|()| mount)
                    .map_err(|error| (error, String::new())),
                None => file_system(kind, &options),
            };
            let failed = |(source, log)| InitError::Mount { destination: destination.clone(), log, source };
            made.and_then(|made| attach(made, target).map_err(|error| (error, String::new()))).map_err(failed)?;
        }
    }
    Ok(())
}

/// Without `.` and `..`, relative to the root.
fn clean(destination: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in destination.components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::ParentDir => {
                clean.pop();
            }
            _ => {}
        }
    }
    clean
}

/// The directory to mount on, made where absent.
fn directory(root: &RootDir, destination: &Path) -> Result<OwnedFd, InitError> {
    root.ensure_dir(destination, Mode::from(0o755))
        .and_then(|target| plain(root, destination, target))
        .map_err(|source| InitError::MountPoint { destination: destination.to_owned(), source })
        .and_then(|target| checked(destination, target))
}

/// Where the kernel's own file systems go, nothing may be a symlink: an image whose `/dev` points elsewhere would have
/// devices made there.
fn plain(root: &RootDir, destination: &Path, target: OwnedFd) -> io::Result<OwnedFd> {
    if ["proc", "sys", "dev"].iter().any(|prefix| destination.starts_with(prefix)) {
        root.open_plain(destination, OFlags::PATH)
    } else {
        Ok(target)
    }
}

/// Nothing is mounted over the root or inside a proc, where it would be taken for what the kernel says.
fn checked(destination: &Path, target: OwnedFd) -> Result<OwnedFd, InitError> {
    let refused = |rule| InitError::MountRefused { destination: destination.to_owned(), rule };
    if destination.as_os_str().is_empty() {
        return Err(refused("it is the root"));
    }
    let status = rustix::fs::fstatfs(&target)
        .map_err(|error| InitError::MountPoint { destination: destination.to_owned(), source: error.into() })?;
    if u64::try_from(status.f_type) == Ok(PROC) {
        return Err(refused("it is inside /proc"));
    }
    Ok(target)
}

/// Shows a file or directory of the host.
fn bind(mount: &Mount, destination: &Path, options: Options, root: &RootDir) -> Result<(), InitError> {
    if let Some((option, _)) = options.data.into_iter().next() {
        return Err(InitError::MountOption { destination: destination.to_owned(), option });
    }
    let recursive = options.bind.unwrap_or(false);
    let source = mount.source().clone().unwrap_or_default();
    let failed = |error: rustix::io::Errno| InitError::MountSource { path: source.clone(), source: error.into() };
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    if recursive {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    let tree = open_tree(CWD, &source, flags).map_err(failed)?;
    let is_directory = FileType::from_raw_mode(rustix::fs::fstat(&tree).map_err(failed)?.st_mode).is_dir();
    let target = if is_directory {
        directory(root, destination)?
    } else {
        root.ensure_file(destination)
            .and_then(|target| plain(root, destination, target))
            .map_err(|source| InitError::MountPoint { destination: destination.to_owned(), source })
            .and_then(|target| checked(destination, target))?
    };
    set_attributes(&tree, recursive, options.set, options.clear, Some(options.propagation))
        .and_then(|()| attach(tree, target))
        .map_err(|source| InitError::Mount { destination: destination.to_owned(), log: String::new(), source })
}

/// A new file system, mounted nowhere.
pub(super) fn file_system(kind: &str, options: &Options) -> Result<OwnedFd, (io::Error, String)> {
    let fs = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC).map_err(|error| (error.into(), String::new()))?;
    let configure = || -> rustix::io::Result<OwnedFd> {
        for (key, value) in &options.data {
            match value {
                Some(value) => fsconfig_set_string(&fs, key.as_str(), value.as_str())?,
                None => fsconfig_set_flag(&fs, key.as_str())?,
            }
        }
        fsconfig_create(&fs)?;
        fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, options.set)
    };
    configure().map_err(|error| (error.into(), kernel_log(&fs)))
}

/// What the kernel has to say about a file system that could not be made, for the end of an error's text.
pub(super) fn kernel_log(fs: &OwnedFd) -> String {
    let mut buffer = [0; 1024];
    let mut log = String::new();
    while let Ok(count @ 1..) = rustix::io::read(fs, &mut buffer) {
        let line = String::from_utf8_lossy(&buffer[..count]);
        // "e overlay: …": the first letter is the severity.
        log.push_str(": ");
        log.push_str(line.trim_end().get(2..).unwrap_or_default());
    }
    log
}

/// Puts a detached mount on `target`.
pub(super) fn attach(mount: impl AsFd, target: impl AsFd) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(move_mount(mount, "", target, "", flags)?)
}

/// The container's own cgroup, as if it were the root: with version 1, one directory for each controller it is in.
fn cgroups(destination: &Path, options: &Options, root: &RootDir, cgroup: &Cgroup) -> Result<(), InitError> {
    let failed =
        |source: io::Error| InitError::Mount { destination: destination.to_owned(), log: String::new(), source };
    let show = |path: &Path, target: OwnedFd| -> io::Result<()> {
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        let tree = open_tree(CWD, path, flags)?;
        set_attributes(&tree, false, options.set, MountAttrFlags::empty(), None)?;
        attach(tree, target)
    };
    let target = directory(root, destination)?;
    if let [("", path)] = cgroup.directories() {
        return show(path, target).map_err(failed);
    }
    let data = vec![("mode".to_owned(), Some("755".to_owned()))];
    let tmpfs = Options { data, set: options.set - MountAttrFlags::MOUNT_ATTR_RDONLY, ..parse::<&str>(&[]) };
    let made = file_system("tmpfs", &tmpfs).map_err(|(error, _)| failed(error))?;
    attach(&made, target).map_err(failed)?;
    for (controller, path) in cgroup.directories() {
        show(path, directory(root, &destination.join(controller))?).map_err(failed)?;
    }
    set_attributes(&made, false, options.set, MountAttrFlags::empty(), None).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_stay_inside() {
        for (destination, expected) in
            [("/a/b", "a/b"), ("a/./b/", "a/b"), ("/a/../../proc/x", "proc/x"), ("/", ""), ("..", "")]
        {
            assert_eq!(clean(Path::new(destination)), Path::new(expected), "{destination}");
        }
    }
}
