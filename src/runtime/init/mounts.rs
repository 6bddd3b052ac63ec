//! The mounts of the specification, in its order. Each is made detached and attached by descriptors: between the check
//! of a mount point and its use there is no path that somebody could change.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use oci_spec::runtime::{LinuxNamespaceType, Mount, Spec};
use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};

use super::file_system::{self, file_system};
use super::mount_options::{Options, parse};
use super::outside::Outside;
use super::proc::Proc;
use super::{InitError, bind, copy_up};
use crate::runtime::cgroup::Cgroup;
use crate::sys::RootDir;
use crate::sys::mount::{MountAttrFlags, set_attributes};

/// `PROC_SUPER_MAGIC`.
const PROC: u64 = 0x9fa0;
/// Types whose files have labels of the kernel's own.
const UNLABELLED: [&str; 3] = ["proc", "sysfs", "mqueue"];

/// Mounts everything; `proc` becomes the container's `/proc` if it has one. What `outside` has prepared is taken from there.
pub(super) fn mount_all(
    spec: &Spec,
    root: &RootDir,
    proc: Proc,
    cgroup: &Cgroup,
    outside: &mut Outside,
) -> Result<Vec<ReadOnlyLater>, InitError> {
    let mut later = Vec::new();
    let label =
        spec.linux().as_ref().and_then(|linux| linux.mount_label().as_deref()).filter(|label| !label.is_empty());
    let namespaces = spec.linux().as_ref().and_then(|linux| linux.namespaces().as_ref());
    let mut proc = Some(proc);
    for (index, mount) in spec.mounts().iter().flatten().enumerate() {
        let destination = clean(mount.destination());
        let mut options = parse(mount.options().as_deref().unwrap_or_default());
        let kind = mount.typ().as_deref().unwrap_or("none");
        if options.remount {
            remount(&destination, &options, root)?;
        } else if bind::is_bind(mount, &options) {
            let tree = match outside.trees.remove(&index) {
                Some(tree) => tree,
                None => bind::source(mount, &options, None)?,
            };
            show(tree, &destination, root)?;
        } else if kind == "cgroup" || kind == "cgroup2" {
            let own = namespaces.into_iter().flatten().any(|namespace| namespace.typ() == LinuxNamespaceType::Cgroup);
            cgroups(&destination, &options, root, &cgroup.shown(own))?;
        } else {
            if let Some(label) = label.filter(|_| !UNLABELLED.contains(&kind)) {
                options.data.push(("context".to_owned(), Some(label.to_owned())));
            }
            // The same one again only if it is mounted twice, or differently.
            let private = if kind == "proc" && options.data.is_empty() { proc.take() } else { None };
            let is_later = kind == "tmpfs" && options.attributes.set.contains(MountAttrFlags::MOUNT_ATTR_RDONLY);
            if is_later {
                options.attributes.set -= MountAttrFlags::MOUNT_ATTR_RDONLY;
            }
            let made = new(mount, kind, options, private, &destination, root)?;
            if is_later {
                later.push(ReadOnlyLater { mount: made, destination });
            }
        }
    }
    Ok(later)
}

/// A tmpfs in which something may have to be made before nothing may any more: other mount points, devices.
#[derive(Debug)]
pub(super) struct ReadOnlyLater {
    mount: OwnedFd,
    destination: PathBuf,
}

impl ReadOnlyLater {
    /// Makes it read-only.
    pub(super) fn now(self) -> Result<(), InitError> {
        set_attributes(&self.mount, false, MountAttrFlags::MOUNT_ATTR_RDONLY, MountAttrFlags::empty(), None)
            .map_err(|source| InitError::ReadOnly { path: format!("/{}", self.destination.display()), source })
    }
}

/// Mounts a new file system, and returns it.
fn new(
    mount: &Mount,
    kind: &str,
    mut options: Options,
    private: Option<Proc>,
    destination: &Path,
    root: &RootDir,
) -> Result<OwnedFd, InitError> {
    let failed = |(source, log)| InitError::Mount { destination: destination.to_owned(), log, source };
    let plain = |error: io::Error| failed((error, String::new()));
    if kind == "tmpfs" && !options.data.iter().any(|(key, _)| key == "mode") {
        // As the directory that it covers: an image's `/run` is not for everybody to write to.
        if let Ok(covered) = root.open_at(destination, OFlags::PATH | OFlags::DIRECTORY) {
            let mode = rustix::fs::fstat(&covered).map_err(|error| plain(error.into()))?.st_mode & 0o7777;
            options.data.push(("mode".to_owned(), Some(format!("{mode:o}"))));
        }
    }
    let target = directory(root, destination)?;
    let made = match private {
        Some(Proc(mount)) => mount,
        None => match file_system(kind, mount.source().as_deref(), &options) {
            // The kernel wants the network to belong to the user namespace.
            Err((error, _)) if kind == "sysfs" && error.kind() == io::ErrorKind::PermissionDenied => {
                return bind::host_sys().and_then(|tree| attach(&tree, target).map(|()| tree)).map_err(plain);
            }
            result => result.map_err(failed)?,
        },
    };
    if options.copy_up {
        let covered = root.open_at(destination, OFlags::RDONLY | OFlags::DIRECTORY).map_err(plain)?;
        set_attributes(&made, false, MountAttrFlags::empty(), MountAttrFlags::MOUNT_ATTR_RDONLY, None)
            .map_err(plain)?;
        copy_up::copy(covered.as_fd(), made.as_fd()).map_err(plain)?;
    }
    if !options.propagation.is_empty() || options.copy_up || kind == "proc" {
        bind::change(&made, &options).map_err(plain)?;
    }
    attach(&made, target).map_err(plain)?;
    Ok(made)
}

/// Changes what is mounted there already: by the attributes that are named, no others.
fn remount(destination: &Path, options: &Options, root: &RootDir) -> Result<(), InitError> {
    let failed = |(source, log)| InitError::Mount { destination: destination.to_owned(), log, source };
    let plain = |error: io::Error| failed((error, String::new()));
    let target = root.open_at(destination, OFlags::PATH).map_err(plain)?;
    if options.bind.is_none() && !options.data.is_empty() {
        file_system::reconfigure(&target, options).map_err(failed)?;
    }
    for (recursive, attributes) in [(true, options.recursive), (false, options.attributes)] {
        if !attributes.is_empty() {
            set_attributes(&target, recursive, attributes.set, attributes.clear, None).map_err(plain)?;
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

/// Puts a detached file or directory where it is to be seen.
fn show(tree: OwnedFd, destination: &Path, root: &RootDir) -> Result<(), InitError> {
    let failed =
        |source: io::Error| InitError::Mount { destination: destination.to_owned(), log: String::new(), source };
    let status = rustix::fs::fstat(&tree).map_err(|error| failed(error.into()))?;
    let target = if FileType::from_raw_mode(status.st_mode).is_dir() {
        directory(root, destination)?
    } else {
        root.ensure_file(destination)
            .and_then(|target| plain(root, destination, target))
            .map_err(|source| InitError::MountPoint { destination: destination.to_owned(), source })
            .and_then(|target| checked(destination, target))?
    };
    attach(tree, target).map_err(failed)
}

/// Puts a detached mount on `target`.
pub(super) fn attach(mount: impl AsFd, target: impl AsFd) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(move_mount(mount, "", target, "", flags)?)
}

/// Directories of cgroups, in one of their controllers' names if they have any.
fn cgroups(
    destination: &Path,
    options: &Options,
    root: &RootDir,
    directories: &[(&str, PathBuf)],
) -> Result<(), InitError> {
    let failed =
        |source: io::Error| InitError::Mount { destination: destination.to_owned(), log: String::new(), source };
    let show = |path: &Path, target: OwnedFd| -> io::Result<()> {
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        let tree = open_tree(CWD, path, flags)?;
        set_attributes(&tree, false, options.attributes.set, options.attributes.clear, None)?;
        attach(tree, target)
    };
    let target = directory(root, destination)?;
    if let [("", path)] = directories {
        return show(path, target).map_err(failed);
    }
    let data = vec![("mode".to_owned(), Some("755".to_owned()))];
    let mut tmpfs = Options { data, attributes: options.attributes, ..Options::default() };
    // Until the directories of the controllers are made in it.
    tmpfs.attributes.set -= MountAttrFlags::MOUNT_ATTR_RDONLY;
    let made = file_system("tmpfs", None, &tmpfs).map_err(|(error, _)| failed(error))?;
    attach(&made, target).map_err(failed)?;
    for (controller, path) in directories {
        show(path, directory(root, &destination.join(controller))?).map_err(failed)?;
    }
    set_attributes(&made, false, options.attributes.set, options.attributes.clear, None).map_err(failed)
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
