//! The firewall of others, read and never changed: base chains of a hook, and the rules of a table.

use super::{Element, Family, SUBSYSTEM};
use crate::network::message::{self, DUMP, Message};
use crate::network::netlink::{Connection, NetlinkError};

/// `NFT_MSG_*`.
const GETCHAIN: u16 = 4;
const GETRULE: u16 = 7;
const GETSETELEM: u16 = 13;
/// `NF_DROP` and `NF_ACCEPT`; `NFT_JUMP` and `NFT_GOTO`.
const DROP: i32 = 0;
const ACCEPT: i32 = 1;
const JUMP: i32 = -3;
const GOTO: i32 = -4;

/// What a chain sees: `NF_INET_*`, which is the same for bridges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Traffic {
    /// What this machine is to receive.
    Received = 1,
    /// What is sent on.
    Forwarded = 2,
}

/// A chain that sees one kind of traffic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BaseChain {
    /// Of which kind.
    pub(crate) traffic: Traffic,
    /// Of its table.
    pub(crate) family: Family,
    /// Of which it is.
    pub(crate) table: String,
    /// Its name.
    pub(crate) name: String,
    /// Whether a packet that no rule decides about is dropped.
    pub(crate) drops: bool,
}

/// What is of interest in a rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ForeignRule {
    /// The chain it is in.
    pub(crate) chain: String,
    /// The link, or the beginning of its name, that a packet must come from.
    pub(crate) comes_from: Option<LinkPattern>,
    /// The one it must go to.
    pub(crate) goes_to: Option<LinkPattern>,
    /// Whether there are packets it does not apply to.
    pub(crate) is_conditional: bool,
    /// What happens to those it applies to; `None` when the next rule decides.
    pub(crate) verdict: Option<ForeignVerdict>,
}

/// What becomes of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ForeignVerdict {
    /// This hook lets it through, as far as this table goes.
    Accept,
    /// It goes no further.
    Drop,
    /// Another chain decides.
    Chain(String),
}

/// A name to compare that of a link with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LinkPattern {
    /// The whole name.
    Exactly(String),
    /// How it begins: `rc-*` of nft, `rc-+` of iptables.
    Beginning(String),
}

/// The chains that see this traffic, of all tables.
pub(crate) fn base_chains(connection: &mut Connection, traffic: Traffic) -> Result<Vec<BaseChain>, NetlinkError> {
    let mut chains = Vec::new();
    // Family 0 is all of them.
    let request = Message::new(u16::from(SUBSYSTEM) << 8 | GETCHAIN, DUMP, &[0; 4]);
    connection.query(request, |payload| chains.extend(base_chain(payload, traffic)))?;
    Ok(chains)
}

/// The rules of the table that `chain` is in, in their order.
pub(crate) fn rules(connection: &mut Connection, chain: &BaseChain) -> Result<Vec<ForeignRule>, NetlinkError> {
    rules_of(connection, chain.family, &chain.table)
}

/// The rules of `table`, in their order.
pub(crate) fn rules_of(
    connection: &mut Connection,
    family: Family,
    table: &str,
) -> Result<Vec<ForeignRule>, NetlinkError> {
    let mut rules = Vec::new();
    let request = Message::new(u16::from(SUBSYSTEM) << 8 | GETRULE, DUMP, &[family as u8, 0, 0, 0]);
    connection.query(request.string(1, table), |payload| {
        // A kernel that does not know the filter sends those of all tables.
        if string(attributes(payload), 1).as_deref() == Some(table) {
            rules.extend(rule(payload));
        }
    })?;
    Ok(rules)
}

/// The names of the chains of `table`: none where there is no such table.
pub(crate) fn chains_of(connection: &mut Connection, family: Family, table: &str) -> Result<Vec<String>, NetlinkError> {
    let mut chains = Vec::new();
    let request = Message::new(u16::from(SUBSYSTEM) << 8 | GETCHAIN, DUMP, &[family as u8, 0, 0, 0]);
    connection.query(request, |payload| {
        if string(attributes(payload), 1).as_deref() == Some(table) {
            chains.extend(string(attributes(payload), 3));
        }
    })?;
    Ok(chains)
}

/// What a map holds; `None` where there is no such map.
pub(crate) fn elements_of(
    connection: &mut Connection,
    family: Family,
    table: &str,
    map: &str,
) -> Result<Option<Vec<Element>>, NetlinkError> {
    let mut elements = Vec::new();
    let request = Message::new(u16::from(SUBSYSTEM) << 8 | GETSETELEM, DUMP, &[family as u8, 0, 0, 0]);
    let read = |payload: &[u8]| {
        let list = nested(attributes(payload), 3).unwrap_or_default();
        let found = message::attributes(list).filter_map(|(_, of)| element(of));
        elements.extend(found);
    };
    match connection.query(request.string(1, table).string(2, map), read) {
        Err(error) if error.errno() == Some(rustix::io::Errno::NOENT) => Ok(None),
        result => result.map(|()| Some(elements)),
    }
}

fn element(of: &[u8]) -> Option<Element> {
    let data = |kind| nested(nested(of, kind)?, 1).map(<[u8]>::to_vec);
    let first = data(1)?;
    Some(Element { last: data(10).unwrap_or_else(|| first.clone()), first, value: data(2).unwrap_or_default() })
}

fn base_chain(payload: &[u8], traffic: Traffic) -> Option<BaseChain> {
    let family = match *payload.first()? {
        1 => Family::Inet,
        2 => Family::Ipv4,
        7 => Family::Bridge,
        10 => Family::Ipv6,
        _ => return None,
    };
    let chain = attributes(payload);
    if be32(nested(chain, 4)?, 1)? != traffic as u32 {
        return None;
    }
    let drops = be32(chain, 5).is_some_and(|policy| policy.cast_signed() == DROP);
    Some(BaseChain { traffic, family, table: string(chain, 1)?, name: string(chain, 3)?, drops })
}

fn rule(payload: &[u8]) -> Option<ForeignRule> {
    let mut rule = ForeignRule { chain: string(attributes(payload), 2)?, ..ForeignRule::default() };
    // What the register to be compared next holds: a key of `meta`.
    let mut loaded = None;
    let expressions = nested(attributes(payload), 4).unwrap_or_default();
    for (_, expression) in message::attributes(expressions) {
        let data = nested(expression, 2).unwrap_or_default();
        match string(expression, 1)?.as_str() {
            "counter" | "log" => {}
            "match" if string(data, 1).as_deref() == Some("comment") => {}
            "immediate" => rule.verdict = verdict(data).or(rule.verdict),
            "reject" => rule.verdict = Some(ForeignVerdict::Drop),
            "target" if string(data, 1).as_deref() == Some("REJECT") => rule.verdict = Some(ForeignVerdict::Drop),
            "meta" => {
                rule.is_conditional = true;
                loaded = be32(data, 2);
            }
            "cmp" => {
                rule.is_conditional = true;
                compare(&mut rule, loaded.take(), data);
            }
            _ => {
                rule.is_conditional = true;
                loaded = None;
            }
        }
    }
    Some(rule)
}

/// Notes what a comparison says of links.
fn compare(rule: &mut ForeignRule, loaded: Option<u32>, data: &[u8]) {
    /// `NFT_META_IIFNAME` and `NFT_META_OIFNAME`.
    const COMES_FROM: u32 = 6;
    const GOES_TO: u32 = 7;
    const EQUAL: u32 = 0;
    let (Some(key), Some(EQUAL)) = (loaded, be32(data, 2)) else { return };
    let Some(value) = nested(data, 3).and_then(|value| nested(value, 1)) else { return };
    match key {
        COMES_FROM => rule.comes_from = Some(pattern(value)),
        GOES_TO => rule.goes_to = Some(pattern(value)),
        _ => {}
    }
}

/// A whole name is compared with the zeros that it is padded with.
fn pattern(value: &[u8]) -> LinkPattern {
    let name = text(value);
    if value.contains(&0) { LinkPattern::Exactly(name) } else { LinkPattern::Beginning(name) }
}

fn verdict(immediate: &[u8]) -> Option<ForeignVerdict> {
    let verdict = nested(nested(immediate, 2)?, 2)?;
    match be32(verdict, 1)?.cast_signed() {
        DROP => Some(ForeignVerdict::Drop),
        ACCEPT => Some(ForeignVerdict::Accept),
        JUMP | GOTO => string(verdict, 2).map(ForeignVerdict::Chain),
        _ => None,
    }
}

/// What follows `struct nfgenmsg`.
fn attributes(payload: &[u8]) -> &[u8] {
    payload.get(4..).unwrap_or_default()
}

fn nested(attributes: &[u8], kind: u16) -> Option<&[u8]> {
    message::attributes(attributes).find(|(found, _)| *found == kind).map(|(_, value)| value)
}

fn be32(attributes: &[u8], kind: u16) -> Option<u32> {
    nested(attributes, kind)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

fn string(attributes: &[u8], kind: u16) -> Option<String> {
    nested(attributes, kind).map(text)
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
