//! `volumes` and `tmpfs` of a service.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::name::VolumeName;

/// One mount of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Mount {
    /// A file or directory of the host.
    Bind {
        /// Absolute path on the host.
        source: PathBuf,
        /// Absolute path in the container.
        target: String,
        /// `ro`.
        read_only: bool,
        /// Whether a missing source is made as a directory.
        create_host_path: bool,
        /// `bind.propagation`.
        propagation: Propagation,
    },
    /// A named volume, or an anonymous one when `source` is `None`.
    Volume {
        /// The key under `volumes`.
        source: Option<VolumeName>,
        /// Absolute path in the container.
        target: String,
        /// `ro`.
        read_only: bool,
        /// `nocopy`: a new volume is not filled from the image.
        nocopy: bool,
    },
    /// A file system in memory.
    Tmpfs {
        /// Absolute path in the container.
        target: String,
        /// `size` in bytes.
        size: Option<u64>,
        /// `mode`.
        mode: Option<u32>,
        /// Other options of `tmpfs:`, as written: `uid=1000`.
        options: Vec<String>,
    },
}

impl Mount {
    /// The absolute path in the container.
    #[must_use]
    pub fn target(&self) -> &str {
        match self {
            Self::Bind { target, .. } | Self::Volume { target, .. } | Self::Tmpfs { target, .. } => target,
        }
    }
}

/// How mounts made below a bind on one side show on the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Propagation {
    /// Not at all, submounts included.
    #[default]
    Rprivate,
    /// Not at all.
    Private,
    /// Both ways, submounts included.
    Rshared,
    /// Both ways.
    Shared,
    /// From host to container, submounts included.
    Rslave,
    /// From host to container.
    Slave,
}
