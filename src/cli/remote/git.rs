//! Compose files in git repositories.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::build::remote::{Cache, Checkout, GitError, check_out};
use crate::compose::{Fetched, main_files};
use crate::name::GitReference;

/// Brings the commit that `reference` names now. Neither its history nor its submodules come with it.
pub(super) async fn fetch(
    reference: &GitReference,
    cache: &Cache,
    environment: &BTreeMap<String, String>,
) -> Result<Fetched, GitError> {
    let checkout = check_out(reference, Checkout::default(), cache, environment).await?;
    let file = find_file(&checkout.root, &reference.subdirectory, &checkout.commit)?;
    Ok(Fetched { file, root: checkout.root })
}

/// The Compose file that `subdirectory` of `root` is, or has.
fn find_file(root: &Path, subdirectory: &Path, commit: &str) -> Result<PathBuf, GitError> {
    let commit = || commit.to_owned();
    let place = root.join(subdirectory);
    // Links are followed to their end, as whoever reads the file will.
    let is_inside = |path: &Path| match (fs_err::canonicalize(root), fs_err::canonicalize(path)) {
        (Ok(root), Ok(end)) if end.starts_with(&root) => Ok(true),
        (Ok(_), Ok(_)) => {
            let path = path.strip_prefix(root).unwrap_or(path).to_owned();
            Err(GitError::Escapes { path, commit: commit() })
        }
        _ => Ok(false),
    };
    if !is_inside(&place)? {
        return Err(GitError::NoSuchPath { path: subdirectory.to_owned(), commit: commit() });
    }
    if place.is_file() {
        return Ok(place);
    }
    for file in main_files(&place) {
        if is_inside(&file)? && file.is_file() {
            return Ok(file);
        }
    }
    Err(GitError::NoComposeFile { path: subdirectory.to_owned(), commit: commit() })
}
