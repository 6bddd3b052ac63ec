//! Images that are made on this machine: all that an image consists of, from the store and into it.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Image;
use super::config::{ConfigDocument, ImageConfig};
use super::digest::Digest;
use super::manifest::Platform;
use super::store::{Store, StoreError};
use crate::name::RegistryReference;

/// The key of a configuration document that names the directory which the layers go over. No other program knows it.
pub(super) const ROOTFS: &str = "rcompose.rootfs";

/// The key of a configuration document that has the cache of the build which has made the image. No other program knows it.
pub const INLINE_CACHE: &str = "rcompose.buildcache";

/// What an image is made of.
///
/// See <https://github.com/opencontainers/image-spec/blob/main/config.md>.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blueprint {
    /// What its containers run unless told otherwise.
    pub config: ImageConfig,
    /// `linux`; empty for this machine's.
    pub os: String,
    /// `amd64`; empty for this machine's.
    pub architecture: String,
    /// `v7`.
    pub variant: Option<String>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Who has made it.
    pub author: Option<String>,
    /// How it was made, the oldest step first.
    pub history: Vec<HistoryEntry>,
    /// The directory of this machine that the layers go over: `FROM rootfs:DIR`. Such an image cannot be pushed.
    pub rootfs: Option<PathBuf>,
    /// Its layers, lowest first. They are in the store.
    pub diff_ids: Vec<Digest>,
    /// What others need to know to build it without doing its steps: [`INLINE_CACHE`]. Not read: what is made from an image is
    /// not made so.
    pub cache: Option<Value>,
}

/// A step in the making of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HistoryEntry {
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// By which command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Whether it has changed no files, and no layer is of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub empty_layer: bool,
}

impl Blueprint {
    /// Of an image without any layer, for this machine. Its programs begin at the root, as those of BuildKit's do.
    #[must_use]
    pub fn scratch() -> Self {
        let Platform { os, architecture, variant } = Platform::host();
        let config = ImageConfig { working_dir: "/".to_owned(), ..ImageConfig::default() };
        Self { os, architecture, variant, config, ..Self::default() }
    }

    /// Of one for `platform`, `linux/arm64`, or for this machine.
    #[must_use]
    pub fn scratch_for(platform: Option<&str>) -> Self {
        let Some(platform) = platform else { return Self::scratch() };
        let Platform { os, architecture, variant } = Platform::parse(platform);
        Self { os, architecture, variant, ..Self::default() }
    }

    /// Of one whose files are those of a directory of this machine.
    #[must_use]
    pub fn over_directory(directory: PathBuf) -> Self {
        Self { rootfs: Some(directory), ..Self::scratch() }
    }

    /// The configuration document: the same for the same blueprint.
    #[must_use]
    pub fn document(&self) -> String {
        let diff_ids: Vec<String> = self.diff_ids.iter().map(ToString::to_string).collect();
        let mut document = Map::new();
        let mut put = |key: &str, value: Value| drop(document.insert(key.to_owned(), value));
        let host = Platform::host();
        put("architecture", json!(if self.architecture.is_empty() { &host.architecture } else { &self.architecture }));
        if let Some(author) = &self.author {
            put("author", json!(author));
        }
        put("config", written(&self.config));
        if let Some(created) = self.created {
            put("created", json!(created.to_string()));
        }
        put("history", json!(self.history));
        put("os", json!(if self.os.is_empty() { &host.os } else { &self.os }));
        if let Some(rootfs) = &self.rootfs {
            put(ROOTFS, json!(rootfs));
        }
        put("rootfs", json!({"type": "layers", "diff_ids": diff_ids}));
        if let Some(cache) = &self.cache {
            put(INLINE_CACHE, cache.clone());
        }
        if let Some(variant) = &self.variant {
            put("variant", json!(variant));
        }
        Value::Object(document).to_string()
    }

    /// Reads a configuration document.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(document: &str) -> serde_json::Result<Self> {
        let ConfigDocument { os, architecture, variant, created, author, config, history, base, rootfs } =
            serde_json::from_str(document)?;
        let diff_ids = rootfs.diff_ids;
        Ok(Self { config, os, architecture, variant, created, author, history, rootfs: base, diff_ids, cache: None })
    }
}

/// Without what says nothing.
fn written(config: &ImageConfig) -> Value {
    let says_something = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
        _ => true,
    };
    let Ok(Value::Object(mut config)) = serde_json::to_value(config) else { return json!({}) };
    if let Some(Value::Object(healthcheck)) = config.get_mut("Healthcheck") {
        healthcheck.retain(|_, value| says_something(value));
    }
    config.retain(|_, value| says_something(value));
    Value::Object(config)
}

impl Store {
    /// What an image of this store is made of; `None` for one whose record is gone. A `rootfs:` image has one too.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn blueprint(&self, image: &Image) -> Result<Option<Blueprint>, StoreError> {
        if let Some(directory) = image.id.strip_prefix("rootfs:") {
            return Ok(Some(Blueprint::over_directory(directory.into())));
        }
        let Ok(id) = image.id.parse::<Digest>() else { return Ok(None) };
        let Some((document, _)) = self.config(id)? else { return Ok(None) };
        let read = Blueprint::read(&document);
        read.map(Some).map_err(|source| StoreError::Record { path: self.image_path(id), source })
    }

    /// Records an image whose layers are in place, and lets each of `names` name it. Returns its id.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn add_blueprint(&self, blueprint: &Blueprint, names: &[RegistryReference]) -> Result<Digest, StoreError> {
        let document = blueprint.document();
        for name in names {
            self.add_image(Some(name), document.clone(), blueprint.diff_ids.clone())?;
        }
        self.add_image(None, document, blueprint.diff_ids.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::ImageReference;

    fn blueprint() -> Blueprint {
        let config = json!({
            "User": "me", "ExposedPorts": {"80/tcp": {}}, "Env": ["A=1"], "Cmd": ["serve"], "Entrypoint": ["/entry"],
            "Volumes": {"/data": {}}, "WorkingDir": "/srv", "Labels": {"a": "b"}, "StopSignal": "SIGINT",
            "OnBuild": ["RUN make"], "Shell": ["/bin/bash", "-c"],
            "Healthcheck": {"Test": ["CMD", "true"], "Interval": 1_000_000_000, "Retries": 3},
        });
        let entry = |text: &str, empty_layer| HistoryEntry {
            created: Some(Timestamp::UNIX_EPOCH),
            created_by: Some(text.to_owned()),
            comment: Some("buildkit.dockerfile.v0".to_owned()),
            empty_layer,
            ..HistoryEntry::default()
        };
        Blueprint {
            config: serde_json::from_value(config).unwrap(),
            created: Some(Timestamp::UNIX_EPOCH),
            author: Some("me".to_owned()),
            history: vec![entry("RUN make", false), entry("CMD serve", true)],
            ..Blueprint::scratch()
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let blueprint = blueprint();
        assert_eq!(Blueprint::read(&blueprint.document()).unwrap(), blueprint);
        let bare: Value = serde_json::from_str(&Blueprint::scratch().document()).unwrap();
        assert_eq!(bare["config"], json!({"WorkingDir": "/"}));
        assert_eq!(bare["rootfs"], json!({"type": "layers", "diff_ids": []}));
        let docker = r#"{"architecture": "amd64", "history": null, "config": null, "rootfs": {"diff_ids": null}}"#;
        assert_eq!(Blueprint::read(docker).unwrap().history, []);
    }

    #[test]
    fn an_image_over_a_directory() {
        let directory = tempfile::tempdir().unwrap();
        let (root, base) = (directory.path().join("images"), directory.path().join("base"));
        let store = Store::open(&root).unwrap();
        let ImageReference::Registry(name) = ImageReference::parse("app:1").unwrap() else { unreachable!() };
        fs_err::create_dir(&base).unwrap();
        let blueprint = Blueprint { rootfs: Some(base.clone()), ..blueprint() };
        let id = store.add_blueprint(&blueprint, std::slice::from_ref(&name)).unwrap();
        let image = store.lookup(&ImageReference::Registry(name.clone())).unwrap().unwrap();
        assert_eq!((image.id, &image.layers), (id.to_string(), &vec![base.clone()]));
        assert_ne!(id, store.add_blueprint(&Blueprint { rootfs: None, ..blueprint.clone() }, &[]).unwrap());
        let image = store.lookup(&ImageReference::Registry(name.clone())).unwrap().unwrap();
        assert_eq!(store.blueprint(&image).unwrap(), Some(blueprint));
        fs_err::remove_dir(&base).unwrap();
        assert!(matches!(store.lookup(&ImageReference::Registry(name)), Err(StoreError::NoRootfs { .. })));
    }
}
