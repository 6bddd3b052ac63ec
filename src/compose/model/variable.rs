//! Mappings and lists with more than one form.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::address::HostAddress;

/// Variables with a value; whoever has none is not set.
pub(super) fn set<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let variables = BTreeMap::<String, Option<String>>::deserialize(deserializer)?;
    Ok(variables.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
}

/// Capabilities in upper case and without `CAP_`.
pub(super) fn capabilities<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Vec::<String>::deserialize(deserializer)?.iter().map(|name| capability(name)).collect())
}

/// The name of a capability in upper case and without `CAP_`.
pub(in crate::compose) fn capability(name: &str) -> String {
    let upper = name.to_ascii_uppercase();
    upper.strip_prefix("CAP_").map_or(upper.clone(), str::to_owned)
}

/// `extra_hosts`: host to addresses (`host-gateway` as written), from `HOST=ADDRESS` or a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Hosts(pub BTreeMap<String, Vec<String>>);

impl super::element::Unsaid for Hosts {
    fn is_unsaid(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Hosts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;
        impl<'de> Visitor<'de> for Form {
            type Value = Hosts;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list or a mapping")
            }
            fn visit_unit<E>(self) -> Result<Hosts, E> {
                Ok(Hosts::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Hosts, A::Error> {
                let mut hosts = Hosts::default();
                while let Some(HostEntry { host, address }) = items.next_element()? {
                    hosts.0.entry(host).or_default().push(address);
                }
                Ok(hosts)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Hosts, A::Error> {
                let mut hosts = Hosts::default();
                while let Some((host, addresses)) = entries.next_entry::<String, Vec<HostAddress>>()? {
                    hosts.0.insert(host, addresses.into_iter().map(|HostAddress(address)| address).collect());
                }
                Ok(hosts)
            }
        }
        deserializer.deserialize_any(Form)
    }
}

/// `HOST=ADDRESS` or `HOST:ADDRESS`.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct HostEntry {
    host: String,
    address: String,
}

impl TryFrom<String> for HostEntry {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let (host, rest) = text
            .split_once('=')
            .or_else(|| text.split_once(':'))
            .ok_or_else(|| format!("`{text}` is not `HOST=ADDRESS`"))?;
        Ok(Self { host: host.to_owned(), address: HostAddress::try_from(rest.to_owned())?.0 })
    }
}

/// `ssh`: agents and keys by id, from `ID=PATH` or a mapping; `default` has no path.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct SshAgents(pub BTreeMap<String, Option<String>>);

impl super::element::Unsaid for SshAgents {
    fn is_unsaid(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for SshAgents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;
        impl<'de> Visitor<'de> for Form {
            type Value = SshAgents;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list or a mapping")
            }
            fn visit_unit<E>(self) -> Result<SshAgents, E> {
                Ok(SshAgents::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<SshAgents, A::Error> {
                let mut agents = SshAgents::default();
                while let Some(text) = items.next_element::<String>()? {
                    let (id, path) = text.split_once('=').map_or((text.as_str(), None), |(id, path)| (id, Some(path)));
                    agents.0.insert(id.to_owned(), path.map(str::to_owned));
                }
                Ok(agents)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<SshAgents, A::Error> {
                let mut agents = SshAgents::default();
                while let Some((id, path)) = entries.next_entry::<String, Option<String>>()? {
                    agents.0.insert(id, path.filter(|path| !path.is_empty()));
                }
                Ok(agents)
            }
        }
        deserializer.deserialize_any(Form)
    }
}

/// One text or a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct OneOrMany(pub Vec<String>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;
        impl<'de> Visitor<'de> for Form {
            type Value = OneOrMany;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string or a list")
            }
            fn visit_unit<E>(self) -> Result<OneOrMany, E> {
                Ok(OneOrMany::default())
            }
            fn visit_str<E>(self, text: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany(vec![text.to_owned()]))
            }
            fn visit_bool<E>(self, value: bool) -> Result<OneOrMany, E> {
                Ok(OneOrMany(vec![value.to_string()]))
            }
            fn visit_i64<E>(self, value: i64) -> Result<OneOrMany, E> {
                Ok(OneOrMany(vec![value.to_string()]))
            }
            fn visit_u64<E>(self, value: u64) -> Result<OneOrMany, E> {
                Ok(OneOrMany(vec![value.to_string()]))
            }
            fn visit_f64<E>(self, value: f64) -> Result<OneOrMany, E> {
                Ok(OneOrMany(vec![value.to_string()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<OneOrMany, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = items.next_element()? {
                    texts.push(text);
                }
                Ok(OneOrMany(texts))
            }
        }
        deserializer.deserialize_any(Form)
    }
}
