//! What a build copies from: a directory of this machine read in place, or the files of a stage or image.
//!
//! ```text
//! COPY ─▶ Tree ─▶ walk ─▶ entries ─┬▶ same stamp as in the index ──────┬▶ bodies ─▶ content key
//!          └ .dockerignore         └▶ read and hashed ─▶ the index ────┘
//! ```
//!
//! Nothing is transferred and nothing is read twice: a file of a context is read when a step that copies it needs its
//! content key, and not again until its stamp changes.
//!
//! Sockets are left out, as they hold nothing; FIFOs and devices are copied as such and never opened, as BuildKit does.

mod attributes;
mod body;
mod entry;
mod follow;
mod index;
mod parallel;
mod walk;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rustix::fs::{AtFlags, FileType};

use super::dockerfile::Ignore;
use super::pattern::Patterns;
use crate::sys::RootDir;

pub(in crate::build) use attributes::attributes;
pub(in crate::build) use body::look;
pub(in crate::build) use follow::follow;
pub(in crate::build) use index::Body;
pub(in crate::build) use walk::{Verdict, walk};

pub use entry::{Entry, Stamp};
pub use index::Index;

/// Files to copy from.
#[derive(Debug)]
pub struct Tree {
    root: RootDir,
    ignore: Option<Box<dyn Hides>>,
    index: Option<Mutex<Index>>,
    is_context: bool,
}

/// What leaves files out of a context: a `.dockerignore`. Paths are relative and plain.
pub trait Hides: fmt::Debug + Send + Sync {
    /// Whether `path` is left out, unless it is a directory in which something is not.
    fn excludes(&self, path: &str, is_directory: bool) -> bool;

    /// Whether everything in the directory `path`, which is left out, is left out too.
    fn prunes(&self, path: &str) -> bool;

    /// The pattern because of which `path` is left out.
    fn cause(&self, path: &str) -> Option<String>;
}

impl Hides for Patterns {
    fn excludes(&self, path: &str, _: bool) -> bool {
        self.matches(path)
    }

    fn prunes(&self, path: &str) -> bool {
        self.covers(path)
    }

    fn cause(&self, path: &str) -> Option<String> {
        self.decisive(path).map(str::to_owned)
    }
}

impl Hides for Ignore {
    fn excludes(&self, path: &str, _: bool) -> bool {
        Self::excludes(self, path)
    }

    fn prunes(&self, path: &str) -> bool {
        Self::prunes(self, path)
    }

    fn cause(&self, path: &str) -> Option<String> {
        self.excluding(path).map(str::to_owned)
    }
}

/// Why files could not be found or read.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// A file or directory cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// Where, from the root of the tree.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be said what is there.
    #[error("cannot look at `{}`", path.display())]
    Look {
        /// Where, from the root of the tree.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody writes to a file all the time.
    #[error("`{}` changes while it is read", path.display())]
    Changing {
        /// Where, from the root of the tree.
        path: PathBuf,
    },
}

impl Tree {
    /// The directory that is a build's context, or a further one given by name. What is copied from there is root's.
    #[must_use]
    pub fn context(root: RootDir, ignore: Option<Box<dyn Hides>>, index: Option<Index>) -> Self {
        Self { root, ignore, index: index.map(Mutex::new), is_context: true }
    }

    /// The files of a stage or an image: they keep their owners.
    #[must_use]
    pub fn files(root: RootDir) -> Self {
        Self { root, ignore: None, index: None, is_context: false }
    }

    /// Whether it is a context: its files become root's.
    #[must_use]
    pub fn is_context(&self) -> bool {
        self.is_context
    }

    /// The directory.
    #[must_use]
    pub fn root(&self) -> &RootDir {
        &self.root
    }

    /// Keeps on disk what was found out about the files of a context.
    ///
    /// # Errors
    /// What the system says, with the path. The build is none the worse for it.
    pub fn save_index(&self) -> io::Result<()> {
        self.index.as_ref().map_or(Ok(()), |index| index.lock().expect("no thread panics holding it").save())
    }

    /// Whether `.dockerignore` has anything to say about `path`, from the root of the tree.
    pub(in crate::build) fn verdict(&self, path: &Path, is_directory: bool) -> Verdict {
        match &self.ignore {
            Some(ignore) if !path.as_os_str().is_empty() => {
                let text = path.to_string_lossy();
                if !ignore.excludes(&text, is_directory) {
                    Verdict::Take
                } else if is_directory && !ignore.prunes(&text) {
                    Verdict::Search
                } else {
                    Verdict::Skip
                }
            }
            _ => Verdict::Take,
        }
    }

    /// The pattern of `.dockerignore` because of which `path` is not there.
    pub(in crate::build) fn cause(&self, path: &Path) -> Option<String> {
        self.ignore.as_ref()?.cause(&path.to_string_lossy())
    }

    /// What is at `path`, from the root of the tree, without following it, whatever `.dockerignore` says.
    pub(in crate::build) fn look(&self, path: &Path) -> Result<Option<Entry>, TreeError> {
        let failed = |source: io::Error| TreeError::Look { path: path.to_owned(), source };
        let opened = match self.root.open_itself(path) {
            Err(error) if is_absent(&error) => return Ok(None),
            opened => opened.map_err(failed)?,
        };
        let status = rustix::fs::statx(&opened, "", AtFlags::EMPTY_PATH, entry::WANTED);
        Ok(Some(Entry::new(path.to_owned(), &status.map_err(|errno| failed(errno.into()))?)))
    }

    /// Whether `path`, from the root of the tree, is there as far as `.dockerignore` goes.
    pub(in crate::build) fn shows(&self, entry: &Entry) -> Result<bool, TreeError> {
        Ok(match self.verdict(&entry.path, entry.is_directory()) {
            Verdict::Take => entry.kind != FileType::Socket,
            Verdict::Skip => false,
            Verdict::Search => !self.below(&entry.path, &|_, _| Verdict::Take)?.is_empty(),
        })
    }

    /// What is below the directory `path`, as far as both `.dockerignore` and `filter` go, which is asked with paths from
    /// there.
    pub(in crate::build) fn below(
        &self,
        path: &Path,
        filter: &(dyn Fn(&Path, bool) -> Verdict + Sync),
    ) -> Result<Vec<Entry>, TreeError> {
        let both = |at: &Path, is_directory: bool| {
            let own = self.verdict(at, is_directory);
            if own == Verdict::Skip {
                return own;
            }
            match filter(at.strip_prefix(path).unwrap_or(at), is_directory) {
                Verdict::Take => own,
                other => other,
            }
        };
        let mut entries = walk(&self.root, path, &both)?;
        entries.retain(|entry| entry.kind != FileType::Socket);
        Ok(entries)
    }

    /// The paths that end in the name of `path` or are nearly called so, for a suggestion; what cannot be read is left out.
    pub(in crate::build) fn siblings(&self, path: &Path) -> Vec<String> {
        let above = path.parent().unwrap_or(Path::new(""));
        let Ok(above) = follow(&self.root, above) else { return Vec::new() };
        let Ok(directory) = self.root.open_at(&above, rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::DIRECTORY)
        else {
            return Vec::new();
        };
        let Ok(entries) = rustix::fs::Dir::read_from(&directory) else { return Vec::new() };
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        let names = names.filter(|name| name != "." && name != "..");
        names.filter(|name| self.verdict(&above.join(name), false) == Verdict::Take).collect()
    }
}

/// Nothing is there, or it cannot be.
pub(in crate::build) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
