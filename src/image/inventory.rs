//! What the store holds altogether, and the removal of what nothing needs.
//!
//! Who makes or fetches images holds what is there by [`Store::hold`]; [`Store::alone`] is given only when nobody does, so that
//! nothing which is in use goes.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, SystemTime};

use super::digest::Digest;
use super::store::{ImageRecord, Store, StoreError, TagRecord};
use crate::sys::FileLock;

/// Keeps every layer and image where it is until it is dropped.
#[derive(Debug)]
pub struct Hold {
    _lock: FileLock,
}

/// The store, while nobody else makes or fetches anything.
#[derive(Debug)]
pub struct Alone<'a> {
    store: &'a Store,
    _lock: FileLock,
}

/// An image of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its id.
    pub id: Digest,
    /// Its layers, lowest first.
    pub diff_ids: Vec<Digest>,
    /// Whether something names it.
    pub is_named: bool,
    /// When it was made or fetched last.
    pub written: SystemTime,
}

impl Store {
    /// Keeps every layer and image where it is: for who makes an image of what is there. Waits for who removes some.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn hold(&self) -> Result<Hold, StoreError> {
        let lock = FileLock::shared(&self.keep_path()).map_err(|error| self.io(error))?;
        Ok(Hold { _lock: lock })
    }

    /// The store alone, to remove something; `None` while somebody holds it.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn alone(&self) -> Result<Option<Alone<'_>>, StoreError> {
        let lock = FileLock::try_exclusive(&self.keep_path()).map_err(|error| self.io(error))?;
        Ok(lock.map(|lock| Alone { store: self, _lock: lock }))
    }

    /// All images.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn inventory(&self) -> Result<Vec<Known>, StoreError> {
        let named: BTreeSet<Digest> = self.records::<TagRecord>("tags")?.into_iter().map(|tag| tag.image).collect();
        let mut known = Vec::new();
        for ImageRecord { id, diff_ids, .. } in self.records("images")? {
            // One that is being removed meanwhile is none.
            let Ok(metadata) = fs_err::metadata(self.image_path(id)) else { continue };
            let written = metadata.modified().map_err(|error| self.io(error))?;
            known.push(Known { id, diff_ids, is_named: named.contains(&id), written });
        }
        Ok(known)
    }

    /// All layers, with the time since when each is there.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn layers(&self) -> Result<Vec<(Digest, SystemTime)>, StoreError> {
        let mut layers = Vec::new();
        for entry in fs_err::read_dir(self.layers_path()).map_err(|error| self.io(error))? {
            let entry = entry.map_err(|error| self.io(error))?;
            let name = entry.file_name().to_string_lossy().replacen('-', ":", 1);
            let (Ok(diff_id), Ok(metadata)) = (name.parse(), entry.metadata()) else { continue };
            // Its own time is that of the container's `/`. The change was that it came here.
            let since = Duration::from_secs(u64::try_from(metadata.ctime()).unwrap_or_default());
            layers.push((diff_id, SystemTime::UNIX_EPOCH + since));
        }
        Ok(layers)
    }
}

impl Alone<'_> {
    /// Removes the image that nothing names; its layers stay.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn remove_image(&self, id: Digest) -> Result<(), StoreError> {
        self.store.absent(fs_err::remove_file(self.store.image_path(id)))
    }

    /// Removes a layer, which no image that stays has.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn remove_layer(&self, diff_id: Digest) -> Result<(), StoreError> {
        self.store.remove_layer(diff_id)?;
        self.store.absent(fs_err::remove_file(self.store.size_path(diff_id)))
    }
}

impl Store {
    /// A layer that is there is whole: it is moved away first, to where a crash leaves what the next one to fetch it discards.
    pub(super) fn remove_layer(&self, diff_id: Digest) -> Result<(), StoreError> {
        let away = self.staging_path(diff_id);
        self.absent(fs_err::remove_dir_all(&away))?;
        self.absent(fs_err::rename(self.layer_path(diff_id), &away))?;
        self.absent(fs_err::remove_dir_all(&away))
    }

    /// What is not there need not be removed.
    pub(super) fn absent(&self, removed: io::Result<()>) -> Result<(), StoreError> {
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.io(error)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Blueprint;
    use crate::name::ImageReference;

    #[test]
    fn what_is_there_and_who_may_remove_it() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("images")).unwrap();
        let diff_id = Digest::of(b"layer");
        store.stage(diff_id).unwrap().commit().unwrap();
        let blueprint = Blueprint { diff_ids: vec![diff_id], ..Blueprint::scratch() };
        let ImageReference::Registry(name) = ImageReference::parse("app:1").unwrap() else { panic!() };
        let id = store.add_blueprint(&blueprint, &[name]).unwrap();
        let unnamed = store.add_blueprint(&Blueprint::scratch(), &[]).unwrap();
        let mut known = store.inventory().unwrap();
        known.sort_by_key(|known| !known.is_named);
        assert_eq!(
            known.iter().map(|known| (known.id, known.is_named)).collect::<Vec<_>>(),
            [(id, true), (unnamed, false)]
        );
        assert_eq!(known[0].diff_ids, [diff_id]);
        let layers = store.layers().unwrap();
        assert_eq!(layers.iter().map(|(layer, _)| *layer).collect::<Vec<_>>(), [diff_id]);
        assert!(layers[0].1.elapsed().unwrap() < Duration::from_secs(600));

        let hold = store.hold().unwrap();
        assert!(store.alone().unwrap().is_none());
        drop(hold);
        let alone = store.alone().unwrap().unwrap();
        alone.remove_image(unnamed).unwrap();
        alone.remove_layer(diff_id).unwrap();
        alone.remove_layer(diff_id).unwrap();
        assert!(store.layers().unwrap().is_empty() && store.inventory().unwrap().len() == 1);
    }
}
