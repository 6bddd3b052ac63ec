//! `configs` and `secrets`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

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
