//! What a container is connected by: a pair of links, one end on a bridge, or a link that shares one of the host's.

use std::fmt;
use std::os::fd::BorrowedFd;

use rustix::io::Errno;

use super::attach::{AttachError, Endpoint};
use super::link::{self, ADDRESS, IFNAME, INFO_DATA, INFO_KIND, LINK, LINKINFO, MASTER, MTU, NET_NS_FD};
use super::message::Message;
use super::netlink::Connection;

/// `VETH_INFO_PEER`.
const PEER: u16 = 1;
/// `IFLA_MACVLAN_MODE`, `IFLA_IPVLAN_MODE` and `IFLA_IPVLAN_FLAGS`.
const MACVLAN_MODE: u16 = 1;
const IPVLAN_MODE: u16 = 1;
const IPVLAN_FLAGS: u16 = 2;

/// How the names of our cables begin, at their ends on a bridge.
pub const VETH_PREFIX: &str = "rv";

/// A way from a container to its network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cable {
    /// A pair of links, to a bridge.
    Veth {
        /// The name of the end on the bridge, at most 15 bytes, unique on the machine.
        host_interface: String,
        /// The name of the bridge.
        bridge: String,
        /// Whether it reaches the bridge alone, and none of the other containers.
        isolated: bool,
    },
    /// A link with a hardware address of its own on one of the host's.
    Macvlan {
        /// The name of that of the host.
        parent: String,
        /// Who reaches whom.
        mode: MacvlanMode,
    },
    /// A link with the hardware address of one of the host's.
    Ipvlan {
        /// The name of that of the host.
        parent: String,
        /// What is told apart by what.
        mode: IpvlanMode,
        /// Who reaches whom.
        reach: IpvlanReach,
    },
}

/// See `macvlan` in `ip-link(8)`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MacvlanMode {
    /// Nobody else on the same link.
    Private = 1,
    /// Everybody, by way of the switch outside.
    Vepa = 2,
    /// Everybody, directly.
    #[default]
    Bridge = 4,
    /// The link is the container's alone.
    Passthru = 8,
}

/// See `ipvlan` in `ip-link(8)`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IpvlanMode {
    /// Frames.
    #[default]
    L2 = 0,
    /// Packets, which the host routes.
    L3 = 1,
    /// The same, seen by the firewall of the host.
    L3s = 2,
}

/// Whom those on an ipvlan reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IpvlanReach {
    /// Everybody, directly.
    #[default]
    Bridge = 0,
    /// Nobody else on the same link.
    Private = 1,
    /// Everybody, by way of the router outside.
    Vepa = 2,
}

impl Cable {
    /// Makes it, one end being in `netns`, which stays down for now: the kernel makes that first, and brings no end up that
    /// has no other.
    pub(super) fn lay(
        &self,
        host: &mut Connection,
        netns: BorrowedFd<'_>,
        endpoint: &Endpoint,
        hairpin: bool,
    ) -> Result<(), AttachError> {
        let other = link::index(host, self.other())
            .map_err(AttachError::Connect)?
            .ok_or_else(|| AttachError::NoLink { what: self.to_string() })?;
        let mut requests = vec![self.message(netns, endpoint, other)];
        if let Self::Veth { host_interface, isolated, .. } = self
            && (hairpin || *isolated)
        {
            requests.push(link::set_port(host_interface, hairpin, *isolated));
        }
        host.request(requests).map_err(|(_, source)| match (self, source.errno()) {
            (Self::Macvlan { .. }, Some(Errno::OPNOTSUPP)) => AttachError::NoKind { kind: "macvlan", source },
            (Self::Ipvlan { .. }, Some(Errno::OPNOTSUPP)) => AttachError::NoKind { kind: "ipvlan", source },
            _ => AttachError::Create { interface: endpoint.interface.clone(), what: self.to_string(), source },
        })
    }

    /// The message that makes it: everything in one go because each message takes the lock of all networking on the machine.
    fn message(&self, netns: BorrowedFd<'_>, endpoint: &Endpoint, other: u32) -> Message {
        let mtu = |end: Message| match endpoint.mtu {
            Some(mtu) => end.u32(MTU, mtu),
            None => end,
        };
        let inside = |end: Message| mtu(end.string(IFNAME, &endpoint.interface)).fd(NET_NS_FD, netns);
        match self {
            Self::Veth { host_interface, .. } => {
                let peer =
                    |peer: Message| inside(peer.fixed(&link::link_header(0, false))).bytes(ADDRESS, &endpoint.mac);
                let pair = |info: Message| info.string(INFO_KIND, "veth").nest(INFO_DATA, |data| data.nest(PEER, peer));
                mtu(link::new_link(host_interface)).u32(MASTER, other).nest(LINKINFO, pair)
            }
            Self::Macvlan { mode, .. } => {
                let data = |data: Message| data.u32(MACVLAN_MODE, *mode as u32);
                let kind = |info: Message| info.string(INFO_KIND, "macvlan").nest(INFO_DATA, data);
                inside(link::new_link_down()).u32(LINK, other).bytes(ADDRESS, &endpoint.mac).nest(LINKINFO, kind)
            }
            Self::Ipvlan { mode, reach, .. } => {
                let data = |data: Message| {
                    let (mode, reach) = (*mode as u16, *reach as u16);
                    data.bytes(IPVLAN_MODE, &mode.to_ne_bytes()).bytes(IPVLAN_FLAGS, &reach.to_ne_bytes())
                };
                let kind = |info: Message| info.string(INFO_KIND, "ipvlan").nest(INFO_DATA, data);
                inside(link::new_link_down()).u32(LINK, other).nest(LINKINFO, kind)
            }
        }
    }

    /// What it leads to on the host.
    fn other(&self) -> &str {
        match self {
            Self::Veth { bridge, .. } => bridge,
            Self::Macvlan { parent, .. } | Self::Ipvlan { parent, .. } => parent,
        }
    }

    /// The links of the host that it brings up.
    pub(super) fn links(&self) -> Vec<&str> {
        match self {
            Self::Veth { host_interface, bridge, .. } => vec![host_interface, bridge],
            Self::Macvlan { .. } | Self::Ipvlan { .. } => Vec::new(),
        }
    }

    /// The name of its end on the host, if it has one.
    #[must_use]
    pub fn host_interface(&self) -> Option<&str> {
        match self {
            Self::Veth { host_interface, .. } => Some(host_interface),
            Self::Macvlan { .. } | Self::Ipvlan { .. } => None,
        }
    }
}

impl fmt::Display for Cable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if matches!(self, Self::Veth { .. }) { "bridge" } else { "link" };
        write!(formatter, "{what} `{}`", self.other())
    }
}
