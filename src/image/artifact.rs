//! Artifacts: what registries keep in the form of images and is none.
//!
//! See <https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidelines-for-artifact-usage>.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::digest::Digest;
use super::error::{Content, MirrorFailures};
use super::manifest::ManifestError;
use super::registry::{FetchError, Registry};
use super::registry_config::{Endpoint, RegistryConfig};
use crate::name::RegistryReference;

/// What an artifact must say that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArtifactKind {
    /// Its `artifactType`.
    pub artifact_type: &'static str,
    /// The media type of its config, by which artifacts without `artifactType` are known.
    pub config_type: &'static str,
}

/// An artifact of a registry, with its layers still there.
pub struct Artifact {
    /// Of the manifest or index that the reference names.
    pub digest: Digest,
    /// Its layers, in order.
    pub layers: Vec<ArtifactLayer>,
    reference: String,
    registry: Registry,
}

/// A layer of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactLayer {
    /// What it holds.
    #[serde(default)]
    pub media_type: String,
    /// Of its content.
    pub digest: Digest,
    /// Its length, in bytes.
    pub size: u64,
    /// What else is said of it.
    #[serde(default, deserialize_with = "optional")]
    pub annotations: BTreeMap<String, String>,
}

/// Why an artifact cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The registry does not give it.
    #[error("registry `{registry}` does not give artifact `{reference}`: {cause}{mirrors}")]
    Fetch {
        /// The artifact.
        reference: String,
        /// Who was asked.
        registry: String,
        /// What came of it.
        cause: String,
        /// Who was asked before.
        mirrors: MirrorFailures,
    },
    /// The manifest is of no use.
    #[error("cannot use artifact `{reference}`")]
    Manifest {
        /// The artifact.
        reference: String,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// It is an artifact of another kind, or a container image.
    #[error("`{reference}` is not a `{wanted}`, but `{found}`")]
    Kind {
        /// The artifact.
        reference: String,
        /// What it should be.
        wanted: &'static str,
        /// What it says it is.
        found: String,
    },
    /// An index has none of the kind.
    #[error("index `{reference}` has no `{wanted}`")]
    Missing {
        /// The index.
        reference: String,
        /// What it should have.
        wanted: &'static str,
    },
}

/// A manifest or an index, with what artifacts have in them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: u64,
    #[serde(default)]
    artifact_type: Option<String>,
    config: Option<Config>,
    layers: Option<Vec<ArtifactLayer>>,
    manifests: Option<Vec<IndexEntry>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    #[serde(default)]
    media_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IndexEntry {
    digest: Digest,
    #[serde(default)]
    artifact_type: Option<String>,
}

/// Why one endpoint did not give an artifact.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Fetch(#[from] FetchError),
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    #[error("{0}")]
    Other(#[from] ArtifactError),
}

/// Asks the mirrors of its registry in order, then the registry itself, what `reference` names. Nothing is kept.
///
/// Needs a tokio runtime with IO and time.
///
/// # Errors
/// [`ArtifactError`].
pub async fn resolve_artifact(
    registries: &RegistryConfig,
    reference: &RegistryReference,
    kind: ArtifactKind,
) -> Result<Artifact, ArtifactError> {
    let (endpoints, own) = registries.endpoints(&reference.registry);
    let mut mirrors = MirrorFailures::default();
    for mirror in endpoints {
        let host = mirror.host.clone();
        match resolve_at(mirror, registries, reference, kind).await {
            Ok(artifact) => return Ok(artifact),
            Err(failure) => mirrors.0.push(format!("mirror `{host}`: {failure}")),
        }
    }
    let (registry, name) = (own.host.clone(), reference.to_string());
    resolve_at(own, registries, reference, kind).await.map_err(|failure| match failure {
        Failure::Fetch(error) => ArtifactError::Fetch { reference: name, registry, cause: error.to_string(), mirrors },
        Failure::Manifest(source) => ArtifactError::Manifest { reference: name, source },
        Failure::Other(error) => error,
    })
}

async fn resolve_at(
    endpoint: Endpoint,
    registries: &RegistryConfig,
    reference: &RegistryReference,
    kind: ArtifactKind,
) -> Result<Artifact, Failure> {
    let registry = Registry::new(registries, endpoint, &reference.repository)?;
    let (digest, bytes) = registry.manifest(reference.manifest()).await?;
    let name = || reference.to_string();
    let mut document = Document::parse(&bytes)?;
    if let Some(manifests) = &document.manifests {
        let of_kind = |entry: &&IndexEntry| entry.artifact_type.as_deref() == Some(kind.artifact_type);
        // Docker Compose takes the last when there are several.
        let missing = || ArtifactError::Missing { reference: name(), wanted: kind.artifact_type };
        let entry = manifests.iter().rfind(of_kind).ok_or_else(missing)?;
        document = Document::parse(&registry.manifest(&entry.digest.to_string()).await?.1)?;
    }
    let (Some(config), Some(layers)) = (document.config, document.layers) else {
        return Err(ManifestError::NestedIndex.into());
    };
    let (found, wanted) = match document.artifact_type.filter(|text| !text.is_empty()) {
        Some(artifact_type) => (artifact_type, kind.artifact_type),
        None => (config.media_type, kind.config_type),
    };
    if found != wanted {
        return Err(ArtifactError::Kind { reference: name(), wanted: kind.artifact_type, found }.into());
    }
    Ok(Artifact { digest, layers, reference: name(), registry })
}

impl Document {
    /// Told apart by what they hold, as images are.
    fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let document: Self = serde_json::from_slice(bytes).map_err(ManifestError::Syntax)?;
        let parts = (document.config.is_some(), document.layers.is_some(), document.manifests.is_some());
        match (document.schema_version, parts) {
            (2, (true, true, false) | (false, false, true)) => Ok(document),
            (version, _) => Err(ManifestError::Ambiguous { version }),
        }
    }
}

impl Artifact {
    /// Fetches the content of `layer`, which is what its digest says. The caller decides whether its size is bearable.
    ///
    /// # Errors
    /// [`ArtifactError::Fetch`].
    pub async fn read(&self, layer: &ArtifactLayer) -> Result<Vec<u8>, ArtifactError> {
        let content = self.registry.small_blob(Content::Layer, layer.digest, layer.size).await;
        content.map_err(|error| ArtifactError::Fetch {
            reference: self.reference.clone(),
            registry: self.registry.host().to_owned(),
            cause: error.to_string(),
            mirrors: MirrorFailures::default(),
        })
    }
}

impl std::fmt::Debug for Artifact {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { reference, digest, layers, .. } = self;
        let mut shown = formatter.debug_struct("Artifact");
        shown.field("reference", reference).field("digest", digest).field("layers", layers).finish_non_exhaustive()
    }
}

/// Annotations may be `null`.
fn optional<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
