//! Files of the host, one by one, into a container: as `watch` does it.
//!
//! A file takes the place of the one before it whole (`renameat(2)`): who reads it sees the one or the other. It has the mode and
//! the time of the original, and the owner of the file that it replaces or else of the directory that it comes into: whoever
//! made the image has said who they are.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid};

use super::{Files, FilesError};
use crate::runtime::init::user_namespace::with_files_of;
use crate::sys::{Owner, RootDir};

/// What is to become of a container's files.
pub struct Mirror<'a> {
    /// What is removed first, with what is below it; nothing of another mount is.
    pub removed: &'a [PathBuf],
    /// What is in a directory that is removed, and stays all the same.
    pub stays: &'a dyn Fn(&Path) -> bool,
    /// Files, directories and symlinks, each with its place. One that is gone is passed over.
    pub copied: &'a [(PathBuf, PathBuf)],
    /// Leaves files alone that have the size, mode and time of the original.
    pub only_other: bool,
}

impl std::fmt::Debug for Mirror<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { removed, copied, only_other, .. } = self;
        let mut fields = formatter.debug_struct("Mirror");
        fields.field("removed", removed).field("copied", copied).field("only_other", only_other).finish_non_exhaustive()
    }
}

/// What has been done.
#[derive(Debug, Default)]
pub struct Mirrored {
    /// How many files and directories were written.
    pub written: usize,
    /// What could not be done.
    pub failures: Vec<FilesError>,
}

impl Files {
    /// Makes these files what those of the host are, as far as `mirror` says. What fails is passed over.
    ///
    /// # Errors
    /// [`FilesError::Input`] when nothing can be done at all.
    pub fn mirror(&self, mirror: &Mirror<'_>) -> Result<Mirrored, FilesError> {
        let mut mirroring = Mirroring { root: &self.root, owners: HashMap::new(), made: 0 };
        match self.on_host(Owner { uid: 0, gid: 0 }).filter(|_| self.ids.is_some()) {
            // As when an archive is unpacked.
            Some(root) => {
                let root = (Uid::from_raw(root.uid), Gid::from_raw(root.gid));
                with_files_of(root, || mirroring.all(mirror)).map_err(FilesError::Input)
            }
            None => Ok(mirroring.all(mirror)),
        }
    }
}

struct Mirroring<'a> {
    root: &'a RootDir,
    /// Whose the directories are that files have come into.
    owners: HashMap<PathBuf, Owner>,
    /// How many temporary names there were.
    made: u32,
}

impl Mirroring<'_> {
    fn all(&mut self, mirror: &Mirror<'_>) -> Mirrored {
        let mut mirrored = Mirrored::default();
        for path in mirror.removed {
            if let Err(source) = self.root.remove_own(path, mirror.stays) {
                mirrored.failures.push(FilesError::Remove { path: path.clone(), source });
            }
        }
        for (from, to) in mirror.copied {
            match self.copy(from, to, mirror.only_other) {
                Ok(written) => mirrored.written += usize::from(written),
                Err(error) => mirrored.failures.push(error),
            }
        }
        mirrored
    }

    /// Whether it has written anything.
    fn copy(&mut self, from: &Path, to: &Path, only_other: bool) -> Result<bool, FilesError> {
        let failed = |source: io::Error| FilesError::Write { path: to.to_owned(), source };
        let original = match rustix::fs::statat(CWD, from, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(original) => original,
            // What becomes of it now is told next.
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => return Ok(false),
            Err(errno) => return Err(FilesError::Read { path: from.to_owned(), source: errno.into() }),
        };
        let kind = FileType::from_raw_mode(original.st_mode);
        let parent = to.parent().unwrap_or(Path::new("/"));
        let owner = self.directory(parent).map_err(failed)?;
        let there = if to.file_name().is_some() { self.root.stat(to).map_err(failed)? } else { None };
        let there_kind = there.map(|there| FileType::from_raw_mode(there.st_mode));
        if there.is_some_and(|there| (there.st_dev, there.st_ino) == (original.st_dev, original.st_ino)) {
            // The directory is mounted there: it is the file itself.
            return Ok(false);
        }
        if kind == FileType::Directory {
            if to.file_name().is_none() || self.root.open_at(to, OFlags::PATH | OFlags::DIRECTORY).is_ok() {
                return Ok(false);
            }
            if there.is_some() {
                self.root.remove_all(to).map_err(failed)?;
            }
            self.make_directory(to, owner, original.st_mode & 0o7777).map_err(failed)?;
            return Ok(true);
        }
        if only_other && kind == FileType::RegularFile && there.is_some_and(|there| is_same(&original, &there)) {
            return Ok(false);
        }
        if there_kind == Some(FileType::Directory) {
            self.owners.retain(|path, _| !path.starts_with(to));
            self.root.remove_own(to, &|_| false).map_err(failed)?;
        }
        match kind {
            FileType::RegularFile => {
                let replaced = there.filter(|_| there_kind == Some(FileType::RegularFile));
                let owner = replaced.map_or(owner, |there| Owner { uid: there.st_uid, gid: there.st_gid });
                self.file(from, to, owner)
            }
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(CWD, from, Vec::new());
                let target =
                    target.map_err(|errno| FilesError::Read { path: from.to_owned(), source: errno.into() })?;
                let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
                if only_other && self.leads_to(to, &target) {
                    return Ok(false);
                }
                let temporary = self.temporary(parent);
                self.root.symlink(&target, &temporary).map_err(failed)?;
                self.in_place(&temporary, to, |root| root.chown(&temporary, owner)).map_err(failed)
            }
            // Sockets, fifos and devices mean something to this machine alone.
            _ => Ok(false),
        }
    }

    fn leads_to(&self, link: &Path, target: &Path) -> bool {
        let there = self.root.open_itself(link).and_then(|link| Ok(rustix::fs::readlinkat(link, "", Vec::new())?));
        there.is_ok_and(|there| there.as_bytes() == target.as_os_str().as_encoded_bytes())
    }

    fn file(&mut self, from: &Path, to: &Path, owner: Owner) -> Result<bool, FilesError> {
        let failed = |source: io::Error| FilesError::Write { path: to.to_owned(), source };
        // Whatever it has become meanwhile: no link is followed, and nothing waited for.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let (content, original) = match rustix::fs::open(from, flags, Mode::empty())
            .and_then(|content| rustix::fs::fstat(&content).map(|status| (content, status)))
        {
            Ok(opened) => opened,
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::LOOP) => return Ok(false),
            Err(errno) => return Err(FilesError::Read { path: from.to_owned(), source: errno.into() }),
        };
        if FileType::from_raw_mode(original.st_mode) != FileType::RegularFile {
            return Ok(false);
        }
        let mut content = File::from(content);
        let temporary = self.temporary(to.parent().unwrap_or(Path::new("/")));
        let file = self.root.create_file(&temporary, 0o600).map_err(failed)?;
        let written = self.in_place(&temporary, to, |_| write(&mut content, file, &original, owner));
        match written {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                // A file is mounted there: it can be written to, and not replaced.
                let file = self.root.open_at(to, OFlags::WRONLY | OFlags::TRUNC | OFlags::NOCTTY).map_err(failed)?;
                io::Seek::rewind(&mut content).map_err(failed)?;
                write(&mut content, file, &original, owner).map_err(failed)?;
                Ok(true)
            }
            written => written.map_err(failed),
        }
    }

    /// Has `temporary` completed and put at `to`; it does not stay if that fails.
    fn in_place(
        &self,
        temporary: &Path,
        to: &Path,
        complete: impl FnOnce(&RootDir) -> io::Result<()>,
    ) -> io::Result<bool> {
        let placed = complete(self.root).and_then(|()| self.root.rename(temporary, to));
        if placed.is_err() {
            // Why it could not be placed is what matters.
            let _ = self.root.remove_all(temporary);
        }
        placed.map(|()| true)
    }

    /// A name that nothing has, beside what it is for: a hidden one, as those of editors are.
    fn temporary(&mut self, directory: &Path) -> PathBuf {
        self.made += 1;
        directory.join(format!(".rcompose-{}-{}~", std::process::id(), self.made))
    }

    /// Makes a directory and those above it that are not there, and says whose it is.
    fn directory(&mut self, path: &Path) -> io::Result<Owner> {
        if let Some(owner) = self.owners.get(path) {
            return Ok(*owner);
        }
        let owner = match self.root.open_at(path, OFlags::PATH | OFlags::DIRECTORY) {
            Ok(directory) => {
                let status = rustix::fs::fstat(directory)?;
                Owner { uid: status.st_uid, gid: status.st_gid }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let owner = self.directory(path.parent().unwrap_or(Path::new("/")))?;
                self.make_directory(path, owner, 0o755)?;
                owner
            }
            Err(error) => return Err(error),
        };
        self.owners.insert(path.to_owned(), owner);
        Ok(owner)
    }

    fn make_directory(&self, path: &Path, owner: Owner, mode: u32) -> io::Result<()> {
        self.root.mkdir(path, 0o700)?;
        self.root.chown(path, owner)?;
        self.root.chmod(path, mode)
    }
}

/// The owner first: a change of it clears set-user-id bits.
fn write(content: &mut File, file: OwnedFd, original: &Stat, owner: Owner) -> io::Result<()> {
    let mut file = File::from(file);
    io::copy(content, &mut file)?;
    rustix::fs::fchown(&file, Some(Uid::from_raw(owner.uid)), Some(Gid::from_raw(owner.gid)))?;
    rustix::fs::fchmod(&file, Mode::from_raw_mode(original.st_mode & 0o7777))?;
    let modified = modified(original);
    Ok(rustix::fs::futimens(&file, &Timestamps { last_access: modified, last_modification: modified })?)
}

fn modified(status: &Stat) -> Timespec {
    Timespec { tv_sec: status.st_mtime, tv_nsec: status.st_mtime_nsec.try_into().unwrap_or_default() }
}

/// Whether what is there is as good as the original. An image knows whole seconds only.
fn is_same(original: &Stat, there: &Stat) -> bool {
    let (own, other) = (modified(original), modified(there));
    FileType::from_raw_mode(there.st_mode) == FileType::RegularFile
        && (original.st_size, original.st_mode, own.tv_sec) == (there.st_size, there.st_mode, other.tv_sec)
        && (own.tv_nsec == other.tv_nsec || other.tv_nsec == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    fn mirror(root: &Path, copied: &[(PathBuf, PathBuf)], removed: &[&str], only_other: bool) -> Mirrored {
        let removed: Vec<_> = removed.iter().map(PathBuf::from).collect();
        let files = Files::below(RootDir::open(root).unwrap());
        files.mirror(&Mirror { removed: &removed, stays: &|_| false, copied, only_other }).unwrap()
    }

    #[test]
    fn files_become_what_those_of_the_host_are() {
        let directory = tempfile::tempdir().unwrap();
        let (host, root) = (directory.path().join("host"), directory.path().join("root"));
        fs_err::create_dir_all(host.join("dir/deep")).unwrap();
        fs_err::create_dir_all(root.join("app/was_dir")).unwrap();
        fs_err::create_dir_all(root.join("app/stale/deep")).unwrap();
        for (name, content) in [("file", "new"), ("dir/deep/inner", "inner"), ("was_dir", "file now")] {
            fs_err::write(host.join(name), content).unwrap();
        }
        fs_err::set_permissions(host.join("file"), std::fs::Permissions::from_mode(0o750)).unwrap();
        symlink("file", host.join("link")).unwrap();
        fs_err::write(root.join("app/file"), "old").unwrap();
        nix::unistd::chown(&root.join("app"), Some(1234.into()), Some(4321.into())).unwrap();
        nix::unistd::chown(&root.join("app/file"), Some(5.into()), Some(6.into())).unwrap();
        // A way out, which leads nowhere.
        symlink("../..", root.join("app/out")).unwrap();
        let names = ["file", "dir", "dir/deep", "dir/deep/inner", "was_dir", "link", "none"];
        let mut copied: Vec<_> = names.map(|name| (host.join(name), Path::new("/app").join(name))).to_vec();
        copied.push((host.join("file"), PathBuf::from("/app/out/outside")));
        let mirrored = mirror(&root, &copied, &["/app/stale"], false);
        assert!(mirrored.failures.is_empty(), "{mirrored:?}");
        assert_eq!(mirrored.written, 7, "all but the one that is not there");

        let app = root.join("app");
        let owner = |name: &str| {
            let status = fs_err::symlink_metadata(app.join(name)).unwrap();
            (status.uid(), status.gid())
        };
        assert_eq!(fs_err::read_to_string(app.join("file")).unwrap(), "new");
        assert_eq!(fs_err::read_to_string(app.join("was_dir")).unwrap(), "file now");
        assert_eq!(fs_err::read_link(app.join("link")).unwrap(), Path::new("file"));
        assert_eq!(owner("file"), (5, 6), "as it was");
        for name in ["dir", "dir/deep/inner", "link"] {
            assert_eq!(owner(name), (1234, 4321), "as the directory: {name}");
        }
        let (file, original) =
            (fs_err::metadata(app.join("file")).unwrap(), fs_err::metadata(host.join("file")).unwrap());
        assert_eq!((file.mode(), file.mtime_nsec()), (original.mode(), original.mtime_nsec()));
        assert!(!app.join("stale").exists());
        assert!(root.join("outside").exists() && !directory.path().join("outside").exists());
        let left: Vec<_> = fs_err::read_dir(&app).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().starts_with(".rcompose")), "{left:?}");

        copied.pop();
        assert_eq!(mirror(&root, &copied, &[], true).written, 0, "all of it is there");
        fs_err::write(host.join("file"), "newer").unwrap();
        assert_eq!(mirror(&root, &copied, &[], true).written, 1);
    }

    #[test]
    fn what_is_the_same_file_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs_err::write(root.join("file"), "content").unwrap();
        let before = fs_err::metadata(root.join("file")).unwrap();
        let mirrored = mirror(root, &[(root.join("file"), PathBuf::from("/file"))], &[], false);
        assert_eq!(mirrored.written, 0);
        let after = fs_err::metadata(root.join("file")).unwrap();
        assert_eq!((before.ino(), before.ctime_nsec()), (after.ino(), after.ctime_nsec()));
    }
}
