//! Where copies go: the rules about directories, slashes and what is there already.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::FileType;

use super::select::{Pick, Picked, Selection, plain};
use super::write::Writer;
use super::{CopyError, Destination, Source, archive, owner};
use crate::build::context::follow;
use crate::sys::{Owner, RootDir};

/// The mode of directories that are made on the way to a destination, unless `--chmod` is a number.
const MADE: u32 = 0o755;

/// Deeper paths exist to break what walks them.
pub(super) const MAX_DEPTH: usize = 256;

/// The mode of a file that is in the Dockerfile.
const INLINE: u32 = 0o644;

impl Selection<'_> {
    /// Copies what is selected.
    ///
    /// # Errors
    /// [`CopyError`]. What was copied before stays.
    pub fn copy(&self, into: &Destination<'_>) -> Result<(), CopyError> {
        let owner = self.copy.chown.as_deref().map(|chown| owner::resolve(chown, into)).transpose()?;
        self.check_count(into)?;
        let mut writer = Writer::new(self, into, owner);
        for pick in &self.picks {
            writer.next_source();
            match pick {
                Pick::Inline { name, content } => {
                    let target = self.target(into, owner, Some(OsStr::new(name)))?;
                    writer.inline(&target, content, INLINE)?;
                }
                Pick::Tree(picked) => self.copy_picked(picked, into, owner, &mut writer)?,
            }
        }
        Ok(())
    }

    fn copy_picked(
        &self,
        picked: &Picked,
        into: &Destination<'_>,
        owner: Option<Owner>,
        writer: &mut Writer<'_>,
    ) -> Result<(), CopyError> {
        if picked.top.is_directory() {
            let target = self.target(into, owner, None)?;
            self.make(into, &target, owner)?;
            return writer.tree(&picked.top, &picked.below, &target);
        }
        if self.copy.unpack
            && let Some(archive) = archive::open(self.tree, &picked.top)?
        {
            let target = self.target(into, owner, None)?;
            // BuildKit makes it with this mode whatever `--chmod` says.
            make(into.root, &target, MADE, owner.unwrap_or(ROOT))?;
            return archive::unpack(archive, &picked.top.path, into, &target, owner);
        }
        let target = self.target(into, owner, Some(&picked.name))?;
        writer.file(&picked.top, &target)
    }

    /// The path that a destination means for what is called `name`; without a name, for what is in a directory. The
    /// directories above it are made.
    fn target(&self, into: &Destination<'_>, owner: Option<Owner>, name: Option<&OsStr>) -> Result<PathBuf, CopyError> {
        let written = &self.copy.destination;
        let failed = |source: io::Error| CopyError::Write { path: Path::new("/").join(plain(written)), source };
        let target = follow(into.root, &plain(written)).map_err(failed)?;
        if written.ends_with('/') {
            self.make(into, &target, owner)?;
        } else if let Some(above) = target.parent() {
            self.make(into, above, owner)?;
        }
        let is_directory = is_directory(into.root, &target).map_err(failed)?;
        Ok(match name {
            Some(name) if is_directory => target.join(name),
            _ => target,
        })
    }

    /// Several files need a directory: one would silently take the place of the other.
    fn check_count(&self, into: &Destination<'_>) -> Result<(), CopyError> {
        let is_file = |pick: &&Pick<'_>| !matches!(pick, Pick::Tree(picked) if picked.top.is_directory());
        let count = self.picks.iter().filter(is_file).count();
        let written = &self.copy.destination;
        // Sources that are written are counted by whoever reads the Dockerfile, but for what wildcards stand for.
        let is_wild = self.copy.sources.iter().any(|source| matches!(source, Source::Path(_)));
        if count < 2 || !is_wild || written.ends_with('/') || self.copy.unpack {
            return Ok(());
        }
        let failed = |source: io::Error| CopyError::Write { path: Path::new("/").join(plain(written)), source };
        let target = follow(into.root, &plain(written)).map_err(failed)?;
        match is_directory(into.root, &target).map_err(failed)? {
            true => Ok(()),
            false => Err(CopyError::ManyToOne { count, path: written.clone() }),
        }
    }

    fn make(&self, into: &Destination<'_>, path: &Path, owner: Option<Owner>) -> Result<(), CopyError> {
        let mode = self.copy.chmod.as_ref().and_then(super::Chmod::octal).unwrap_or(MADE);
        make(into.root, path, mode, owner.unwrap_or(ROOT))
    }
}

pub(super) const ROOT: Owner = Owner { uid: 0, gid: 0 };

fn is_directory(root: &RootDir, path: &Path) -> io::Result<bool> {
    Ok(root.stat(path)?.is_some_and(|status| FileType::from_raw_mode(status.st_mode) == FileType::Directory))
}

/// Makes a directory, whose path has no symlinks, and those above it that are missing.
fn make(root: &RootDir, path: &Path, mode: u32, owner: Owner) -> Result<(), CopyError> {
    if path.components().count() > MAX_DEPTH {
        return Err(CopyError::TooDeep { path: path.to_owned() });
    }
    let mut made = PathBuf::new();
    for name in path.components() {
        made.push(name);
        let shown = || Path::new("/").join(&made);
        let failed = |source: io::Error| CopyError::Write { path: shown(), source };
        match root.stat(&made).map_err(failed)?.map(|status| FileType::from_raw_mode(status.st_mode)) {
            Some(FileType::Directory) => {}
            Some(_) => {
                return Err(CopyError::Overwrite { path: shown(), there: "the file", wanted: "a directory" });
            }
            None => {
                root.mkdir(&made, 0o700).map_err(failed)?;
                root.chown(&made, owner).map_err(failed)?;
                root.chmod(&made, mode).map_err(failed)?;
            }
        }
    }
    Ok(())
}
