//! The records.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::name::{ContainerId, ContainerName, ImageReference, NetworkName, ProjectName, ServiceName};

/// The version written into every record; a higher one on disk is refused.
pub const VERSION: u32 = 1;

/// A container as it was made. `S` is the configuration of its service, which this module does not look into.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ContainerRecord<S> {
    /// Format version.
    pub version: u32,
    /// Its id.
    pub id: ContainerId,
    /// Its name on this machine.
    pub name: ContainerName,
    /// The service it belongs to.
    pub service: ServiceName,
    /// Its number in the service, from 1; 0 for one that is no replica.
    pub number: u32,
    /// What is particular about one that `run` has made beside the replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_off: Option<OneOffRecord>,
    /// The hash of the configuration it was made from.
    pub config_hash: String,
    /// A short digest of each field that the hash is of.
    #[serde(default)]
    pub config_fields: BTreeMap<String, String>,
    /// The image's reference.
    pub image: ImageReference,
    /// The image's id.
    pub image_id: String,
    /// What runs in it, with its arguments.
    pub command: Vec<String>,
    /// When it was made.
    pub created_at: jiff::Timestamp,
    /// Its labels, Compose's own included.
    pub labels: BTreeMap<String, String>,
    /// Its places on the project's networks.
    pub endpoints: Vec<EndpointRecord>,
    /// Anonymous volumes by target: the names they have on the host.
    pub anonymous_volumes: BTreeMap<String, String>,
    /// The service's configuration.
    pub config: S,
}

/// A container that runs one command, and is none of its service's replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneOffRecord {
    /// Whether it goes as soon as it has ended, with its anonymous volumes.
    pub remove: bool,
    /// Whether its standard input ends with the client that began it.
    pub attached: bool,
}

/// A container's place on a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointRecord {
    /// The network's key.
    pub network: NetworkName,
    /// Its addresses: at most one of each family.
    pub addresses: Vec<IpAddr>,
    /// The name of the network, where another project has made it.
    #[serde(default)]
    pub external: Option<String>,
    /// Further addresses, which no network gives out: they mean something on the link alone.
    #[serde(default)]
    pub link_local: Vec<IpAddr>,
    /// The MAC address.
    pub mac: [u8; 6],
    /// The number in the name of its link on the host; its place in the record if not given.
    #[serde(default)]
    pub link: Option<usize>,
    /// What the container calls it.
    #[serde(default = "first_interface")]
    pub interface: String,
    /// The names it answers to there.
    pub names: Vec<String>,
}

fn first_interface() -> String {
    "eth0".to_owned()
}

/// The digest of several texts, in hexadecimal digits.
fn digest(parts: &[&str]) -> String {
    Sha256::digest(parts.join("\0")).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl EndpointRecord {
    /// What tells it from every other place of a container on a network: 64 hexadecimal digits.
    #[must_use]
    pub fn id(&self, container: &ContainerId, network: &NetworkRecord) -> String {
        digest(&[container.as_str(), &network.id()])
    }

    /// Its address of IPv4.
    #[must_use]
    pub fn ipv4(&self) -> Option<Ipv4Addr> {
        self.addresses.iter().find_map(|address| match address {
            IpAddr::V4(address) => Some(*address),
            IpAddr::V6(_) => None,
        })
    }
}

/// The supervisor's view of a container; rewritten when it changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerState {
    /// Format version.
    pub version: u32,
    /// What its check says.
    #[serde(default)]
    pub health: HealthRecord,
    /// What the last failed probe printed, cut to 4 KiB.
    pub last_probe: Option<String>,
    /// How often it was restarted by its policy.
    pub restarts: u32,
    /// How many of them were in a row, without it being up for a while: the wait before the next grows with them.
    #[serde(default)]
    pub restarts_in_a_row: u32,
    /// Whether the user stopped it: its restart policy rests.
    pub stopped: bool,
    /// The ports that are published, with the host ports in use.
    pub ports: Vec<PublishedPort>,
    /// Whether a restart is due: the container counts as running.
    pub restarting: bool,
    /// How the last attempt to start it failed, if it did.
    pub failed_start: Option<FailedStart>,
}

/// What a health check says, as it is recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthRecord {
    /// There is no check, or the container does not run.
    #[default]
    None,
    /// No verdict yet.
    Starting,
    /// The last probe passed.
    Healthy,
    /// Too many probes in a row failed.
    Unhealthy,
}

/// A container that could not be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedStart {
    /// 127 for a command that is not there, 126 for one that cannot be executed, 125 for the rest.
    pub code: i32,
    /// When.
    pub at: jiff::Timestamp,
}

impl FailedStart {
    /// Whether the program itself could not be executed, and not something it needs be made.
    #[must_use]
    pub fn is_of_program(&self) -> bool {
        self.code != 125
    }
}

/// A published port, or several in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedPort {
    /// The host address; unspecified for all of its family.
    pub host_ip: IpAddr,
    /// The first host port.
    pub host_port: u16,
    /// The first port in the container.
    pub target: u16,
    /// How many there are.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub count: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
}

fn one() -> u16 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_one(count: &u16) -> bool {
    *count == 1
}

/// A network of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkRecord {
    /// Format version.
    pub version: u32,
    /// Its key in the project.
    pub key: NetworkName,
    /// Its name on this machine.
    pub name: String,
    /// The hash of the configuration it was made from.
    pub hash: String,
    /// A short digest of each field that the hash is of.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// Its bridge.
    pub bridge: String,
    /// Its addresses: any number of pools of either family.
    pub pools: Vec<PoolRecord>,
    /// Whether it has no way out.
    pub internal: bool,
    /// `driver_opts`: the bridge's MTU.
    pub mtu: Option<u32>,
    /// What containers are connected by.
    #[serde(default)]
    pub link: LinkRecord,
    /// Whether containers do not reach one another.
    #[serde(default)]
    pub isolated: bool,
    /// How the names of containers' interfaces begin; `eth` if not given.
    #[serde(default)]
    pub interface_prefix: Option<String>,
    /// Where ports are published that name no address.
    #[serde(default)]
    pub host_binding: Option<Ipv4Addr>,
    /// Whether whoever likes may attach to it.
    #[serde(default)]
    pub attachable: bool,
    /// Its labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// When it was made.
    #[serde(default)]
    pub created_at: Option<jiff::Timestamp>,
    /// Its driver's options, as they were given.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

/// What containers are connected to a network by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum LinkRecord {
    /// Cables to its bridge.
    #[default]
    Bridge,
    /// Links that share one of the host's, each with a hardware address of its own.
    Macvlan {
        /// That of the host; the network's own bridge, which leads nowhere, if not given.
        parent: Option<String>,
        /// The driver's option.
        mode: Option<String>,
    },
    /// Links that share one of the host's with its hardware address.
    Ipvlan {
        /// That of the host; the network's own bridge, which leads nowhere, if not given.
        parent: Option<String>,
        /// The driver's option.
        mode: Option<String>,
        /// The driver's option.
        flag: Option<String>,
    },
}

impl NetworkRecord {
    /// What tells it from every other network, one of the same name that was there before included: 64 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> String {
        digest(&[&self.bridge, &self.name])
    }

    /// The name of its driver.
    #[must_use]
    pub fn driver(&self) -> &'static str {
        match self.link {
            LinkRecord::Bridge => "bridge",
            LinkRecord::Macvlan { .. } => "macvlan",
            LinkRecord::Ipvlan { .. } => "ipvlan",
        }
    }

    /// The link of the host that the network shares.
    #[must_use]
    pub fn parent(&self) -> Option<&str> {
        match &self.link {
            LinkRecord::Macvlan { parent, .. } | LinkRecord::Ipvlan { parent, .. } => parent.as_deref(),
            LinkRecord::Bridge => None,
        }
    }

    /// Whether the network has a bridge of its own.
    #[must_use]
    pub fn has_bridge(&self) -> bool {
        self.parent().is_none()
    }
}

/// Addresses of a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolRecord {
    /// All of them, `address/prefix`.
    pub subnet: String,
    /// That of the bridge.
    pub gateway: Option<IpAddr>,
    /// Those that are given out, `address/prefix`; all if not given.
    pub range: Option<String>,
    /// Those that somebody outside has, by name.
    #[serde(default)]
    pub reserved: BTreeMap<String, IpAddr>,
    /// Whether what leaves the network gets an address of the machine.
    pub masquerade: bool,
    /// Whether everything is let in, and not only what was published.
    #[serde(default)]
    pub unprotected: bool,
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeRecord {
    /// Format version.
    pub version: u32,
    /// Its name on this machine.
    pub name: String,
    /// The project it was made for.
    pub project: Option<ProjectName>,
    /// Its key there; `None` for an anonymous one.
    pub key: Option<String>,
    /// When it was made.
    pub created_at: jiff::Timestamp,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The hash of the configuration it was made from, if a project has one for it.
    #[serde(default)]
    pub hash: Option<String>,
    /// A short digest of each field that the hash is of.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
}

/// Whether a record can be read by this version.
pub(super) trait Versioned {
    fn version(&self) -> u32;
}

impl<S> Versioned for ContainerRecord<S> {
    fn version(&self) -> u32 {
        self.version
    }
}
impl Versioned for ContainerState {
    fn version(&self) -> u32 {
        self.version
    }
}
impl Versioned for NetworkRecord {
    fn version(&self) -> u32 {
        self.version
    }
}
impl Versioned for VolumeRecord {
    fn version(&self) -> u32 {
        self.version
    }
}
