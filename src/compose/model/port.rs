//! `ports`.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::word::words;

/// One published port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Port {
    /// The port in the container.
    #[serde(deserialize_with = "number")]
    pub target: u16,
    /// The first and last host port to choose from; `None` lets the kernel choose. First = last for a fixed port.
    #[serde(default, with = "range", skip_serializing_if = "Option::is_none")]
    pub published: Option<(u16, u16)>,
    /// The host address to bind; all when `None`.
    #[serde(default, deserialize_with = "super::address::optional", skip_serializing_if = "Option::is_none")]
    pub host_ip: Option<IpAddr>,
    /// The protocol.
    #[serde(default)]
    pub protocol: Protocol,
    /// `mode`: `ingress` or `host`; the same without a swarm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// `name`, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `app_protocol`, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_protocol: Option<String>,
}

impl Port {
    /// A TCP port of the container, published on every address at a host port that the kernel chooses.
    #[must_use]
    pub fn new(target: u16) -> Self {
        let protocol = Protocol::default();
        Self { target, published: None, host_ip: None, protocol, mode: None, name: None, app_protocol: None }
    }
}

words! {
    /// A transport protocol of a published port.
    #[derive(Default)]
    pub enum Protocol {
        /// TCP.
        #[default]
        Tcp = "tcp",
        /// UDP.
        Udp = "udp",
        /// SCTP.
        Sctp = "sctp",
    }
    else "must be `tcp`, `udp` or `sctp`"
}

fn number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let number = u64::deserialize(deserializer)?;
    parse(&number.to_string()).map_err(serde::de::Error::custom)
}

fn parse(text: &str) -> Result<u16, String> {
    text.parse().ok().filter(|port| *port > 0).ok_or_else(|| format!("`{text}` is not a port between 1 and 65535"))
}

/// `"80"` or `"80-90"`.
mod range {
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::ref_option, reason = "as serde calls it")]
    pub(super) fn serialize<S: Serializer>(value: &Option<(u16, u16)>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            None => serializer.serialize_none(),
            Some((first, last)) if first == last => serializer.collect_str(first),
            Some((first, last)) => serializer.collect_str(&format_args!("{first}-{last}")),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<(u16, u16)>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty());
        text.map(|text| parse(&text).map_err(serde::de::Error::custom)).transpose()
    }

    fn parse(text: &str) -> Result<(u16, u16), String> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last) = (super::parse(first)?, super::parse(last)?);
        if first > last { Err(format!("the range `{text}` ends before it begins")) } else { Ok((first, last)) }
    }
}
