//! What a step has come to: layers over one another.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::build::key::KeyMaker;
use crate::image::{Digest, Image, ImageConfig, Store};
use crate::sys::RootDir;

/// Files that package managers change whenever they do anything: they stand for a directory that is too large to be read.
const PACKAGES: &[&str] = &["var/lib/dpkg/status", "lib/apk/db/installed", "var/lib/rpm", "var/lib/pacman/local"];

/// What a step has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The directory of this machine that the layers go over.
    pub rootfs: Option<PathBuf>,
    /// Lowest first.
    pub diff_ids: Vec<Digest>,
    /// The layer that the step itself has added, and when it was made.
    pub added: Option<(Digest, Timestamp)>,
}

impl Snapshot {
    /// Of nothing.
    pub(super) fn empty() -> Self {
        Self { rootfs: None, diff_ids: Vec::new(), added: None }
    }

    /// With one more layer.
    pub(super) fn with(&self, layer: Digest, created: Timestamp) -> Self {
        let diff_ids = self.diff_ids.iter().copied().chain([layer]).collect();
        Self { rootfs: self.rootfs.clone(), diff_ids, added: Some((layer, created)) }
    }

    /// Whether all of its layers are in the store.
    pub(super) fn is_whole(&self, store: &Store) -> bool {
        self.diff_ids.iter().all(|layer| store.layer(*layer).is_some())
    }

    /// The directories to mount, lowest first, each once: a layer that comes again counts where it is topmost.
    ///
    /// # Errors
    /// The layer that is gone.
    pub(super) fn directories(&self, store: &Store) -> Result<Vec<PathBuf>, Digest> {
        let mut seen = BTreeSet::new();
        let topmost = self.diff_ids.iter().rev().copied().filter(|layer| seen.insert(*layer));
        let mut directories = topmost.map(|layer| store.layer(layer).ok_or(layer)).collect::<Result<Vec<_>, _>>()?;
        directories.extend(self.rootfs.clone());
        directories.reverse();
        Ok(directories)
    }

    /// What is in it, for the keys of steps over it.
    pub(super) fn key(&self) -> Digest {
        let rootfs = self.rootfs.as_deref().map(identity);
        KeyMaker::new("layers")
            .with_option("rootfs", rootfs)
            .with_all("layer", self.diff_ids.iter().map(ToString::to_string))
            .finish()
    }
}

/// What tells whether a directory is the same as before, without reading all of it.
fn identity(directory: &Path) -> String {
    let of = |path: &Path, with_time: bool| match fs_err::metadata(path) {
        Ok(metadata) => {
            let time = if with_time { (metadata.mtime(), metadata.mtime_nsec()) } else { (0, 0) };
            format!("{}:{}:{}:{}", metadata.dev(), metadata.ino(), time.0, time.1)
        }
        Err(_) => "none".to_owned(),
    };
    let packages = PACKAGES.iter().map(|file| of(&directory.join(file), true));
    std::iter::once(directory.display().to_string())
        .chain([of(directory, false)])
        .chain(packages)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Directories over one another as one tree to read from, mounted nowhere.
pub(super) fn open(directories: Vec<PathBuf>) -> io::Result<RootDir> {
    let image = Image { id: String::new(), config: ImageConfig::default(), layers: directories, digest: None };
    image.open_root()
}
