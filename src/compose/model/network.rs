//! `networks`, `network_mode` and top-level volumes.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

/// A network of the project.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Network {
    /// The name on the host: `<project>_<key>` unless given.
    pub name: String,
    /// Whether it exists outside the project.
    pub external: bool,
    /// Whether it has no way out.
    pub internal: bool,
    /// `ipam.config[0].subnet`, `address/prefix`; chosen freely when `None`.
    pub subnet: Option<String>,
    /// `ipam.config[0].gateway`.
    pub gateway: Option<Ipv4Addr>,
    /// `driver_opts`.
    pub driver_opts: BTreeMap<String, String>,
    /// `labels`.
    pub labels: BTreeMap<String, String>,
}

/// How a service is attached to a network.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Attachment {
    /// Further names on that network.
    pub aliases: Vec<String>,
    /// A fixed address.
    pub ipv4_address: Option<Ipv4Addr>,
    /// `mac_address`: `02:42:ac:11:00:02`.
    pub mac_address: Option<String>,
    /// Order of attachment, highest first.
    pub priority: i32,
    /// The highest has the default gateway.
    pub gw_priority: i32,
}

/// `network_mode`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkMode {
    /// Only loopback.
    None,
    /// The host's network.
    Host,
}

/// A named volume of the project.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Volume {
    /// The name on the host: `<project>_<key>` unless given.
    pub name: String,
    /// Whether it exists outside the project.
    pub external: bool,
    /// `labels`.
    pub labels: BTreeMap<String, String>,
}
