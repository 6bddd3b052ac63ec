//! The images of this machine on disk.
//!
//! ```text
//! ROOT/                     mode 0700
//!   layers/sha256-<diffid>/ an unpacked layer, ready to be an overlay lower directory; complete when it is there
//!   images/sha256-<id>.json an image: its configuration and the diff ids of its layers, lowest first
//!   tags/<reference>.json   what a reference resolved to when it was last pulled
//!   sizes/sha256-<diffid>   how many bytes a layer holds, once somebody has asked
//!   staging/                layers being unpacked or made
//!   locks/                  one lock a layer, held while it is fetched; one for all, held while layers may be removed
//! ```
//!
//! A layer is renamed into place when its digests have been checked, an image is written when its layers are in place,
//! a tag when its image is: at every moment what can be looked up is whole.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Image;
use super::config::{ConfigDocument, ImageConfig};
use super::digest::Digest;
use crate::name::{ImageReference, RegistryReference};
use crate::sys::{FileLock, write_atomic};

/// The version of the records written here. A record of another version counts as absent: it is pulled again.
const VERSION: u32 = 1;

/// The images of this machine.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

/// Why the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or directory of the store; the source names it.
    #[error("cannot use the image store `{}`", root.display())]
    Io {
        /// The root of the store.
        root: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A record that this program did not write.
    #[error("broken record `{}` in the image store", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// An image that was there before.
    #[error("image `{reference}` was removed meanwhile")]
    Gone {
        /// The image.
        reference: String,
    },
    /// The directory of a `rootfs:` image.
    #[error("`{}` is not a directory", directory.display())]
    NoRootfs {
        /// What `rootfs:` names.
        directory: PathBuf,
    },
}

/// `images/<id>.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ImageRecord {
    version: u32,
    pub(super) id: Digest,
    pub(super) diff_ids: Vec<Digest>,
    /// The configuration document as it was pulled, byte for byte, so that `id` can be checked.
    config: String,
}

/// `tags/<reference>.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TagRecord {
    version: u32,
    /// In full, since the name of the file is escaped.
    reference: String,
    pub(super) image: Digest,
    manifest: Digest,
}

/// Only the version of a record, so that the rest of a newer one may look different.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl Store {
    /// Opens the store at `root`, making it (mode 0700) when it is missing.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let store = Self { root: root.to_owned() };
        for directory in ["layers", "images", "tags", "sizes", "staging", "locks"] {
            // Layers hold setuid programs and private files of images: nobody else may walk in from outside.
            let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(root.join(directory));
            made.map_err(|error| store.io(error))?;
        }
        Ok(store)
    }

    /// Finds the image that `reference` names, without network; `None` when it has not been pulled.
    ///
    /// # Errors
    /// [`StoreError`]; for `rootfs:DIR` also when there is no such directory.
    pub fn lookup(&self, reference: &ImageReference) -> Result<Option<Image>, StoreError> {
        match reference {
            ImageReference::Registry(reference) => self.tagged(reference),
            ImageReference::Rootfs(directory) if directory.is_dir() => Ok(Some(Image {
                id: reference.to_string(),
                config: ImageConfig::default(),
                layers: vec![directory.clone()],
                digest: None,
            })),
            ImageReference::Rootfs(directory) => Err(StoreError::NoRootfs { directory: directory.clone() }),
        }
    }

    /// Finds what a registry reference resolved to when it was last pulled.
    pub(super) fn tagged(&self, reference: &RegistryReference) -> Result<Option<Image>, StoreError> {
        let Some(tag) = self.read::<TagRecord>(&self.tag_path(reference))? else { return Ok(None) };
        self.image(tag.image, tag.manifest)
    }

    fn image(&self, id: Digest, manifest: Digest) -> Result<Option<Image>, StoreError> {
        let path = self.image_path(id);
        let Some(record) = self.read::<ImageRecord>(&path)? else { return Ok(None) };
        let document: ConfigDocument =
            serde_json::from_str(&record.config).map_err(|source| StoreError::Record { path, source })?;
        let layers = once_each(&record.diff_ids).into_iter().map(|diff_id| self.layer_path(diff_id));
        let mut layers: Vec<PathBuf> = layers.collect();
        // Somebody may have removed a layer by hand: the image is then as good as not pulled.
        if !layers.iter().all(|layer| layer.is_dir()) {
            return Ok(None);
        }
        if let Some(directory) = document.base {
            if !directory.is_dir() {
                return Err(StoreError::NoRootfs { directory });
            }
            layers.insert(0, directory);
        }
        Ok(Some(Image { id: id.to_string(), config: document.config, layers, digest: Some(manifest) }))
    }

    /// The configuration document of the image with this id, and the diff ids of its layers, lowest first.
    pub(super) fn config(&self, id: Digest) -> Result<Option<(String, Vec<Digest>)>, StoreError> {
        Ok(self.read::<ImageRecord>(&self.image_path(id))?.map(|record| (record.config, record.diff_ids)))
    }

    /// Records an image whose layers are in place, then lets `reference` name it.
    pub(super) fn commit(
        &self,
        reference: &RegistryReference,
        manifest: Digest,
        config: String,
        diff_ids: Vec<Digest>,
    ) -> Result<Option<Image>, StoreError> {
        let id = self.record(config, diff_ids)?;
        let tag = TagRecord { version: VERSION, reference: reference.canonical(), image: id, manifest };
        self.write(&self.tag_path(reference), &tag)?;
        self.image(id, manifest)
    }

    /// Records an image that was made on this machine, whose layers are in place, and lets `reference` name it, if given:
    /// no registry has a manifest of it yet, and its own id stands for that. Returns the id.
    pub(super) fn add_image(
        &self,
        reference: Option<&RegistryReference>,
        config: String,
        diff_ids: Vec<Digest>,
    ) -> Result<Digest, StoreError> {
        match reference {
            Some(reference) => {
                let id = Digest::of(config.as_bytes());
                self.commit(reference, id, config, diff_ids).map(|_| id)
            }
            None => self.record(config, diff_ids),
        }
    }

    fn record(&self, config: String, diff_ids: Vec<Digest>) -> Result<Digest, StoreError> {
        let id = Digest::of(config.as_bytes());
        self.write(&self.image_path(id), &ImageRecord { version: VERSION, id, diff_ids, config })?;
        Ok(id)
    }

    /// Whether a layer is there, whole.
    pub(super) fn has_layer(&self, diff_id: Digest) -> bool {
        self.layer_path(diff_id).is_dir()
    }

    /// Waits until nobody else fetches the layer.
    pub(super) fn lock_layer(&self, diff_id: Digest) -> Result<FileLock, StoreError> {
        FileLock::exclusive(&self.root.join("locks").join(diff_id.file_name())).map_err(|error| self.io(error))
    }

    /// Makes the empty directory in which a layer is unpacked, discarding what a crash left there.
    /// The caller holds the lock of the layer.
    pub(super) fn stage(&self, diff_id: Digest) -> Result<Staging, StoreError> {
        let path = self.staging_path(diff_id);
        let cleared = match fs_err::remove_dir_all(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        };
        // The mode of the container's `/`, unless the layer says otherwise.
        let mode = std::fs::Permissions::from_mode(0o755);
        let made = cleared.and_then(|()| fs_err::create_dir(&path)).and_then(|()| fs_err::set_permissions(&path, mode));
        made.map_err(|error| self.io(error))?;
        Ok(Staging { path, layer: self.layer_path(diff_id), committed: false })
    }

    /// A file to pack a layer into, which nobody else uses.
    pub(super) fn packing(&self) -> PathBuf {
        self.staging().join(format!("packed-{}", crate::sys::random::hex(8)))
    }

    /// Adds the root of the store to an IO error.
    pub(super) fn io(&self, source: io::Error) -> StoreError {
        StoreError::Io { root: self.root.clone(), source }
    }

    pub(super) fn layers_path(&self) -> PathBuf {
        self.root.join("layers")
    }

    pub(super) fn layer_path(&self, diff_id: Digest) -> PathBuf {
        self.layers_path().join(diff_id.file_name())
    }

    pub(super) fn staging_path(&self, diff_id: Digest) -> PathBuf {
        self.staging().join(diff_id.file_name())
    }

    pub(super) fn size_path(&self, diff_id: Digest) -> PathBuf {
        self.root.join("sizes").join(diff_id.file_name())
    }

    pub(super) fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    pub(super) fn image_path(&self, id: Digest) -> PathBuf {
        self.root.join("images").join(format!("{}.json", id.file_name()))
    }

    pub(super) fn tag_path(&self, reference: &RegistryReference) -> PathBuf {
        let mut name = String::new();
        for character in reference.canonical().chars() {
            match character {
                'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => name.push(character),
                // A reference is ASCII, so two digits do.
                other => name.push_str(&format!("%{:02X}", u32::from(other))),
            }
        }
        self.root.join("tags").join(format!("{name}.json"))
    }

    /// The records of all images, or of all tags, that this program can read.
    pub(super) fn records<T: serde::de::DeserializeOwned>(&self, directory: &str) -> Result<Vec<T>, StoreError> {
        let entries = fs_err::read_dir(self.root.join(directory)).map_err(|error| self.io(error))?;
        let paths = entries.map(|entry| Ok(entry.map_err(|error| self.io(error))?.path()));
        let paths: Vec<PathBuf> = paths.collect::<Result<_, StoreError>>()?;
        let records = paths.iter().filter(|path| path.extension().is_some_and(|end| end == "json"));
        records.filter_map(|path| self.read(path).transpose()).collect()
    }

    /// Where the lock is that keeps layers.
    pub(super) fn keep_path(&self) -> PathBuf {
        self.root.join("locks").join("all")
    }

    pub(super) fn read<T: serde::de::DeserializeOwned>(&self, path: &Path) -> Result<Option<T>, StoreError> {
        let bytes = match fs_err::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.io(error)),
        };
        let broken = |source| StoreError::Record { path: path.to_owned(), source };
        let Versioned { version } = serde_json::from_slice(&bytes).map_err(broken)?;
        if version != VERSION {
            return Ok(None);
        }
        serde_json::from_slice(&bytes).map(Some).map_err(broken)
    }

    fn write<T: Serialize>(&self, path: &Path, record: &T) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(record).expect("records have string keys and no failing fields");
        write_atomic(path, &bytes).map_err(|error| self.io(error))
    }
}

/// A directory in which a layer is unpacked: removed when dropped, unless it became the layer.
#[derive(Debug)]
pub(super) struct Staging {
    path: PathBuf,
    layer: PathBuf,
    committed: bool,
}

impl Staging {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it the layer.
    pub(super) fn commit(self) -> io::Result<()> {
        let layer = self.layer.clone();
        self.commit_as(layer)
    }

    /// Makes it the layer at `path`, which it turned out to be.
    pub(super) fn commit_as(mut self, path: PathBuf) -> io::Result<()> {
        fs_err::rename(&self.path, path)?;
        self.committed = true;
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.committed {
            // Whatever stays is discarded when the layer is staged again.
            let _ = fs_err::remove_dir_all(&self.path);
        }
    }
}

/// The layers with each one only where it is topmost: a layer that comes again changes nothing below it that it does
/// not set once more, and overlayfs refuses the same directory twice.
fn once_each(diff_ids: &[Digest]) -> Vec<Digest> {
    let mut seen = BTreeSet::new();
    let mut kept: Vec<Digest> = diff_ids.iter().rev().copied().filter(|diff_id| seen.insert(*diff_id)).collect();
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(text: &str) -> RegistryReference {
        let ImageReference::Registry(reference) = ImageReference::parse(text).unwrap() else { panic!("{text}") };
        reference
    }

    fn store() -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("images")).unwrap();
        (directory, store)
    }

    fn put_layer(store: &Store, text: &str) -> Digest {
        let diff_id = Digest::of(text.as_bytes());
        store.stage(diff_id).unwrap().commit().unwrap();
        diff_id
    }

    #[test]
    fn an_image_is_found_by_its_reference_until_a_layer_is_gone() {
        let (_directory, store) = store();
        let (low, high) = (put_layer(&store, "low"), put_layer(&store, "high"));
        let config = format!(r#"{{"config": {{"User": "me"}}, "rootfs": {{"diff_ids": ["{low}", "{high}"]}}}}"#);
        let manifest = Digest::of(b"manifest");
        let name = reference("127.0.0.1:5000/a/b:1");
        store.commit(&name, manifest, config.clone(), vec![low, high]).unwrap().unwrap();

        let image = store.lookup(&ImageReference::Registry(name.clone())).unwrap().unwrap();
        assert_eq!(image.id, Digest::of(config.as_bytes()).to_string());
        assert_eq!(image.config.user, "me");
        assert_eq!(image.layers, [store.layer_path(low), store.layer_path(high)]);
        assert_eq!(image.digest, Some(manifest));
        assert!(store.tagged(&reference("127.0.0.1:5000/a/b:2")).unwrap().is_none());

        fs_err::remove_dir(&image.layers[0]).unwrap();
        assert!(store.tagged(&name).unwrap().is_none());
    }

    #[test]
    fn a_record_of_another_version_is_absent_and_a_broken_one_an_error() {
        let (_directory, store) = store();
        let name = reference("a:1");
        fs_err::write(store.tag_path(&name), r#"{"version": 2, "new": true}"#).unwrap();
        assert!(store.tagged(&name).unwrap().is_none());
        fs_err::write(store.tag_path(&name), r#"{"version": 1}"#).unwrap();
        assert!(matches!(store.tagged(&name), Err(StoreError::Record { .. })));
    }

    #[test]
    fn staging_that_is_not_committed_is_removed() {
        let (_directory, store) = store();
        let diff_id = Digest::of(b"layer");
        let staging = store.stage(diff_id).unwrap();
        fs_err::write(staging.path().join("file"), "half").unwrap();
        let path = staging.path().to_owned();
        drop(staging);
        assert!(!path.exists() && !store.has_layer(diff_id));
        fs_err::create_dir(&path).unwrap();
        fs_err::write(path.join("left"), "by a crash").unwrap();
        store.stage(diff_id).unwrap().commit().unwrap();
        assert_eq!(fs_err::read_dir(store.layer_path(diff_id)).unwrap().count(), 0);
    }

    #[test]
    fn a_repeated_layer_counts_where_it_is_topmost() {
        let [a, b, c] = [b"a", b"b", b"c"].map(|text| Digest::of(text));
        assert_eq!(once_each(&[a, b, a, c, b]), [a, c, b]);
    }

    #[test]
    fn references_do_not_share_a_file() {
        let (_directory, store) = store();
        let mut names: Vec<PathBuf> =
            ["a/b:c", "a:b", "a_b:c", "a-b", "x.y:1/b", "x.y/1/b"].map(|text| store.tag_path(&reference(text))).into();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 6);
        assert!(names.iter().all(|name| name.parent() == Some(&store.root.join("tags"))));
    }

    #[test]
    fn a_rootfs_image_is_its_directory() {
        let (directory, store) = store();
        let image = store.lookup(&ImageReference::Rootfs(directory.path().to_owned())).unwrap().unwrap();
        assert_eq!(image.id, format!("rootfs:{}", directory.path().display()));
        assert_eq!(image.layers, [directory.path()]);
        let missing = directory.path().join("missing");
        assert!(matches!(store.lookup(&ImageReference::Rootfs(missing)), Err(StoreError::NoRootfs { .. })));
    }
}
