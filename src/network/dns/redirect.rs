//! Port 53 of 127.0.0.11, led to the ports that the resolver really has, so that the container may bind port 53 on all of
//! its addresses.
//!
//! ```text
//! client :p ──▶ 127.0.0.11:53 ─ output ─▶ 127.0.0.11:r ──▶ resolver
//! client :p ◀── 127.0.0.11:53 ◀─ input ── 127.0.0.11:r ◀── resolver
//! ```
//!
//! Two numbers are rewritten in each packet and nothing is remembered: address translation would have the kernel track every
//! connection of the container, at a price on each of its packets. A firewall of the container sees the resolver's port both
//! ways, and so replies are replies to it.

use std::net::Ipv4Addr;

use crate::network::nft::expression as step;
use crate::network::nft::{self, Chain, Family, Hook, NftError, Nftables, Table};
use crate::network::{Subnet, TransportProtocol};

const TABLE: &str = "rcompose-dns";

/// Leads what is sent to `address`, port `from`, to its ports `udp` and `tcp`. The calling thread is in the container's
/// namespace. What is returned is to be closed only when the container is gone: see [`Nftables`].
pub(super) fn redirect(address: Ipv4Addr, from: u16, udp: u16, tcp: u16) -> Result<Nftables, NftError> {
    let host = Subnet::containing(address, 32);
    let ports = [(TransportProtocol::Udp, udp), (TransportProtocol::Tcp, tcp)];
    let there = ports.map(|(protocol, to)| {
        let to_resolver = [step::destination_in(&host), step::is_transport(protocol.number())].concat();
        [to_resolver, step::is_destination_port(from), step::write_destination_port(protocol.number(), to)].concat()
    });
    let back = ports.map(|(protocol, to)| {
        let from_resolver = [step::source_in(&host), step::is_transport(protocol.number())].concat();
        [from_resolver, step::is_source_port(to), step::write_source_port(protocol.number(), from)].concat()
    });
    let chain = |name, hook, rules: [Vec<_>; 2]| Chain { name, hook: Some(hook), rules: rules.to_vec() };
    let table = Table {
        family: Family::Ipv4,
        name: TABLE.to_owned(),
        maps: Vec::new(),
        chains: vec![chain("output", Hook::OUTPUT_RAW, there), chain("input", Hook::INPUT_LATE, back)],
    };
    let mut nftables = Nftables::open()?;
    nft::replace(&mut nftables, &table)?;
    Ok(nftables)
}
