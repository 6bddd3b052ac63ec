//! Files and directories of the host, to be shown in the container: detached copies of their mounts.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use oci_spec::runtime::Mount;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{MoveMountFlags, OpenTreeFlags, UnmountFlags, move_mount, open_tree, unmount};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::InitError;
use super::mount_options::{Options, parse};
use crate::sys::mount::{Propagation, map_ids, set_attributes};
use crate::sys::{RootDir, overlay};

/// Whether a mount shows something that is there already.
pub(super) fn is_bind(mount: &Mount, options: &Options) -> bool {
    options.bind.is_some() || mount.typ().as_deref() == Some("bind")
}

/// What `mount` shows, with owners mapped as in `user_namespace` if it is to be.
pub(super) fn source(
    mount: &Mount,
    options: &Options,
    user_namespace: Option<BorrowedFd<'_>>,
) -> Result<OwnedFd, InitError> {
    let destination = mount.destination();
    if let Some(option) = options.for_file_system() {
        return Err(InitError::MountOption { destination: destination.clone(), option: option.to_owned() });
    }
    let path = mount.source().as_deref().unwrap_or(Path::new(""));
    let shown = options.subdirectory.as_ref().map_or_else(|| path.to_owned(), |part| path.join(part));
    let failed = |source: io::Error| InitError::MountSource { path: shown.clone(), source };
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    if options.bind == Some(true) {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    let part = options.subdirectory.as_deref();
    let copy = || copy(path, part, flags);
    let tree = match (&options.mount_namespace, &options.layers[..]) {
        (Some(namespace), _) => elsewhere(namespace, copy),
        (None, []) => copy(),
        (None, layers) => layered(path, layers, part, user_namespace),
    };
    let tree = tree.map_err(failed)?;
    // Overlays cannot be mapped, but their layers.
    if let Some(user_namespace) = user_namespace.filter(|_| options.layers.is_empty()) {
        map_ids(&tree, options.map_ids == Some(true), user_namespace)
            .map_err(|source| InitError::MapIds { path: path.to_owned(), source })?;
    }
    change(&tree, options).map_err(|source| InitError::Mount {
        destination: destination.clone(),
        log: String::new(),
        source,
    })?;
    Ok(tree)
}

/// A detached copy of the mount at `path`, or of a part of it, which no link in it leads out of.
fn copy(path: &Path, part: Option<&Path>, flags: OpenTreeFlags) -> io::Result<OwnedFd> {
    let Some(part) = part else { return Ok(open_tree(CWD, path, flags)?) };
    let part = RootDir::open(path)?.open_at(part, OFlags::PATH)?;
    Ok(open_tree(&part, "", flags | OpenTreeFlags::AT_EMPTY_PATH)?)
}

/// Layers one over the other, or a part of what they are together. They are mapped one by one.
fn layered(
    lowest: &Path,
    above: &[PathBuf],
    part: Option<&Path>,
    user_namespace: Option<BorrowedFd<'_>>,
) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let layer = |path: &Path| match user_namespace {
        Some(user_namespace) => {
            let layer = open_tree(CWD, path, flags)?;
            map_ids(&layer, false, user_namespace).map(|()| layer)
        }
        None => {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            Ok(rustix::fs::openat(CWD, path, flags, Mode::empty())?)
        }
    };
    let layers = std::iter::once(lowest).chain(above.iter().map(PathBuf::as_path));
    let layers: Vec<_> = layers.map(layer).collect::<io::Result<_>>()?;
    let tree = overlay::read_only(&layers)?;
    let Some(part) = part else { return Ok(tree) };
    let tree = RootDir::from(tree);
    let part = tree.open_at(part, OFlags::PATH)?;
    let copy = || open_tree(&part, "", flags | OpenTreeFlags::AT_EMPTY_PATH);
    match copy() {
        // Before 6.15 only what is mounted somewhere could be copied: it is for a moment, in this mount namespace.
        Err(Errno::INVAL) => {
            move_mount(&tree, "", CWD, lowest, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
            let copied = copy();
            unmount(lowest, UnmountFlags::DETACH)?;
            Ok(copied?)
        }
        copied => Ok(copied?),
    }
}

/// Does something in another mount namespace, and comes back: only there can its mounts be copied.
fn elsewhere<T>(namespace: &Path, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let open = |path: &Path| rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    let (own, other) = (open(Path::new("/proc/self/ns/mnt"))?, open(namespace)?);
    let enter = |namespace: &OwnedFd| move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Mount));
    enter(&other)?;
    let result = work();
    enter(&own)?;
    result
}

/// Changes attributes and propagation: first of the whole tree, then of the one mount, which the plain options are for.
pub(super) fn change(mount: &OwnedFd, options: &Options) -> io::Result<()> {
    // Nothing of the container shows outside and nothing new shows up in it, unless something else is asked for.
    let propagation = match options.propagation.as_slice() {
        [] => &[(Propagation::Private, true)],
        given => given,
    };
    for (recursive, attributes) in [(true, options.recursive), (false, options.attributes)] {
        let mut propagations = propagation.iter().filter(|(_, tree)| *tree == recursive).map(|(kind, _)| *kind);
        let first = propagations.next();
        if first.is_some() || !attributes.is_empty() {
            set_attributes(mount, recursive, attributes.set, attributes.clear, first)?;
        }
        for further in propagations {
            let none = super::mount_options::Attributes::default();
            set_attributes(mount, recursive, none.set, none.clear, Some(further))?;
        }
    }
    Ok(())
}

/// The host's `/sys`, read-only: for a container that may not mount one of its own because its network is another's.
pub(super) fn host_sys() -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    let tree = open_tree(CWD, "/sys", flags)?;
    change(&tree, &parse(&["rbind", "rro", "rslave"]))?;
    Ok(tree)
}
