//! `networks`, of the project and of a service.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde_json::Value;

use super::address::{list, optional};
use super::element::element;
use super::word::as_text;
use crate::name::ServiceName;

element! {
    /// A network of the project.
    pub struct Network {
        /// The name on the host: `<project>_<key>` unless given.
        name: String,
        /// `driver`.
        driver: Option<String>,
        /// `driver_opts`.
        driver_opts: BTreeMap<String, String>,
        /// `ipam`.
        ipam: Ipam,
        /// Whether it exists outside the project.
        external: bool,
        /// Whether it has no way out.
        internal: bool,
        /// `attachable`, for swarms.
        attachable: bool,
        /// `enable_ipv4`; true by default.
        enable_ipv4: Option<bool>,
        /// `enable_ipv6`; false by default.
        enable_ipv6: Option<bool>,
        /// `labels`.
        labels: BTreeMap<String, String>,
        /// `x-*`.
        #[serde(flatten)]
        extensions: BTreeMap<String, Value>,
    }
}

element! {
    /// `ipam`: how addresses are given out.
    pub struct Ipam {
        /// `driver`.
        driver: Option<String>,
        /// `config`.
        config: Vec<Pool>,
        /// `options`.
        options: BTreeMap<String, String>,
    }
}

impl super::element::Unsaid for Ipam {
    fn is_unsaid(&self) -> bool {
        *self == Self::default()
    }
}

element! {
    /// One of `ipam.config`.
    pub struct Pool {
        /// `subnet`.
        subnet: Option<Prefix>,
        /// `ip_range`: the part of the subnet from which addresses are given out.
        ip_range: Option<Prefix>,
        /// `gateway`.
        #[serde(deserialize_with = "optional")]
        gateway: Option<IpAddr>,
        /// `aux_addresses`: host to address; not given out.
        aux_addresses: BTreeMap<String, IpAddr>,
    }
}

impl Network {
    /// Whether containers get addresses of IPv4 there.
    #[must_use]
    pub fn has_ipv4(&self) -> bool {
        self.enable_ipv4.unwrap_or(true)
    }

    /// Whether they get addresses of IPv6: where the file asks for it, or gives such a subnet.
    #[must_use]
    pub fn has_ipv6(&self) -> bool {
        self.enable_ipv6.unwrap_or_else(|| self.pools(false).next().is_some())
    }

    /// The pools of IPv4, or else of IPv6, that the file gives the subnet of.
    pub fn pools(&self, is_ipv4: bool) -> impl Iterator<Item = (Prefix, &Pool)> {
        let given = self.ipam.config.iter().filter_map(|pool| Some((pool.subnet?, pool)));
        given.filter(move |(subnet, _)| subnet.address.is_ipv4() == is_ipv4)
    }
}

/// An address with the length of its prefix: `10.1.2.0/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    /// The address.
    pub address: IpAddr,
    /// How many bits of it are the network's.
    pub length: u8,
}

impl Prefix {
    /// The network that its address is in.
    #[must_use]
    pub fn network(&self) -> Self {
        let (bits, width) = bits(self.address);
        let mask = u128::MAX.checked_shl(u32::from(width - self.length)).unwrap_or(0);
        Self { address: address(bits & mask, width), length: self.length }
    }

    /// Whether `address` is in its network.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        Self { address, length: self.length }.network() == self.network() && address.is_ipv4() == self.address.is_ipv4()
    }

    /// Whether some address is in both networks.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        (self.length <= other.length && self.contains(other.address))
            || (other.length <= self.length && other.contains(self.address))
    }

    /// The address after the network's own: that of the gateway unless somebody says another.
    #[must_use]
    pub fn first(&self) -> IpAddr {
        let (bits, width) = bits(self.network().address);
        address(bits.saturating_add(1), width)
    }

    /// Whether a host can have `address`: not the network's own, nor in IPv4 that of all in it.
    #[must_use]
    pub fn is_host(&self, host: IpAddr) -> bool {
        let (network, width) = bits(self.network().address);
        let last = network | !u128::MAX.checked_shl(u32::from(width - self.length)).unwrap_or(0);
        let (host_bits, _) = bits(host);
        self.contains(host) && host_bits != network && !(host.is_ipv4() && host_bits == last)
    }
}

/// An address as a number, and how many bits of it there are.
fn bits(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(address) => (address.to_bits().into(), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

fn address(bits: u128, width: u8) -> IpAddr {
    match width {
        32 => {
            let [.., a, b, c, d] = bits.to_be_bytes();
            Ipv4Addr::new(a, b, c, d).into()
        }
        _ => Ipv6Addr::from_bits(bits).into(),
    }
}

impl FromStr for Prefix {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (address, length) = text.split_once('/')?;
            let (address, length) = (address.parse::<IpAddr>().ok()?, length.parse::<u8>().ok()?);
            (length <= if address.is_ipv4() { 32 } else { 128 }).then_some(Self { address, length })
        };
        parse().ok_or_else(|| format!("`{text}` is not a subnet such as 10.1.2.0/24"))
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.address, self.length)
    }
}

as_text!(Prefix);

element! {
    /// How a service is attached to a network.
    #[derive(Eq)]
    pub struct Attachment {
        /// Further names on that network.
        aliases: Vec<String>,
        /// A fixed address.
        #[serde(deserialize_with = "optional")]
        ipv4_address: Option<Ipv4Addr>,
        /// A fixed address.
        #[serde(deserialize_with = "optional")]
        ipv6_address: Option<Ipv6Addr>,
        /// `link_local_ips`: further addresses.
        #[serde(deserialize_with = "list")]
        link_local_ips: Vec<IpAddr>,
        /// `mac_address`: `02:42:ac:11:00:02`.
        mac_address: Option<MacAddress>,
        /// `interface_name`: what the container calls it.
        interface_name: Option<String>,
        /// `driver_opts`.
        driver_opts: BTreeMap<String, String>,
        /// Order of attachment, highest first.
        priority: i32,
        /// The highest has the default gateway.
        gw_priority: i32,
    }
}

/// An address of the data link: `02:42:ac:11:00:02`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MacAddress(pub [u8; 6]);

impl FromStr for MacAddress {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let octet = |part: &str| if part.len() == 2 { u8::from_str_radix(part, 16).ok() } else { None };
        let octets: Option<Vec<u8>> = text.split([':', '-']).map(octet).collect();
        let octets = octets.and_then(|octets| octets.try_into().ok());
        octets.map(Self).ok_or_else(|| format!("`{text}` is not a MAC address"))
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f] = self.0;
        write!(formatter, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
    }
}

as_text!(MacAddress);

/// `network_mode`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkMode {
    /// Only loopback.
    None,
    /// The host's network.
    Host,
    /// The default network of the machine.
    Bridge,
    /// That of a service's container.
    Service(ServiceName),
    /// That of another container.
    Container(String),
    /// A network of the machine, by its name.
    Network(String),
}

impl FromStr for NetworkMode {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "none" => Self::None,
            "host" => Self::Host,
            "bridge" | "default" => Self::Bridge,
            _ => match text.split_once(':') {
                Some(("service", name)) => Self::Service(ServiceName::new(name).map_err(|error| error.to_string())?),
                Some(("container", name)) => Self::Container(name.to_owned()),
                Some(_) => return Err("must be `none`, `host`, `service:NAME` or `container:NAME`".to_owned()),
                None => Self::Network(text.to_owned()),
            },
        })
    }
}

impl fmt::Display for NetworkMode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => formatter.write_str("none"),
            Self::Host => formatter.write_str("host"),
            Self::Bridge => formatter.write_str("bridge"),
            Self::Service(name) => write!(formatter, "service:{name}"),
            Self::Container(name) => write!(formatter, "container:{name}"),
            Self::Network(name) => formatter.write_str(name),
        }
    }
}

as_text!(NetworkMode);
