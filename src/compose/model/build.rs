//! `build`.

use std::collections::BTreeMap;

use super::amount::bytes;
use super::element::element;
use super::{FileGrant, Hosts, SshAgents, Ulimit};

element! {
    /// How the image of a service is made.
    pub struct Build {
        /// `context`: an absolute path or a URL.
        context: Option<String>,
        /// `dockerfile`: a path below the context, or an absolute one.
        dockerfile: Option<String>,
        /// `dockerfile_inline`: the text itself.
        dockerfile_inline: Option<String>,
        /// `args`; one without a value is not set.
        args: BTreeMap<String, Option<String>>,
        /// `additional_contexts`: name to path, URL or `service:NAME`.
        additional_contexts: BTreeMap<String, String>,
        /// `cache_from`.
        cache_from: Vec<String>,
        /// `cache_to`.
        cache_to: Vec<String>,
        /// `entitlements`.
        entitlements: Vec<String>,
        /// `extra_hosts`.
        extra_hosts: Hosts,
        /// `isolation`, on Windows.
        isolation: Option<String>,
        /// `labels`.
        labels: BTreeMap<String, String>,
        /// `network`: `host`, `none` or a network.
        network: Option<String>,
        /// `no_cache`.
        no_cache: bool,
        /// `no_cache_filter`: the stages that are built anew.
        no_cache_filter: Vec<String>,
        /// `platforms`.
        platforms: Vec<String>,
        /// `privileged`.
        privileged: bool,
        /// `provenance`: `true`, `false` or parameters.
        provenance: Option<String>,
        /// `pull`.
        pull: bool,
        /// `sbom`: `true`, `false` or parameters.
        sbom: Option<String>,
        /// `secrets`.
        secrets: Vec<FileGrant>,
        /// `shm_size` in bytes.
        #[serde(with = "bytes")]
        shm_size: Option<u64>,
        /// `ssh`.
        ssh: SshAgents,
        /// `tags`.
        tags: Vec<String>,
        /// `target`: the stage to build.
        target: Option<String>,
        /// `ulimits`.
        ulimits: BTreeMap<String, Ulimit>,
    }
}
