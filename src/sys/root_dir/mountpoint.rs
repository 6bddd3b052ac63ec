//! What mounting needs of a root: places to mount on, made where they are missing, and small files read.

use std::ffi::OsStr;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::RootDir;

/// How many symlinks that lead to nothing are followed, as many as the kernel follows.
const LINKS: u32 = 40;

/// Where the symlink `name` in `directory`, which is at `parent`, leads, from the root; `None` when it is none.
fn link_target(directory: &OwnedFd, name: &OsStr, parent: &Path) -> io::Result<Option<PathBuf>> {
    match rustix::fs::readlinkat(directory, name, Vec::new()) {
        // An absolute one replaces what it is joined to: it starts at the root, as the kernel has it in here.
        Ok(target) => Ok(Some(parent.join(OsStr::from_bytes(target.to_bytes())))),
        Err(Errno::INVAL | Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl RootDir {
    /// Opens `path` inside, where no component may be a symlink.
    ///
    /// # Errors
    /// `ELOOP` for a symlink, or what `openat2(2)` says.
    pub fn open_plain(&self, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        Ok(self.resolve_with(path, flags, ResolveFlags::NO_SYMLINKS)?)
    }

    /// The directory at `path`, made with all its parents where absent, and where symlinks lead that lead to nothing.
    ///
    /// # Errors
    /// What the kernel says; `ENOTDIR` when something else is there.
    pub fn ensure_dir(&self, path: &Path, mode: Mode) -> io::Result<OwnedFd> {
        self.ensure_dir_through(path, mode, LINKS)
    }

    fn ensure_dir_through(&self, path: &Path, mode: Mode, links: u32) -> io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        match self.open_at(path, flags) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => return result,
        }
        let mut prefix = PathBuf::new();
        let mut directory = self.open_at(&prefix, flags)?;
        let mut components = path.components().filter(|component| *component != Component::RootDir);
        while let Some(component) = components.next() {
            let parent = prefix.clone();
            prefix.push(component);
            directory = match self.open_at(&prefix, flags) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    match rustix::fs::mkdirat(&directory, component.as_os_str(), mode) {
                        Ok(()) => self.open_at(&prefix, flags)?,
                        Err(Errno::EXIST) => {
                            if let Some(target) = link_target(&directory, component.as_os_str(), &parent)? {
                                let links = links.checked_sub(1).ok_or(Errno::LOOP)?;
                                let rest: PathBuf = components.collect();
                                self.ensure_dir_through(&target, mode, links)?;
                                return self.ensure_dir_through(&prefix.join(rest), mode, links);
                            }
                            // Another container that shares this tree was faster.
                            self.open_at(&prefix, flags)?
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
                result => result?,
            };
        }
        Ok(directory)
    }

    /// The file at `path` (of whatever type, but no directory), made empty with all parents where absent, and where a
    /// symlink leads that leads to nothing.
    ///
    /// # Errors
    /// What the kernel says; `EISDIR` for a directory.
    pub fn ensure_file(&self, path: &Path) -> io::Result<OwnedFd> {
        let result = self.ensure_file_through(path, LINKS)?;
        let kind = FileType::from_raw_mode(rustix::fs::fstat(&result)?.st_mode);
        if kind.is_dir() { Err(Errno::ISDIR.into()) } else { Ok(result) }
    }

    fn ensure_file_through(&self, path: &Path, links: u32) -> io::Result<OwnedFd> {
        match self.open_at(path, OFlags::PATH) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => return result,
        }
        let name = path.file_name().ok_or(Errno::ISDIR)?;
        let above = path.parent().unwrap_or(Path::new(""));
        let parent = self.ensure_dir(above, Mode::from(0o755))?;
        match rustix::fs::mknodat(&parent, name, FileType::RegularFile, Mode::from(0o644), 0) {
            Ok(()) => self.open_at(path, OFlags::PATH),
            Err(Errno::EXIST) => match link_target(&parent, name, above)? {
                Some(target) => self.ensure_file_through(&target, links.checked_sub(1).ok_or(Errno::LOOP)?),
                None => self.open_at(path, OFlags::PATH),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// The contents of the regular file at `path`, at most `limit` bytes of it: images are not to be trusted with our
    /// memory.
    ///
    /// # Errors
    /// What the kernel says; `InvalidData` for anything but a regular file or for a larger one.
    pub fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let file = self.open_at(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)?;
        let status = rustix::fs::fstat(&file)?;
        if !FileType::from_raw_mode(status.st_mode).is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not a regular file"));
        }
        let mut contents = Vec::new();
        fs_err::File::from_parts(file.into(), path).take(limit + 1).read_to_end(&mut contents)?;
        if contents.len() as u64 > limit {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("larger than {limit} bytes")));
        }
        Ok(contents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_out() {
        let outside = tempfile::tempdir().unwrap();
        let inside = outside.path().join("root");
        fs_err::create_dir(&inside).unwrap();
        fs_err::write(outside.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink(outside.path(), inside.join("absolute")).unwrap();
        std::os::unix::fs::symlink("../..", inside.join("relative")).unwrap();
        let root = RootDir::open(&inside).unwrap();
        for path in ["absolute/secret", "relative/secret", "../secret", "/../../secret"] {
            assert!(root.read(Path::new(path), 9).is_err(), "{path}");
        }
        // Followed inside, where the target does not exist: made there rather than outside.
        root.ensure_dir(Path::new("absolute/made"), Mode::from(0o755)).unwrap();
        assert!(inside.join(outside.path().strip_prefix("/").unwrap()).join("made").is_dir());
        root.ensure_dir(Path::new("relative/made"), Mode::from(0o755)).unwrap();
        assert!(inside.join("made").is_dir());
        assert!(!outside.path().join("made").exists());
        root.ensure_file(Path::new("/a/b/c")).unwrap();
        assert!(inside.join("a/b/c").is_file());
        assert!(root.ensure_file(Path::new("a/b")).is_err());
    }

    #[test]
    fn what_links_lead_to_is_made() {
        let directory = tempfile::tempdir().unwrap();
        let path = |path: &str| directory.path().join(path);
        let link = |target: &str, name: &str| std::os::unix::fs::symlink(target, path(name)).unwrap();
        fs_err::create_dir(path("etc")).unwrap();
        link("../run/resolved/stub", "etc/resolv.conf");
        link("/var/tmp/x", "etc/deep");
        link("deep/y", "etc/deeper");
        link("loop", "etc/loop");
        link("/../../../up", "etc/up");
        let root = RootDir::open(directory.path()).unwrap();
        root.ensure_file(Path::new("etc/resolv.conf")).unwrap();
        assert!(path("run/resolved/stub").is_file());
        root.ensure_file(Path::new("/etc/deeper/file")).unwrap();
        assert!(path("var/tmp/x/y/file").is_file());
        root.ensure_dir(Path::new("etc/up/a"), Mode::from(0o755)).unwrap();
        assert!(path("up/a").is_dir());
        assert!(root.ensure_file(Path::new("etc/loop")).is_err());
        assert!(root.ensure_dir(Path::new("etc/loop/x"), Mode::from(0o755)).is_err());
    }

    #[test]
    fn reading_is_bounded() {
        let directory = tempfile::tempdir().unwrap();
        fs_err::write(directory.path().join("file"), "12345").unwrap();
        let root = RootDir::open(directory.path()).unwrap();
        assert_eq!(root.read(Path::new("file"), 5).unwrap(), b"12345");
        assert!(root.read(Path::new("file"), 4).is_err());
        assert!(root.read(Path::new("."), 4).is_err());
    }
}
