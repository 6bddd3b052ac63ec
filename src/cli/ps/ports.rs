//! The ports of a container, on one line: `80/tcp, 127.0.0.1:8000-8002->8000-8002/tcp`.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::Serialize;

/// A port of a container, published or not. Serializes with the field names of docker compose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Publisher {
    /// The address on this machine; empty when not published.
    #[serde(rename = "URL")]
    pub url: String,
    /// The port inside the container.
    #[serde(rename = "TargetPort")]
    pub target: u16,
    /// The port on this machine.
    #[serde(rename = "PublishedPort", serialize_with = "zero_for_none")]
    pub published: Option<u16>,
    /// `tcp` or `udp`.
    #[serde(rename = "Protocol")]
    pub protocol: String,
}

fn zero_for_none<S: serde::Serializer>(port: &Option<u16>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(port.unwrap_or(0))
}

/// The ports as docker shows them: neighbouring ones that keep their number as a range, then those that change it.
#[must_use]
pub fn displayed(ports: &[Publisher]) -> String {
    let mut ports: Vec<_> = ports.iter().collect();
    ports.sort_by_key(|port| (port.target, &port.url, port.published, &port.protocol));
    ports.dedup();

    // Ranges of ports, by what a range has in common: address, protocol, and whether it is published.
    let mut ranges: BTreeMap<(&str, &str, bool), Vec<RangeInclusive<u16>>> = BTreeMap::new();
    let mut changed = Vec::new();
    for port in ports {
        match port.published {
            Some(published) if published != port.target => {
                changed.push(format!("{}:{published}->{}/{}", host(&port.url), port.target, port.protocol));
            }
            published => {
                let found = ranges.entry((&port.url, &port.protocol, published.is_some())).or_default();
                match found.last_mut() {
                    Some(range) if range.end().checked_add(1) == Some(port.target) => {
                        *range = *range.start()..=port.target;
                    }
                    _ => found.push(port.target..=port.target),
                }
            }
        }
    }
    let kept = ranges.into_iter().flat_map(|((url, protocol, published), found)| {
        found.into_iter().map(move |range| {
            let (first, last) = range.into_inner();
            let range = if first == last { first.to_string() } else { format!("{first}-{last}") };
            if published { format!("{}:{range}->{range}/{protocol}", host(url)) } else { format!("{range}/{protocol}") }
        })
    });
    kept.chain(changed).collect::<Vec<_>>().join(", ")
}

/// An address before a port: IPv6 in brackets.
fn host(url: &str) -> String {
    if url.contains(':') { format!("[{url}]") } else { url.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ip:published:target`, `target`.
    fn port(text: &str) -> Publisher {
        let (text, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let (url, published, target) = match text.rsplit_once("->") {
            Some((host, target)) => {
                let (url, published) = host.rsplit_once(':').unwrap();
                (url, Some(published.parse().unwrap()), target)
            }
            None => ("", None, text),
        };
        Publisher { url: url.to_owned(), target: target.parse().unwrap(), published, protocol: protocol.to_owned() }
    }

    #[test]
    fn ranges_and_changes() {
        for (ports, text) in [
            (vec![], ""),
            (vec!["80"], "80/tcp"),
            (vec!["127.0.0.1:5432->5432", "80"], "80/tcp, 127.0.0.1:5432->5432/tcp"),
            (vec!["0.0.0.0:8080->80", ":::8080->80"], "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"),
            (
                vec!["0.0.0.0:81->81", "0.0.0.0:80->80", "0.0.0.0:83->83"],
                "0.0.0.0:80-81->80-81/tcp, 0.0.0.0:83->83/tcp",
            ),
            (vec!["53/udp", "53/tcp", "54/udp"], "53/tcp, 53-54/udp"),
            (vec!["80", "80"], "80/tcp"),
            (vec!["65535", "65534"], "65534-65535/tcp"),
        ] {
            let ports: Vec<_> = ports.into_iter().map(port).collect();
            assert_eq!(displayed(&ports), text);
        }
    }
}
