//! Compose files that were published as artifacts of a registry.
//!
//! `docker compose publish` makes a layer of every file. Those of the project are one Compose file of several
//! documents, later ones over earlier ones; those that a service extends and env files lie beside it under the names
//! that it knows them by.

use std::collections::BTreeMap;
use std::path::Path;

use crate::build::remote::{Cache, CacheError};
use crate::compose::Fetched;
use crate::image::{Artifact, ArtifactError, ArtifactKind, ArtifactLayer, Digest, RegistryConfig, resolve_artifact};
use crate::name::RegistryReference;

const PROJECT: ArtifactKind = ArtifactKind {
    artifact_type: "application/vnd.docker.compose.project",
    config_type: "application/vnd.docker.compose.config.empty.v1+json",
};
const COMPOSE_FILE: &str = "application/vnd.docker.compose.file+yaml";
const ENV_FILE: &str = "application/vnd.docker.compose.envfile";

/// Annotations: the name of a Compose file, whether it is there to be extended, the name of an env file.
const FILE_NAME: &str = "com.docker.compose.file";
const IS_EXTENDED: &str = "com.docker.compose.extends";
const ENV_FILE_NAME: &str = "com.docker.compose.envfile";

/// What the files of the project are joined in.
const MAIN: &str = "compose.yaml";

/// What an artifact may hold; no project comes near it, and a hostile one shall not fill the disk.
const MAX_FILES: usize = 100;
const MAX_SIZE: u64 = 1 << 20;

/// Why an artifact cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OciError {
    /// The registry.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The cache.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// More than a project has.
    #[error("artifact `{artifact}` has {count} files: {MAX_FILES} are allowed")]
    TooManyFiles {
        /// The artifact.
        artifact: String,
        /// How many.
        count: usize,
    },
    /// Larger than a Compose file is.
    #[error("artifact `{artifact}`: file {file:?} has {size} bytes, {MAX_SIZE} are allowed")]
    TooLarge {
        /// The artifact.
        artifact: String,
        /// Its name, or digest.
        file: String,
        /// Its size.
        size: u64,
    },
    /// A name that could lead out of the directory of the artifact.
    #[error("artifact `{artifact}`: {file:?} is not the name of a file")]
    FileName {
        /// The artifact.
        artifact: String,
        /// The name.
        file: String,
    },
    /// A file of the project that does not say what it is called.
    #[error("artifact `{artifact}`: file {digest} has no name")]
    Nameless {
        /// The artifact.
        artifact: String,
        /// Its content.
        digest: Digest,
    },
    /// Two files of one name.
    #[error("artifact `{artifact}` has two different files {file:?}")]
    Duplicate {
        /// The artifact.
        artifact: String,
        /// The name.
        file: String,
    },
    /// Nothing to load.
    #[error("artifact `{artifact}` has no compose file")]
    NoComposeFile {
        /// The artifact.
        artifact: String,
    },
}

/// Brings the artifact that `reference` names now.
pub(super) async fn fetch(
    reference: &RegistryReference,
    cache: &Cache,
    registries: &RegistryConfig,
) -> Result<Fetched, OciError> {
    let artifact = resolve_artifact(registries, reference, PROJECT).await?;
    let digest = artifact.digest.to_string();
    let entry = cache.entry("oci", digest.strip_prefix("sha256:").unwrap_or(&digest));
    if !entry.is_dir() {
        let plan = Contents::of(&artifact, &reference.to_string())?;
        let staging = cache.stage()?;
        // A layer below the directory that is locked: what is renamed away is not to be removed after all.
        let directory = staging.path().join("files");
        fs_err::create_dir(&directory).map_err(CacheError::from)?;
        plan.write(&artifact, &directory).await?;
        staging.commit(&directory, &entry)?;
    }
    Ok(Fetched { file: entry.join(MAIN), root: entry })
}

/// Which layers go where, decided before anything is fetched.
struct Contents<'a> {
    main: Vec<&'a ArtifactLayer>,
    beside: BTreeMap<&'a str, &'a ArtifactLayer>,
}

impl<'a> Contents<'a> {
    fn of(artifact: &'a Artifact, name: &str) -> Result<Self, OciError> {
        let artifact_name = || name.to_owned();
        let count = artifact.layers.len();
        if count > MAX_FILES {
            return Err(OciError::TooManyFiles { artifact: artifact_name(), count });
        }
        let mut contents = Self { main: Vec::new(), beside: BTreeMap::new() };
        for layer in &artifact.layers {
            let (key, is_main) = match layer.media_type.as_str() {
                COMPOSE_FILE => (FILE_NAME, !layer.annotations.contains_key(IS_EXTENDED)),
                ENV_FILE => (ENV_FILE_NAME, false),
                // The empty config, or what a later version will add.
                _ => continue,
            };
            let file = layer.annotations.get(key).map(String::as_str);
            // What files of the project were called is of no use, and refused as well when it leads elsewhere.
            if let Some(file) = file.filter(|file| !is_file_name(file)) {
                return Err(OciError::FileName { artifact: artifact_name(), file: file.to_owned() });
            }
            if layer.size > MAX_SIZE {
                let file = file.map_or_else(|| layer.digest.to_string(), str::to_owned);
                return Err(OciError::TooLarge { artifact: artifact_name(), file, size: layer.size });
            }
            if is_main {
                contents.main.push(layer);
                continue;
            }
            let file = file.ok_or_else(|| OciError::Nameless { artifact: artifact_name(), digest: layer.digest })?;
            let other = contents.beside.insert(file, layer);
            // Two services may have the same env file.
            if file == MAIN || other.is_some_and(|other| other.digest != layer.digest) {
                return Err(OciError::Duplicate { artifact: artifact_name(), file: file.to_owned() });
            }
        }
        if contents.main.is_empty() {
            return Err(OciError::NoComposeFile { artifact: artifact_name() });
        }
        Ok(contents)
    }

    async fn write(self, artifact: &Artifact, directory: &Path) -> Result<(), OciError> {
        let mut text = Vec::new();
        for layer in self.main {
            if !text.is_empty() {
                text.extend_from_slice(b"\n---\n");
            }
            text.extend(artifact.read(layer).await?);
        }
        let write = |name: &str, bytes: &[u8]| fs_err::write(directory.join(name), bytes).map_err(CacheError::from);
        write(MAIN, &text)?;
        for (name, layer) in self.beside {
            write(name, &artifact.read(layer).await?)?;
        }
        Ok(())
    }
}

/// Whether `text` is a name in a directory, and in no other: neither a path nor a way up.
fn is_file_name(text: &str) -> bool {
    !matches!(text, "" | "." | "..")
        && text.len() <= 255
        && !text.chars().any(|character| matches!(character, '/' | '\\') || character.is_control())
}

#[cfg(test)]
mod tests {
    use super::is_file_name;

    #[test]
    fn names_stay_in_their_directory() {
        for name in ["base.yaml", ".env", ".env.prod", "two words", "..yaml", "ä"] {
            assert!(is_file_name(name), "{name}");
        }
        for name in ["", ".", "..", "../x", "a/b", "/etc/passwd", "a\\b", "C:\\x", "a\0b", "a\nb", &"a".repeat(256)] {
            assert!(!is_file_name(name), "{name}");
        }
    }
}
