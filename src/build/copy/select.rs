//! What the sources of a copy select of a tree.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use rustix::fs::{Dir, FileType, OFlags};

use super::{Copy, CopyError, Source};
use crate::build::context::{Body, Entry, Tree, TreeError, Verdict, follow, is_absent};
use crate::build::pattern::{Glob, Patterns, has_wildcard};
use crate::text::nearest;

/// What a copy selects of a tree, as it was when it was looked up.
#[derive(Debug)]
pub struct Selection<'a> {
    pub(super) copy: &'a Copy,
    pub(super) tree: &'a Tree,
    pub(super) picks: Vec<Pick<'a>>,
}

/// One thing that is selected.
#[derive(Debug)]
pub(super) enum Pick<'a> {
    /// A file or what is in a directory of the tree.
    Tree(Picked),
    /// A file of the Dockerfile.
    Inline { name: &'a str, content: &'a [u8] },
}

#[derive(Debug)]
pub(super) struct Picked {
    /// What it is called where it is copied into a directory.
    pub(super) name: OsString,
    /// Itself, where symlinks lead.
    pub(super) top: Entry,
    /// Of a directory, what is below.
    pub(super) below: Vec<Entry>,
    /// What `top`, a file, or `below` come to, once somebody has asked.
    pub(super) bodies: Option<Vec<Body>>,
}

impl<'a> Selection<'a> {
    pub(super) fn new(copy: &'a Copy, tree: &'a Tree) -> Result<Self, CopyError> {
        let mut selection = Self { copy, tree, picks: Vec::new() };
        for source in &copy.sources {
            match source {
                Source::Path(path) if copy.parents => selection.add_with_parents(path)?,
                Source::Path(path) => selection.add(path)?,
                Source::Exact(path) => {
                    let path = plain(path);
                    selection.add_one(&path, path.to_string_lossy().as_ref(), false)?;
                }
                Source::Inline { name, content } => selection.picks.push(Pick::Inline { name, content }),
            }
        }
        Ok(selection)
    }

    fn add(&mut self, written: &str) -> Result<(), CopyError> {
        let path = plain(written);
        let text = path.to_string_lossy().into_owned();
        let names: Vec<&str> = text.split('/').collect();
        let Some(first) = names.iter().position(|name| has_wildcard(name)) else {
            return self.add_one(&path, written, false);
        };
        let start: PathBuf = names[..first].iter().collect();
        for path in self.expand(&start, &names[first..], written)? {
            self.add_one(&path, written, true)?;
        }
        Ok(())
    }

    /// The paths that names with wildcards stand for, below `start`. None at all is as good as any, as BuildKit has it.
    fn expand(&self, start: &Path, names: &[&str], written: &str) -> Result<Vec<PathBuf>, CopyError> {
        let start = self.follow(start)?;
        if !self.tree.look(&start)?.is_some_and(|entry| entry.is_directory()) {
            return Err(self.not_found(&start, written));
        }
        let mut paths = vec![start];
        for (index, name) in names.iter().enumerate() {
            let glob = Glob::new(name)?;
            let is_last = index + 1 == names.len();
            let mut longer = Vec::new();
            for path in &paths {
                let fits = |(name, kind): &(OsString, FileType)| {
                    (is_last || kind.is_dir()) && glob.matches(&name.to_string_lossy())
                };
                let children = names_in(self.tree, path)?;
                longer.extend(children.into_iter().filter(fits).map(|(name, _)| path.join(name)));
            }
            paths = longer;
        }
        Ok(paths)
    }

    /// Adds what is at a path, which may be a symlink. What a wildcard found is left out without a word if it is hidden.
    fn add_one(&mut self, path: &Path, written: &str, is_found: bool) -> Result<(), CopyError> {
        let hidden = |selection: &Self, entry: &Entry| match is_found {
            true => Ok(()),
            false => Err(selection.ignored(&entry.path, written)),
        };
        if let Some(entry) = self.tree.look(path)?
            && !self.tree.shows(&entry)?
        {
            return hidden(self, &entry);
        }
        let followed = self.follow(path)?;
        let Some(top) = self.tree.look(&followed)? else {
            return Err(match self.tree.look(path)? {
                Some(_) => CopyError::Dangling { path: shown(path) },
                None => self.not_found(path, written),
            });
        };
        if !self.tree.shows(&top)? {
            // A symlink that is shown and leads to what is not is an error, however it was found.
            return if top.path == path { hidden(self, &top) } else { Err(self.ignored(&top.path, written)) };
        }
        let name = path.file_name().unwrap_or_default().to_owned();
        let exclude = &self.copy.exclude.patterns;
        if is_found && !top.is_directory() && exclude.matches(&name.to_string_lossy()) {
            return Ok(());
        }
        let below = match top.is_directory() {
            true => self.tree.below(&followed, &|path, is_directory| left_out(exclude, path, is_directory))?,
            false => Vec::new(),
        };
        self.picks.push(Pick::Tree(Picked { name, top, below, bodies: None }));
        Ok(())
    }

    /// What is before `/./`, or everything, is copied as far as it is called as what is behind, with the directories on the
    /// way.
    fn add_with_parents(&mut self, written: &str) -> Result<(), CopyError> {
        let (start, rest) = written.split_once("/./").unwrap_or(("", written));
        let (start, rest) = (plain(start), plain(rest));
        let pattern = rest.to_string_lossy().into_owned();
        let is_pattern = has_wildcard(&pattern) || has_wildcard(&start.to_string_lossy());
        let include = Patterns::new([&*pattern])?;
        let exclude = &self.copy.exclude.patterns;
        let filter = |path: &Path, is_directory: bool| {
            let text = path.to_string_lossy();
            let wanted = left_out(exclude, path, is_directory);
            match wanted {
                Verdict::Skip => Verdict::Skip,
                _ if pattern.is_empty() || include.matches(&text) => wanted,
                _ if is_directory && include.reaches_into(&text) => Verdict::Search,
                _ => Verdict::Skip,
            }
        };
        let starts = match has_wildcard(&start.to_string_lossy()) {
            true => {
                let text = start.to_string_lossy();
                let names: Vec<&str> = text.split('/').collect();
                self.expand(Path::new(""), &names, written)?
            }
            false => vec![start.clone()],
        };
        for start in starts {
            let followed = self.follow(&start)?;
            let top = self.tree.look(&followed)?.filter(Entry::is_directory);
            let Some(top) = top else { return Err(self.not_found(&start, written)) };
            let below = self.tree.below(&followed, &filter)?;
            let is_there = || below.iter().any(|entry| entry.path.starts_with(followed.join(&rest)));
            if !is_pattern && !pattern.is_empty() && !is_there() {
                let path = followed.join(&rest);
                return Err(match self.tree.look(&path)? {
                    Some(entry) if !self.tree.shows(&entry)? => self.ignored(&path, written),
                    // It is there, but everything is left out of it.
                    Some(_) => continue,
                    None => self.not_found(&path, written),
                });
            }
            self.picks.push(Pick::Tree(Picked { name: OsString::new(), top, below, bodies: None }));
        }
        Ok(())
    }

    fn follow(&self, path: &Path) -> Result<PathBuf, TreeError> {
        follow(self.tree.root(), path).map_err(|source| TreeError::Look { path: path.to_owned(), source })
    }

    fn ignored(&self, path: &Path, written: &str) -> CopyError {
        match self.tree.cause(path) {
            Some(pattern) => CopyError::Ignored { path: written.to_owned(), pattern },
            // A socket.
            None => CopyError::NotFound { path: written.to_owned(), near: None, is_outside: false },
        }
    }

    fn not_found(&self, path: &Path, written: &str) -> CopyError {
        if let Some(pattern) = self.tree.cause(path) {
            return CopyError::Ignored { path: written.to_owned(), pattern };
        }
        let above = path.parent().unwrap_or(Path::new(""));
        let siblings = self.tree.siblings(path);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let near = nearest(&name, siblings.iter().map(String::as_str)).map(|name| shown(&above.join(name)));
        let is_outside = self.tree.is_context() && leads_up(written);
        CopyError::NotFound { path: written.to_owned(), near, is_outside }
    }
}

/// What `--exclude` says of a path below a source.
fn left_out(exclude: &Patterns, path: &Path, is_directory: bool) -> Verdict {
    if exclude.is_empty() {
        return Verdict::Take;
    }
    let text = path.to_string_lossy();
    match exclude.matches(&text) {
        false => Verdict::Take,
        true if is_directory && !exclude.covers(&text) => Verdict::Search,
        true => Verdict::Skip,
    }
}

/// `path` from the root of a tree, as names alone: `..` leads no further than there.
pub(super) fn plain(path: &str) -> PathBuf {
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    names.iter().collect()
}

/// Whether `path` has more `..` at some place than names before it.
fn leads_up(path: &str) -> bool {
    let mut depth = 0;
    path.split('/').any(|name| {
        match name {
            "" | "." => {}
            ".." => depth -= 1,
            _ => depth += 1,
        }
        depth < 0
    })
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// What is in a directory, by name, as far as it is shown.
fn names_in(tree: &Tree, path: &Path) -> Result<Vec<(OsString, FileType)>, TreeError> {
    let failed = |source: std::io::Error| TreeError::Read { path: path.to_owned(), source };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let directory = match tree.root().open_plain(path, flags) {
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        opened => opened.map_err(failed)?,
    };
    let mut names = Vec::new();
    for entry in Dir::read_from(&directory).map_err(|errno| failed(errno.into()))? {
        let entry = entry.map_err(|errno| failed(errno.into()))?;
        let name: &OsStr = std::os::unix::ffi::OsStrExt::from_bytes(entry.file_name().to_bytes());
        if name != "." && name != ".." {
            names.push((name.to_owned(), entry.file_type()));
        }
    }
    names.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out() {
        for (path, expected, is_outside) in [
            ("a/b", "a/b", false),
            ("./a//b/", "a/b", false),
            ("/a", "a", false),
            (".", "", false),
            ("../a", "a", true),
            ("a/../../b", "b", true),
            ("a/../b", "b", false),
        ] {
            assert_eq!((plain(path), leads_up(path)), (PathBuf::from(expected), is_outside), "{path}");
        }
    }
}
