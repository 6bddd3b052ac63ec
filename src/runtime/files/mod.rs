//! The files of a container, reached from outside: no program in it takes part, and nothing in it leads out.
//!
//! ```text
//! running:  /proc/PID/root ──┐                         ┌─▶ pack ──▶ tar
//! stopped:  its layers and ──┼─▶ RootDir (openat2) ────┤
//!           mounts, mounted  │                         └── unpack ◀─ tar
//! host:     / ───────────────┘
//! ```
//!
//! Every path is resolved by the kernel below the root ([`RootDir`]); what was found is acted on by its descriptor. A
//! directory that is filled is itself the root for what is unpacked: a symlink in there leads no further than that.

mod copy_tree;
mod error;
mod mirror;
mod pack;
mod stopped;
mod unpack;

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::process::Pid;

use super::init::user_namespace::Mappings;
use super::{Handle, RuntimeError, id_map};
use crate::sys::{Owner, RootDir};

pub use copy_tree::{copy_directory, copy_tree, move_in};
pub use error::FilesError;
pub use mirror::{Mirror, Mirrored};
pub use pack::{Contents, Extent, InPlace, pack_layer};
pub use stopped::{Bind, Stopped, with_stopped};
pub use unpack::{Owners, Unpack};

/// How many symlinks may lead to one another.
const LINKS: usize = 40;

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A symlink.
    Symlink,
    /// A regular file, or something that is no directory.
    File,
}

/// A tree of files with whose they are.
#[derive(Debug)]
pub struct Files {
    root: RootDir,
    /// Which ids of the host those inside are; `None` where they are the same.
    ids: Option<Mappings>,
}

impl Handle {
    /// The files of the container, with all that is mounted in it.
    ///
    /// # Errors
    /// [`RuntimeError::NotRunning`], [`RuntimeError::Process`], [`RuntimeError::Record`].
    pub fn files(&self) -> Result<Files, RuntimeError> {
        self.config()?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::openat(CWD, format!("/proc/{}/root", self.pid()), flags, Mode::empty());
        let ids = Pid::from_raw(self.pid()).map(Mappings::read);
        // Asked afterwards: as long as the process is there, its pid was no other's.
        self.config()?;
        let failed = |source: io::Error| RuntimeError::Process { action: "see the files of", pid: self.pid(), source };
        let root = root.map_err(|error| failed(error.into()))?;
        let ids = match ids {
            Some(Ok(ids)) => Some(ids).filter(|ids| !is_identity(ids)),
            Some(Err(error)) => return Err(failed(io::Error::other(error))),
            None => None,
        };
        Ok(Files { root: RootDir::from(root), ids })
    }
}

fn is_identity(ids: &Mappings) -> bool {
    // The namespace of the host maps all ids there are to themselves.
    [&ids.uids, &ids.gids]
        .iter()
        .all(|map| matches!(&map[..], [all] if all.container_id() == 0 && all.host_id() == 0 && all.size() == u32::MAX))
}

impl Files {
    /// Those of this machine.
    ///
    /// # Errors
    /// What `open(2)` says.
    pub fn of_host() -> io::Result<Self> {
        Ok(Self { root: RootDir::open(Path::new("/"))?, ids: None })
    }

    /// Those of a directory that is `root`, whose ids are those of the host.
    #[must_use]
    pub fn below(root: RootDir) -> Self {
        Self { root, ids: None }
    }

    /// What is at `path`, itself or where a symlink leads; `None` for nothing.
    ///
    /// # Errors
    /// [`FilesError::Look`].
    pub fn kind(&self, path: &Path, follow: bool) -> Result<Option<Kind>, FilesError> {
        match self.open(path, follow).and_then(|entry| Ok(rustix::fs::fstat(entry)?)) {
            Ok(status) => Ok(Some(match FileType::from_raw_mode(status.st_mode) {
                FileType::Directory => Kind::Directory,
                FileType::Symlink => Kind::Symlink,
                _ => Kind::File,
            })),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(source) => Err(FilesError::Look { path: path.to_owned(), source }),
        }
    }

    /// Where `path` leads when its last component is a symlink, and further ones behind that; `path` itself for all else.
    ///
    /// # Errors
    /// [`FilesError::Look`].
    pub fn target(&self, path: &Path) -> Result<PathBuf, FilesError> {
        let failed = |source: io::Error| FilesError::Look { path: path.to_owned(), source };
        let mut target = path.to_owned();
        for _ in 0..LINKS {
            if self.kind(&target, false)? != Some(Kind::Symlink) {
                return Ok(target);
            }
            let entry = self.open(&target, false).map_err(failed)?;
            let link = rustix::fs::readlinkat(entry, "", Vec::new()).map_err(|errno| failed(errno.into()))?;
            // An absolute one replaces all before it.
            target = target.parent().unwrap_or(Path::new("/")).join(OsString::from_vec(link.into_bytes()));
        }
        Err(failed(rustix::io::Errno::LOOP.into()))
    }

    /// A descriptor (`O_PATH`) of what is at `path`.
    fn open(&self, path: &Path, follow: bool) -> io::Result<OwnedFd> {
        if follow || path.file_name().is_none() {
            self.root.open_at(path, OFlags::PATH)
        } else {
            self.root.open_itself(path)
        }
    }

    /// Who an owner on the host is inside; nobody's files are nobody's.
    fn inside(&self, owner: Owner) -> Owner {
        const NOBODY: u32 = 65534;
        let Some(ids) = &self.ids else { return owner };
        Owner {
            uid: id_map::to_inside(&ids.uids, owner.uid).unwrap_or(NOBODY),
            gid: id_map::to_inside(&ids.gids, owner.gid).unwrap_or(NOBODY),
        }
    }

    /// Who an owner inside is on the host; `None` for an id that there is not.
    fn on_host(&self, owner: Owner) -> Option<Owner> {
        let Some(ids) = &self.ids else { return Some(owner) };
        Some(Owner { uid: id_map::to_host(&ids.uids, owner.uid)?, gid: id_map::to_host(&ids.gids, owner.gid)? })
    }
}
