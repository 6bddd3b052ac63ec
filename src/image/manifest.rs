//! Manifests and indexes: what a reference resolves to before its blobs are fetched.

use serde::Deserialize;

use super::digest::Digest;

/// What the client asks for, most wanted first.
pub(super) const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json";

pub(super) const CONFIG_TYPES: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

/// An overlay mount takes at most 500 lower layers; builders stop at 127.
const MAX_LAYERS: usize = 500;

/// Content by type, size and digest.
/// See <https://github.com/opencontainers/image-spec/blob/main/descriptor.md>.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    #[serde(default)]
    pub(super) media_type: String,
    pub(super) digest: Digest,
    pub(super) size: u64,
    #[serde(default)]
    pub(super) platform: Option<Platform>,
}

/// The machine an image of an index is for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Platform {
    #[serde(default)]
    pub(super) architecture: String,
    #[serde(default)]
    pub(super) os: String,
    #[serde(default)]
    pub(super) variant: Option<String>,
}

/// The document a registry answers a reference with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Document {
    /// One image.
    Manifest(Manifest),
    /// Images for several platforms.
    Index(Index),
}

/// A configuration and layers, lowest first.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) config: Descriptor,
    pub(super) layers: Vec<Descriptor>,
}

/// Manifests by platform.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) manifests: Vec<Descriptor>,
}

/// Why a document cannot be used as an image.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not JSON, or with fields of a wrong kind.
    #[error("not a manifest")]
    Syntax(#[source] serde_json::Error),
    /// Neither a manifest nor an index, or both at once, which two readers would take for two different images
    /// (CVE-2021-41190).
    #[error("neither a manifest nor an index (schema version {version})")]
    Ambiguous {
        /// `schemaVersion` of the document; 1 is Docker's format of before 2015.
        version: u64,
    },
    /// Something else than a container image, a Helm chart for example.
    #[error("not a container image: its config has the media type `{media_type}`")]
    NotAnImage {
        /// What it says it is.
        media_type: String,
    },
    /// More layers than an overlay mount can take.
    #[error("{count} layers: the kernel mounts at most {MAX_LAYERS}")]
    TooManyLayers {
        /// Layers found.
        count: usize,
    },
    /// An index in an index, which no builder makes for an image.
    #[error("an index of indexes")]
    NestedIndex,
    /// The index has nothing for this machine.
    #[error("no image for {wanted}; there is one for {}", available.join(", "))]
    NoPlatform {
        /// `os/architecture` of this machine.
        wanted: String,
        /// What the index has instead.
        available: Vec<String>,
    },
}

impl Document {
    /// Reads the manifest of an image or an index, told apart by what they hold, not by what they or the server say they are.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        match Self::parse_any(bytes)? {
            Self::Manifest(manifest) => manifest.of_image().map(Self::Manifest),
            index => Ok(index),
        }
    }

    /// As [`Document::parse`], whatever the manifest is of.
    pub(super) fn parse_any(bytes: &[u8]) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Raw {
            schema_version: u64,
            config: Option<Descriptor>,
            layers: Option<Vec<Descriptor>>,
            manifests: Option<Vec<Descriptor>>,
        }
        let raw: Raw = serde_json::from_slice(bytes).map_err(ManifestError::Syntax)?;
        match (raw.schema_version, raw.config, raw.layers, raw.manifests) {
            (2, Some(config), Some(layers), None) => Ok(Self::Manifest(Manifest { config, layers })),
            (2, None, None, Some(manifests)) => Ok(Self::Index(Index { manifests })),
            (version, ..) => Err(ManifestError::Ambiguous { version }),
        }
    }
}

impl Manifest {
    /// It, if it is that of an image.
    pub(super) fn of_image(self) -> Result<Self, ManifestError> {
        if !CONFIG_TYPES.contains(&self.config.media_type.as_str()) {
            return Err(ManifestError::NotAnImage { media_type: self.config.media_type });
        }
        if self.layers.len() > MAX_LAYERS {
            return Err(ManifestError::TooManyLayers { count: self.layers.len() });
        }
        Ok(self)
    }
}

impl Platform {
    /// The machine this program was built for.
    pub(super) fn host() -> Self {
        let (architecture, variant) = match std::env::consts::ARCH {
            "x86_64" => ("amd64", None),
            "aarch64" => ("arm64", Some("v8")),
            "arm" => ("arm", Some("v7")),
            "x86" => ("386", None),
            "powerpc64" => ("ppc64le", None),
            other => (other, None),
        };
        Self { architecture: architecture.to_owned(), os: "linux".to_owned(), variant: variant.map(str::to_owned) }
    }

    /// `linux/arm/v7`, as people write it.
    pub(super) fn parse(text: &str) -> Self {
        let text = text.replace("x86_64", "amd64").replace("aarch64", "arm64");
        let mut parts = text.splitn(3, '/').map(str::to_owned);
        let (os, architecture) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        Self { architecture, os, variant: parts.next() }
    }

    pub(super) fn name(&self) -> String {
        let variant = self.variant.as_deref().map(|variant| format!("/{variant}")).unwrap_or_default();
        format!("{}/{}{variant}", self.os, self.architecture)
    }
}

impl Index {
    /// The image for `host`: the variant of the host if there is one, else the first of its architecture.
    pub(super) fn choose(&self, host: &Platform) -> Result<&Descriptor, ManifestError> {
        let matching = || {
            self.manifests.iter().filter_map(|descriptor| {
                let platform = descriptor.platform.as_ref()?;
                (platform.os == host.os && platform.architecture == host.architecture).then_some((descriptor, platform))
            })
        };
        let same_variant = matching().find(|(_, platform)| platform.variant == host.variant);
        same_variant.or_else(|| matching().next()).map(|(descriptor, _)| descriptor).ok_or_else(|| {
            let named = self.manifests.iter().filter_map(|descriptor| descriptor.platform.as_ref());
            // `unknown/unknown` marks attestations, which are no images.
            let available = named.filter(|platform| platform.os != "unknown").map(Platform::name).collect();
            ManifestError::NoPlatform { wanted: host.name(), available }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#""config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2,
        "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}, "layers": []"#;

    fn platform(os: &str, architecture: &str, variant: Option<&str>) -> Platform {
        Platform { architecture: architecture.into(), os: os.into(), variant: variant.map(str::to_owned) }
    }

    fn index(platforms: &[Platform]) -> Index {
        let descriptor = |(number, platform): (u64, &Platform)| Descriptor {
            media_type: String::new(),
            digest: Digest::of(&number.to_be_bytes()),
            size: number,
            platform: Some(platform.clone()),
        };
        Index { manifests: (0..).zip(platforms).map(descriptor).collect() }
    }

    /// CVE-2021-41190: what a document is depends on what is in it alone; one that could be two things is refused.
    #[test]
    fn documents_are_told_apart_by_content() {
        let check = |text: &str| match Document::parse(text.as_bytes()) {
            Ok(Document::Manifest(_)) => "manifest".to_owned(),
            Ok(Document::Index(_)) => "index".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(check(&format!(r#"{{"schemaVersion": 2, {MANIFEST}}}"#)), "manifest");
        assert_eq!(check(r#"{"schemaVersion": 2, "manifests": []}"#), "index");
        let both = format!(r#"{{"schemaVersion": 2, "manifests": [], {MANIFEST}}}"#);
        assert_eq!(check(&both), "neither a manifest nor an index (schema version 2)");
        assert_eq!(check(r#"{"schemaVersion": 1}"#), "neither a manifest nor an index (schema version 1)");
        assert_eq!(check("<html>"), "not a manifest");
        let chart = format!(r#"{{"schemaVersion": 2, {MANIFEST}}}"#).replace("oci.image", "cncf.helm");
        assert_eq!(
            check(&chart),
            "not a container image: its config has the media type `application/vnd.cncf.helm.config.v1+json`"
        );
    }

    #[test]
    fn the_platform_of_the_host_is_chosen() {
        let unknown = platform("unknown", "unknown", None);
        let amd64 = platform("linux", "amd64", None);
        let (v6, v7) = (platform("linux", "arm", Some("v6")), platform("linux", "arm", Some("v7")));
        let all = index(&[unknown.clone(), v6, amd64.clone(), v7.clone(), amd64.clone()]);
        assert_eq!(all.choose(&amd64).unwrap().size, 2);
        assert_eq!(all.choose(&v7).unwrap().size, 3);
        assert_eq!(all.choose(&platform("linux", "arm", None)).unwrap().size, 1);
        insta::assert_snapshot!(index(&[unknown, v7]).choose(&amd64).unwrap_err(), @"no image for linux/amd64; there is one for linux/arm/v7");
    }
}
