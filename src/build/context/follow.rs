//! Where a path leads inside a root, by names alone.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::FileType;
use rustix::io::Errno;

use super::is_absent;
use crate::sys::RootDir;

/// How many symlinks are followed, as many as the kernel follows.
const LINKS: usize = 40;

/// `path` without symlinks, `.` and `..`: relative to `root`, which nothing leads out of. What is not there is kept as it
/// is, so that it can be made.
pub(in crate::build) fn follow(root: &RootDir, path: &Path) -> io::Result<PathBuf> {
    let mut rest: VecDeque<OsString> = names(path);
    let mut links = 0;
    let mut followed = PathBuf::new();
    while let Some(name) = rest.pop_front() {
        if name == ".." {
            followed.pop();
            continue;
        }
        let there = followed.join(name);
        let status = match root.stat(&there) {
            Err(error) if is_absent(&error) => None,
            status => status?,
        };
        if !status.is_some_and(|status| FileType::from_raw_mode(status.st_mode) == FileType::Symlink) {
            followed = there;
            continue;
        }
        links += 1;
        if links > LINKS {
            return Err(Errno::LOOP.into());
        }
        let target = rustix::fs::readlinkat(root.open_itself(&there)?, "", Vec::new())?;
        let target = Path::new(OsStr::from_bytes(target.to_bytes()));
        if target.is_absolute() {
            followed = PathBuf::new();
        }
        for name in names(target).into_iter().rev() {
            rest.push_front(name);
        }
    }
    Ok(followed)
}

fn names(path: &Path) -> VecDeque<OsString> {
    let names = path.components().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    names.map(|part| part.as_os_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_where_they_would_in_a_container() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        fs_err::create_dir_all(root.join("usr/bin")).unwrap();
        for (target, name) in [
            ("usr/bin", "bin"),
            ("/usr", "absolute"),
            ("../../../..", "usr/up"),
            ("missing/there", "dangling"),
            ("loop", "loop"),
            ("bin", "twice"),
        ] {
            std::os::unix::fs::symlink(target, root.join(name)).unwrap();
        }
        let root = RootDir::open(&root).unwrap();
        for (path, expected) in [
            ("", ""),
            ("/", ""),
            ("bin/sh", "usr/bin/sh"),
            ("twice", "usr/bin"),
            ("/absolute/bin/", "usr/bin"),
            ("usr/up/etc", "etc"),
            ("../../etc/./x", "etc/x"),
            ("dangling/x", "missing/there/x"),
            ("bin/../lib", "usr/lib"),
            ("new/../other", "other"),
        ] {
            assert_eq!(follow(&root, Path::new(path)).unwrap(), Path::new(expected), "{path}");
        }
        assert!(follow(&root, Path::new("loop/x")).is_err());
    }
}
