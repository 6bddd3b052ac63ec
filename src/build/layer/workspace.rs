//! The layers below, and a directory for what is changed over them, as one tree.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Gid, Mode, OFlags, Uid, openat};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen};

use super::WorkspaceError;
use super::stubs::{self, Stub};
use crate::image::{Store, Workplace};
use crate::sys::{RootDir, overlay};

/// A layer in the making.
#[derive(Debug)]
pub struct Workspace {
    /// The layers below, lowest first.
    layers: Vec<PathBuf>,
    pub(super) workplace: Workplace,
    /// Holds what is changed when that cannot be in the store: the kernel takes no upper directory below a lower one, and the
    /// store is below `/`.
    pub(super) memory: Option<OwnedFd>,
    root: RootDir,
    /// How often it was mounted: each time wants an empty directory to work in.
    mounted: u32,
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
        let mut memory = None;
        let holder = open(workplace.path()).map_err(prepare(workplace.path()))?;
        let root = match mount(&layers, &[], holder.as_fd(), 0)? {
            Err(error) if is_overlap(&error) => {
                let held = in_memory().map_err(WorkspaceError::Mount)?;
                let root = mount(&layers, &[], held.as_fd(), 0)?.map_err(WorkspaceError::Mount)?;
                memory = Some(held);
                root
            }
            mounted => mounted.map_err(WorkspaceError::Mount)?,
        };
        Ok(Self { layers, workplace, memory, root: RootDir::from(root), mounted: 1 })
    }

    /// All of it as one tree: what is written to it is in the new layer.
    #[must_use]
    pub fn root(&self) -> &RootDir {
        &self.root
    }

    /// Where the disk has what is written to it, if a disk has: what is copied there may share its blocks.
    ///
    /// # Errors
    /// What `open(2)` says.
    pub fn upper(&self) -> io::Result<Option<RootDir>> {
        match &self.memory {
            Some(_) => Ok(None),
            None => RootDir::open(&self.workplace.path().join("upper")).map(Some),
        }
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
        if !stubs::make(&self.root, wanted, &directory)? {
            return Ok(());
        }
        let holder = match &self.memory {
            Some(memory) => memory.try_clone(),
            None => open(self.workplace.path()),
        };
        let holder = holder.map_err(prepare(self.workplace.path()))?;
        // The old mount ends first: two with one upper directory are not defined.
        let nothing = RootDir::open(&directory).map_err(prepare(&directory))?;
        drop(std::mem::replace(&mut self.root, nothing));
        let mounted = mount(&self.layers, &[directory], holder.as_fd(), self.mounted)?;
        self.root = RootDir::from(mounted.map_err(WorkspaceError::Mount)?);
        self.mounted += 1;
        Ok(())
    }

    /// Unmounts it. What was changed is in the directory that is returned, as an overlay keeps it.
    pub(super) fn unmount(self) -> Result<(Workplace, Option<OwnedFd>, OwnedFd), WorkspaceError> {
        let Self { workplace, memory, root, .. } = self;
        drop(root);
        let upper = match &memory {
            Some(memory) => open_below(memory.as_fd(), "upper"),
            None => open(&workplace.path().join("upper")),
        };
        let upper = upper.map_err(prepare(workplace.path()))?;
        Ok((workplace, memory, upper))
    }
}

/// Mounts the layers `lower` and `above`, lowest first, and the directory `upper` of `holder` over them.
fn mount(
    lower: &[PathBuf],
    above: &[PathBuf],
    holder: BorrowedFd<'_>,
    number: u32,
) -> Result<io::Result<OwnedFd>, WorkspaceError> {
    let opened = lower.iter().chain(above).map(|layer| open(layer).map_err(prepare(layer)));
    let opened = opened.collect::<Result<Vec<_>, _>>()?;
    let work = format!("work{number}");
    let mounted = || -> io::Result<OwnedFd> {
        let upper = open_below(holder, "upper")?;
        // The root is that of the topmost layer, which is this one.
        if let (0, Some(topmost)) = (number, opened.last()) {
            dress(topmost, &upper)?;
        }
        match rustix::fs::mkdirat(holder, &*work, Mode::RWXU) {
            Err(Errno::EXIST) => {}
            made => made?,
        }
        overlay::writable(&opened, &upper, &open_below(holder, &work)?)
    };
    Ok(mounted())
}

/// Gives the directory `to` owner and mode of `from`.
fn dress(from: &OwnedFd, to: &OwnedFd) -> io::Result<()> {
    let status = rustix::fs::fstat(from)?;
    let to = crate::sys::reopen(to, OFlags::RDONLY | OFlags::DIRECTORY)?;
    rustix::fs::fchown(&to, Some(Uid::from_raw(status.st_uid)), Some(Gid::from_raw(status.st_gid)))?;
    Ok(rustix::fs::fchmod(&to, Mode::from_raw_mode(status.st_mode))?)
}

/// A file system in memory with an upper directory in it, mounted nowhere.
fn in_memory() -> io::Result<OwnedFd> {
    let fs = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(&fs, "mode", "700")?;
    // Of the machine's memory, as is the kernel's default; but for the number of files there is no need of one.
    fsconfig_set_string(&fs, "nr_inodes", "0")?;
    fsconfig_create(&fs)?;
    let memory = fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())?;
    rustix::fs::mkdirat(&memory, "upper", Mode::from(0o755))?;
    Ok(memory)
}

fn is_overlap(error: &io::Error) -> bool {
    [Errno::INVAL, Errno::LOOP, Errno::BUSY].iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
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

fn open_below(directory: BorrowedFd<'_>, name: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(directory, name, flags, Mode::empty())?)
}
