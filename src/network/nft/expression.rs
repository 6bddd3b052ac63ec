//! What a rule is made of: small steps that load, compare and act on registers, and the phrases they form.

use std::net::IpAddr;

use crate::network::message::Message;
use crate::network::{IpFamily, Subnet};

/// `NFTA_EXPR_*`.
const NAME: u16 = 1;
const DATA: u16 = 2;
/// `NFTA_DATA_*`.
const VALUE: u16 = 1;
const VERDICT: u16 = 2;

/// One step of a rule. A step whose comparison fails ends the rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expression {
    /// Loads something known about a packet: `NFT_META_*`.
    Meta { key: u32, to: u32 },
    /// Loads bytes of a packet.
    Payload { base: u32, offset: u32, length: u32, to: u32 },
    /// Puts bytes in a packet, of whose header `checksum` bytes in is the sum that is to be put right.
    Write { base: u32, offset: u32, length: u32, from: u32, checksum: u32 },
    /// Loads something known about its connection: `NFT_CT_*`.
    Connection { key: u32, to: u32 },
    /// Loads what kind of address the destination is: `RTN_*`.
    DestinationKind { to: u32 },
    /// Keeps the bits of `mask`.
    Mask { register: u32, mask: Vec<u8> },
    /// Goes on if the register is (or is not) `value`.
    Compare { register: u32, equal: bool, value: Vec<u8> },
    /// Goes on if the register is between two values, or one of them.
    Range { register: u32, first: Vec<u8>, last: Vec<u8> },
    /// Goes on if the registers from `key` on are in the map, whose value is put in those from `to` on.
    Lookup { map: &'static str, key: u32, to: u32 },
    /// Loads a constant.
    Constant { to: u32, value: Vec<u8> },
    /// Sends the packet to the address in this register, and to the port that its own leads to among those from `first` to
    /// `last`, as [`PortMap`](crate::network::port_map) has it.
    DestinationNat { family: IpFamily, address: u32, first: u32, last: u32 },
    /// Has the packet come from the address of the link it leaves by.
    Masquerade,
    /// Ends the rule: `NF_ACCEPT`, `NF_DROP`.
    Verdict(u32),
    /// Ends the rule at the head of another chain.
    Jump(&'static str),
}

impl Expression {
    /// Appends it to `list` as an `NFTA_LIST_ELEM`.
    pub(super) fn encode(&self, list: Message) -> Message {
        const ELEMENT: u16 = 1;
        list.nest(ELEMENT, |element| element.string(NAME, self.kernel_name()).nest(DATA, |data| self.encode_data(data)))
    }

    fn kernel_name(&self) -> &'static str {
        match self {
            Self::Meta { .. } => "meta",
            Self::Payload { .. } | Self::Write { .. } => "payload",
            Self::Connection { .. } => "ct",
            Self::DestinationKind { .. } => "fib",
            Self::Mask { .. } => "bitwise",
            Self::Compare { .. } => "cmp",
            Self::Range { .. } => "range",
            Self::Lookup { .. } => "lookup",
            Self::Constant { .. } | Self::Verdict(_) | Self::Jump(_) => "immediate",
            Self::DestinationNat { .. } => "nat",
            Self::Masquerade => "masq",
        }
    }

    fn encode_data(&self, data: Message) -> Message {
        /// `NFT_FIB_RESULT_ADDRTYPE`, `NFTA_FIB_F_DADDR`, `NFT_NAT_DNAT`, `NF_NAT_RANGE_PROTO_OFFSET`, `NFT_JUMP`.
        const ADDRESS_TYPE: u32 = 3;
        const OF_DESTINATION: u32 = 2;
        const DNAT: u32 = 1;
        const BY_OFFSET: u32 = 1 << 5;
        const JUMP: u32 = (-3i32).cast_unsigned();
        match self {
            Self::Meta { key, to } | Self::Connection { key, to } => data.be32(1, *to).be32(2, *key),
            Self::Payload { base, offset, length, to } => {
                data.be32(1, *to).be32(2, *base).be32(3, *offset).be32(4, *length)
            }
            // The sum is of the kind `NFT_PAYLOAD_CSUM_INET`.
            Self::Write { base, offset, length, from, checksum } => {
                data.be32(5, *from).be32(2, *base).be32(3, *offset).be32(4, *length).be32(6, 1).be32(7, *checksum)
            }
            Self::DestinationKind { to } => data.be32(1, *to).be32(2, ADDRESS_TYPE).be32(3, OF_DESTINATION),
            Self::Mask { register, mask } => data
                .be32(1, *register)
                .be32(2, *register)
                .be32(3, size(mask))
                .nest(4, |value| value.bytes(VALUE, mask))
                .nest(5, |value| value.bytes(VALUE, &vec![0; mask.len()])),
            Self::Compare { register, equal, value } => {
                data.be32(1, *register).be32(2, u32::from(!equal)).nest(3, |data| data.bytes(VALUE, value))
            }
            Self::Range { register, first, last } => data
                .be32(1, *register)
                .be32(2, 0)
                .nest(3, |data| data.bytes(VALUE, first))
                .nest(4, |data| data.bytes(VALUE, last)),
            Self::Lookup { map, key, to } => data.string(1, map).be32(2, *key).be32(3, *to),
            Self::Constant { to, value } => data.be32(1, *to).nest(2, |data| data.bytes(VALUE, value)),
            Self::DestinationNat { family, address, first, last } => data
                .be32(1, DNAT)
                .be32(2, protocol_family(*family))
                .be32(3, *address)
                .be32(5, *first)
                .be32(6, *last)
                .be32(7, BY_OFFSET),
            Self::Masquerade => data,
            Self::Verdict(code) => verdict(data, |verdict| verdict.be32(1, *code)),
            Self::Jump(chain) => verdict(data, |verdict| verdict.be32(1, JUMP).string(2, chain)),
        }
    }
}

fn size(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("no register has more than 16 bytes")
}

/// A constant loaded into the register of verdicts, which is 0.
fn verdict(data: Message, fill: impl FnOnce(Message) -> Message) -> Message {
    data.be32(1, 0).nest(2, |constant| constant.nest(VERDICT, fill))
}

/// `NFT_REG32_00`, the first of 16 registers of four bytes each: where a key of several parts is put together.
pub(crate) const KEY: u32 = 8;
/// `NFT_REG32_06`: where a map's value goes. Either may hold an address of IPv6 and two more parts.
pub(crate) const FOUND: u32 = 14;
/// `NF_DROP` and `NF_ACCEPT`.
pub(crate) const DROP: Expression = Expression::Verdict(0);
pub(crate) const ACCEPT: Expression = Expression::Verdict(1);

/// `NFT_REG_1`: 16 bytes, for whatever is compared at once.
const SCRATCH: u32 = 1;
const NETWORK_HEADER: u32 = 1;
const TRANSPORT_HEADER: u32 = 2;

/// `meta l4proto`, as part of a key.
pub(crate) fn load_transport(to: u32) -> Expression {
    Expression::Meta { key: 16, to }
}

/// `th dport`, as part of a key.
pub(crate) fn load_destination_port(to: u32) -> Expression {
    Expression::Payload { base: TRANSPORT_HEADER, offset: 2, length: 2, to }
}

/// `ip daddr` or `ip6 daddr`, as part of a key: of a packet of that family.
pub(crate) fn load_destination(family: IpFamily, to: u32) -> Expression {
    let (offset, length) = match family {
        IpFamily::V4 => (16, 4),
        IpFamily::V6 => (24, 16),
    };
    Expression::Payload { base: NETWORK_HEADER, offset, length, to }
}

/// `meta nfproto`: before anything that looks into a header of IP, in a table of both families.
pub(crate) fn is_of(family: IpFamily) -> Vec<Expression> {
    let number = protocol_family(family).to_le_bytes()[0];
    vec![Expression::Meta { key: 15, to: SCRATCH }, equal(&[number])]
}

/// `NFPROTO_IPV4` and `NFPROTO_IPV6`.
fn protocol_family(family: IpFamily) -> u32 {
    match family {
        IpFamily::V4 => 2,
        IpFamily::V6 => 10,
    }
}

/// `meta nfproto ipv4`.
pub(crate) fn is_ipv4() -> Vec<Expression> {
    is_of(IpFamily::V4)
}

/// `meta l4proto`, compared.
pub(crate) fn is_transport(number: u8) -> Vec<Expression> {
    vec![load_transport(SCRATCH), equal(&[number])]
}

/// `th dport`, compared.
pub(crate) fn is_destination_port(port: u16) -> Vec<Expression> {
    vec![load_destination_port(SCRATCH), equal(&port.to_be_bytes())]
}

/// `th dport FIRST-LAST`.
pub(crate) fn destination_port_between(first: u16, last: u16) -> Vec<Expression> {
    let [first, last] = [first, last].map(|port| port.to_be_bytes().to_vec());
    vec![load_destination_port(SCRATCH), Expression::Range { register: SCRATCH, first, last }]
}

/// `th sport`, compared.
pub(crate) fn is_source_port(port: u16) -> Vec<Expression> {
    let load = Expression::Payload { base: TRANSPORT_HEADER, offset: 0, length: 2, to: SCRATCH };
    vec![load, equal(&port.to_be_bytes())]
}

/// `th dport set`, for the number of TCP or UDP.
pub(crate) fn write_destination_port(protocol: u8, port: u16) -> Vec<Expression> {
    write_port(2, protocol, port)
}

/// `th sport set`, for the number of TCP or UDP.
pub(crate) fn write_source_port(protocol: u8, port: u16) -> Vec<Expression> {
    write_port(0, protocol, port)
}

fn write_port(offset: u32, protocol: u8, port: u16) -> Vec<Expression> {
    const TCP: u8 = 6;
    let checksum = if protocol == TCP { 16 } else { 6 };
    vec![
        Expression::Constant { to: SCRATCH, value: port.to_be_bytes().to_vec() },
        Expression::Write { base: TRANSPORT_HEADER, offset, length: 2, from: SCRATCH, checksum },
    ]
}

/// `iifname`.
pub(crate) fn comes_from(link: &str) -> Vec<Expression> {
    vec![Expression::Meta { key: 6, to: SCRATCH }, equal(&link_name(link))]
}

/// `iifname !=`.
pub(crate) fn comes_from_elsewhere_than(link: &str) -> Vec<Expression> {
    let value = link_name(link).to_vec();
    vec![Expression::Meta { key: 6, to: SCRATCH }, Expression::Compare { register: SCRATCH, equal: false, value }]
}

/// `oifname`.
pub(crate) fn goes_to(link: &str) -> Vec<Expression> {
    vec![Expression::Meta { key: 7, to: SCRATCH }, equal(&link_name(link))]
}

/// `oifname !=`.
pub(crate) fn goes_elsewhere_than(link: &str) -> Vec<Expression> {
    let value = link_name(link).to_vec();
    vec![Expression::Meta { key: 7, to: SCRATCH }, Expression::Compare { register: SCRATCH, equal: false, value }]
}

/// `ip saddr` or `ip6 saddr`: of a packet of that family.
pub(crate) fn source_in(subnet: &Subnet) -> Vec<Expression> {
    let offset = match subnet.family() {
        IpFamily::V4 => 12,
        IpFamily::V6 => 8,
    };
    address_in(offset, subnet)
}

/// `ip daddr` or `ip6 daddr`: of a packet of that family.
pub(crate) fn destination_in(subnet: &Subnet) -> Vec<Expression> {
    let offset = match subnet.family() {
        IpFamily::V4 => 16,
        IpFamily::V6 => 24,
    };
    address_in(offset, subnet)
}

/// `fib daddr type local`: it is for this machine.
pub(crate) fn destination_is_local() -> Vec<Expression> {
    const RTN_LOCAL: u32 = 2;
    vec![Expression::DestinationKind { to: SCRATCH }, equal(&RTN_LOCAL.to_ne_bytes())]
}

/// `ct state established,related`: a reply, or more of what was let through before.
pub(crate) fn is_known() -> Vec<Expression> {
    connection_has(0, 2 | 4)
}

/// `ct status dnat`: it was sent on by a published port.
pub(crate) fn was_published() -> Vec<Expression> {
    connection_has(2, 1 << 5)
}

fn connection_has(key: u32, bits: u32) -> Vec<Expression> {
    vec![
        Expression::Connection { key, to: SCRATCH },
        Expression::Mask { register: SCRATCH, mask: bits.to_ne_bytes().to_vec() },
        Expression::Compare { register: SCRATCH, equal: false, value: vec![0; 4] },
    ]
}

fn address_in(offset: u32, subnet: &Subnet) -> Vec<Expression> {
    let mask = octets(subnet.mask());
    vec![
        Expression::Payload { base: NETWORK_HEADER, offset, length: size(&mask), to: SCRATCH },
        Expression::Mask { register: SCRATCH, mask },
        equal(&octets(subnet.address())),
    ]
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn equal(value: &[u8]) -> Expression {
    Expression::Compare { register: SCRATCH, equal: true, value: value.to_vec() }
}

/// A link's name as the kernel compares it: 16 bytes, padded with zeros.
fn link_name(link: &str) -> [u8; 16] {
    let mut name = [0; 16];
    let length = link.len().min(15);
    name[..length].copy_from_slice(&link.as_bytes()[..length]);
    name
}
