//! How addresses are read: a text that is none is named in the mistake.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

/// A kind of address.
pub(super) trait Address: FromStr {
    /// What it is called.
    const KIND: &'static str;
}

impl Address for IpAddr {
    const KIND: &'static str = "an IP address";
}

impl Address for Ipv4Addr {
    const KIND: &'static str = "an IPv4 address";
}

impl Address for Ipv6Addr {
    const KIND: &'static str = "an IPv6 address";
}

fn parse<T: Address>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{text}` is not {}", T::KIND))
}

/// An address, or nothing.
pub(super) fn optional<'de, T: Address, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty());
    text.map(|text| parse(&text).map_err(serde::de::Error::custom)).transpose()
}

/// Lists of addresses under keys.
pub(super) fn lists<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Vec<IpAddr>>, D::Error> {
    let lists = BTreeMap::<String, Vec<Item>>::deserialize(deserializer)?;
    let addresses = |list: Vec<Item>| list.into_iter().map(|Item(address)| address).collect();
    Ok(lists.into_iter().map(|(key, list)| (key, addresses(list))).collect())
}

/// A list of addresses.
pub(super) fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpAddr>, D::Error> {
    let addresses = Vec::<Item>::deserialize(deserializer)?;
    Ok(addresses.into_iter().map(|Item(address)| address).collect())
}

/// An item of a list, which has a place of its own.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Item(IpAddr);

impl TryFrom<String> for Item {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        parse(&text).map(Self)
    }
}

/// An address of a host, or `host-gateway`, in brackets or not.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(super) struct HostAddress(pub(super) String);

impl TryFrom<String> for HostAddress {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        match bare {
            "host-gateway" => Ok(Self(bare.to_owned())),
            _ => parse::<IpAddr>(bare).map(|address| Self(address.to_string())),
        }
    }
}
