//! Looks at everything below a directory, with several threads: what takes time is one `statx(2)` a file.
//!
//! ```text
//! directory ─▶ its names ─┬▶ 256 of them ─▶ statx ─▶ entries     the threads take from one stack of work
//!                         └▶ directories among them ─▶ again
//! ```

use std::ffi::{CString, OsStr};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use rustix::fs::{AtFlags, FileType, OFlags, RawDir};
use rustix::io::Errno;

use super::TreeError;
use super::entry::{Entry, WANTED};
use super::parallel::threads;
use crate::sys::RootDir;

/// How many names of a directory are looked at in one go.
const SHARE: usize = 256;

/// What a walk does about a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::build) enum Verdict {
    /// It is wanted.
    Take,
    /// It is not wanted, but something in it may be: then it is, for the sake of that.
    Search,
    /// Neither it nor anything in it.
    Skip,
}

/// What is wanted of a tree: asked with paths from its root, and whether that is a directory.
pub(in crate::build) type Filter<'a> = dyn Fn(&Path, bool) -> Verdict + Sync + 'a;

/// All that `filter` wants below the directory `start` of `root`, in the order of a walk through it: a directory before what
/// is in it, siblings by name. `start` itself is not among it.
pub(in crate::build) fn walk(root: &RootDir, start: &Path, filter: &Filter<'_>) -> Result<Vec<Entry>, TreeError> {
    let walk = Walk { root, filter, work: Mutex::new(Work::default()), news: Condvar::new() };
    walk.lock().jobs.push(Job::Directory(start.to_owned()));
    std::thread::scope(|scope| {
        for _ in 1..threads() {
            // A machine without a thread to spare is walked by this one.
            let _ = std::thread::Builder::new().spawn_scoped(scope, || walk.run());
        }
        walk.run();
    });
    let mut work = walk.work.into_inner().expect("no thread panics holding it");
    match work.failure.take() {
        Some(failure) => Err(failure),
        None => Ok(in_order(work.found)),
    }
}

struct Walk<'a> {
    root: &'a RootDir,
    filter: &'a Filter<'a>,
    work: Mutex<Work>,
    /// There is something to do, or nothing any more.
    news: Condvar,
}

#[derive(Default)]
struct Work {
    jobs: Vec<Job>,
    /// How many threads are at it: they may find more.
    busy: usize,
    found: Vec<Entry>,
    failure: Option<TreeError>,
}

enum Job {
    Directory(PathBuf),
    Names { directory: Arc<OwnedFd>, path: Arc<PathBuf>, names: Vec<Name> },
}

struct Name {
    name: CString,
    is_implied: bool,
}

impl Walk<'_> {
    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock().expect("no thread panics holding it")
    }

    fn run(&self) {
        let mut work = self.lock();
        loop {
            if work.failure.is_some() {
                break;
            }
            let Some(job) = work.jobs.pop() else {
                if work.busy == 0 {
                    break;
                }
                work = self.news.wait(work).expect("no thread panics holding it");
                continue;
            };
            work.busy += 1;
            drop(work);
            let done = self.work(job);
            work = self.lock();
            work.busy -= 1;
            match done {
                Ok((found, jobs)) => {
                    work.found.extend(found);
                    work.jobs.extend(jobs);
                }
                Err(failure) => work.failure = work.failure.take().or(Some(failure)),
            }
            self.news.notify_all();
        }
    }

    fn work(&self, job: Job) -> Result<(Vec<Entry>, Vec<Job>), TreeError> {
        let mut jobs = Vec::new();
        let found = match job {
            Job::Directory(path) => {
                let Some((directory, mut names)) = self.read(&path)? else { return Ok((Vec::new(), jobs)) };
                let (directory, path) = (Arc::new(directory), Arc::new(path));
                while names.len() > SHARE {
                    let names = names.split_off(names.len() - SHARE);
                    jobs.push(Job::Names { directory: directory.clone(), path: path.clone(), names });
                }
                look(&directory, &path, &names)?
            }
            Job::Names { directory, path, names } => look(&directory, &path, &names)?,
        };
        let directories = found.iter().filter(|entry| entry.is_directory());
        jobs.extend(directories.map(|entry| Job::Directory(entry.path.clone())));
        Ok((found, jobs))
    }

    /// The names in a directory that are wanted; `None` when it is gone.
    fn read(&self, path: &Path) -> Result<Option<(OwnedFd, Vec<Name>)>, TreeError> {
        let failed = |source: io::Error| TreeError::Read { path: path.to_owned(), source };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let directory = match self.root.open_plain(path, flags) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(failed)?,
        };
        let mut names = Vec::new();
        let mut buffer = [MaybeUninit::uninit(); 32 * 1024];
        let mut entries = RawDir::new(&directory, &mut buffer);
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(|errno| failed(errno.into()))?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let mut kind = entry.file_type();
            if kind == FileType::Unknown {
                let Ok(status) = rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
                kind = FileType::from_raw_mode(status.st_mode);
            }
            let is_implied = match (self.filter)(&path.join(OsStr::from_bytes(name.to_bytes())), kind.is_dir()) {
                Verdict::Take => false,
                Verdict::Search if kind.is_dir() => true,
                Verdict::Search | Verdict::Skip => continue,
            };
            names.push(Name { name: name.to_owned(), is_implied });
        }
        Ok(Some((directory, names)))
    }
}

fn look(directory: &OwnedFd, path: &Path, names: &[Name]) -> Result<Vec<Entry>, TreeError> {
    let mut found = Vec::with_capacity(names.len());
    for Name { name, is_implied } in names {
        let path = path.join(OsStr::from_bytes(name.to_bytes()));
        match rustix::fs::statx(directory, name, AtFlags::SYMLINK_NOFOLLOW, WANTED) {
            Ok(status) => found.push(Entry { is_implied: *is_implied, ..Entry::new(path, &status) }),
            // Gone since its name was read, as if it had gone before.
            Err(Errno::NOENT) => {}
            Err(errno) => return Err(TreeError::Look { path, source: errno.into() }),
        }
    }
    Ok(found)
}

/// Sorts, and leaves out directories that are there for the sake of nothing.
fn in_order(mut found: Vec<Entry>) -> Vec<Entry> {
    // A slash comes before every other byte of a name, so that nothing comes between a directory and what is in it.
    let key = |entry: &Entry| entry.path.as_os_str().as_bytes().to_vec();
    let rank = |byte: u8| if byte == b'/' { 0 } else { byte };
    found.sort_by(|one, other| {
        let (one, other) = (one.path.as_os_str().as_bytes(), other.path.as_os_str().as_bytes());
        one.iter().map(|byte| rank(*byte)).cmp(other.iter().map(|byte| rank(*byte)))
    });
    if !found.iter().any(|entry| entry.is_implied) {
        return found;
    }
    // From the end: what follows a directory and begins with its name is in it.
    let mut kept: Vec<Entry> = Vec::with_capacity(found.len());
    for entry in found.into_iter().rev() {
        let is_empty = || kept.last().is_none_or(|next| !next.path.starts_with(&entry.path));
        if entry.is_implied && is_empty() {
            continue;
        }
        kept.push(entry);
    }
    kept.reverse();
    debug_assert!(kept.windows(2).all(|pair| key(&pair[0]) != key(&pair[1])));
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(root: &Path, filter: &Filter<'_>) -> Vec<String> {
        let found = walk(&RootDir::open(root).unwrap(), Path::new(""), filter).unwrap();
        found.iter().map(|entry| entry.path.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_directory_comes_before_what_is_in_it_and_nothing_in_between() {
        let directory = tempfile::tempdir().unwrap();
        for path in ["a/b/c", "a.b", "a/x", "a-b/y", "z"] {
            let path = directory.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, "").unwrap();
        }
        let all = names(directory.path(), &|_, _| Verdict::Take);
        assert_eq!(all, ["a", "a/b", "a/b/c", "a/x", "a-b", "a-b/y", "a.b", "z"]);
    }

    #[test]
    fn what_is_skipped_is_not_entered_and_what_is_searched_needs_a_reason() {
        let directory = tempfile::tempdir().unwrap();
        for path in ["skipped/wanted", "searched/deep/wanted", "searched/deep/other", "searched/empty/other", "other"] {
            let path = directory.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, "").unwrap();
        }
        let found = names(directory.path(), &|path, _| match path.file_name().unwrap().to_str().unwrap() {
            "wanted" => Verdict::Take,
            "skipped" => Verdict::Skip,
            _ => Verdict::Search,
        });
        assert_eq!(found, ["searched", "searched/deep", "searched/deep/wanted"]);
    }

    #[test]
    fn many_names_in_one_directory_are_all_there_once() {
        let directory = tempfile::tempdir().unwrap();
        let expected: Vec<String> = (0..2000).map(|number| format!("{number:04}")).collect();
        for name in &expected {
            fs_err::write(directory.path().join(name), "").unwrap();
        }
        assert_eq!(names(directory.path(), &|_, _| Verdict::Take), expected);
    }

    #[test]
    fn no_symlink_is_entered() {
        let directory = tempfile::tempdir().unwrap();
        fs_err::create_dir(directory.path().join("real")).unwrap();
        fs_err::write(directory.path().join("real/file"), "").unwrap();
        for (target, name) in [("/", "root"), ("real", "other"), (".", "real/loop")] {
            std::os::unix::fs::symlink(target, directory.path().join(name)).unwrap();
        }
        let all = names(directory.path(), &|_, _| Verdict::Take);
        assert_eq!(all, ["other", "real", "real/file", "real/loop", "root"]);
    }
}
