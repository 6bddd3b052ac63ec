//! What the kernel does not have, or has otherwise than it was made.

use std::fmt;
use std::net::IpAddr;

use super::IpFamily;

/// Something that keeps packets from where they are to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// A network's bridge, or the link of the host that its containers share, is gone.
    NoLink {
        /// Its name.
        link: String,
    },
    /// A link is set down.
    Down {
        /// Its name.
        link: String,
    },
    /// A bridge has lost an address, which containers route through.
    NoAddress {
        /// Its name.
        bridge: String,
        /// The address.
        address: IpAddr,
        /// The length of its prefix.
        prefix: u8,
    },
    /// A container's cable is gone.
    NoCable {
        /// The name of its end on the bridge.
        link: String,
        /// That of the bridge.
        bridge: String,
    },
    /// A container's cable is not on its bridge.
    Unplugged {
        /// The name of its end that was there.
        link: String,
        /// That of the bridge.
        bridge: String,
    },
    /// The end of a cable within its container is down.
    NoCarrier {
        /// The name of the other end.
        link: String,
    },
    /// Packets are not routed.
    NoForwarding {
        /// Of which kind.
        family: IpFamily,
    },
    /// 127.0.0.1 does not lead to the ports published on a bridge.
    NoLoopback {
        /// Its name.
        bridge: String,
    },
    /// The project's rules are gone.
    NoTable {
        /// The name of their table.
        table: String,
    },
    /// A chain has more rules, or fewer, than it was given.
    Rules {
        /// The name of its table.
        table: String,
        /// Its name.
        chain: String,
        /// How many it was given.
        expected: usize,
        /// How many it has.
        found: usize,
    },
    /// A map does not lead published ports to where they are to lead.
    Ports {
        /// The name of its table.
        table: String,
        /// Its name.
        map: String,
        /// How many of its elements are gone.
        missing: usize,
        /// How many it was not given.
        foreign: usize,
    },
}

impl Damage {
    /// The link that has it, if it is one's.
    #[must_use]
    pub fn link(&self) -> Option<&str> {
        match self {
            Self::NoLink { link }
            | Self::Down { link }
            | Self::NoCable { link, .. }
            | Self::Unplugged { link, .. }
            | Self::NoCarrier { link } => Some(link),
            Self::NoAddress { bridge, .. } | Self::NoLoopback { bridge } => Some(bridge),
            Self::NoForwarding { .. } | Self::NoTable { .. } | Self::Rules { .. } | Self::Ports { .. } => None,
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLink { link } => write!(formatter, "link `{link}` is gone"),
            Self::Down { link } => write!(formatter, "link `{link}` is down"),
            Self::NoAddress { bridge, address, prefix } => {
                write!(formatter, "bridge `{bridge}` has lost its address {address}/{prefix}")
            }
            Self::NoCable { link, bridge } => write!(formatter, "cable `{link}` to bridge `{bridge}` is gone"),
            Self::Unplugged { link, bridge } => write!(formatter, "cable `{link}` is not on bridge `{bridge}`"),
            Self::NoCarrier { link } => write!(formatter, "cable `{link}` is down at its end in the container"),
            Self::NoForwarding { family } => write!(formatter, "this machine does not forward {family}"),
            Self::NoLoopback { bridge } => {
                write!(formatter, "127.0.0.1 does not lead to the ports published on bridge `{bridge}`")
            }
            Self::NoTable { table } => write!(formatter, "firewall table `inet {table}` is gone"),
            Self::Rules { table, chain, expected, found } => write!(
                formatter,
                "chain `{chain}` of firewall table `inet {table}` has {found} rules instead of {expected}"
            ),
            Self::Ports { table, map, missing, foreign } => write!(
                formatter,
                "map `{map}` of firewall table `inet {table}`, which leads published ports, lacks {missing} elements \
                 and has {foreign} of somebody else"
            ),
        }
    }
}
