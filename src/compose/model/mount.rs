//! `volumes` and `tmpfs` of a service.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::raw_mount::RawMount;
use super::word::{as_text, words};
use crate::name::{ImageReference, VolumeName};
use crate::text::units;

/// One mount of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawMount", into = "RawMount")]
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
        /// `bind.recursive`: `enabled`, `disabled`, `writable` or `readonly`.
        recursive: Option<String>,
        /// `bind.selinux`: `z` or `Z`.
        selinux: Option<String>,
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
        /// `volume.subpath`: the part of the volume that is mounted.
        subpath: Option<String>,
        /// `volume.labels`.
        labels: BTreeMap<String, String>,
    },
    /// A file system in memory.
    Tmpfs(Tmpfs),
    /// The content of an image.
    Image {
        /// Which.
        source: ImageReference,
        /// Absolute path in the container.
        target: String,
        /// `ro`.
        read_only: bool,
        /// `image.subpath`: the part of the image that is mounted.
        subpath: Option<String>,
    },
    /// A pipe of Windows, or a volume of a swarm.
    Foreign {
        /// `npipe` or `cluster`.
        kind: Foreign,
        /// What is mounted.
        source: Option<String>,
        /// Path in the container.
        target: String,
        /// `ro`.
        read_only: bool,
    },
}

impl Mount {
    /// The absolute path in the container.
    #[must_use]
    pub fn target(&self) -> &str {
        match self {
            Self::Bind { target, .. }
            | Self::Volume { target, .. }
            | Self::Tmpfs(Tmpfs { target, .. })
            | Self::Image { target, .. }
            | Self::Foreign { target, .. } => target,
        }
    }

    /// The key of the volume that it mounts.
    #[must_use]
    pub fn named_volume(&self) -> Option<&VolumeName> {
        match self {
            Self::Volume { source, .. } => source.as_ref(),
            Self::Bind { .. } | Self::Tmpfs(_) | Self::Image { .. } | Self::Foreign { .. } => None,
        }
    }

    /// The image that it mounts.
    #[must_use]
    pub fn image(&self) -> Option<&ImageReference> {
        match self {
            Self::Image { source, .. } => Some(source),
            Self::Bind { .. } | Self::Volume { .. } | Self::Tmpfs(_) | Self::Foreign { .. } => None,
        }
    }

    /// A bind of a directory or file of the host, with the defaults of the short form.
    #[must_use]
    pub fn bind(source: impl Into<PathBuf>, target: impl Into<String>) -> Self {
        Self::Bind {
            source: source.into(),
            target: target.into(),
            read_only: false,
            create_host_path: true,
            propagation: Propagation::default(),
            recursive: None,
            selinux: None,
        }
    }

    /// A volume, with the defaults of the short form.
    #[must_use]
    pub fn volume(source: Option<VolumeName>, target: impl Into<String>) -> Self {
        Self::Volume {
            source,
            target: target.into(),
            read_only: false,
            nocopy: false,
            subpath: None,
            labels: BTreeMap::new(),
        }
    }
}

/// A file system in memory; as text an entry of `tmpfs`: `PATH[:OPTIONS]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tmpfs {
    /// Absolute path in the container.
    pub target: String,
    /// `size` in bytes.
    pub size: Option<u64>,
    /// `mode`.
    pub mode: Option<u32>,
    /// Other options of `tmpfs:`, as written: `uid=1000`.
    pub options: Vec<String>,
}

impl FromStr for Tmpfs {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (target, list) = text.split_once(':').unwrap_or((text, ""));
        let mut tmpfs = Self { target: target.to_owned(), ..Self::default() };
        for option in list.split(',').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("size", value)) => tmpfs.size = Some(units::bytes(value).map_err(|error| error.to_string())?),
                Some(("mode", value)) => {
                    // Octal without a prefix here, unlike in YAML.
                    let octal = u32::from_str_radix(value, 8);
                    tmpfs.mode = Some(octal.map_err(|_| format!("`{value}` is not an octal mode"))?);
                }
                _ => tmpfs.options.push(option.to_owned()),
            }
        }
        Ok(tmpfs)
    }
}

impl fmt::Display for Tmpfs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.size.map(|size| format!("size={size}"));
        let mode = self.mode.map(|mode| format!("mode={mode:o}"));
        let options: Vec<_> = size.into_iter().chain(mode).chain(self.options.iter().cloned()).collect();
        formatter.write_str(&self.target)?;
        if options.is_empty() { Ok(()) } else { write!(formatter, ":{}", options.join(",")) }
    }
}

as_text!(Tmpfs);

words! {
    /// How mounts made below a bind on one side show on the other.
    #[derive(Default)]
    pub enum Propagation {
        /// Not at all, submounts included.
        #[default]
        Rprivate = "rprivate",
        /// Not at all.
        Private = "private",
        /// Both ways, submounts included.
        Rshared = "rshared",
        /// Both ways.
        Shared = "shared",
        /// From host to container, submounts included.
        Rslave = "rslave",
        /// From host to container.
        Slave = "slave",
    }
    else "must be `private`, `shared` or `slave`, or one of these with an `r` before it"
}

words! {
    /// A kind of mount that no Linux host without a swarm has.
    pub enum Foreign {
        /// A named pipe of Windows.
        Npipe = "npipe",
        /// A volume of a swarm.
        Cluster = "cluster",
    }
    else "must be `npipe` or `cluster`"
}
