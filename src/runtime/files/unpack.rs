//! A tar archive to files.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;
use tar::{Archive, Entry, EntryType};

use super::{Files, FilesError};
use crate::runtime::init::user_namespace::with_files_of;
use crate::sys::{Owner, RootDir};

/// As much as is read and written at once.
const CHUNK: usize = 256 * 1024;

/// Whose what is unpacked becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owners {
    /// All of it this one's.
    One(Owner),
    /// Those that the archive names.
    OfArchive,
}

impl Owners {
    /// This process's own: in a container, that of the same number.
    #[must_use]
    pub fn mine() -> Self {
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        Self::One(Owner { uid, gid })
    }
}

/// How an archive is unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unpack {
    /// Whose it becomes.
    pub owners: Owners,
    /// What the archive has takes the place of whatever is there, and a directory that is there becomes as the archive has
    /// it, as `tar` does.
    pub replace: bool,
}

impl Files {
    /// Unpacks an archive into the directory at `path`. What is there stays, but for files that the archive has too; a
    /// directory takes the place of nothing else, nor the other way round. Nothing leads out of the directory.
    ///
    /// # Errors
    /// [`FilesError`]. What was unpacked before stays.
    pub fn unpack(&self, path: &Path, how: Unpack, tar: &mut dyn Read) -> Result<(), FilesError> {
        let opened = self.root.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY);
        let directory = opened.map_err(|source| FilesError::Look { path: path.to_owned(), source })?;
        let mut unpacker = Unpacker {
            files: self,
            root: RootDir::from(directory),
            how,
            directories: Vec::new(),
            buffer: vec![0; CHUNK],
        };
        match self.on_host(Owner { uid: 0, gid: 0 }).filter(|_| self.ids.is_some()) {
            // In a user namespace of its own, the host's root is nobody, who can make no files.
            Some(root) => {
                let root = (Uid::from_raw(root.uid), Gid::from_raw(root.gid));
                with_files_of(root, || unpacker.all(tar)).map_err(FilesError::Input)?
            }
            None => unpacker.all(tar),
        }
    }
}

struct Unpacker<'a> {
    files: &'a Files,
    root: RootDir,
    how: Unpack,
    /// Times of new directories, set last because every entry changes that of its directory.
    directories: Vec<(PathBuf, Timespec)>,
    buffer: Vec<u8>,
}

/// What an entry is, beside its content.
struct Metadata {
    owner: Owner,
    mode: u32,
    modified: Timespec,
    xattrs: Vec<(OsString, Vec<u8>)>,
}

impl Unpacker<'_> {
    fn all(&mut self, tar: &mut dyn Read) -> Result<(), FilesError> {
        let mut archive = Archive::new(tar);
        for entry in archive.entries().map_err(FilesError::Input)? {
            let mut entry = entry.map_err(FilesError::Input)?;
            self.add(&mut entry)?;
        }
        for (path, modified) in std::mem::take(&mut self.directories) {
            match self.root.utimens(&path, modified) {
                // A later entry has replaced it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                result => result.map_err(|source| FilesError::Write { path, source })?,
            }
        }
        // Whoever writes to the other end is to come to theirs.
        io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(FilesError::Input).map(drop)
    }

    fn add(&mut self, entry: &mut Entry<'_, impl Read>) -> Result<(), FilesError> {
        let name = PathBuf::from(OsString::from_vec(entry.path_bytes().into_owned()));
        let refused = |reason| FilesError::Refused { path: name.clone(), reason };
        let path = normalised(&name).map_err(refused)?;
        let kind = entry.header().entry_type();
        if kind == EntryType::XGlobalHeader || path.as_os_str().is_empty() {
            // What is filled stays as it is.
            return Ok(());
        }
        let metadata = self.metadata(entry).map_err(refused)?;
        let link = || -> Result<PathBuf, FilesError> {
            let target = entry.link_name_bytes().ok_or_else(|| refused("a link to nothing"))?;
            Ok(PathBuf::from(OsString::from_vec(target.into_owned())))
        };
        let failed = |source: io::Error| FilesError::Write { path: path.clone(), source };
        if kind == EntryType::Directory {
            return self.directory(&path, &metadata);
        }
        self.give_way(&path, "a file")?;
        match kind {
            EntryType::Symlink => {
                let target = link()?;
                self.make(&path, |root| root.symlink(&target, &path))?;
                self.dress(&path, &metadata, true).map_err(failed)
            }
            EntryType::Link => {
                let target = link()?;
                let original = normalised(&target).map_err(refused)?;
                self.make(&path, |root| root.hardlink(&original, &path))
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => self.file(&path, &metadata, entry),
            EntryType::Char | EntryType::Block | EntryType::Fifo => {
                let kind = match kind {
                    EntryType::Char => FileType::CharacterDevice,
                    EntryType::Block => FileType::BlockDevice,
                    _ => FileType::Fifo,
                };
                let header = entry.header();
                let number = |number: io::Result<Option<u32>>| number.ok().flatten().unwrap_or_default();
                let (major, minor) = (number(header.device_major()), number(header.device_minor()));
                self.make(&path, |root| root.mknod(&path, kind, 0o600, major, minor))?;
                self.dress(&path, &metadata, false).map_err(failed)
            }
            _ => Err(refused("an unknown kind of entry")),
        }
    }

    fn directory(&mut self, path: &Path, metadata: &Metadata) -> Result<(), FilesError> {
        let failed = |source: io::Error| FilesError::Write { path: path.to_owned(), source };
        match self.kind(path).map_err(failed)? {
            // What is in it joins what is there.
            Some(FileType::Directory) if self.how.replace => {
                self.dress(path, metadata, false).map_err(failed)?;
                self.directories.push((path.to_owned(), metadata.modified));
                return Ok(());
            }
            Some(FileType::Directory) => return Ok(()),
            Some(_) if self.how.replace => self.root.remove_all(path).map_err(failed)?,
            Some(FileType::Symlink) if self.leads_to_directory(path) => return Ok(()),
            Some(_) => {
                let path = path.to_owned();
                return Err(FilesError::Overwrite { path, there: "the file", wanted: "a directory" });
            }
            None => {}
        }
        self.make(path, |root| root.mkdir(path, 0o700))?;
        self.dress(path, metadata, false).map_err(failed)?;
        self.directories.push((path.to_owned(), metadata.modified));
        Ok(())
    }

    /// What is at a path; nothing if not even the directories above it are there, which archives may leave out.
    fn kind(&self, path: &Path) -> io::Result<Option<FileType>> {
        match self.root.stat(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            status => Ok(status?.map(|status| FileType::from_raw_mode(status.st_mode))),
        }
    }

    fn leads_to_directory(&self, path: &Path) -> bool {
        self.root.open_at(path, OFlags::PATH | OFlags::DIRECTORY).is_ok()
    }

    /// Removes what is at `path`, but no directory; one with something mounted on it stays too, to be written to.
    fn give_way(&self, path: &Path, wanted: &'static str) -> Result<(), FilesError> {
        let failed = |source: io::Error| FilesError::Write { path: path.to_owned(), source };
        match self.kind(path).map_err(failed)? {
            None => Ok(()),
            Some(FileType::Directory) if !self.how.replace => {
                Err(FilesError::Overwrite { path: path.to_owned(), there: "the directory", wanted })
            }
            Some(_) => match self.root.remove_all(path) {
                Err(error) if error.raw_os_error() == Some(Errno::BUSY.raw_os_error()) => Ok(()),
                result => result.map_err(failed),
            },
        }
    }

    fn file(&mut self, path: &Path, metadata: &Metadata, content: &mut impl Read) -> Result<(), FilesError> {
        let failed = |source: io::Error| FilesError::Write { path: path.to_owned(), source };
        let (file, is_new) = match self.make(path, |root| root.create_file(path, 0o600)) {
            // A file that is mounted there.
            Err(FilesError::Write { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {
                let flags = OFlags::WRONLY | OFlags::TRUNC | OFlags::NOCTTY;
                (self.root.open_at(path, flags).map_err(failed)?, false)
            }
            result => (result?, true),
        };
        let written = self.write(path, File::from(file), metadata, content);
        if written.is_err() && is_new {
            // A part of a file would be taken for all of it. What led here is the error to report.
            let _ = self.root.remove_all(path);
        }
        written
    }

    fn write(
        &mut self,
        path: &Path,
        mut file: File,
        metadata: &Metadata,
        content: &mut impl Read,
    ) -> Result<(), FilesError> {
        let failed = |source: io::Error| FilesError::Write { path: path.to_owned(), source };
        loop {
            let count = content.read(&mut self.buffer).map_err(FilesError::Input)?;
            if count == 0 {
                break;
            }
            file.write_all(&self.buffer[..count]).map_err(failed)?;
        }
        self.dress_file(&file.into(), metadata).map_err(failed)
    }

    /// Makes an entry, with the directories above it where an archive has left them out.
    fn make<T>(&self, path: &Path, entry: impl Fn(&RootDir) -> io::Result<T>) -> Result<T, FilesError> {
        let made = match entry(&self.root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let above = path.parent().unwrap_or(Path::new(""));
                self.root.mkdir_all(above, 0o755).and_then(|()| entry(&self.root))
            }
            made => made,
        };
        made.map_err(|source| FilesError::Write { path: path.to_owned(), source })
    }

    /// The owner first: a change of it clears set-user-id bits and capabilities.
    fn dress(&self, path: &Path, metadata: &Metadata, is_symlink: bool) -> io::Result<()> {
        self.root.chown(path, metadata.owner)?;
        if !is_symlink {
            self.root.chmod(path, metadata.mode)?;
            for (name, value) in &metadata.xattrs {
                tolerate(name, self.root.setxattr(path, name, value))?;
            }
        }
        self.root.utimens(path, metadata.modified)
    }

    /// As [`Self::dress`], for the file that was just written.
    fn dress_file(&self, file: &OwnedFd, metadata: &Metadata) -> io::Result<()> {
        let (uid, gid) = (Uid::from_raw(metadata.owner.uid), Gid::from_raw(metadata.owner.gid));
        rustix::fs::fchown(file, Some(uid), Some(gid))?;
        rustix::fs::fchmod(file, Mode::from_raw_mode(metadata.mode))?;
        for (name, value) in &metadata.xattrs {
            let set = rustix::fs::fsetxattr(file, name.as_os_str(), value, XattrFlags::empty());
            tolerate(name, set.map_err(io::Error::from))?;
        }
        let times = Timestamps { last_access: metadata.modified, last_modification: metadata.modified };
        Ok(rustix::fs::futimens(file, &times)?)
    }

    fn metadata(&self, entry: &mut Entry<'_, impl Read>) -> Result<Metadata, &'static str> {
        let header = entry.header();
        let number = |number: io::Result<u64>| number.map_or(Err("a header field is no number"), Ok);
        let id = |id: io::Result<u64>| match u32::try_from(number(id)?) {
            // All ones means "leave as it is" to chown(2).
            Ok(id) if id != u32::MAX => Ok(id),
            _ => Err("an owner beyond 32 bits"),
        };
        let owner = match self.how.owners {
            Owners::One(owner) => owner,
            Owners::OfArchive => Owner { uid: id(header.uid())?, gid: id(header.gid())? },
        };
        let owner = self.files.on_host(owner).ok_or("its owner does not exist in the container")?;
        let seconds = header.mtime().ok().and_then(|seconds| seconds.try_into().ok()).unwrap_or_default();
        let mut metadata = Metadata {
            owner,
            mode: header.mode().map_err(|_| "a header field is no number")? & 0o7777,
            modified: Timespec { tv_sec: seconds, tv_nsec: 0 },
            xattrs: Vec::new(),
        };
        for record in entry.pax_extensions().ok().flatten().into_iter().flatten() {
            let record = record.map_err(|_| "a broken PAX record")?;
            let Some(name) = record.key_bytes().strip_prefix(b"SCHILY.xattr.") else { continue };
            if is_wanted_xattr(name) {
                metadata.xattrs.push((OsString::from_vec(name.to_vec()), record.value_bytes().to_vec()));
            }
        }
        Ok(metadata)
    }
}

/// Neither what would steer an overlay nor the labels of security modules of another machine.
fn is_wanted_xattr(name: &[u8]) -> bool {
    name == b"security.capability"
        || name.starts_with(b"system.posix_acl_")
        || (name.starts_with(b"user.") && !name.starts_with(b"user.overlay."))
}

/// Not every file system has attributes.
fn tolerate(name: &OsStr, set: io::Result<()>) -> io::Result<()> {
    match set.as_ref().err().and_then(Errno::from_io_error) {
        Some(Errno::NOTSUP) => Ok(()),
        Some(Errno::PERM) if name.as_bytes().starts_with(b"user.") => Ok(()),
        _ => set,
    }
}

/// `path` as names below the directory; an absolute one begins there.
fn normalised(path: &Path) -> Result<PathBuf, &'static str> {
    let mut names = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => names.push(name),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return Err("the path has a `..`"),
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, symlink};

    use tar::{Builder, Header};

    use super::*;
    use crate::runtime::files::{Extent, Kind};

    fn files(directory: &Path) -> Files {
        Files::below(RootDir::open(directory).unwrap())
    }

    fn header(kind: EntryType) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o640);
        header.set_mtime(1_000_000_000);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(0);
        header
    }

    /// Entries by name: content of a file, or with an arrow the target of a symlink or a hard link.
    fn archive(entries: &[(&str, &str)]) -> Vec<u8> {
        let mut tar = Builder::new(Vec::new());
        for (name, content) in entries {
            let link = |text: &str| content.strip_prefix(text).map(str::to_owned);
            if let Some(target) = link("-> ") {
                tar.append_link(&mut header(EntryType::Symlink), name, target).unwrap();
            } else if let Some(target) = link("=> ") {
                tar.append_link(&mut header(EntryType::Link), name, target).unwrap();
            } else {
                let mut header = header(if name.ends_with('/') { EntryType::Directory } else { EntryType::Regular });
                header.set_size(content.len() as u64);
                // `set_path` and `append_data` refuse `..`, which hostile archives do not.
                header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
                header.set_cksum();
                tar.append(&header, content.as_bytes()).unwrap();
            }
        }
        tar.into_inner().unwrap()
    }

    #[test]
    fn a_tree_comes_back_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let (from, to) = (directory.path().join("from"), directory.path().join("to"));
        fs_err::create_dir_all(from.join("a/b")).unwrap();
        fs_err::create_dir(&to).unwrap();
        fs_err::write(from.join("a/file"), "content").unwrap();
        fs_err::set_permissions(from.join("a/file"), std::os::unix::fs::PermissionsExt::from_mode(0o4750)).unwrap();
        fs_err::hard_link(from.join("a/file"), from.join("a/same")).unwrap();
        symlink("/nowhere", from.join("a/b/link")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, from.join("a/fifo"), FileType::Fifo, Mode::from(0o600), 0).unwrap();
        let long = "x".repeat(200);
        fs_err::write(from.join(&long), vec![7; 1 << 20]).unwrap();
        let mut tar = Vec::new();
        files(&from).pack(Path::new("/"), false, OsStr::new("copy"), Extent::Mounts, &mut tar).unwrap();
        files(&to).unpack(Path::new("/"), Unpack { owners: Owners::mine(), replace: false }, &mut &tar[..]).unwrap();
        let to = to.join("copy");
        assert_eq!(fs_err::read_to_string(to.join("a/file")).unwrap(), "content");
        let (before, after) =
            (fs_err::metadata(from.join("a/file")).unwrap(), fs_err::metadata(to.join("a/file")).unwrap());
        assert_eq!((after.mode(), after.mtime()), (before.mode(), before.mtime()));
        assert_eq!(fs_err::metadata(to.join("a/same")).unwrap().ino(), after.ino());
        assert_eq!(fs_err::read_link(to.join("a/b/link")).unwrap().to_str(), Some("/nowhere"));
        assert_eq!(fs_err::read(to.join(&long)).unwrap(), vec![7; 1 << 20]);
        assert!(std::os::unix::fs::FileTypeExt::is_fifo(
            &fs_err::symlink_metadata(to.join("a/fifo")).unwrap().file_type()
        ));

        let mut again = Vec::new();
        files(&to).pack(Path::new("."), false, OsStr::new("copy"), Extent::OneMount, &mut again).unwrap();
        assert_eq!(again.len(), tar.len(), "the same once more");
    }

    #[test]
    fn nothing_leads_out_of_what_is_filled() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        fs_err::create_dir_all(root.join("in")).unwrap();
        fs_err::write(directory.path().join("secret"), "secret").unwrap();
        fs_err::write(root.join("other"), "other").unwrap();
        symlink(directory.path(), root.join("in/out")).unwrap();
        symlink("..", root.join("in/up")).unwrap();
        let unpack = |entries: &[(&str, &str)]| {
            files(&root).unpack(
                Path::new("in"),
                Unpack { owners: Owners::mine(), replace: false },
                &mut &archive(entries)[..],
            )
        };
        for entries in [
            &[("../secret", "mine")][..],
            &[("a/../../secret", "mine")],
            &[("out/secret", "mine")],
            &[("up/secret", "mine")],
            &[("x", "-> ../.."), ("x/secret", "mine")],
            &[("y", "=> ../secret")],
            &[("y", "=> ../../secret")],
        ] {
            let outcome = unpack(entries);
            assert_eq!(fs_err::read_to_string(directory.path().join("secret")).unwrap(), "secret", "{entries:?}");
            assert_eq!(fs_err::read_to_string(root.join("other")).unwrap(), "other", "{entries:?}");
            assert!(!root.join("secret").exists(), "{entries:?} {outcome:?}");
        }
        // Absolute names begin at the directory.
        unpack(&[("/other", "mine")]).unwrap();
        assert_eq!(fs_err::read_to_string(root.join("in/other")).unwrap(), "mine");
        assert_eq!(fs_err::read_to_string(root.join("other")).unwrap(), "other");
    }

    #[test]
    fn directories_that_an_archive_leaves_out_are_made() {
        let directory = tempfile::tempdir().unwrap();
        let entries = archive(&[("a/b/file", "text"), ("c/d/", ""), ("e/link", "-> x")]);
        files(directory.path())
            .unpack(Path::new(""), Unpack { owners: Owners::mine(), replace: false }, &mut &entries[..])
            .unwrap();
        assert_eq!(fs_err::read_to_string(directory.path().join("a/b/file")).unwrap(), "text");
        assert!(directory.path().join("c/d").is_dir());
        assert!(directory.path().join("e/link").is_symlink());
    }

    #[test]
    fn a_file_takes_the_place_of_a_file_only() {
        let directory = tempfile::tempdir().unwrap();
        fs_err::create_dir(directory.path().join("directory")).unwrap();
        fs_err::write(directory.path().join("file"), "old").unwrap();
        symlink("file", directory.path().join("link")).unwrap();
        let tree = files(directory.path());
        let unpack = |entries: &[(&str, &str)]| {
            let unpacked = tree.unpack(
                Path::new(""),
                Unpack { owners: Owners::mine(), replace: false },
                &mut &archive(entries)[..],
            );
            unpacked.map_err(|error| error.to_string())
        };
        assert_eq!(unpack(&[("file/", "")]).unwrap_err(), "cannot overwrite the file `file` with a directory");
        assert_eq!(
            unpack(&[("directory", "x")]).unwrap_err(),
            "cannot overwrite the directory `directory` with a file"
        );
        unpack(&[("directory/", ""), ("directory/inside", "x"), ("link", "new")]).unwrap();
        assert_eq!(fs_err::read_to_string(directory.path().join("file")).unwrap(), "old", "the link was replaced");
        assert_eq!(fs_err::read_to_string(directory.path().join("link")).unwrap(), "new");
        assert_eq!(tree.kind(Path::new("directory/inside"), false).unwrap(), Some(Kind::File));
    }

    #[test]
    fn where_links_lead() {
        let directory = tempfile::tempdir().unwrap();
        fs_err::create_dir(directory.path().join("etc")).unwrap();
        for (target, name) in [("../run/conf", "etc/conf"), ("/etc/conf", "short"), ("loop", "loop")] {
            symlink(target, directory.path().join(name)).unwrap();
        }
        let tree = files(directory.path());
        assert_eq!(tree.target(Path::new("/short")).unwrap(), Path::new("/etc/../run/conf"));
        assert_eq!(tree.target(Path::new("/etc")).unwrap(), Path::new("/etc"));
        assert!(tree.target(Path::new("/loop")).is_err());
    }
}
