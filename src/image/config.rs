//! The configuration of an image: what a container made from it runs, and as whom.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::blueprint::HistoryEntry;
use super::digest::Digest;

/// The defaults an image gives to its containers.
///
/// Read leniently: Docker and other builders write `null` for what is absent. See
/// <https://github.com/opencontainers/image-spec/blob/main/config.md#properties> for the keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ImageConfig {
    /// Arguments that always start the command line; `None` when the image sets none.
    pub entrypoint: Option<Vec<String>>,
    /// Arguments that follow unless others are given.
    pub cmd: Option<Vec<String>>,
    /// `KEY=value`, in the image's order.
    #[serde(deserialize_with = "null_as_default")]
    pub env: Vec<String>,
    /// The working directory; empty for `/`.
    #[serde(deserialize_with = "null_as_default")]
    pub working_dir: String,
    /// `user`, `uid`, `user:group` or `uid:gid`, as looked up in the image; empty for root.
    #[serde(deserialize_with = "null_as_default")]
    pub user: String,
    /// Directories that get an anonymous volume.
    #[serde(with = "set_as_map")]
    pub volumes: BTreeSet<String>,
    /// `port/protocol` or `port`, as written by the builder.
    #[serde(with = "set_as_map")]
    pub exposed_ports: BTreeSet<String>,
    /// The signal that asks the command to stop: `SIGINT`, `15`.
    pub stop_signal: Option<String>,
    /// Labels.
    #[serde(deserialize_with = "null_as_default")]
    pub labels: BTreeMap<String, String>,
    /// The health check, when the image sets one.
    pub healthcheck: Option<ImageHealthcheck>,
    /// The shell of the shell form of commands; `None` for `/bin/sh -c`.
    pub shell: Option<Vec<String>>,
    /// The instructions that are carried out first when an image is built from this one.
    #[serde(deserialize_with = "null_as_default")]
    pub on_build: Vec<String>,
}

/// The health check of an image. A duration that is absent or zero means the engine's default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ImageHealthcheck {
    /// `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", command]`.
    #[serde(deserialize_with = "null_as_default")]
    pub test: Vec<String>,
    /// Time between probes.
    #[serde(with = "nanoseconds")]
    pub interval: Option<Duration>,
    /// How long one probe may take.
    #[serde(with = "nanoseconds")]
    pub timeout: Option<Duration>,
    /// How long failures do not count after the start.
    #[serde(with = "nanoseconds")]
    pub start_period: Option<Duration>,
    /// Time between probes within the start period.
    #[serde(with = "nanoseconds")]
    pub start_interval: Option<Duration>,
    /// Failures in a row that make the container unhealthy.
    pub retries: Option<u32>,
}

/// The document behind a manifest's `config` descriptor.
#[derive(Debug, Deserialize)]
pub(super) struct ConfigDocument {
    #[serde(default)]
    pub(super) os: String,
    #[serde(default)]
    pub(super) architecture: String,
    #[serde(default)]
    pub(super) variant: Option<String>,
    /// Builders that make the same image each time write a time long past.
    #[serde(default)]
    pub(super) created: Option<jiff::Timestamp>,
    #[serde(default)]
    pub(super) author: Option<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) config: ImageConfig,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) history: Vec<HistoryEntry>,
    /// The directory of this machine that the layers go over.
    #[serde(default, rename = "rcompose.rootfs")]
    pub(super) base: Option<PathBuf>,
    pub(super) rootfs: Rootfs,
}

impl ConfigDocument {
    /// `linux/amd64`, `linux/arm/v7`.
    pub(super) fn platform(&self) -> String {
        let os = if self.os.is_empty() { "linux" } else { &self.os };
        let parts = [os, &self.architecture, self.variant.as_deref().unwrap_or_default()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
    }
}

/// The layers of an image by the digests of their uncompressed tars, lowest first.
#[derive(Debug, Deserialize)]
pub(super) struct Rootfs {
    #[serde(deserialize_with = "null_as_default")]
    pub(super) diff_ids: Vec<Digest>,
}

fn null_as_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A set written as a JSON object with empty values: `{"80/tcp": {}}`.
mod set_as_map {
    use super::*;

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<String>, D::Error> {
        let map = Option::<BTreeMap<String, serde::de::IgnoredAny>>::deserialize(deserializer)?;
        Ok(map.unwrap_or_default().into_keys().collect())
    }

    pub(super) fn serialize<S: Serializer>(set: &BTreeSet<String>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(set.iter().map(|key| (key, serde_json::json!({}))))
    }
}

/// A duration as a JSON integer of nanoseconds. Zero and negative numbers count as absent, as with Docker.
mod nanoseconds {
    use super::*;

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        let number = Option::<i64>::deserialize(deserializer)?;
        Ok(number.and_then(|n| u64::try_from(n).ok()).filter(|n| *n > 0).map(Duration::from_nanos))
    }

    #[expect(clippy::ref_option, reason = "the signature serde calls")]
    pub(super) fn serialize<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        duration.map(|duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dockers_keys_and_nulls() {
        let config: ImageConfig = serde_json::from_str(
            r#"{"Hostname": "", "User": "postgres", "ExposedPorts": {"5432/tcp": {}}, "Env": ["A=1", "B=x=y"],
                "Cmd": ["postgres"], "Volumes": {"/data": {}}, "WorkingDir": "", "Entrypoint": null, "OnBuild": null,
                "Labels": null, "StopSignal": "SIGINT", "ArgsEscaped": true,
                "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 2500000000, "Timeout": 0, "Retries": 3}}"#,
        )
        .unwrap();
        assert_eq!(config.user, "postgres");
        assert_eq!(config.env, ["A=1", "B=x=y"]);
        assert_eq!(config.entrypoint, None);
        assert_eq!(config.cmd, Some(vec!["postgres".to_owned()]));
        assert_eq!(config.volumes, BTreeSet::from(["/data".to_owned()]));
        assert_eq!(config.exposed_ports, BTreeSet::from(["5432/tcp".to_owned()]));
        assert_eq!(config.stop_signal.as_deref(), Some("SIGINT"));
        let healthcheck = config.healthcheck.clone().unwrap();
        assert_eq!(healthcheck.interval, Some(Duration::from_millis(2500)));
        assert_eq!((healthcheck.timeout, healthcheck.retries), (None, Some(3)));

        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<ImageConfig>(&text).unwrap(), config);
    }

    #[test]
    fn a_document_without_config() {
        for text in [r#"{"rootfs": {"diff_ids": null}}"#, r#"{"config": null, "rootfs": {"diff_ids": []}}"#] {
            let document: ConfigDocument = serde_json::from_str(text).unwrap();
            assert_eq!(document.config, ImageConfig::default());
            assert!(document.rootfs.diff_ids.is_empty());
        }
        assert!(serde_json::from_str::<ConfigDocument>(r#"{"rootfs": {"diff_ids": ["../../x"]}}"#).is_err());
    }
}
