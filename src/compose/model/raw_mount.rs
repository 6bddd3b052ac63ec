//! The long form of an entry of `volumes`, as it is written, to and from the kinds of mounts there are.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::amount::{bytes, mode};
use super::element::element;
use super::mount::{Foreign, Mount, Propagation, Tmpfs};
use super::word::words;
use crate::name::{ImageReference, VolumeName};

words! {
    /// `type`.
    pub enum MountType {
        /// A file or directory of the host.
        Bind = "bind",
        /// A volume.
        Volume = "volume",
        /// A file system in memory.
        Tmpfs = "tmpfs",
        /// The content of an image.
        Image = "image",
        /// A pipe of Windows.
        Npipe = "npipe",
        /// A volume of a swarm.
        Cluster = "cluster",
    }
    else "must be `bind`, `volume`, `tmpfs` or `image`"
}

element! {
    /// The long form.
    pub struct RawMount {
        /// `type`.
        #[serde(rename = "type")]
        kind: Option<MountType>,
        /// `source`.
        source: Option<String>,
        /// `target`.
        target: Option<String>,
        /// `read_only`.
        read_only: bool,
        /// `bind`.
        bind: Option<RawBind>,
        /// `volume`.
        volume: Option<RawVolume>,
        /// `tmpfs`.
        tmpfs: Option<RawTmpfs>,
        /// `image`.
        image: Option<RawImage>,
    }
}

element! {
    /// `bind`.
    pub struct RawBind {
        /// `propagation`.
        propagation: Option<Propagation>,
        /// `create_host_path`.
        create_host_path: Option<bool>,
        /// `recursive`.
        recursive: Option<String>,
        /// `selinux`.
        selinux: Option<String>,
    }
}

element! {
    /// `volume`.
    pub struct RawVolume {
        /// `nocopy`.
        nocopy: bool,
        /// `subpath`.
        subpath: Option<String>,
        /// `labels`.
        labels: BTreeMap<String, String>,
    }
}

element! {
    /// `tmpfs`.
    pub struct RawTmpfs {
        /// `size` in bytes.
        #[serde(with = "bytes")]
        size: Option<u64>,
        /// `mode`.
        #[serde(with = "mode")]
        mode: Option<u32>,
    }
}

element! {
    /// `image`.
    pub struct RawImage {
        /// `subpath`.
        subpath: Option<String>,
    }
}

impl TryFrom<RawMount> for Mount {
    type Error = String;
    fn try_from(raw: RawMount) -> Result<Self, String> {
        let target = raw.target.ok_or("needs `target`")?;
        let kind = raw.kind.ok_or("needs `type`")?;
        let (source, read_only) = (raw.source.filter(|source| !source.is_empty()), raw.read_only);
        let needs_source = || "needs `source`".to_owned();
        let foreign = |kind, source| Self::Foreign { kind, source, target: target.clone(), read_only };
        if !matches!(kind, MountType::Npipe | MountType::Cluster) && !target.starts_with('/') {
            return Err(format!("the target `{target}` is not an absolute path"));
        }
        Ok(match kind {
            MountType::Bind => {
                let bind = raw.bind.unwrap_or_default();
                Self::Bind {
                    source: PathBuf::from(source.ok_or_else(needs_source)?),
                    target,
                    read_only,
                    create_host_path: bind.create_host_path.unwrap_or(true),
                    propagation: bind.propagation.unwrap_or_default(),
                    recursive: bind.recursive,
                    selinux: bind.selinux,
                }
            }
            MountType::Volume => {
                let RawVolume { nocopy, subpath, labels } = raw.volume.unwrap_or_default();
                let source = source.map(VolumeName::new).transpose().map_err(|error| error.to_string())?;
                Self::Volume { source, target, read_only, nocopy, subpath, labels }
            }
            MountType::Tmpfs => {
                let RawTmpfs { size, mode } = raw.tmpfs.unwrap_or_default();
                let options = if read_only { vec!["ro".to_owned()] } else { Vec::new() };
                Self::Tmpfs(Tmpfs { target, size, mode, options })
            }
            MountType::Image => {
                let source = ImageReference::parse(&source.ok_or_else(needs_source)?);
                let subpath = raw.image.unwrap_or_default().subpath;
                Self::Image { source: source.map_err(|error| error.to_string())?, target, read_only, subpath }
            }
            MountType::Npipe => foreign(Foreign::Npipe, source),
            MountType::Cluster => foreign(Foreign::Cluster, source),
        })
    }
}

impl From<Mount> for RawMount {
    fn from(mount: Mount) -> Self {
        match mount {
            Mount::Bind { source, target, read_only, create_host_path, propagation, recursive, selinux } => {
                let bind = RawBind {
                    propagation: Some(propagation).filter(|propagation| *propagation != Propagation::default()),
                    create_host_path: (!create_host_path).then_some(false),
                    recursive,
                    selinux,
                };
                let source = source.to_string_lossy().into_owned();
                let bind = Some(bind).filter(|bind| *bind != RawBind::default());
                Self { bind, ..Self::of(MountType::Bind, Some(source), target, read_only) }
            }
            Mount::Volume { source, target, read_only, nocopy, subpath, labels } => {
                let volume = Some(RawVolume { nocopy, subpath, labels });
                let volume = volume.filter(|volume| *volume != RawVolume::default());
                Self { volume, ..Self::of(MountType::Volume, source.map(Into::into), target, read_only) }
            }
            Mount::Tmpfs(Tmpfs { target, size, mode, options }) => {
                let tmpfs = Some(RawTmpfs { size, mode }).filter(|tmpfs| *tmpfs != RawTmpfs::default());
                let read_only = options.iter().any(|option| option == "ro");
                Self { tmpfs, ..Self::of(MountType::Tmpfs, None, target, read_only) }
            }
            Mount::Image { source, target, read_only, subpath } => {
                let image = subpath.map(|subpath| RawImage { subpath: Some(subpath) });
                Self { image, ..Self::of(MountType::Image, Some(source.to_string()), target, read_only) }
            }
            Mount::Foreign { kind, source, target, read_only } => {
                let kind = match kind {
                    Foreign::Npipe => MountType::Npipe,
                    Foreign::Cluster => MountType::Cluster,
                };
                Self::of(kind, source, target, read_only)
            }
        }
    }
}

impl RawMount {
    fn of(kind: MountType, source: Option<String>, target: String, read_only: bool) -> Self {
        Self { kind: Some(kind), source, target: Some(target), read_only, ..Self::default() }
    }
}
