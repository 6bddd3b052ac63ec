//! The files of a container that does not run: its layers and what it mounts, put together for a while in a mount namespace
//! of a thread.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::mount::{
    MountAttrFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, mount_change, move_mount,
    open_tree, unmount,
};

use super::{Files, FilesError};
use crate::runtime::init::rootfs::{layers, layers_by_path, open_layers};
use crate::sys::RootDir;
use crate::sys::mount::{copy_mounts, set_attributes};

/// A container that does not run. All paths but those of [`Bind::target`] are the host's.
#[derive(Debug, Clone)]
pub struct Stopped {
    /// Its layers, lowest first.
    pub lower: Vec<PathBuf>,
    /// What it has changed.
    pub upper: PathBuf,
    /// Where the kernel works, on the file system of `upper`.
    pub work: PathBuf,
    /// A directory to mount all of it on, where only we see it.
    pub place: PathBuf,
    /// What the kernel leaves in `work` while the layers are mounted.
    pub mark: PathBuf,
    /// What it mounts of the host: volumes and other directories and files.
    pub binds: Vec<Bind>,
}

/// A directory or file of the host in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// Where it is on the host.
    pub source: PathBuf,
    /// Where it is in the container.
    pub target: PathBuf,
    /// The part of the source that it is, if not all.
    pub part: Option<PathBuf>,
    /// Whether it cannot be written to.
    pub read_only: bool,
}

/// Calls `work` with the files of a container that must not run meanwhile.
///
/// # Errors
/// [`FilesError::Mount`], [`FilesError::InMemory`], or those of `work`.
pub fn with_stopped<T: Send, E: From<FilesError> + Send>(
    stopped: &Stopped,
    work: impl FnOnce(&Files) -> Result<T, E> + Send,
) -> Result<T, E> {
    // The namespace goes with the thread, and all mounts in it.
    let thread = std::thread::scope(|scope| {
        let mounted = scope.spawn(|| {
            let files = Files::below(mount(stopped)?);
            let result = work(&files);
            drop(files);
            // At once rather than when the kernel comes to it: the container may be started next.
            let _ = unmount(&stopped.place, UnmountFlags::DETACH);
            result
        });
        mounted.join()
    });
    thread.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn failed(step: impl Into<String>) -> impl FnOnce(io::Error) -> FilesError {
    let step = step.into();
    move |source| FilesError::Mount { step, source }
}

fn mount(stopped: &Stopped) -> Result<RootDir, FilesError> {
    copy_mounts().map_err(failed("a mount namespace"))?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).map_err(io::Error::from).map_err(failed("private mounts"))?;
    let root = overlay(stopped)?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    move_mount(&root, "", CWD, &stopped.place, flags).map_err(io::Error::from).map_err(failed("the root"))?;
    // Not a sign of a power failure: what is unmounted without a sync now is written back in a while.
    remove_mark(&stopped.mark)?;
    let root = RootDir::from(root);
    for bind in &stopped.binds {
        attach(&root, bind).map_err(failed(format!("`{}`", bind.target.display())))?;
    }
    Ok(root)
}

fn overlay(stopped: &Stopped) -> Result<OwnedFd, FilesError> {
    // The container has ended, and so was unmounted: who asks sees to that.
    remove_mark(&stopped.mark)?;
    let open = |path: &PathBuf| -> Result<OwnedFd, FilesError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(CWD, path, flags, Mode::empty());
        opened.map_err(io::Error::from).map_err(failed(format!("`{}`", path.display())))
    };
    let Stopped { lower, upper, work, .. } = stopped;
    let fds = open_layers(lower).map_err(failed("its layers"))?;
    let made = match layers(&fds, &open(upper)?, &open(work)?, true) {
        Ok(Some(mount)) => Ok(mount),
        Ok(None) => layers_by_path(lower, upper, work, true),
        Err((error, _)) => Err(error),
    };
    made.map_err(|error| match lower.iter().any(|lower| upper.starts_with(lower)) {
        // As at its start: see `Rootfs::Overlay`.
        true => FilesError::InMemory,
        false => failed("its layers")(error),
    })
}

fn remove_mark(mark: &Path) -> Result<(), FilesError> {
    match fs_err::remove_dir_all(mark) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("its layers")(error)),
        _ => Ok(()),
    }
}

/// Puts a directory or file of the host where the container has it.
fn attach(root: &RootDir, bind: &Bind) -> io::Result<()> {
    let source = match &bind.part {
        // What a container has put there must not lead out of the volume.
        Some(part) => RootDir::open(&bind.source).and_then(|source| source.open_at(part, OFlags::PATH)),
        None => {
            rustix::fs::openat(CWD, &bind.source, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).map_err(Into::into)
        }
    };
    let source = match source {
        // One that is gone is missed when the container is started.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        result => result?,
    };
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    let tree = open_tree(&source, "", flags | OpenTreeFlags::AT_EMPTY_PATH)?;
    if bind.read_only {
        set_attributes(&tree, true, MountAttrFlags::MOUNT_ATTR_RDONLY, MountAttrFlags::empty(), None)?;
    }
    let target = if FileType::from_raw_mode(rustix::fs::fstat(&tree)?.st_mode).is_dir() {
        root.ensure_dir(&bind.target, Mode::from(0o755))?
    } else {
        root.ensure_file(&bind.target)?
    };
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(move_mount(&tree, "", &target, "", flags)?)
}
