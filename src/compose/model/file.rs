//! `configs` and `secrets`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::element::element;

element! {
    /// A config or secret of the project.
    pub struct FileObject {
        /// `name`: what it is called outside the project.
        name: Option<String>,
        /// `file`: a file of the host; absolute.
        file: Option<PathBuf>,
        /// `environment`: the variable that holds it.
        environment: Option<String>,
        /// `content`: the text itself; the loader puts the value of `environment` here.
        content: Option<String>,
        /// `external`: whether it exists outside the project.
        external: bool,
        /// `labels`.
        labels: BTreeMap<String, String>,
        /// `driver`.
        driver: Option<String>,
        /// `driver_opts`.
        driver_opts: BTreeMap<String, String>,
        /// `template_driver`.
        template_driver: Option<String>,
    }
}

impl FileObject {
    /// Where the content comes from; `None` when not from here.
    #[must_use]
    pub fn source(&self) -> Option<FileSource> {
        match (&self.file, &self.content) {
            (Some(path), _) => Some(FileSource::File(path.clone())),
            (None, Some(content)) => Some(FileSource::Content(content.clone())),
            (None, None) => None,
        }
    }

    /// One with this content.
    #[must_use]
    pub fn with_content(content: impl Into<String>) -> Self {
        Self { content: Some(content.into()), ..Self::default() }
    }
}

/// Where the content of a config or secret comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileSource {
    /// A file of the host; absolute.
    File(PathBuf),
    /// The text itself: `content`, or the value of the variable that `environment` names.
    Content(String),
}

/// A config or secret as a service sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "RawGrant", into = "RawGrant")]
pub struct FileGrant {
    /// The key under `configs` or `secrets`.
    pub source: String,
    /// Absolute path in the container: `/run/secrets/<source>` or `/<source>` by default.
    pub target: String,
    /// The owner; 0 by default.
    pub uid: u32,
    /// The group; 0 by default.
    pub gid: u32,
    /// Permission bits; 0444 by default.
    pub mode: u32,
}

/// Readable by everyone.
const MODE: u32 = 0o444;

impl FileGrant {
    /// One with the owner and mode that are the default.
    #[must_use]
    pub fn new(source: impl Into<String>, target: impl Into<String>) -> Self {
        Self { source: source.into(), target: target.into(), uid: 0, gid: 0, mode: MODE }
    }

    /// Puts a target that is relative, or not given, into `directory`.
    pub(in crate::compose) fn settle(&mut self, directory: &str) {
        if self.target.is_empty() {
            self.target.clone_from(&self.source);
        }
        if !self.target.starts_with('/') {
            self.target.insert_str(0, directory);
        }
    }
}

element! {
    /// A grant as it is written.
    pub struct RawGrant {
        /// `source`.
        source: String,
        /// `target`.
        target: Option<String>,
        /// `uid`.
        #[serde(with = "id")]
        uid: Option<u32>,
        /// `gid`.
        #[serde(with = "id")]
        gid: Option<u32>,
        /// `mode`.
        #[serde(with = "super::amount::mode")]
        mode: Option<u32>,
    }
}

impl From<RawGrant> for FileGrant {
    fn from(raw: RawGrant) -> Self {
        Self {
            source: raw.source,
            target: raw.target.unwrap_or_default(),
            uid: raw.uid.unwrap_or(0),
            gid: raw.gid.unwrap_or(0),
            mode: raw.mode.unwrap_or(MODE),
        }
    }
}

impl From<FileGrant> for RawGrant {
    fn from(grant: FileGrant) -> Self {
        Self {
            source: grant.source,
            target: Some(grant.target),
            uid: Some(grant.uid).filter(|uid| *uid != 0),
            gid: Some(grant.gid).filter(|gid| *gid != 0),
            mode: Some(grant.mode).filter(|mode| *mode != MODE),
        }
    }
}

/// A numeric id, as text.
mod id {
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::ref_option, reason = "as serde calls it")]
    pub(super) fn serialize<S: Serializer>(value: &Option<u32>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(id) => serializer.collect_str(id),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty());
        let parse = |text: String| text.parse().map_err(|_| format!("`{text}` is not a numeric id"));
        text.map(|text| parse(text).map_err(serde::de::Error::custom)).transpose()
    }
}
