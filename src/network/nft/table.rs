//! A table as a value, and the steps that put it in place of whatever has its name.

use std::fmt;

use super::expression::Expression;
use super::{NftError, Nftables, Step};
use crate::network::IpFamily;
use crate::network::message::{APPEND, CREATE, Message};

/// `NFT_MSG_*`.
const NEWTABLE: u16 = 0;
const DELTABLE: u16 = 2;
const NEWCHAIN: u16 = 3;
const NEWRULE: u16 = 6;
const NEWSET: u16 = 9;
const NEWSETELEM: u16 = 12;
/// `NFT_SET_INTERVAL`, `NFT_SET_MAP` and `NFT_SET_CONCAT`.
const INTERVALS_IN_MAP: u32 = 4 | 8 | 0x80;
/// How many elements one message holds: well below the 64 KiB of an attribute.
const ELEMENTS: usize = 512;

/// The packets a table sees: `NFPROTO_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// IPv4 and IPv6.
    Inet = 1,
    /// IPv4.
    Ipv4 = 2,
    /// What a bridge switches.
    Bridge = 7,
    /// IPv6.
    Ipv6 = 10,
}

impl fmt::Display for Family {
    /// As `nft(8)` calls it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Inet => "inet",
            Self::Ipv4 => "ip",
            Self::Ipv6 => "ip6",
            Self::Bridge => "bridge",
        })
    }
}

/// Where in a packet's way a chain is, and when among those that are there too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hook {
    /// `filter` or `nat`.
    pub(crate) kind: &'static str,
    /// `NF_INET_*`.
    pub(crate) number: u32,
    /// Lower is earlier.
    pub(crate) priority: i32,
}

impl Hook {
    /// Before anything knows of the packet's connection.
    pub(crate) const RAW: Self = Self { kind: "filter", number: 0, priority: -300 };
    /// As a packet comes in.
    pub(crate) const PREROUTING_NAT: Self = Self { kind: "nat", number: 0, priority: -100 };
    /// Between two links.
    pub(crate) const FORWARD: Self = Self { kind: "filter", number: 2, priority: 0 };
    /// As a process of this machine sends it, before anything knows of its connection.
    pub(crate) const OUTPUT_RAW: Self = Self { kind: "filter", number: 3, priority: -300 };
    /// As a process of this machine is to receive it, after those who judge it.
    pub(crate) const INPUT_LATE: Self = Self { kind: "filter", number: 1, priority: 150 };
    /// As a process of this machine sends it.
    pub(crate) const OUTPUT_NAT: Self = Self { kind: "nat", number: 3, priority: -100 };
    /// As it leaves.
    pub(crate) const POSTROUTING_NAT: Self = Self { kind: "nat", number: 4, priority: 100 };
}

/// A list of rules, run at a hook, or jumped to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chain {
    /// Its name.
    pub(crate) name: &'static str,
    /// Where it is run; the policy is to accept.
    pub(crate) hook: Option<Hook>,
    /// Tried in this order.
    pub(crate) rules: Vec<Vec<Expression>>,
}

/// A table to look keys up in: an element is for all of which each part is between two. Each part of a key or a value is
/// padded to four bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Map {
    /// Its name.
    pub(crate) name: &'static str,
    /// What the parts of a key are.
    pub(crate) key: Vec<Part>,
    /// The same for the value.
    pub(crate) value: Vec<Part>,
    /// What it holds.
    pub(crate) elements: Vec<Element>,
}

/// A part of a key or a value: the number that the `nft` tool knows its kind by, which the kernel keeps for it, and its
/// bytes without padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    kind: u32,
    length: u32,
}

impl Part {
    /// The number of a protocol.
    pub(crate) const TRANSPORT: Self = Self { kind: 12, length: 1 };
    /// A port.
    pub(crate) const PORT: Self = Self { kind: 13, length: 2 };

    /// An address.
    pub(crate) fn address(family: IpFamily) -> Self {
        match family {
            IpFamily::V4 => Self { kind: 7, length: 4 },
            IpFamily::V6 => Self { kind: 8, length: 16 },
        }
    }
}

/// An element of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Element {
    /// The first key that it is for.
    pub(crate) first: Vec<u8>,
    /// The last one.
    pub(crate) last: Vec<u8>,
    /// What is found.
    pub(crate) value: Vec<u8>,
}

/// Everything of one owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    /// What it sees.
    pub(crate) family: Family,
    /// Its name, unique within the family.
    pub(crate) name: String,
    /// Looked up by the rules.
    pub(crate) maps: Vec<Map>,
    /// The chains; one that is jumped to comes before those that do.
    pub(crate) chains: Vec<Chain>,
}

/// Puts `table` in place of what has its name, in one transaction: no packet sees neither or half.
pub(crate) fn replace(nftables: &mut Nftables, table: &Table) -> Result<(), NftError> {
    // Adding first makes the deletion good on a system that has no such table.
    let mut steps = vec![add(table), remove(table.family, &table.name), add(table)];
    for (id, map) in (1..).zip(&table.maps) {
        steps.push(table.step(NEWSET, CREATE, format!("add map `{}`", map.name), |message| {
            let [key, value] = [&map.key, &map.value];
            message
                .string(2, map.name)
                .be32(3, INTERVALS_IN_MAP)
                .be32(4, concatenation(key))
                .be32(5, size(key))
                .be32(6, concatenation(value))
                .be32(7, size(value))
                .nest(9, |description| description.nest(2, |list| lengths(list, key)))
                .be32(10, id)
        }));
        for elements in map.elements.chunks(ELEMENTS) {
            steps.push(table.step(NEWSETELEM, CREATE, format!("fill map `{}`", map.name), |message| {
                message.string(2, map.name).nest(3, |list| {
                    elements.iter().fold(list, |list, Element { first, last, value }| {
                        list.nest(1, |element| {
                            let element = element.nest(1, |data| data.bytes(1, first));
                            element.nest(2, |data| data.bytes(1, value)).nest(10, |data| data.bytes(1, last))
                        })
                    })
                })
            }));
        }
    }
    for chain in &table.chains {
        steps.push(table.step(NEWCHAIN, CREATE, format!("add chain `{}`", chain.name), |message| {
            let message = message.string(3, chain.name);
            let Some(hook) = chain.hook else { return message };
            message
                .nest(4, |data| data.be32(1, hook.number).be32(2, hook.priority.cast_unsigned()))
                .string(7, hook.kind)
        }));
        for (number, rule) in (1..).zip(&chain.rules) {
            let name = format!("add rule {number} of chain `{}`", chain.name);
            steps.push(table.step(NEWRULE, CREATE | APPEND, name, |message| {
                message
                    .string(2, chain.name)
                    .nest(4, |list| rule.iter().fold(list, |list, expression| expression.encode(list)))
            }));
        }
    }
    nftables.commit(steps)
}

/// Deletes a table and everything in it; it is fine if there is none, as on a kernel that cannot have any.
pub(crate) fn delete(nftables: &mut Nftables, family: Family, name: &str) -> Result<(), NftError> {
    match nftables.commit(vec![remove(family, name)]) {
        Err(error) if error.is_absent() => Ok(()),
        Err(NftError::Unsupported(_)) => Ok(()),
        result => result,
    }
}

impl Table {
    /// A step on something within the table, whose name is attribute 1 of each.
    fn step(&self, kind: u16, flags: u16, name: String, fill: impl FnOnce(Message) -> Message) -> Step {
        Step::new(kind, flags, self.family, name, |message| fill(message.string(1, &self.name)))
    }
}

fn add(table: &Table) -> Step {
    table.step(NEWTABLE, CREATE, format!("add table `{}`", table.name), |message| message)
}

fn remove(family: Family, name: &str) -> Step {
    Step::new(DELTABLE, 0, family, format!("delete table `{name}`"), |message| message.string(1, name))
}

/// The type of several in a row: six bits each.
fn concatenation(parts: &[Part]) -> u32 {
    parts.iter().fold(0, |all, part| all << 6 | part.kind)
}

/// Bytes, padded as registers are.
fn size(parts: &[Part]) -> u32 {
    parts.iter().map(|part| part.length.next_multiple_of(4)).sum()
}

/// `NFTA_SET_DESC_CONCAT`: how long each part is.
fn lengths(list: Message, parts: &[Part]) -> Message {
    parts.iter().fold(list, |list, part| list.nest(1, |field| field.be32(1, part.length)))
}
