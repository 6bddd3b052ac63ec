//! Pulls an image: resolves its reference, then fetches all missing layers at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::config::ConfigDocument;
use super::digest::Digest;
use super::error::MirrorFailures;
use super::fetch::fetch_layers;
use super::manifest::{Descriptor, Document, Manifest, ManifestError, Platform};
use super::registry::{FetchError, Registry};
use super::registry_config::{Endpoint, RegistryConfig};
use super::store::Store;
use super::{Image, PullError};
use crate::name::RegistryReference;

/// What a pull is doing. Layers are named by the digest of their blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullEvent {
    /// A registry is asked what the reference means.
    Resolving,
    /// A layer is there already.
    Exists {
        /// The layer.
        digest: Digest,
    },
    /// A layer will be fetched.
    Layer {
        /// The layer.
        digest: Digest,
        /// Its length, compressed, in bytes.
        size: u64,
    },
    /// A part of a layer came. Some of these may be left out.
    Progress {
        /// The layer.
        digest: Digest,
        /// What came so far, in bytes.
        bytes: u64,
    },
    /// A layer is in the store.
    Unpacked {
        /// The layer.
        digest: Digest,
    },
    /// The image is in the store.
    Done {
        /// Whether it is the one that was there before.
        unchanged: bool,
    },
}

/// Brings the image that `reference` names now into `store`, telling `events` about it. What is there is not fetched
/// again; a reference by digest that is there needs no network at all.
///
/// Needs a tokio runtime with IO and time; a single-threaded one will do, since unpacking has its own threads. When the
/// future is dropped, those end on their own and leave nothing behind.
///
/// # Errors
/// [`PullError`]. Layers that were complete stay, nothing else does.
pub async fn pull(
    store: &Store,
    registries: &RegistryConfig,
    reference: &RegistryReference,
    events: impl Fn(PullEvent) + Send + Sync,
) -> Result<Image, PullError> {
    let known = store.tagged(reference)?;
    let resolved = match known {
        Some(image) if reference.digest.is_some() => Resolved::Unchanged(Box::new(image)),
        known => {
            events(PullEvent::Resolving);
            resolve(registries, reference, known.as_ref()).await?
        }
    };
    let (registry, digest, manifest) = match resolved {
        Resolved::Unchanged(image) => {
            events(PullEvent::Done { unchanged: true });
            return Ok(*image);
        }
        Resolved::Manifest { registry, digest, manifest } => (registry, digest, manifest),
    };
    let name = reference.to_string();
    let fetch_error = |error| PullError::fetch(&name, registry.host(), MirrorFailures::default(), error);
    let config = registry.config(&manifest.config).await.map_err(fetch_error)?;
    let (config, diff_ids) = checked_config(&name, config, &manifest)?;

    // A layer that is there already must be there when the image is recorded.
    let _kept = store.hold()?;
    // Each once, though an image may hold the same layer twice.
    let layers: BTreeMap<Digest, Descriptor> = diff_ids.iter().copied().zip(manifest.layers).collect();
    fetch_layers(store, &registry, &name, layers, &events).await?;

    // Nothing is synced: a rename puts whole layers into place for every reader, and a sync would wait for whatever
    // else the machine is writing (as containerd, which syncs only when asked to). A power cut within the seconds that
    // the kernel takes to write back can damage a layer.
    let gone = || PullError::Unusable { reference: name.clone(), reason: "a layer was removed meanwhile".to_owned() };
    let image = store.commit(reference, digest, config, diff_ids)?.ok_or_else(gone)?;
    events(PullEvent::Done { unchanged: false });
    Ok(image)
}

enum Resolved {
    /// The image in the store is the current one.
    Unchanged(Box<Image>),
    Manifest {
        registry: Arc<Registry>,
        /// Of the manifest or index that the reference names.
        digest: Digest,
        manifest: Manifest,
    },
}

/// Why one endpoint did not resolve a reference.
#[derive(Debug, thiserror::Error)]
enum ResolveError {
    #[error("{0}")]
    Fetch(#[from] FetchError),
    #[error("{0}")]
    Manifest(#[from] ManifestError),
}

/// Asks the mirrors in order, then the registry itself.
async fn resolve(
    registries: &RegistryConfig,
    reference: &RegistryReference,
    known: Option<&Image>,
) -> Result<Resolved, PullError> {
    let (mirrors, own) = registries.endpoints(&reference.registry);
    let mut failures = MirrorFailures::default();
    for mirror in mirrors {
        let host = mirror.host.clone();
        match resolve_at(mirror, registries, reference, known).await {
            Ok(resolved) => return Ok(resolved),
            Err(error) => failures.0.push(format!("mirror `{host}`: {error}")),
        }
    }
    let host = own.host.clone();
    resolve_at(own, registries, reference, known).await.map_err(|error| match error {
        ResolveError::Fetch(error) => PullError::fetch(&reference.to_string(), &host, failures, error),
        ResolveError::Manifest(source) => PullError::Manifest { reference: reference.to_string(), source },
    })
}

async fn resolve_at(
    endpoint: Endpoint,
    registries: &RegistryConfig,
    reference: &RegistryReference,
    known: Option<&Image>,
) -> Result<Resolved, ResolveError> {
    let registry = Registry::new(registries, endpoint, &reference.repository)?;
    if let Some(known) = known {
        // Asking for the digest alone is not counted by registries that limit pulls.
        let current = registry.manifest_digest(reference.manifest()).await?;
        if current.is_some() && current == known.digest {
            return Ok(Resolved::Unchanged(Box::new(known.clone())));
        }
    }
    let (digest, bytes) = registry.manifest(reference.manifest()).await?;
    let mut document = Document::parse(&bytes)?;
    if let Document::Index(index) = &document {
        let chosen = index.choose(&Platform::host())?.digest.to_string();
        document = Document::parse(&registry.manifest(&chosen).await?.1)?;
    }
    match document {
        Document::Manifest(manifest) => Ok(Resolved::Manifest { registry: Arc::new(registry), digest, manifest }),
        Document::Index(_) => Err(ManifestError::NestedIndex.into()),
    }
}

/// The text of a configuration and the diff ids in it, if they can belong to `manifest`.
fn checked_config(name: &str, config: Vec<u8>, manifest: &Manifest) -> Result<(String, Vec<Digest>), PullError> {
    let reference = || name.to_owned();
    let document: ConfigDocument =
        serde_json::from_slice(&config).map_err(|source| PullError::Config { reference: reference(), source })?;
    let unusable = |reason| PullError::Unusable { reference: reference(), reason };
    if !matches!(document.os.as_str(), "linux" | "") {
        return Err(unusable(format!("it is for {}", document.os)));
    }
    let (diff_ids, layers) = (document.rootfs.diff_ids, manifest.layers.len());
    if diff_ids.len() != layers {
        return Err(unusable(format!("its configuration names {} layers, its manifest {layers}", diff_ids.len())));
    }
    let text = String::from_utf8(config).map_err(|_| unusable("its configuration is not UTF-8".to_owned()))?;
    Ok((text, diff_ids))
}
