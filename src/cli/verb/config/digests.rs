//! `config --resolve-image-digests`: tags to what they stand for now.

use std::collections::BTreeMap;

use crate::cli::block_on;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::compose::Resolved;
use crate::image::{PullError, RegistryConfig, resolve_digest};
use crate::name::ImageReference;

/// Replaces each image by its full name and digest; directories of this machine stay.
pub(in crate::cli) fn pin(context: &Context, resolved: &mut Resolved) -> Result<(), CliError> {
    let mut pinned = BTreeMap::new();
    let registries = context.registries()?;
    block_on(async {
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        for (service, image) in resolved.named_images() {
            if !known.contains_key(&image) {
                let reference = ImageReference::parse(&image)?;
                known.insert(image.clone(), pinned_name(&registries, &reference).await.map_err(CliError::Pull)?);
            }
            pinned.insert(service, known[&image].clone());
        }
        Ok(())
    })?;
    resolved.set_images(&pinned);
    Ok(())
}

async fn pinned_name(registries: &RegistryConfig, image: &ImageReference) -> Result<String, PullError> {
    let ImageReference::Registry(reference) = image else { return Ok(image.to_string()) };
    match &reference.digest {
        Some(digest) => Ok(reference.pinned(digest)),
        None => Ok(reference.pinned(&resolve_digest(registries, reference).await?.to_string())),
    }
}
