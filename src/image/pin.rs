//! What a reference stands for now, without fetching it.

use super::digest::Digest;
use super::error::{MirrorFailures, PullError};
use super::registry::{FetchError, Registry};
use super::registry_config::{Endpoint, RegistryConfig};
use crate::name::RegistryReference;

/// The digest of the manifest or index that `reference` names now. Needs a tokio runtime with IO and time.
///
/// # Errors
/// [`PullError`] of the registry itself, where no mirror knows the image either.
pub async fn resolve_digest(registries: &RegistryConfig, reference: &RegistryReference) -> Result<Digest, PullError> {
    let (mirrors, own) = registries.endpoints(&reference.registry);
    let mut failures = MirrorFailures::default();
    for mirror in mirrors {
        let host = mirror.host.clone();
        match ask(mirror, registries, reference).await {
            Ok(digest) => return Ok(digest),
            Err(error) => failures.0.push(format!("mirror `{host}`: {error}")),
        }
    }
    let host = own.host.clone();
    let answer = ask(own, registries, reference).await;
    answer.map_err(|error| PullError::fetch(&reference.to_string(), &host, failures, error))
}

async fn ask(
    endpoint: Endpoint,
    registries: &RegistryConfig,
    reference: &RegistryReference,
) -> Result<Digest, FetchError> {
    let registry = Registry::new(registries, endpoint, &reference.repository)?;
    // Asking for the digest alone is not counted by registries that limit pulls.
    match registry.manifest_digest(reference.manifest()).await? {
        Some(digest) => Ok(digest),
        None => Ok(registry.manifest(reference.manifest()).await?.0),
    }
}
