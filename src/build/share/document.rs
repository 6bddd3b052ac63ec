//! A cache as a document.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::build::cache::Record;
use crate::image::Digest;

/// What kind of configuration the manifest of a cache has.
pub(super) const MEDIA_TYPE: &str = "application/vnd.rcompose.buildcache.v1+json";

/// The version of what is written here; one of another version counts as absent.
const VERSION: u32 = 1;

/// Records of steps, with the layers that come with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    pub(super) version: u32,
    /// Those of the manifest, in its order, by their diff ids; not written in an image, which says that itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) layers: Vec<Digest>,
    pub(super) records: Vec<Shared>,
}

/// A record and its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shared {
    pub(super) key: Digest,
    #[serde(flatten)]
    pub(super) record: Record,
}

impl Document {
    pub(super) fn new(records: Vec<(Digest, Record)>) -> Self {
        let records = records.into_iter().map(|(key, record)| Shared { key, record });
        Self { version: VERSION, layers: Vec::new(), records: records.collect() }
    }

    /// Reads the configuration of a manifest: that of a cache, or of an image with a cache in it. `None` for one without, and
    /// for one that this program does not know.
    pub(super) fn read(media_type: &str, config: &[u8]) -> Option<Self> {
        let config: Value = serde_json::from_slice(config).ok()?;
        let document = if media_type == MEDIA_TYPE {
            serde_json::from_value::<Self>(config).ok()?
        } else {
            let layers = serde_json::from_value(config["rootfs"]["diff_ids"].clone()).ok()?;
            let cache = config.get(crate::image::INLINE_CACHE)?.clone();
            Self { layers, ..serde_json::from_value::<Self>(cache).ok()? }
        };
        (document.version == VERSION).then_some(document)
    }

    /// As it is written.
    pub(super) fn value(&self) -> Value {
        serde_json::to_value(self).expect("records have string keys and no failing fields")
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let (key, layer) = (Digest::of(b"key"), Digest::of(b"layer"));
        let record = Record { layer: Some(layer), created: Timestamp::UNIX_EPOCH, name: "RUN make".to_owned() };
        let document = Document { layers: vec![layer], ..Document::new(vec![(key, record)]) };
        let bytes = document.value().to_string().into_bytes();
        assert_eq!(Document::read(MEDIA_TYPE, &bytes), Some(document.clone()));

        let inline = Document { layers: Vec::new(), ..document.clone() };
        let mut config = json!({"rootfs": {"type": "layers", "diff_ids": [layer]}});
        let read =
            |config: &Value| Document::read("application/vnd.oci.image.config.v1+json", config.to_string().as_bytes());
        assert_eq!(read(&config), None);
        config[crate::image::INLINE_CACHE] = inline.value();
        assert_eq!(read(&config), Some(document));
        config[crate::image::INLINE_CACHE]["version"] = json!(2);
        assert_eq!(read(&config), None);
        assert_eq!(Document::read(MEDIA_TYPE, b"{"), None);
    }
}
