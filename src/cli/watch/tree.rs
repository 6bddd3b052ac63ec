//! The files that rules are about: which are there, which the kernel watches, what has become of them.
//!
//! What the kernel tells is no more than where to look. What has changed is found by comparing what is there with what was,
//! so that an event too many does nothing, and one that was lost is made good by looking at all.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::ops::Bound;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use notify::event::{AccessKind, AccessMode};
use notify::{Config, EventKind, INotifyWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::WatchError;
use super::batch::Batch;
use super::rule::{Changes, Rule};

/// What the kernel has told.
#[derive(Debug)]
pub(super) enum Told {
    /// Something has happened to this path.
    Path(PathBuf),
    /// More than could be told has happened.
    Lost,
}

/// What tells a file from what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    mode: u32,
    /// Its size, and when it was changed; nothing of a directory, which changes with all that is in it.
    content: Option<(u64, i64, i64)>,
}

/// The files that rules are about.
#[derive(Debug)]
pub(super) struct Tree {
    rules: Rc<[Rule]>,
    watcher: INotifyWatcher,
    /// The directories that are watched, with their inodes: another one may come to have the name.
    watched: BTreeMap<PathBuf, u64>,
    files: BTreeMap<PathBuf, Stamp>,
}

impl Tree {
    /// Watches what `rules` are about from now on.
    ///
    /// # Errors
    /// [`WatchError`] when the kernel does not.
    pub(super) fn watch(rules: Rc<[Rule]>) -> Result<(Self, UnboundedReceiver<Told>), WatchError> {
        // Unbounded: the kernel has a bound of its own, and the thread that empties its queue must not wait for us.
        let (sender, told) = unbounded_channel();
        let watcher = INotifyWatcher::new(move |event| tell(&sender, event), Config::default());
        let watcher = watcher.map_err(WatchError::Kernel)?;
        let mut tree = Self { rules, watcher, watched: BTreeMap::new(), files: BTreeMap::new() };
        let mut found = BTreeSet::new();
        let rules = Rc::clone(&tree.rules);
        for rule in &*rules {
            // A file is seen by the directory that it is in, and so is a directory that comes back.
            if let Some(parent) = rule.root.parent() {
                let inode = fs_err::symlink_metadata(parent).map(|status| status.ino());
                let inode = inode.map_err(|source| WatchError::Directory { path: parent.to_owned(), source })?;
                tree.add(parent, inode)?;
            }
            tree.explore(&rule.root, &mut found)?;
        }
        for path in found {
            if let Some(stamp) = stamp(&path) {
                tree.files.insert(path, stamp);
            }
        }
        Ok((tree, told))
    }

    /// All files and directories there are, as if they had just come.
    pub(super) fn all(&self) -> Changes {
        Changes { changed: self.files.keys().cloned().collect(), removed: BTreeSet::new() }
    }

    /// Takes in what the kernel has told. A directory that is new is watched at once: what comes into it next is heard.
    ///
    /// # Errors
    /// As [`Self::watch`].
    pub(super) fn hear(&mut self, told: Told, batch: &mut Batch) -> Result<(), WatchError> {
        let now = std::time::Instant::now();
        let path = match told {
            Told::Path(path) => path,
            Told::Lost => {
                batch.add_everything(now);
                return Ok(());
            }
        };
        if !self.sees(&path) && !self.enters(&path) {
            return Ok(());
        }
        let status = fs_err::symlink_metadata(&path).ok();
        let inode = status.filter(std::fs::Metadata::is_dir).map(|status| status.ino());
        if self.watched.get(&path).is_some_and(|watched| Some(*watched) != inode) {
            self.forget(&path);
        }
        if inode.is_some() {
            let mut found = BTreeSet::new();
            self.explore(&path, &mut found)?;
            found.into_iter().for_each(|path| batch.add(path, now));
        }
        batch.add(path, now);
        Ok(())
    }

    /// What has become of what is in `batch`.
    ///
    /// # Errors
    /// As [`Self::watch`].
    pub(super) fn settle(&mut self, batch: &mut Batch) -> Result<Changes, WatchError> {
        let (mut paths, everything) = batch.take();
        if everything {
            self.forget(Path::new("/"));
            let rules = Rc::clone(&self.rules);
            for rule in &*rules {
                if let Some((parent, inode)) =
                    rule.root.parent().and_then(|parent| Some((parent, fs_err::symlink_metadata(parent).ok()?.ino())))
                {
                    self.add(parent, inode)?;
                }
                self.explore(&rule.root, &mut paths)?;
            }
            paths.extend(self.files.keys().cloned());
        }
        let mut changes = Changes::default();
        for path in paths {
            let now = stamp(&path);
            if now.is_none_or(|now| now.content.is_some()) {
                // Nothing is in it any more.
                let below: Vec<_> = below(&self.files, &path).skip_while(|known| **known == path).cloned().collect();
                for path in &below {
                    self.files.remove(path);
                }
                changes.removed.extend(below);
            }
            if let (Some(now), Some(known)) = (now, self.files.get(&path))
                && now.inode != known.inode
            {
                // What was in the directory that had the name before.
                let below: Vec<_> = below(&self.files, &path).skip_while(|known| **known == path).cloned().collect();
                for path in below.into_iter().filter(|path| stamp(path).is_none()) {
                    self.files.remove(&path);
                    changes.removed.insert(path);
                }
            }
            match now.filter(|_| self.sees(&path)) {
                Some(now) => {
                    if self.files.insert(path.clone(), now) != Some(now) {
                        changes.changed.insert(path);
                    }
                }
                None => {
                    if self.files.remove(&path).is_some() {
                        changes.removed.insert(path);
                    }
                }
            }
        }
        Ok(changes)
    }

    fn sees(&self, path: &Path) -> bool {
        self.rules.iter().any(|rule| rule.sees(path))
    }

    fn enters(&self, directory: &Path) -> bool {
        self.rules.iter().any(|rule| rule.enters(directory))
    }

    /// Watches `path` and the directories in it, unless they are watched, and adds all that is in them to `found`.
    fn explore(&mut self, path: &Path, found: &mut BTreeSet<PathBuf>) -> Result<(), WatchError> {
        let mut left = vec![path.to_owned()];
        while let Some(path) = left.pop() {
            let Ok(status) = fs_err::symlink_metadata(&path) else { continue };
            if status.is_dir() && self.enters(&path) && self.add(&path, status.ino())? {
                // Read after it is watched: nothing comes in between. One that is gone is told of.
                let entries = fs_err::read_dir(&path).into_iter().flatten().flatten();
                left.extend(entries.map(|entry| entry.path()));
            }
            if self.sees(&path) {
                found.insert(path);
            }
        }
        Ok(())
    }

    /// Watches a directory; `false` if it was watched already, or is gone.
    fn add(&mut self, path: &Path, inode: u64) -> Result<bool, WatchError> {
        match self.watched.get(path) {
            Some(watched) if *watched == inode => return Ok(false),
            Some(_) => self.forget(path),
            None => {}
        }
        match self.watcher.watch(path, RecursiveMode::NonRecursive) {
            Ok(()) => {
                self.watched.insert(path.to_owned(), inode);
                Ok(true)
            }
            Err(error) => match error.kind {
                notify::ErrorKind::PathNotFound => Ok(false),
                notify::ErrorKind::MaxFilesWatch => Err(WatchError::Limit { path: path.to_owned() }),
                notify::ErrorKind::Io(source) if source.kind() == io::ErrorKind::NotFound => Ok(false),
                notify::ErrorKind::Io(source) => Err(WatchError::Directory { path: path.to_owned(), source }),
                _ => Err(WatchError::Kernel(error)),
            },
        }
    }

    /// Watches `path` and what was in it no more: it is another directory now, or none.
    fn forget(&mut self, path: &Path) {
        let gone: Vec<_> = below(&self.watched, path).cloned().collect();
        for path in gone {
            self.watched.remove(&path);
            // The kernel has let go of one that was removed.
            let _ = self.watcher.unwatch(&path);
        }
    }
}

/// The keys that are `path` or in it.
fn below<'m, V>(map: &'m BTreeMap<PathBuf, V>, path: &Path) -> impl Iterator<Item = &'m PathBuf> {
    let path = path.to_owned();
    let range = map.range::<Path, _>((Bound::Included(path.as_path()), Bound::Unbounded));
    range.map(|(key, _)| key).take_while(move |key| key.starts_with(&path)).collect::<Vec<_>>().into_iter()
}

fn stamp(path: &Path) -> Option<Stamp> {
    let status = fs_err::symlink_metadata(path).ok()?;
    let content = (!status.is_dir()).then(|| (status.size(), status.ctime(), status.ctime_nsec()));
    Some(Stamp { inode: status.ino(), mode: status.mode(), content })
}

/// Passes on what the kernel tells, but for what is only read.
fn tell(sender: &UnboundedSender<Told>, event: notify::Result<notify::Event>) {
    // Nobody listens any more when watching ends.
    let tell = |told| drop(sender.send(told));
    match event {
        Ok(event) if event.need_rescan() => tell(Told::Lost),
        Ok(event) => match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => {
                event.paths.into_iter().for_each(|path| tell(Told::Path(path)));
            }
            EventKind::Access(_) => {}
            _ => event.paths.into_iter().for_each(|path| tell(Told::Path(path))),
        },
        Err(_) => tell(Told::Lost),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::model::{Service, WatchAction, WatchRule};
    use crate::name::{ImageReference, ServiceName};

    fn rules(root: &Path, ignore: &[&str]) -> Rc<[Rule]> {
        let config = WatchRule {
            path: root.to_str().unwrap().to_owned(),
            action: Some(WatchAction::Sync),
            target: Some("/app".to_owned()),
            ignore: ignore.iter().map(|text| (*text).to_owned()).collect(),
            ..WatchRule::default()
        };
        [Rule::new(&ServiceName::new("web").unwrap(), &Service::new(ImageReference::parse("web").unwrap()), &config)
            .unwrap()]
        .into()
    }

    /// What changes by `change`, below the root: changed and removed.
    fn changes(tree: &mut Tree, told: &mut UnboundedReceiver<Told>, root: &Path, mark: &str) -> [Vec<String>; 2] {
        // The kernel tells in order: with the mark, all before it has been told.
        let mark = root.join(mark);
        fs_err::write(&mark, "").unwrap();
        let mut batch = Batch::default();
        loop {
            let next = told.blocking_recv().unwrap();
            let is_mark = matches!(&next, Told::Path(path) if *path == mark);
            tree.hear(next, &mut batch).unwrap();
            if is_mark {
                break;
            }
        }
        let changes = tree.settle(&mut batch).unwrap();
        [changes.changed, changes.removed].map(|paths| {
            let below = paths.iter().filter(|path| **path != mark).map(|path| path.strip_prefix(root).unwrap());
            below.map(|path| path.display().to_string()).collect()
        })
    }

    fn list<const N: usize, const M: usize>(changed: [&str; N], removed: [&str; M]) -> [Vec<String>; 2] {
        [changed.map(str::to_owned).to_vec(), removed.map(str::to_owned).to_vec()]
    }

    #[test]
    fn what_becomes_of_files() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("src");
        fs_err::create_dir_all(root.join("a/b")).unwrap();
        fs_err::create_dir_all(root.join("out/deep")).unwrap();
        fs_err::write(root.join("a/b/one"), "1").unwrap();
        let (mut tree, mut told) = Tree::watch(rules(&root, &["out"])).unwrap();
        let watched: Vec<_> = tree.watched.keys().map(|path| path.strip_prefix(directory.path()).unwrap()).collect();
        assert_eq!(watched, ["", "src", "src/a", "src/a/b"].map(Path::new), "nothing that is ignored");

        fs_err::write(root.join("a/b/one"), "12").unwrap();
        fs_err::write(root.join("out/deep/x"), "").unwrap();
        assert_eq!(changes(&mut tree, &mut told, &root, "m1"), list(["a/b/one"], []));

        // As editors do it.
        fs_err::write(root.join("a/b/.one.swp"), "123").unwrap();
        fs_err::rename(root.join("a/b/.one.swp"), root.join("a/b/one")).unwrap();
        fs_err::create_dir_all(root.join("new/deep")).unwrap();
        fs_err::write(root.join("new/deep/two"), "").unwrap();
        assert_eq!(
            changes(&mut tree, &mut told, &root, "m2"),
            list(["a/b/one", "new", "new/deep", "new/deep/two"], [])
        );

        // A directory that takes another's place is another one.
        fs_err::rename(root.join("new"), root.join("old")).unwrap();
        fs_err::create_dir(root.join("new")).unwrap();
        fs_err::write(root.join("old/deep/three"), "").unwrap();
        fs_err::remove_dir_all(root.join("a")).unwrap();
        assert_eq!(
            changes(&mut tree, &mut told, &root, "m3"),
            list(
                ["new", "old", "old/deep", "old/deep/three", "old/deep/two"],
                ["a", "a/b", "a/b/one", "new/deep", "new/deep/two"]
            )
        );
        fs_err::write(root.join("old/deep/two"), "2").unwrap();
        fs_err::write(root.join("new/four"), "").unwrap();
        assert_eq!(changes(&mut tree, &mut told, &root, "m4"), list(["new/four", "old/deep/two"], []));

        // What comes and goes in between leaves nothing; a file in place of a directory empties it.
        fs_err::write(root.join("short"), "").unwrap();
        fs_err::remove_file(root.join("short")).unwrap();
        fs_err::remove_dir_all(root.join("old")).unwrap();
        fs_err::write(root.join("old"), "file").unwrap();
        assert_eq!(
            changes(&mut tree, &mut told, &root, "m5"),
            list(["old"], ["old/deep", "old/deep/three", "old/deep/two"])
        );
    }

    #[test]
    fn what_was_not_told_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("src");
        fs_err::create_dir_all(root.join("a")).unwrap();
        fs_err::write(root.join("a/gone"), "").unwrap();
        fs_err::write(root.join("a/same"), "").unwrap();
        let (mut tree, told) = Tree::watch(rules(&root, &[])).unwrap();
        drop(told);
        fs_err::remove_file(root.join("a/gone")).unwrap();
        fs_err::create_dir(root.join("b")).unwrap();
        let mut batch = Batch::default();
        tree.hear(Told::Lost, &mut batch).unwrap();
        let changes = tree.settle(&mut batch).unwrap();
        assert_eq!(changes.changed, BTreeSet::from([root.join("b")]));
        assert_eq!(changes.removed, BTreeSet::from([root.join("a/gone")]));
        assert!(tree.watched.contains_key(&root.join("b")));
    }

    #[test]
    fn a_root_that_is_a_file_comes_back() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("app.conf");
        let (mut tree, mut told) = Tree::watch(rules(&root, &[])).unwrap();
        for (number, (content, expected)) in
            [(Some("1"), [1, 0]), (None, [0, 1]), (Some("2"), [1, 0])].into_iter().enumerate()
        {
            match content {
                Some(content) => fs_err::write(&root, content).unwrap(),
                None => fs_err::remove_file(&root).unwrap(),
            }
            // Beside the root: it is no change of its own.
            let mark = directory.path().join(format!("mark{number}"));
            fs_err::write(&mark, "").unwrap();
            let mut batch = Batch::default();
            loop {
                let next = told.blocking_recv().unwrap();
                let is_mark = matches!(&next, Told::Path(path) if *path == mark);
                tree.hear(next, &mut batch).unwrap();
                if is_mark {
                    break;
                }
            }
            let changes = tree.settle(&mut batch).unwrap();
            assert_eq!([changes.changed.len(), changes.removed.len()], expected, "{content:?}");
        }
    }
}
