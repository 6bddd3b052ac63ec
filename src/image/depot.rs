//! Where images, and what is made like them, are kept outside of the store: a repository of a registry, or a directory in the
//! layout of OCI.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::blueprint::Blueprint;
use super::digest::Digest;
use super::error::Content;
use super::fetch::{fetch_layers, unpack_blob};
use super::layout::Layout;
use super::manifest::{CONFIG_TYPES, Descriptor, Document, Manifest, ManifestError, Platform};
use super::push::{LAYER, MANIFEST, Packed, PushError, SmallBlob, push_small, upload};
use super::registry::{FetchError, Registry};
use super::registry_config::RegistryConfig;
use super::store::{Store, StoreError};
use super::{LayerError, PullError};
use crate::name::RegistryReference;

/// Such a place, and the name of something there.
#[derive(Debug, Clone)]
pub struct Depot(Place);

#[derive(Debug, Clone)]
enum Place {
    /// A repository, and a tag or digest.
    Registry {
        registries: Arc<RegistryConfig>,
        reference: RegistryReference,
        /// Which of its mirrors; none, but the registry itself, if there is no such one.
        mirror: Option<usize>,
    },
    /// A directory, and a tag or digest.
    Directory { path: PathBuf, name: Option<String> },
}

/// A place that is being used.
enum Open {
    Registry(Registry),
    Directory(Layout),
}

/// Who has it, where no registry has.
const HERE: &str = "this machine";

/// Why a place cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DepotError {
    /// It does not do as asked.
    #[error("cannot use `{place}`: {cause}")]
    Refused {
        /// What was asked for.
        place: String,
        /// What came of it.
        cause: String,
    },
    /// A file of the directory; the source names it.
    #[error("cannot use `{place}`")]
    Directory {
        /// The directory.
        place: String,
        /// Why.
        source: io::Error,
    },
    /// What is there is something else.
    #[error("cannot use `{place}`")]
    Manifest {
        /// What was asked for.
        place: String,
        /// Why.
        source: ManifestError,
    },
    /// A layer cannot be brought.
    #[error(transparent)]
    Layer(#[from] PullError),
    /// A layer cannot be packed.
    #[error(transparent)]
    Pack(#[from] PushError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A manifest that was read, with its configuration.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// What kind of document the configuration is.
    pub media_type: String,
    /// It.
    pub config: Vec<u8>,
    layers: Vec<Descriptor>,
}

impl Parcel {
    /// How many layers there are.
    #[must_use]
    pub fn layers(&self) -> usize {
        self.layers.len()
    }
}

impl fmt::Display for Depot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Registry { reference, .. } => reference.fmt(formatter),
            Place::Directory { path, name: None } => path.display().fmt(formatter),
            Place::Directory { path, name: Some(name) } => write!(formatter, "{}:{name}", path.display()),
        }
    }
}

impl Depot {
    /// What `reference` names in its registry.
    #[must_use]
    pub fn registry(registries: &Arc<RegistryConfig>, reference: RegistryReference) -> Self {
        Self(Place::Registry { registries: Arc::clone(registries), reference, mirror: None })
    }

    /// What `reference` names wherever it may be read, in the order in which to ask: mirrors, then the registry itself.
    #[must_use]
    pub fn everywhere(registries: &Arc<RegistryConfig>, reference: &RegistryReference) -> Vec<Self> {
        let (mirrors, _) = registries.endpoints(&reference.registry);
        let at =
            |mirror| Self(Place::Registry { registries: Arc::clone(registries), reference: reference.clone(), mirror });
        (0..mirrors.len()).map(Some).chain([None]).map(at).collect()
    }

    /// What `name`, a tag or digest, stands for in the directory `path`; `latest`, or the only thing there, if none is given.
    #[must_use]
    pub fn directory(path: PathBuf, name: Option<String>) -> Self {
        Self(Place::Directory { path, name })
    }

    /// Reads what is there: of an index what is for `platform`, `linux/arm64`, or for this machine; `None` when nothing is.
    ///
    /// Needs a tokio runtime with IO and time, as all of this does.
    ///
    /// # Errors
    /// [`DepotError`].
    pub async fn read(&self, platform: Option<&str>) -> Result<Option<Parcel>, DepotError> {
        let failed = |source| DepotError::Manifest { place: self.to_string(), source };
        let open = self.open()?;
        let Some(bytes) = self.manifest(&open).await? else { return Ok(None) };
        let mut document = Document::parse_any(&bytes).map_err(failed)?;
        if let Document::Index(index) = &document {
            let chosen = index.choose(&platform.map_or_else(Platform::host, Platform::parse)).map_err(failed)?.clone();
            document = Document::parse_any(&self.document(&open, Content::Manifest, &chosen).await?).map_err(failed)?;
        }
        let Document::Manifest(Manifest { config, layers }) = document else {
            return Err(failed(ManifestError::NestedIndex));
        };
        let bytes = self.document(&open, Content::Config, &config).await?;
        Ok(Some(Parcel { media_type: config.media_type, config: bytes, layers }))
    }

    /// Brings the layers of the image that is there, of several that for `platform` or for this machine, into `store`, and says
    /// what it is made of; `None` when nothing is there.
    ///
    /// # Errors
    /// [`DepotError`]. Layers that were complete stay.
    pub async fn load(&self, store: &Store, platform: Option<&str>) -> Result<Option<Blueprint>, DepotError> {
        let Some(parcel) = self.read(platform).await? else { return Ok(None) };
        let failed = |source| DepotError::Manifest { place: self.to_string(), source };
        let is_image = CONFIG_TYPES.contains(&parcel.media_type.as_str());
        if !is_image {
            return Err(failed(ManifestError::NotAnImage { media_type: parcel.media_type }));
        }
        let blueprint = std::str::from_utf8(&parcel.config).ok().and_then(|text| Blueprint::read(text).ok());
        let broken = |cause: &str| DepotError::Refused { place: self.to_string(), cause: cause.to_owned() };
        let blueprint = blueprint.ok_or_else(|| broken("its configuration is broken"))?;
        if blueprint.diff_ids.len() != parcel.layers.len() || blueprint.rootfs.is_some() {
            return Err(broken("its configuration does not belong to its manifest"));
        }
        for (number, diff_id) in blueprint.diff_ids.iter().enumerate() {
            if !store.has_layer(*diff_id) {
                self.bring(&parcel, number, *diff_id, store).await?;
            }
        }
        Ok(Some(blueprint))
    }

    /// Brings the layer with this number of `parcel` into `store`, where it is to be the layer `diff_id`.
    ///
    /// # Errors
    /// [`DepotError`]; the store is as it was then.
    pub async fn bring(
        &self,
        parcel: &Parcel,
        number: usize,
        diff_id: Digest,
        store: &Store,
    ) -> Result<(), DepotError> {
        let descriptor = parcel.layers.get(number).cloned().ok_or_else(|| self.refused(&FetchError::NotFound))?;
        let place = self.to_string();
        match self.open()? {
            Open::Registry(registry) => {
                let layers = BTreeMap::from([(diff_id, descriptor)]);
                Ok(fetch_layers(store, &Arc::new(registry), &place, layers, &|_| {}).await?)
            }
            Open::Directory(layout) => {
                let (store, path) = (store.clone(), layout.blob(descriptor.digest));
                let unpacked = tokio::task::spawn_blocking(move || {
                    let _lock = store.lock_layer(diff_id)?;
                    if store.has_layer(diff_id) {
                        return Ok(());
                    }
                    let failed = |source| PullError::Layer {
                        reference: place.clone(),
                        digest: descriptor.digest,
                        source: LayerError::Read(source),
                    };
                    let blob = fs_err::File::open(path).map_err(failed)?;
                    unpack_blob(&store, &place, HERE, diff_id, &descriptor, blob)
                });
                Ok(unpacked.await.expect("unpacking does not panic")?)
            }
        }
    }

    /// Writes a manifest with `layers` of `store`, which `pack` writes as archives, and the configuration that `config` makes of
    /// those that are in it: a layer that is not there, or comes out as another archive than its diff id says, is left out. What `known` has of
    /// them, a parcel of this place with the diff ids of its layers, is not sent again.
    ///
    /// # Errors
    /// [`DepotError`].
    pub async fn write(
        &self,
        config: impl FnOnce(&[Digest]) -> SmallBlob,
        layers: &[Digest],
        known: Option<(&Parcel, &[Digest])>,
        store: &Store,
        pack: impl Fn(&Path, &mut dyn Write) -> io::Result<()> + Send + Clone + 'static,
    ) -> Result<(), DepotError> {
        let open = self.open()?;
        let (mut written, mut descriptors) = (Vec::new(), Vec::new());
        for diff_id in layers {
            let before = known.and_then(|(parcel, diff_ids)| {
                let number = diff_ids.iter().position(|known| known == diff_id)?;
                parcel.layers.get(number)
            });
            let (digest, size) = match before {
                Some(descriptor) if self.has(&open, descriptor.digest).await? => (descriptor.digest, descriptor.size),
                _ if !store.has_layer(*diff_id) => continue,
                _ => {
                    let (path, target, pack) = (store.layer_path(*diff_id), store.packing(), pack.clone());
                    let packed = tokio::task::spawn_blocking(move || Packed::new(&path, target, pack));
                    let packed = packed.await.expect("packing does not panic")?;
                    if packed.diff_id != *diff_id {
                        continue;
                    }
                    self.put_layer(&open, &packed).await?;
                    (packed.digest, packed.size)
                }
            };
            written.push(*diff_id);
            descriptors.push(json!({"mediaType": LAYER, "digest": digest, "size": size}));
        }
        let config = config(&written);
        self.put(&open, &config).await?;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.descriptor(),
            "layers": descriptors,
        });
        self.name(&open, manifest.to_string().as_bytes()).await
    }

    /// The manifest or index.
    async fn manifest(&self, open: &Open) -> Result<Option<Vec<u8>>, DepotError> {
        match (open, &self.0) {
            (Open::Registry(registry), Place::Registry { reference, .. }) => {
                match registry.manifest(reference.manifest()).await {
                    Ok((_, bytes)) => Ok(Some(bytes)),
                    Err(FetchError::NotFound) => Ok(None),
                    Err(error) => Err(self.refused(&error)),
                }
            }
            (Open::Directory(layout), Place::Directory { name, .. }) => {
                let found = layout.find(name.as_deref()).map_err(|source| self.unusable(source))?;
                let read = |digest| fs_err::read(layout.blob(digest)).map_err(|source| self.unusable(source));
                found.map(read).transpose()
            }
            _ => Ok(None),
        }
    }

    /// A small blob, or a manifest by its digest, which is checked.
    async fn document(&self, open: &Open, content: Content, descriptor: &Descriptor) -> Result<Vec<u8>, DepotError> {
        let expected = descriptor.digest;
        let refused = |error| self.refused(&error);
        match open {
            Open::Registry(registry) if content == Content::Manifest => {
                registry.manifest(&expected.to_string()).await.map(|(_, bytes)| bytes).map_err(refused)
            }
            Open::Registry(registry) => registry.small_blob(content, expected, descriptor.size).await.map_err(refused),
            Open::Directory(layout) => {
                let bytes = fs_err::read(layout.blob(expected)).map_err(|source| self.unusable(source))?;
                let actual = Digest::of(&bytes);
                if actual == expected {
                    Ok(bytes)
                } else {
                    Err(refused(FetchError::Digest { content, expected, actual }))
                }
            }
        }
    }

    async fn has(&self, open: &Open, digest: Digest) -> Result<bool, DepotError> {
        match open {
            Open::Registry(registry) => registry.has_blob(digest).await.map_err(|error| self.refused(&error)),
            Open::Directory(layout) => Ok(layout.blob(digest).is_file()),
        }
    }

    async fn put_layer(&self, open: &Open, packed: &Packed) -> Result<(), DepotError> {
        match open {
            Open::Registry(registry) => upload(registry, packed, &|_| {}).await.map_err(|error| self.refused(&error)),
            Open::Directory(layout) => {
                layout.put_file(&packed.path, packed.digest).map_err(|source| self.unusable(source))
            }
        }
    }

    async fn put(&self, open: &Open, blob: &SmallBlob) -> Result<(), DepotError> {
        match open {
            Open::Registry(registry) => push_small(registry, blob).await.map_err(|error| self.refused(&error)),
            Open::Directory(layout) => layout.put(&blob.bytes).map_err(|source| self.unusable(source)),
        }
    }

    /// Has the name stand for a manifest.
    async fn name(&self, open: &Open, manifest: &[u8]) -> Result<(), DepotError> {
        match (open, &self.0) {
            (Open::Registry(registry), Place::Registry { reference, .. }) => {
                let put = registry.put_manifest(reference.manifest(), MANIFEST, manifest).await;
                put.map_err(|error| self.refused(&error))
            }
            (Open::Directory(layout), Place::Directory { name, .. }) => {
                let tag = name.as_deref().unwrap_or("latest");
                layout.put_manifest(tag, MANIFEST, manifest).map_err(|source| self.unusable(source))
            }
            _ => Ok(()),
        }
    }

    /// Connects to it. Good for one runtime only.
    fn open(&self) -> Result<Open, DepotError> {
        match &self.0 {
            Place::Registry { registries, reference, mirror } => {
                let (mirrors, own) = registries.endpoints(&reference.registry);
                let endpoint = mirror.and_then(|mirror| mirrors.into_iter().nth(mirror)).unwrap_or(own);
                let registry = Registry::new(registries, endpoint, &reference.repository);
                registry.map(Open::Registry).map_err(|error| self.refused(&error))
            }
            Place::Directory { path, .. } => Ok(Open::Directory(Layout::at(path))),
        }
    }

    /// That nothing is there.
    #[must_use]
    pub fn missing(&self) -> DepotError {
        self.refused(&FetchError::NotFound)
    }

    fn refused(&self, error: &FetchError) -> DepotError {
        DepotError::Refused { place: self.to_string(), cause: error.to_string() }
    }

    fn unusable(&self, source: io::Error) -> DepotError {
        DepotError::Directory { place: self.to_string(), source }
    }
}
