//! Removal of images: names, and what nothing names any more.

use std::collections::BTreeSet;

use super::digest::Digest;
use super::store::{ImageRecord, Store, StoreError, TagRecord};
use crate::name::RegistryReference;

/// What came of a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Nothing is called so.
    Absent,
    /// Others call it by another name: this one is gone, the image is not.
    Untagged,
    /// It is gone, with the layers that no other image has.
    Removed,
    /// Somebody is bringing an image, which may have the same layers: nothing was done.
    Busy,
}

impl Store {
    /// Removes what `reference` names. The caller sees to it that no container is made from it.
    ///
    /// # Errors
    /// [`StoreError`]; what is gone by then is not named any more.
    pub fn remove(&self, reference: &RegistryReference) -> Result<Removal, StoreError> {
        let Some(alone) = self.alone()? else { return Ok(Removal::Busy) };
        let tag = self.tag_path(reference);
        let Some(TagRecord { image, .. }) = self.read(&tag)? else { return Ok(Removal::Absent) };
        self.absent(fs_err::remove_file(&tag))?;
        if self.records::<TagRecord>("tags")?.iter().any(|other| other.image == image) {
            return Ok(Removal::Untagged);
        }
        let path = self.image_path(image);
        let record: Option<ImageRecord> = self.read(&path)?;
        // Before its layers: what can be looked up is whole.
        self.absent(fs_err::remove_file(&path))?;
        let others = self.records::<ImageRecord>("images")?;
        let kept: BTreeSet<Digest> =
            others.into_iter().filter(|other| other.id != image).flat_map(|other| other.diff_ids).collect();
        for diff_id in record.into_iter().flat_map(|record| record.diff_ids).filter(|diff_id| !kept.contains(diff_id)) {
            alone.remove_layer(diff_id)?;
        }
        Ok(Removal::Removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::ImageReference;

    fn reference(text: &str) -> RegistryReference {
        let ImageReference::Registry(reference) = ImageReference::parse(text).unwrap() else { panic!("{text}") };
        reference
    }

    fn add(store: &Store, name: &str, layers: &[&str]) {
        let layers: Vec<Digest> = layers.iter().map(|layer| Digest::of(layer.as_bytes())).collect();
        for layer in layers.iter().filter(|layer| !store.has_layer(**layer)) {
            store.stage(*layer).unwrap().commit().unwrap();
        }
        let config = serde_json::json!({"config": {}, "rootfs": {"type": "layers", "diff_ids": layers}});
        store.add_image(Some(&reference(name)), config.to_string(), layers).unwrap();
    }

    #[test]
    fn what_nothing_names_any_more_goes() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("images")).unwrap();
        add(&store, "app:1", &["base", "app"]);
        add(&store, "app:same", &["base", "app"]);
        add(&store, "other:1", &["base", "other"]);
        let has = |layer: &str| store.has_layer(Digest::of(layer.as_bytes()));
        assert_eq!(store.remove(&reference("app:2")).unwrap(), Removal::Absent);
        assert_eq!(store.remove(&reference("app:1")).unwrap(), Removal::Untagged);
        assert!(has("app") && store.tagged(&reference("app:same")).unwrap().is_some());
        let kept = store.hold().unwrap();
        assert_eq!(store.remove(&reference("app:same")).unwrap(), Removal::Busy);
        drop(kept);
        assert_eq!(store.remove(&reference("app:same")).unwrap(), Removal::Removed);
        assert_eq!((has("base"), has("app"), has("other")), (true, false, true));
        assert!(store.tagged(&reference("other:1")).unwrap().is_some());
        assert_eq!(store.remove(&reference("other:1")).unwrap(), Removal::Removed);
        assert!(!has("base"));
        for left in ["layers", "images", "tags", "staging"] {
            assert_eq!(fs_err::read_dir(directory.path().join("images").join(left)).unwrap().count(), 0, "{left}");
        }
    }
}
