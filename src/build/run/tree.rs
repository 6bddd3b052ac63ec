//! What is mounted in a container, mounted nowhere yet: only the descriptor leads to it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;
use rustix::mount::{
    MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, mount_change, move_mount, open_tree, unmount,
};

use super::{BindSource, Ownership};
use crate::sys::mount::{MountAttrFlags, Propagation, copy_mounts, set_attributes};
use crate::sys::{RootDir, overlay};

/// A file or directory to be mounted.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) fd: OwnedFd,
    pub(super) is_directory: bool,
}

/// Directories in which there is room for a writable one, by number.
pub(super) struct Room<'a> {
    pub(super) directory: &'a Path,
    pub(super) number: usize,
}

impl Room<'_> {
    fn make(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.directory.join(format!("{name}-{}", self.number));
        rustix::fs::mkdir(&path, Mode::from(0o755))?;
        Ok(path)
    }
}

impl Tree {
    /// A part of a tree of files, as it is.
    pub(super) fn read_only(source: &BindSource, room: &Room<'_>) -> io::Result<Self> {
        let tree = match &source.layers[..] {
            [] => Self::part_of(&RootDir::open(&room.make("empty")?)?, &source.path, room)?,
            [directory] => Self::part_of(&RootDir::open(directory)?, &source.path, room)?,
            layers => {
                let layers = layers.iter().map(|layer| open(layer)).collect::<io::Result<Vec<_>>>()?;
                Self::part_of(&RootDir::from(overlay::read_only(&layers)?), &source.path, room)?
            }
        };
        tree.set(MountAttrFlags::MOUNT_ATTR_RDONLY)
    }

    /// A part of a tree of files that can be written to, which changes nothing of it.
    pub(super) fn discarding(source: &BindSource, room: &Room<'_>) -> io::Result<Self> {
        let mut layers = source.layers.clone();
        if layers.is_empty() {
            layers.push(room.make("empty")?);
        }
        let (upper, work) = (room.make("upper")?, room.make("work")?);
        let opened = layers.iter().map(|layer| open(layer)).collect::<io::Result<Vec<_>>>()?;
        if let Some(topmost) = opened.last() {
            let status = rustix::fs::fstat(topmost)?;
            rustix::fs::chown(&upper, Some(Uid::from_raw(status.st_uid)), Some(Gid::from_raw(status.st_gid)))?;
            rustix::fs::chmod(&upper, Mode::from_raw_mode(status.st_mode))?;
        }
        let root = RootDir::from(overlay::writable(&opened, &open(&upper)?, &open(&work)?)?);
        Self::part_of(&root, &source.path, room)?.set(MountAttrFlags::empty())
    }

    /// A directory of this machine, as it is.
    pub(super) fn directory(path: &Path, read_only: bool) -> io::Result<Self> {
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        let tree = Self { fd: open_tree(CWD, path, flags)?, is_directory: true };
        tree.set(if read_only { MountAttrFlags::MOUNT_ATTR_RDONLY } else { MountAttrFlags::empty() })
    }

    /// A new file, whose name `path` may be removed once it is mounted.
    pub(super) fn file(path: &Path, content: &[u8], ownership: Ownership, executable: bool) -> io::Result<Self> {
        let options = rustix::fs::OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = rustix::fs::openat(CWD, path, options, Mode::RUSR | Mode::WUSR)?;
        let mut written = content;
        io::copy(&mut written, &mut std::fs::File::from(file))?;
        let none =
            MountAttrFlags::MOUNT_ATTR_RDONLY | MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
        let attributes = if executable { none } else { none | MountAttrFlags::MOUNT_ATTR_NOEXEC };
        Self::named(path, ownership)?.set(attributes)
    }

    /// A file or socket, whose name may be removed once it is mounted.
    pub(super) fn named(path: &Path, ownership: Ownership) -> io::Result<Self> {
        let Ownership { mode, uid, gid } = ownership;
        rustix::fs::chown(path, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
        rustix::fs::chmod(path, Mode::from_raw_mode(mode))?;
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        let tree = Self { fd: open_tree(CWD, path, flags)?, is_directory: false };
        tree.set(MountAttrFlags::empty())
    }

    /// No link in `root` leads out of it.
    fn part_of(root: &RootDir, path: &Path, room: &Room<'_>) -> io::Result<Self> {
        let part = root.open_at(path, OFlags::PATH)?;
        let is_directory = FileType::from_raw_mode(rustix::fs::fstat(&part)?.st_mode).is_dir();
        let fd = match copy(&part) {
            // Before 6.15 only what is mounted somewhere could be copied.
            Err(Errno::INVAL) => copy_when_mounted(root, path, &room.make("place")?)?,
            copied => copied?,
        };
        Ok(Self { fd, is_directory })
    }

    /// Nothing that is mounted in it elsewhere shows here, nor the other way round.
    fn set(self, attributes: MountAttrFlags) -> io::Result<Self> {
        set_attributes(&self.fd, true, attributes, MountAttrFlags::empty(), Some(Propagation::Private))?;
        Ok(self)
    }
}

fn copy(part: &OwnedFd) -> rustix::io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    open_tree(part, "", flags | OpenTreeFlags::AT_EMPTY_PATH)
}

/// Mounts `root` at `place` for a moment, in a mount namespace of a thread that sees nothing else of it.
fn copy_when_mounted(root: &RootDir, path: &Path, place: &Path) -> io::Result<OwnedFd> {
    let copied = std::thread::scope(|scope| {
        let copying = scope.spawn(|| -> io::Result<OwnedFd> {
            copy_mounts()?;
            mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
            move_mount(root.as_fd(), "", CWD, place, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
            let copied = RootDir::open(place)?.open_at(path, OFlags::PATH).and_then(|part| Ok(copy(&part)?));
            unmount(place, UnmountFlags::DETACH)?;
            copied
        });
        copying.join()
    });
    copied.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn open(path: &Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}
