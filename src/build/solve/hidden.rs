//! What `.dockerignore` leaves out of a context that a program mounts: a layer of whiteouts over it, so that nothing is copied.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid};

use crate::build::context::{Tree, Verdict};
use crate::sys::RootDir;

/// Makes a layer in the new directory `layer` that hides what is left out at and below `source` of `tree`; false when nothing is,
/// and there is no layer.
pub(super) fn hide(tree: &Tree, source: &Path, layer: &Path) -> io::Result<bool> {
    let source = source.strip_prefix("/").unwrap_or(source);
    let mut hidden = BTreeSet::new();
    // What is itself left out is not there.
    let is_skipped = |path: &&Path| {
        !path.as_os_str().is_empty() && [true, false].map(|is| tree.verdict(path, is)) == [Verdict::Skip; 2]
    };
    match source.ancestors().filter(is_skipped).last() {
        Some(path) => drop(hidden.insert(path.to_owned())),
        None => drop(look(tree, source, &mut hidden)?),
    }
    if hidden.is_empty() {
        return Ok(false);
    }
    let mut directories = BTreeSet::new();
    for path in &hidden {
        directories.extend(path.ancestors().skip(1).map(Path::to_owned));
    }
    for path in &directories {
        rustix::fs::mkdir(layer.join(path), Mode::RWXU)?;
    }
    for path in &hidden {
        rustix::fs::mknodat(CWD, layer.join(path), FileType::CharacterDevice, Mode::empty(), 0)?;
    }
    // A directory of the topmost layer is the one that is seen; those above others last, since a change in them changes these.
    let made = RootDir::open(layer)?;
    for path in directories.iter().rev() {
        resemble(tree.root(), &made, path)?;
    }
    Ok(true)
}

/// Gives the directory `path` of `layer` the owner, mode and times of the one of `root`.
fn resemble(root: &RootDir, layer: &RootDir, path: &Path) -> io::Result<()> {
    let status = rustix::fs::fstat(root.open_at(path, OFlags::PATH | OFlags::DIRECTORY)?)?;
    let directory = layer.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
    rustix::fs::fchown(&directory, Some(Uid::from_raw(status.st_uid)), Some(Gid::from_raw(status.st_gid)))?;
    rustix::fs::fchmod(&directory, Mode::from_raw_mode(status.st_mode))?;
    let time = |tv_sec, nanoseconds| Timespec { tv_sec, tv_nsec: i64::try_from(nanoseconds).unwrap_or_default() };
    let times = Timestamps {
        last_access: time(status.st_atime, status.st_atime_nsec),
        last_modification: time(status.st_mtime, status.st_mtime_nsec),
    };
    Ok(rustix::fs::futimens(&directory, &times)?)
}

/// Adds what is left out below the directory `path` to `hidden`. Says whether anything is left there.
fn look(tree: &Tree, path: &Path, hidden: &mut BTreeSet<PathBuf>) -> io::Result<bool> {
    let directory = match tree.root().open_at(path, OFlags::RDONLY | OFlags::DIRECTORY) {
        // A file, or nothing: whoever mounts it says so.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotADirectory | io::ErrorKind::NotFound) => {
            return Ok(true);
        }
        opened => opened?,
    };
    let mut shows = false;
    for entry in Dir::read_from(&directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => {
                FileType::from_raw_mode(rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode)
            }
            kind => kind,
        };
        let at = path.join(OsStr::from_bytes(name.to_bytes()));
        match tree.verdict(&at, kind.is_dir()) {
            Verdict::Skip => drop(hidden.insert(at)),
            Verdict::Take => {
                shows = true;
                if kind.is_dir() {
                    look(tree, &at, hidden)?;
                }
            }
            // It is there for the sake of what is kept in it.
            Verdict::Search => {
                let mut below = BTreeSet::new();
                if look(tree, &at, &mut below)? {
                    shows = true;
                    hidden.extend(below);
                } else {
                    hidden.insert(at);
                }
            }
        }
    }
    Ok(shows)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;
    use crate::build::solve::make::ignore;

    #[test]
    fn what_is_left_out_is_hidden() {
        let directory = tempfile::tempdir().unwrap();
        let context = directory.path().join("context");
        for file in ["a", ".git/config", "sub/keep", "sub/drop", "none/x", "deep/er/secret", "deep/er/open", "node/m/x"]
        {
            fs_err::create_dir_all(context.join(file).parent().unwrap()).unwrap();
            fs_err::write(context.join(file), "").unwrap();
        }
        let rules = ".git\nsub/*\n!sub/keep\nnone\n!none/y\n**/secret\nnode\n";
        let check = |name: &str, rules: &str, source: &str| -> Vec<String> {
            let ignore = ignore(".dockerignore", rules).unwrap();
            let tree = Tree::context(RootDir::open(&context).unwrap(), Some(ignore), None);
            let layer = directory.path().join(name);
            let is_made = hide(&tree, Path::new(source), &layer).unwrap();
            assert_eq!(layer.exists(), is_made);
            let mut found = Vec::new();
            let mut waiting = vec![layer.clone()];
            while let Some(path) = waiting.pop().filter(|_| is_made) {
                for entry in fs_err::read_dir(path).unwrap() {
                    let entry = entry.unwrap();
                    match entry.file_type().unwrap().is_dir() {
                        true => waiting.push(entry.path()),
                        false => {
                            assert_eq!(entry.metadata().unwrap().rdev(), 0);
                            found.push(entry.path().strip_prefix(&layer).unwrap().display().to_string());
                        }
                    }
                }
            }
            found.sort();
            found
        };
        assert_eq!(check("all", rules, "/"), [".git", "deep/er/secret", "node", "none", "sub/drop"]);
        assert_eq!(check("part", rules, "/deep"), ["deep/er/secret"]);
        assert_eq!(check("itself", rules, "/node/m"), ["node"]);
        assert_eq!(check("nothing", "other\n", "/"), [""; 0]);
        assert_eq!(check("elsewhere", rules, "/a"), [""; 0]);
    }
}
