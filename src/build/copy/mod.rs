//! `COPY` and `ADD`: files of a tree into the directory that becomes a layer.
//!
//! ```text
//! Copy + Tree ─▶ select ─▶ Selection ─┬▶ digest: the content key
//!                                     └▶ copy ─▶ Destination
//! ```
//!
//! Sources are looked up once: what the key was made of is what is copied, and a file that changes in between is an error.
//! Destinations follow the rules of <https://docs.docker.com/reference/dockerfile/#destination> and, where these are silent,
//! what BuildKit does. Both sides are roots that no symlink leads out of.

mod archive;
mod content;
mod digest;
mod error;
mod mode;
mod owner;
mod place;
mod select;
#[cfg(test)]
mod tests;
mod upper;
mod write;

use std::fmt;
use std::path::Path;

use super::context::Tree;
use super::pattern::{BadPattern, Patterns};
use crate::image::Digest;
use crate::sys::RootDir;

pub(in crate::build) use archive::{decompressed, is_archive};
pub use error::CopyError;
pub use mode::{Chmod, InvalidMode};
pub use owner::names_accounts;
pub use select::Selection;
pub use upper::{DeferredContents, Upper};

/// An instruction to copy, with all variables expanded.
#[derive(Debug, Clone)]
pub struct Copy {
    /// What is copied, in this order.
    pub sources: Vec<Source>,
    /// Where to: absolute, as [`destination`] makes it. With a slash at its end it is a directory.
    pub destination: String,
    /// Whose the copies become: names or numbers, `USER[:GROUP]`.
    pub chown: Option<String>,
    /// What the copies may be used for.
    pub chmod: Option<Chmod>,
    /// What is left out of the sources that are directories, and of what wildcards stand for.
    pub exclude: Excludes,
    /// The directories above the sources are kept, from a `/./` in them on.
    pub parents: bool,
    /// The copies do not depend on what they are copied over. The caller sees to that by an empty destination.
    pub link: bool,
    /// Archives are unpacked.
    pub unpack: bool,
}

/// One of the things that are copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A path in the tree, in which `*`, `?` and `[…]` stand for other characters.
    Path(String),
    /// The path in the tree of a file, as it is.
    Exact(String),
    /// A file that is in the Dockerfile itself.
    Inline {
        /// What it is called.
        name: String,
        /// What is in it.
        content: Vec<u8>,
    },
}

/// Patterns of what is left out.
#[derive(Debug, Clone, Default)]
pub struct Excludes {
    texts: Vec<String>,
    patterns: Patterns,
}

impl Excludes {
    /// Reads patterns.
    ///
    /// # Errors
    /// [`BadPattern`].
    pub fn new(texts: Vec<String>) -> Result<Self, BadPattern> {
        let patterns = Patterns::new(texts.iter().map(String::as_str))?;
        Ok(Self { texts, patterns })
    }
}

/// Where copies go.
#[derive(Clone, Copy)]
pub struct Destination<'a> {
    /// The files that the copies join.
    pub root: &'a RootDir,
    /// The directory that `root`, an overlay, keeps what is written to it in: there files can share blocks with their sources, and
    /// the contents of large ones may come [later](Upper::contents).
    pub upper: Option<&'a Upper>,
    /// Where the names of users and groups are looked up; `root` when there is none.
    pub accounts: Option<&'a RootDir>,
    /// Whether to stop.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
}

impl fmt::Debug for Destination<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Destination")
            .field("root", &self.root)
            .field("upper", &self.upper)
            .finish_non_exhaustive()
    }
}

/// A destination as it was written, as an absolute path: relative ones begin at the working directory. What marks it as a
/// directory stays, as a slash at the end.
#[must_use]
pub fn destination(written: &str, working_directory: &Path) -> String {
    let is_directory = written.ends_with('/') || written.ends_with("/.") || written == ".";
    let mut names: Vec<&str> = Vec::new();
    let above = working_directory.to_string_lossy();
    let above = if written.starts_with('/') { "" } else { &*above };
    for name in above.split('/').chain(written.split('/')) {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    let slash = if is_directory && !names.is_empty() { "/" } else { "" };
    format!("/{}{slash}", names.join("/"))
}

/// Looks up what `copy` selects of `from`.
///
/// # Errors
/// [`CopyError`].
pub fn select<'a>(copy: &'a Copy, from: &'a Tree) -> Result<Selection<'a>, CopyError> {
    Selection::new(copy, from)
}

/// The content key of `copy`: what is written where, and what it selects of `from`. Equal keys make equal copies.
///
/// # Errors
/// [`CopyError`].
pub fn checksum(copy: &Copy, from: &Tree) -> Result<Digest, CopyError> {
    select(copy, from)?.digest()
}

/// Copies.
///
/// # Errors
/// [`CopyError`]. What was copied before stays.
pub fn copy(copy: &Copy, from: &Tree, into: &Destination<'_>) -> Result<(), CopyError> {
    select(copy, from)?.copy(into)
}
