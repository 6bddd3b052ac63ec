//! The project as a whole.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{AiModel, FileObject, Network, Service, Volume};
use crate::name::{NetworkName, ProjectName, ServiceName, VolumeName};

/// A Compose project, resolved. What no active service uses is already dropped from `networks`, `volumes`,
/// `configs` and `secrets`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Project {
    /// The project's name.
    pub name: ProjectName,
    /// The directory relative paths were resolved against; absolute.
    pub working_dir: PathBuf,
    /// The files it was loaded from, in order; absolute (`-` for standard input).
    pub files: Vec<PathBuf>,
    /// Whether containers are called as Compose 1 called them: `shop_web_1`.
    #[serde(default)]
    pub compatibility: bool,
    /// The active services.
    pub services: BTreeMap<ServiceName, Service>,
    /// The services switched off by profiles: not orphans, not started.
    pub disabled: BTreeMap<ServiceName, Service>,
    /// The networks in use, the implicit `default` included.
    pub networks: BTreeMap<NetworkName, Network>,
    /// The named volumes in use.
    pub volumes: BTreeMap<VolumeName, Volume>,
    /// The configs in use.
    pub configs: BTreeMap<String, FileObject>,
    /// The secrets in use.
    pub secrets: BTreeMap<String, FileObject>,
    /// The language models in use.
    pub models: BTreeMap<String, AiModel>,
    /// The programs on this machine that services name as their `runtime`, by that name; those that our own runtime stands
    /// in for have none. Not from the file: whoever runs the project finds them.
    #[serde(default)]
    pub runtimes: BTreeMap<String, OciRuntime>,
    /// The SHA-256 of what is in the files of configs and secrets, by path; none for one that cannot be read. Not from the
    /// Compose file either.
    #[serde(default)]
    pub file_digests: BTreeMap<PathBuf, String>,
}

/// A program with the command line of runc.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OciRuntime {
    /// Where it is; absolute.
    pub path: PathBuf,
    /// What it is given before its verb.
    pub args: Vec<String>,
}

impl Project {
    /// A project without anything.
    #[must_use]
    pub fn new(name: ProjectName, working_dir: impl Into<PathBuf>) -> Self {
        Self {
            name,
            working_dir: working_dir.into(),
            files: Vec::new(),
            compatibility: false,
            services: BTreeMap::new(),
            disabled: BTreeMap::new(),
            networks: BTreeMap::new(),
            volumes: BTreeMap::new(),
            configs: BTreeMap::new(),
            secrets: BTreeMap::new(),
            models: BTreeMap::new(),
            runtimes: BTreeMap::new(),
            file_digests: BTreeMap::new(),
        }
    }
}
