//! The layers below, and a directory for what is changed over them, as one tree.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Gid, Mode, OFlags, Uid, openat};
use rustix::io::Errno;

use super::WorkspaceError;
use super::stubs::{self, Stub};
use crate::image::{Store, Workplace};
use crate::sys::{RootDir, overlay};

/// A layer in the making.
#[derive(Debug)]
pub struct Workspace {
    /// The layers below, lowest first.
    layers: Vec<PathBuf>,
    workplace: Workplace,
    root: RootDir,
    /// How often it was mounted: each time wants an empty directory to work in.
    mounted: u32,
    /// Whether it was mounted by somebody else, who may have unmounted it.
    handed_over: bool,
}

impl Workspace {
    /// A new layer over `layers`, lowest first; over nothing if there are none. Needs no privilege but to mount.
    ///
    /// # Errors
    /// [`WorkspaceError`].
    pub fn over(layers: &[PathBuf], store: &Store) -> Result<Self, WorkspaceError> {
        let workplace = store.make_workplace()?;
        let mut layers = layers.to_owned();
        if layers.is_empty() {
            // The kernel wants one.
            let empty = workplace.path().join("empty");
            make(&empty)?;
            layers.push(empty);
        }
        make(&workplace.path().join("upper"))?;
        let root = mount(&layers, &[], workplace.path(), 0)?;
        Ok(Self { layers, workplace, root: RootDir::from(root), mounted: 1, handed_over: false })
    }

    /// All of it as one tree: what is written to it is in the new layer.
    #[must_use]
    pub fn root(&self) -> &RootDir {
        &self.root
    }

    /// The directory in which the disk has what is written to it: what is copied there may share its blocks.
    ///
    /// # Errors
    /// [`WorkspaceError::Prepare`].
    pub fn upper(&self) -> Result<RootDir, WorkspaceError> {
        let path = self.workplace.path().join("upper");
        RootDir::open(&path).map_err(prepare(&path))
    }

    /// What is below what is changed, lowest first.
    #[must_use]
    pub fn layers(&self) -> &[PathBuf] {
        &self.layers
    }

    /// A directory that goes with this one, on the file system of the store: for what is thrown away at the end.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.workplace.path()
    }

    /// Sees to it that something can be mounted at each of these places without a trace of that in the layer: what is missing
    /// is put in yet another layer below.
    ///
    /// # Errors
    /// [`WorkspaceError`].
    pub fn make_mount_points(&mut self, wanted: &[Stub]) -> Result<(), WorkspaceError> {
        let directory = self.workplace.path().join(format!("stubs{}", self.mounted));
        let above = if stubs::make(&self.root, wanted, &directory)? { vec![directory] } else { Vec::new() };
        if above.is_empty() && !self.handed_over {
            return Ok(());
        }
        // The old mount ends first: two with one upper directory are not defined.
        let nothing = RootDir::open(self.workplace.path()).map_err(prepare(self.workplace.path()))?;
        drop(std::mem::replace(&mut self.root, nothing));
        self.root = RootDir::from(mount(&self.layers, &above, self.workplace.path(), self.mounted)?);
        self.mounted += 1;
        self.handed_over = false;
        Ok(())
    }

    /// The root for somebody who mounts it somewhere, which can be done once.
    ///
    /// # Errors
    /// When there are too many open files.
    pub fn hand_over(&mut self) -> io::Result<OwnedFd> {
        self.handed_over = true;
        self.root.as_fd().try_clone_to_owned()
    }

    /// Unmounts it. What was changed is in the directory `upper`, as an overlay keeps it.
    pub(super) fn unmount(self) -> Workplace {
        self.workplace
    }
}

/// Mounts the layers `lower` and `above`, lowest first, and the directory `upper` of `workplace` over them, for the time of this
/// `number`.
fn mount(lower: &[PathBuf], above: &[PathBuf], workplace: &Path, number: u32) -> Result<OwnedFd, WorkspaceError> {
    let opened = lower.iter().chain(above).map(|layer| open(layer).map_err(prepare(layer)));
    let opened = opened.collect::<Result<Vec<_>, _>>()?;
    let (upper, work) = (workplace.join("upper"), workplace.join(format!("work{number}")));
    make(&work)?;
    let (upper, work) = (open(&upper).map_err(prepare(&upper))?, open(&work).map_err(prepare(&work))?);
    // The root is that of the topmost layer, which is this one.
    if let (0, Some(topmost)) = (number, opened.last()) {
        dress(topmost, &upper).map_err(prepare(workplace))?;
    }
    overlay::writable(&opened, &upper, &work).map_err(WorkspaceError::Mount)
}

/// Gives the directory `to` owner and mode of `from`.
fn dress(from: &OwnedFd, to: &OwnedFd) -> io::Result<()> {
    let status = rustix::fs::fstat(from)?;
    let to = crate::sys::reopen(to, OFlags::RDONLY | OFlags::DIRECTORY)?;
    rustix::fs::fchown(&to, Some(Uid::from_raw(status.st_uid)), Some(Gid::from_raw(status.st_gid)))?;
    Ok(rustix::fs::fchmod(&to, Mode::from_raw_mode(status.st_mode))?)
}

fn make(directory: &Path) -> Result<(), WorkspaceError> {
    let make = || {
        rustix::fs::mkdir(directory, Mode::RWXU)?;
        // Whatever the umask is.
        rustix::fs::chmod(directory, Mode::from(0o755))
    };
    make().map_err(|error: Errno| prepare(directory)(error.into()))
}

pub(super) fn prepare(path: &Path) -> impl FnOnce(io::Error) -> WorkspaceError {
    move |source| WorkspaceError::Prepare { path: path.to_owned(), source }
}

fn open(path: &Path) -> io::Result<OwnedFd> {
    Ok(openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}
