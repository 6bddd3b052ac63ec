//! A directory in the layout that OCI has for images: blobs by digest, and an index that names some of them.
//!
//! ```text
//! oci-layout              says that it is one
//! index.json              descriptors of manifests, with their names
//! blobs/sha256/<digest>   everything
//! ```
//! See <https://github.com/opencontainers/image-spec/blob/main/image-layout.md>.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::digest::Digest;
use crate::sys::write_atomic;

/// What names a manifest in the index.
const NAME: &str = "org.opencontainers.image.ref.name";

/// Such a directory.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(super) fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// What `name`, a tag or digest, stands for; `None` when there is no such thing, or nothing at all. A tag may be a part of
    /// a longer name, and when there is only one thing and no tag is given, that is meant.
    pub(super) fn find(&self, name: Option<&str>) -> io::Result<Option<Digest>> {
        let Some(index) = self.index()? else { return Ok(None) };
        let manifests = index["manifests"].as_array().map(Vec::as_slice).unwrap_or_default();
        let digest = |manifest: &Value| manifest["digest"].as_str().and_then(|digest| digest.parse::<Digest>().ok());
        if let Some(Ok(wanted)) = name.map(str::parse::<Digest>) {
            // It need not be in the index itself, but in one that this names.
            return Ok(Some(wanted).filter(|wanted| self.blob(*wanted).is_file()));
        }
        let tag = name.unwrap_or("latest");
        let is_called = |manifest: &&Value| {
            let name = manifest["annotations"][NAME].as_str().unwrap_or_default();
            name == tag || name.rsplit_once(':').is_some_and(|(_, last)| last == tag)
        };
        let found = manifests.iter().rev().find(is_called);
        let only = || manifests.first().filter(|_| name.is_none() && manifests.len() == 1);
        Ok(found.or_else(only).and_then(digest))
    }

    /// Where a blob is.
    pub(super) fn blob(&self, digest: Digest) -> PathBuf {
        self.root.join("blobs/sha256").join(digest.hex())
    }

    /// Keeps a blob.
    pub(super) fn put(&self, bytes: &[u8]) -> io::Result<()> {
        let path = self.blob(Digest::of(bytes));
        fs_err::create_dir_all(path.parent().unwrap_or(&self.root))?;
        // The digest would tell if what is there were broken, and nobody would read it.
        write_atomic(&path, bytes)
    }

    /// Keeps what is in a file, which may be on another file system.
    pub(super) fn put_file(&self, file: &Path, digest: Digest) -> io::Result<()> {
        let path = self.blob(digest);
        fs_err::create_dir_all(path.parent().unwrap_or(&self.root))?;
        let new = path.with_extension("new");
        fs_err::copy(file, &new)?;
        fs_err::rename(new, path)
    }

    /// Has `tag` stand for the manifest `bytes`, which is kept.
    pub(super) fn put_manifest(&self, tag: &str, media_type: &str, bytes: &[u8]) -> io::Result<()> {
        self.put(bytes)?;
        let mut index = self.index()?.unwrap_or_else(|| json!({"schemaVersion": 2, "manifests": []}));
        let descriptor = json!({
            "mediaType": media_type,
            "digest": Digest::of(bytes),
            "size": bytes.len(),
            "annotations": {NAME: tag},
        });
        if let Some(manifests) = index["manifests"].as_array_mut() {
            manifests.retain(|manifest| manifest["annotations"][NAME] != tag);
            manifests.push(descriptor);
        }
        write_atomic(&self.root.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        write_atomic(&self.root.join("index.json"), index.to_string().as_bytes())
    }

    /// `None` when there is none, and the directory is no layout.
    fn index(&self) -> io::Result<Option<Value>> {
        let path = self.root.join("index.json");
        let bytes = match fs_err::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes?,
        };
        let index: Value = serde_json::from_slice(&bytes).map_err(|error| broken(&path, &error.to_string()))?;
        match index["manifests"].is_array() {
            true => Ok(Some(index)),
            false => Err(broken(&path, "no index of manifests")),
        }
    }
}

fn broken(path: &Path, reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("`{}`: {reason}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::at(directory.path());
        assert_eq!(layout.find(None).unwrap(), None);
        let type_ = "application/vnd.oci.image.manifest.v1+json";
        layout.put_manifest("one", type_, b"{1}").unwrap();
        let (one, two) = (Digest::of(b"{1}"), Digest::of(b"{2}"));
        assert_eq!(layout.find(None).unwrap(), Some(one), "the only one");
        assert_eq!(layout.find(Some("latest")).unwrap(), None);
        layout.put_manifest("registry/app:two", type_, b"{2}").unwrap();
        layout.put_manifest("latest", type_, b"{1}").unwrap();
        for (name, expected) in [
            (None, Some(one)),
            (Some("one"), Some(one)),
            (Some("two"), Some(two)),
            (Some("three"), None),
            (Some(two.to_string().as_str()), Some(two)),
            (Some(Digest::of(b"3").to_string().as_str()), None),
        ] {
            assert_eq!(layout.find(name).unwrap(), expected, "{name:?}");
        }
        layout.put_manifest("latest", type_, b"{2}").unwrap();
        assert_eq!(layout.find(None).unwrap(), Some(two), "the newest of a name");
        assert_eq!(fs_err::read(layout.blob(one)).unwrap(), b"{1}");
        fs_err::write(directory.path().join("index.json"), "[]").unwrap();
        assert!(layout.find(None).unwrap_err().to_string().contains("index.json"));
    }
}
