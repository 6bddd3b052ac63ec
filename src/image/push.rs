//! Pushes an image of the store to its registry.
//!
//! The store keeps layers unpacked. They are packed again, the same way each time, so that a registry which has got one once is
//! not sent it again. What packs them is the caller's: it knows how an overlay says that something is gone.

use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::blueprint::ROOTFS;
use super::digest::Digest;
use super::registry::{FetchError, Registry};
use super::registry_config::RegistryConfig;
use super::store::{Store, StoreError};
use crate::name::RegistryReference;

pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(super) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// How much of a blob is held in memory and sent at once.
const PART: usize = 16 << 20;

/// Why an image, or an artifact, could not be pushed.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// There is no such image.
    #[error("image `{reference}` is not on this machine")]
    Missing {
        /// The image.
        reference: String,
    },
    /// A digest names what is there already.
    #[error("cannot push `{reference}`: it names a digest, not a tag")]
    Digest {
        /// The image.
        reference: String,
    },
    /// The registry does not take it.
    #[error("cannot push `{reference}` to registry `{registry}`: {cause}")]
    Registry {
        /// The image.
        reference: String,
        /// Who was asked.
        registry: String,
        /// What came of it.
        cause: String,
    },
    /// It goes over a directory of this machine, which no registry has.
    #[error("cannot push `{reference}`: it is made over the directory `{}` of this machine", directory.display())]
    Rootfs {
        /// The image.
        reference: String,
        /// The directory.
        directory: PathBuf,
    },
    /// A layer cannot be packed.
    #[error("cannot pack layer `{}`", path.display())]
    Pack {
        /// The layer.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its configuration is not what it should be.
    #[error("image `{reference}` has a broken configuration")]
    Config {
        /// The image.
        reference: String,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a push is doing. Bytes are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushEvent {
    /// A part of a layer was sent, or all of it was there already.
    Layer {
        /// The layer.
        digest: Digest,
        /// What the registry has of it.
        sent: u64,
        /// All of it.
        size: u64,
    },
}

/// Content that is small enough to be held in memory, with its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmallBlob {
    /// What it is.
    pub media_type: String,
    /// It.
    pub bytes: Vec<u8>,
    /// What else is said of it.
    pub annotations: Vec<(String, String)>,
}

impl SmallBlob {
    /// What names it in a manifest.
    #[must_use]
    pub fn descriptor(&self) -> Value {
        let mut descriptor = json!({
            "mediaType": self.media_type,
            "digest": Digest::of(&self.bytes),
            "size": self.bytes.len(),
        });
        if !self.annotations.is_empty() {
            let annotations = self.annotations.iter().map(|(name, value)| (name.clone(), json!(value)));
            descriptor["annotations"] = Value::Object(annotations.collect());
        }
        descriptor
    }
}

/// Pushes what `reference` names in `store`, and returns the digest of the manifest. `pack` writes a layer as a tar archive.
///
/// Needs a tokio runtime with IO and time.
///
/// # Errors
/// [`PushError`].
pub async fn push(
    store: &Store,
    registries: &RegistryConfig,
    reference: &RegistryReference,
    pack: impl Fn(&Path, &mut dyn Write) -> io::Result<()> + Send + Clone + 'static,
    events: impl Fn(PushEvent),
) -> Result<Digest, PushError> {
    let Some(tag) = reference.tag.as_deref().filter(|_| reference.digest.is_none()) else {
        return Err(PushError::Digest { reference: reference.to_string() });
    };
    let (registry, failed) = registry(registries, reference)?;
    let manifest = push_image(store, &registry, reference, pack, events, &failed).await?;
    registry.put_manifest(tag, MANIFEST, &manifest).await.map_err(&failed)?;
    Ok(Digest::of(&manifest))
}

/// Pushes images into the repository of an artifact, and an index of them that names the artifact with this manifest as its
/// subject. Returns the digest of the index.
///
/// Needs a tokio runtime with IO and time.
///
/// # Errors
/// [`PushError`].
pub async fn push_application(
    store: &Store,
    registries: &RegistryConfig,
    artifact: &RegistryReference,
    manifest: &Value,
    images: &[RegistryReference],
    pack: impl Fn(&Path, &mut dyn Write) -> io::Result<()> + Send + Clone + 'static,
) -> Result<Digest, PushError> {
    let (registry, failed) = registry(registries, artifact)?;
    let mut manifests = Vec::new();
    for image in images {
        let manifest = push_image(store, &registry, image, pack.clone(), |_| {}, &failed).await?;
        let digest = Digest::of(&manifest);
        registry.put_manifest(&digest.to_string(), MANIFEST, &manifest).await.map_err(&failed)?;
        manifests.push(json!({"mediaType": MANIFEST, "digest": digest, "size": manifest.len()}));
    }
    let subject = manifest.to_string().into_bytes();
    let index = json!({
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": manifests,
        "subject": {"mediaType": MANIFEST, "digest": Digest::of(&subject), "size": subject.len()},
    });
    let index = index.to_string().into_bytes();
    let digest = Digest::of(&index);
    registry.put_manifest(&digest.to_string(), INDEX, &index).await.map_err(&failed)?;
    Ok(digest)
}

/// Pushes the blobs of an image, and gives its manifest.
async fn push_image(
    store: &Store,
    registry: &Registry,
    reference: &RegistryReference,
    pack: impl Fn(&Path, &mut dyn Write) -> io::Result<()> + Send + Clone + 'static,
    events: impl Fn(PushEvent),
    failed: &impl Fn(FetchError) -> PushError,
) -> Result<Vec<u8>, PushError> {
    let name = || reference.to_string();
    let id = store.tagged(reference)?.ok_or_else(|| PushError::Missing { reference: name() })?.id;
    let known = id.parse::<Digest>().ok().map(|id| store.config(id)).transpose()?.flatten();
    let (config, diff_ids) = known.ok_or_else(|| PushError::Missing { reference: name() })?;
    let mut document: Value = serde_json::from_str(&config).map_err(|_| PushError::Config { reference: name() })?;
    if let Some(directory) = document[ROOTFS].as_str() {
        return Err(PushError::Rootfs { reference: name(), directory: directory.into() });
    }
    let (mut layers, mut packed_ids) = (Vec::new(), Vec::new());
    for diff_id in &diff_ids {
        let path = store.layer_path(*diff_id);
        let target = store.packing();
        let pack = pack.clone();
        let layer = tokio::task::spawn_blocking(move || Packed::new(&path, target, pack));
        let layer = layer.await.expect("packing does not panic")?;
        upload(registry, &layer, &events).await.map_err(failed)?;
        packed_ids.push(layer.diff_id.to_string());
        layers.push(json!({"mediaType": LAYER, "digest": layer.digest, "size": layer.size}));
    }
    if document["rootfs"]["diff_ids"] != json!(packed_ids) {
        // A layer that somebody else has packed comes out as another archive of the same files.
        document["rootfs"] = json!({"type": "layers", "diff_ids": packed_ids});
    }
    let config = if document["rootfs"]["diff_ids"] == json!(diff_ids) { config } else { document.to_string() };
    let config = SmallBlob { media_type: CONFIG.to_owned(), bytes: config.into_bytes(), annotations: Vec::new() };
    push_small(registry, &config).await.map_err(failed)?;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.descriptor(),
        "layers": layers,
    });
    Ok(manifest.to_string().into_bytes())
}

/// Pushes an artifact: its blobs, then the first manifest of `manifests` that the registry takes, which is returned.
///
/// Needs a tokio runtime with IO and time.
///
/// # Errors
/// [`PushError`].
pub async fn push_artifact<'a>(
    registries: &RegistryConfig,
    reference: &RegistryReference,
    blobs: &[SmallBlob],
    manifests: &'a [Value],
) -> Result<&'a Value, PushError> {
    let Some(tag) = reference.tag.as_deref().filter(|_| reference.digest.is_none()) else {
        return Err(PushError::Digest { reference: reference.to_string() });
    };
    let (registry, failed) = registry(registries, reference)?;
    for blob in blobs {
        push_small(&registry, blob).await.map_err(&failed)?;
    }
    let mut refused = None;
    for manifest in manifests {
        match registry.put_manifest(tag, MANIFEST, &manifest.to_string().into_bytes()).await {
            Ok(()) => return Ok(manifest),
            // An old registry does not know newer fields.
            Err(FetchError::Status(status @ 400..500)) => refused = Some(FetchError::Status(status)),
            Err(error) => return Err(failed(error)),
        }
    }
    Err(failed(refused.unwrap_or(FetchError::NotFound)))
}

/// The registry itself, and what its failures are told as. A mirror takes nothing.
fn registry(
    registries: &RegistryConfig,
    reference: &RegistryReference,
) -> Result<(Registry, impl Fn(FetchError) -> PushError), PushError> {
    let (_, own) = registries.endpoints(&reference.registry);
    let (name, host) = (reference.to_string(), own.host.clone());
    let failed = move |error: FetchError| PushError::Registry {
        reference: name.clone(),
        registry: host.clone(),
        cause: error.to_string(),
    };
    match Registry::new(registries, own, &reference.repository) {
        Ok(registry) => Ok((registry, failed)),
        Err(error) => Err(failed(error)),
    }
}

pub(super) async fn push_small(registry: &Registry, blob: &SmallBlob) -> Result<(), FetchError> {
    let digest = Digest::of(&blob.bytes);
    if registry.has_blob(digest).await? {
        return Ok(());
    }
    let place = registry.begin_upload().await?;
    registry.end_upload(place, digest, blob.bytes.clone()).await
}

/// A layer as it is sent, in a file that goes with this.
pub(super) struct Packed {
    pub(super) path: PathBuf,
    pub(super) digest: Digest,
    pub(super) diff_id: Digest,
    pub(super) size: u64,
}

impl Packed {
    pub(super) fn new(
        layer: &Path,
        path: PathBuf,
        pack: impl Fn(&Path, &mut dyn Write) -> io::Result<()>,
    ) -> Result<Self, PushError> {
        let failed = |source| PushError::Pack { path: layer.to_owned(), source };
        let mut packed = Self { path, digest: Digest::of(b""), diff_id: Digest::of(b""), size: 0 };
        let file = fs_err::File::create(&packed.path).map_err(failed)?;
        let compressed = Hashed { inner: io::BufWriter::new(file), hasher: Sha256::new(), length: 0 };
        let mut tar =
            Hashed { inner: GzEncoder::new(compressed, Compression::default()), hasher: Sha256::new(), length: 0 };
        pack(layer, &mut tar).map_err(failed)?;
        packed.diff_id = tar.digest();
        let mut compressed = tar.inner.finish().map_err(failed)?;
        compressed.flush().map_err(failed)?;
        (packed.digest, packed.size) = (compressed.digest(), compressed.length);
        Ok(packed)
    }
}

impl Drop for Packed {
    fn drop(&mut self) {
        // What stays is in the way of nothing.
        let _ = fs_err::remove_file(&self.path);
    }
}

/// Passes a stream through, counting and hashing it.
struct Hashed<W> {
    inner: W,
    hasher: Sha256,
    length: u64,
}

impl<W> Hashed<W> {
    fn digest(&self) -> Digest {
        Digest::from(<[u8; 32]>::from(self.hasher.clone().finalize()))
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.length += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

pub(super) async fn upload(registry: &Registry, layer: &Packed, events: &impl Fn(PushEvent)) -> Result<(), FetchError> {
    let (digest, size) = (layer.digest, layer.size);
    let tell = |sent| events(PushEvent::Layer { digest, sent, size });
    if registry.has_blob(digest).await? {
        tell(size);
        return Ok(());
    }
    tell(0);
    let unreadable = |_| FetchError::Protocol("a packed layer that cannot be read again");
    let mut file = fs_err::File::open(&layer.path).map_err(unreadable)?;
    let mut place = registry.begin_upload().await?;
    let mut sent = 0;
    loop {
        let mut part = Vec::with_capacity(PART.min(usize::try_from(size - sent).unwrap_or(PART)));
        std::io::Read::by_ref(&mut file).take(PART as u64).read_to_end(&mut part).map_err(unreadable)?;
        let length = part.len() as u64;
        if sent + length >= size {
            registry.end_upload(place, digest, part).await?;
            tell(size);
            return Ok(());
        }
        place = registry.upload_part(place, sent, part).await?;
        sent += length;
        tell(sent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_layer_is_what_its_digests_say() {
        let directory = tempfile::tempdir().unwrap();
        let pack = |_: &Path, out: &mut dyn Write| out.write_all(&[7; 100_000]);
        let target = directory.path().join("packed");
        let packed = Packed::new(Path::new("layer"), target.clone(), pack).unwrap();
        assert_eq!(packed.diff_id, Digest::of(&[7; 100_000]));
        let bytes = fs_err::read(&target).unwrap();
        assert_eq!((packed.digest, packed.size), (Digest::of(&bytes), bytes.len() as u64));
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, [7; 100_000]);
        drop(packed);
        assert!(!target.exists());
    }
}
