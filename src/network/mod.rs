//! Networks, addresses, ports and names: bridges, cables and address translation over netlink, and the name server
//! that every container has.
//!
//! ```text
//!  container A        container B          machine
//!   eth0  127.0.0.11   eth0                127.0.0.1:8080 ──┐
//!    │        ▲          │                                  │ firewall: the project's nftables table
//!    └─ veth ─│──── bridge rc-… (gateway) ◀─────────────────┘
//!             └ resolver: served by the supervisor
//! ```
//!
//! Everything here happens in the network namespace of the calling thread, be it the machine's, a user's or a test's,
//! but for what is given a `netns`: a container's. Nothing runs another program.

mod attach;
mod bridge;
mod cable;
mod damage;
mod datagrams;
mod dns;
mod examine;
mod firewall;
mod foreign_firewall;
mod ipam;
mod link;
mod message;
mod netlink;
mod nft;
mod port;
mod port_map;
mod port_owner;
mod queue;
mod relay;
mod relay_room;
mod reservation;
mod route;
mod shaping;
mod subnet;
mod sysctl;
mod vlan;

pub use attach::{AttachError, Endpoint, EndpointAddress, attach, detach, lead_out, loopback_up};
pub use bridge::{
    BRIDGE_PREFIX, Bridge, BridgeError, BridgeSubnet, create_bridge, delete_bridge, link_exists, mac_address,
};
pub use cable::{Cable, IpvlanMode, IpvlanReach, MacvlanMode, VETH_PREFIX};
pub use damage::Damage;
pub use dns::{
    Link, Names, ResolvConf, Resolver, ResolverError, Room, Upstream, View, answered, follow as follow_resolv_conf,
    relayed,
};
pub use examine::examine;
pub use firewall::{Firewall, FirewallError};
pub use foreign_firewall::{ForeignFirewall, foreign_firewalls, foreign_input_firewalls};
pub use ipam::{AddressPool, Claim, InvalidPool, IpamError, SubnetPool, choose_subnet};
pub use netlink::NetlinkError;
pub use nft::{Disturbance, NftError, Nftables, TableWatch};
pub use port::{PortForward, TransportProtocol};
pub use port_owner::{OURS as OUR_NAME, find as port_owner};
pub use queue::{Queue, Shape};
pub use relay::{Relay, RelayError};
pub use relay_room::RelayRoom;
pub use reservation::{MOST_SOCKETS, PortError, PortReservation, reserve_port, reserve_range};
pub use route::{Route, routes};
pub use shaping::{DETOUR_PREFIX, HostEnd, Shaping, ShapingError, remove_detour, shape};
pub use subnet::{InvalidSubnet, IpFamily, Subnet};
pub use vlan::{VlanError, create_vlan, remove_vlan};
