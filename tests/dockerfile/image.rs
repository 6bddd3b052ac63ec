//! An image of a sandbox's store, as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::Digest as _;

use crate::support::Sandbox;

/// What of a configuration document is another one each time.
const CHANGING: [&str; 2] = ["created", "com.docker.compose.version"];

/// An image as it lies in the store.
pub(crate) struct Stored {
    /// Its id.
    pub(crate) id: String,
    /// Its configuration document.
    pub(crate) document: Value,
    layers: Vec<PathBuf>,
}

impl Stored {
    /// The image that `name` (`docker.io/library/web:latest`) names.
    pub(crate) fn find(sandbox: &Sandbox, name: &str) -> Option<Self> {
        let images = sandbox.path().join("root/images");
        let tag = images.join("tags").join(format!("{}.json", name.replace('/', "%2F").replace(':', "%3A")));
        let tag: Value = serde_json::from_slice(&fs_err::read(tag).ok()?).unwrap();
        let id = tag["image"].as_str().unwrap().to_owned();
        let record = images.join("images").join(format!("{}.json", id.replace(':', "-")));
        let record: Value = serde_json::from_slice(&fs_err::read(record).unwrap()).unwrap();
        let document: Value = serde_json::from_str(record["config"].as_str().unwrap()).unwrap();
        let layers = document["rootfs"]["diff_ids"].as_array().unwrap().iter();
        let layers = layers.map(|layer| images.join("layers").join(layer.as_str().unwrap().replace(':', "-")));
        Some(Self { id, layers: layers.collect(), document })
    }

    /// The image of a service without a name of its own.
    pub(crate) fn of(sandbox: &Sandbox, project: &str, service: &str) -> Self {
        Self::find(sandbox, &format!("docker.io/library/{project}-{service}:latest")).unwrap()
    }

    /// The files of its layers, a line each: mode, owner if not root, path, what it holds, and its attributes. A further name
    /// of a file of the same layer is `=` to the first, and what lower layers have in a directory is `hidden`.
    pub(crate) fn tree(&self) -> String {
        let mut entries = BTreeMap::new();
        for layer in &self.layers {
            collect(layer, Path::new(""), &mut entries, &mut BTreeMap::new());
        }
        entries.into_iter().map(|(path, line)| line.replacen("PATH", &path, 1) + "\n").collect()
    }

    /// What it is told to run, and how it was made.
    pub(crate) fn configuration(&self) -> String {
        let mut config = self.document["config"].clone();
        if let Some(labels) = config["Labels"].as_object_mut() {
            labels.retain(|name, _| !CHANGING.contains(&name.as_str()));
        }
        let mut text = String::new();
        for (key, value) in config.as_object().unwrap() {
            writeln!(text, "{key} {value}").unwrap();
        }
        if let Some(author) = self.document["author"].as_str() {
            writeln!(text, "author {author}").unwrap();
        }
        for step in self.document["history"].as_array().unwrap() {
            let is_empty = step["empty_layer"].as_bool().unwrap_or_default();
            let what = step["created_by"].as_str().unwrap().replace('\n', "\\n");
            writeln!(text, "{} {what}", if is_empty { "." } else { "+" }).unwrap();
        }
        text
    }
}

/// Takes in what a layer has, or hides of those below; `first` are the first names of its files by inode.
fn collect(layer: &Path, path: &Path, entries: &mut BTreeMap<String, String>, first: &mut BTreeMap<u64, String>) {
    let mut found: Vec<_> =
        fs_err::read_dir(layer.join(path)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    found.sort();
    for name in found {
        let path = path.join(name);
        let full = layer.join(&path);
        let metadata = fs_err::symlink_metadata(&full).unwrap();
        let shown = format!("/{}", path.display());
        let below = format!("{shown}/");
        if metadata.file_type().is_char_device() && metadata.rdev() == 0 {
            let is_there = entries.keys().any(|known| *known == shown || known.starts_with(&below));
            entries.retain(|known, _| *known != shown && !known.starts_with(&below));
            if !is_there {
                entries.insert(shown, "gone PATH".to_owned());
            }
            continue;
        }
        let owner = match (metadata.uid(), metadata.gid()) {
            (0, 0) => String::new(),
            (uid, gid) => format!(" {uid}:{gid}"),
        };
        let mode = metadata.mode() & 0o7777;
        let (attributes, is_alone) = attributes(&full);
        if metadata.is_dir() {
            let hidden = if is_alone { " hidden" } else { "" };
            if is_alone {
                entries.retain(|known, _| !known.starts_with(&below));
            }
            entries.insert(shown, format!("{mode:04o}{owner} PATH/{hidden}{attributes}"));
            collect(layer, &path, entries, first);
            continue;
        }
        let kind = metadata.file_type();
        let device = || (rustix::fs::major(metadata.rdev()), rustix::fs::minor(metadata.rdev()));
        let holds = if metadata.is_symlink() {
            format!("-> {}", fs_err::read_link(&full).unwrap().display())
        } else if let Some(first) = first.get(&metadata.ino()) {
            format!("= {first}")
        } else if metadata.is_file() {
            first.insert(metadata.ino(), shown.clone());
            content(&fs_err::read(&full).unwrap())
        } else if kind.is_fifo() {
            "(fifo)".to_owned()
        } else {
            format!("({} device {:?})", if kind.is_char_device() { "character" } else { "block" }, device())
        };
        // A file takes the place of a directory.
        entries.retain(|known, _| !known.starts_with(&below));
        entries.insert(shown, format!("{mode:04o}{owner} PATH {holds}{attributes}"));
    }
}

/// The extended attributes of a file, without those of the overlay, and whether that hides what is below a directory.
fn attributes(path: &Path) -> (String, bool) {
    let mut names = vec![0; 4096];
    let length = rustix::fs::llistxattr(path, &mut names[..]).unwrap();
    let (mut shown, mut is_alone) = (String::new(), false);
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0; 4096];
        let length = rustix::fs::lgetxattr(path, name, &mut value[..]).unwrap();
        let name = std::str::from_utf8(name).unwrap();
        match name.split_once("overlay.") {
            Some((_, "opaque")) => is_alone = value[..length] == *b"y",
            Some(_) => {}
            None => write!(shown, " {name}={}", hex::encode(&value[..length])).unwrap(),
        }
    }
    (shown, is_alone)
}

/// What a file holds if that is short, else its hash.
fn content(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.len() <= 120 => format!("{text:?}"),
        _ => format!("{} bytes {}", bytes.len(), &hex::encode(sha2::Sha256::digest(bytes))[..12]),
    }
}
