//! What mounting needs of a root: places to mount on, made where they are missing, and small files read.

use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::RootDir;

impl RootDir {
    /// Opens `path` inside, where no component may be a symlink.
    ///
    /// # Errors
    /// `ELOOP` for a symlink, or what `openat2(2)` says.
    pub fn open_plain(&self, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        Ok(self.resolve_with(path, flags, ResolveFlags::NO_SYMLINKS)?)
    }

    /// The directory at `path`, made with all its parents where absent.
    ///
    /// # Errors
    /// What the kernel says; `ENOTDIR` when something else is there.
    pub fn ensure_dir(&self, path: &Path, mode: Mode) -> io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        match self.open_at(path, flags) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => return result,
        }
        let mut prefix = PathBuf::new();
        let mut directory = self.open_at(&prefix, flags)?;
        for component in path.components().filter(|component| *component != Component::RootDir) {
            prefix.push(component);
            directory = match self.open_at(&prefix, flags) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    match rustix::fs::mkdirat(&directory, component.as_os_str(), mode) {
                        // Another container that shares this tree may have been faster.
                        Ok(()) | Err(Errno::EXIST) => self.open_at(&prefix, flags)?,
                        Err(error) => return Err(error.into()),
                    }
                }
                result => result?,
            };
        }
        Ok(directory)
    }

    /// The file at `path` (of whatever type, but no directory), made empty with all parents where absent.
    ///
    /// # Errors
    /// What the kernel says; `EISDIR` for a directory.
    pub fn ensure_file(&self, path: &Path) -> io::Result<OwnedFd> {
        let result = match self.open_at(path, OFlags::PATH) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let name = path.file_name().ok_or(Errno::ISDIR)?;
                let parent = self.ensure_dir(path.parent().unwrap_or(Path::new("")), Mode::from(0o755))?;
                match rustix::fs::mknodat(&parent, name, FileType::RegularFile, Mode::from(0o644), 0) {
                    Ok(()) | Err(Errno::EXIST) => self.open_at(path, OFlags::PATH),
                    Err(error) => Err(error.into()),
                }
            }
            result => result,
        }?;
        let kind = FileType::from_raw_mode(rustix::fs::fstat(&result)?.st_mode);
        if kind.is_dir() { Err(Errno::ISDIR.into()) } else { Ok(result) }
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
        // Followed inside, where the target does not exist: refused rather than made outside.
        assert!(root.ensure_dir(Path::new("absolute/made"), Mode::from(0o755)).is_err());
        root.ensure_dir(Path::new("relative/made"), Mode::from(0o755)).unwrap();
        assert!(inside.join("made").is_dir());
        assert!(!outside.path().join("made").exists());
        root.ensure_file(Path::new("/a/b/c")).unwrap();
        assert!(inside.join("a/b/c").is_file());
        assert!(root.ensure_file(Path::new("a/b")).is_err());
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
