//! `ports`: `[IP:][HOST[-HOST]:]CONTAINER[-CONTAINER][/PROTOCOL]` to its long form, ranges expanded.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use super::list::invalid;
use crate::compose::node::{Node, Value};
use crate::compose::report::Report;

/// Why a short form cannot be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum PortError {
    #[error("`{0}` is not a port between 1 and 65535")]
    Port(String),
    #[error("the range `{0}` ends before it begins")]
    Backwards(String),
    #[error("the host range `{host}` and the container range `{container}` differ in length")]
    Lengths { host: String, container: String },
    #[error("no container port")]
    Empty,
    #[error("`{0}` is not `tcp`, `udp` or `sctp`")]
    Protocol(String),
    #[error("`{0}` is not an IP address")]
    Address(String),
}

/// Rewrites the short forms of a list.
pub(super) fn ports(node: Node, report: &Report) -> Node {
    let Value::Sequence(items) = node.value else { return node };
    let mut long = Vec::new();
    for item in items {
        let Some(text) = item.text().filter(|_| !item.is_null()) else {
            long.push(item);
            continue;
        };
        match expand(text) {
            Ok(ports) if !report.may_expand(ports.len()) => {
                invalid(&item, "ports", "the ranges of this project stand for more than 200000 ports", report);
            }
            Ok(ports) => long.extend(ports.into_iter().map(|port| port.into_node(&item))),
            // The text of a variable that is not resolved may hold anything.
            Err(_) if report.templates() && text.contains('$') => long.push(item),
            Err(error) => invalid(&item, "ports", error.to_string(), report),
        }
    }
    Node { value: Value::Sequence(long), ..node }
}

#[derive(Debug)]
struct Short {
    host_ip: Option<String>,
    published: Option<String>,
    target: u16,
    protocol: String,
}

impl Short {
    fn into_node(self, item: &Node) -> Node {
        let text = |text: String| Node::string(item.origin, text);
        let target = Node::number(item.origin, self.target.into());
        let mut entries =
            vec![("mode", text("ingress".to_owned())), ("target", target), ("protocol", text(self.protocol))];
        entries.extend(self.published.map(|published| ("published", text(published))));
        entries.extend(self.host_ip.map(|address| ("host_ip", text(address))));
        Node { tag: item.tag, ..Node::mapping(item.origin, entries) }
    }
}

fn expand(text: &str) -> Result<Vec<Short>, PortError> {
    let (rest, protocol) = text.split_once('/').filter(|(_, protocol)| !protocol.is_empty()).unwrap_or((text, "tcp"));
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (rest, container) = match rest.rsplit_once(':') {
        Some((rest, container)) => (Some(rest), container),
        None => (None, rest),
    };
    // What is left is `HOST`, `IP:HOST` or `IP:`; only the address may hold colons of its own.
    let (address, host) = match rest.map(|rest| rest.rsplit_once(':').unwrap_or(("", rest))) {
        Some((address, host)) => (Some(address), Some(host).filter(|host| !host.is_empty())),
        None => (None, None),
    };
    let bare = |address: &str| address.trim_start_matches('[').trim_end_matches(']').to_owned();
    let host_ip = address.filter(|address| !address.is_empty()).map(bare);
    if let Some(address) = host_ip.as_ref().filter(|address| address.parse::<IpAddr>().is_err()) {
        return Err(PortError::Address(address.clone()));
    }
    if !["tcp", "udp", "sctp"].contains(&protocol.to_ascii_lowercase().as_str()) {
        return Err(PortError::Protocol(protocol.to_owned()));
    }
    if container.is_empty() {
        return Err(PortError::Empty);
    }
    let targets = range(container)?;
    let published: Vec<Option<String>> = match host {
        None => vec![None; targets.len()],
        Some(host) => {
            let hosts = if host == "0" { 0..=0 } else { range(host)? };
            if hosts.len() == targets.len() {
                hosts.map(|port| Some(port.to_string())).collect()
            } else if targets.len() == 1 {
                // The engine picks a free one of the range.
                vec![Some(host.to_owned())]
            } else {
                return Err(PortError::Lengths { host: host.to_owned(), container: container.to_owned() });
            }
        }
    };
    let short = |(target, published)| Short {
        host_ip: host_ip.clone(),
        published,
        target,
        protocol: protocol.to_ascii_lowercase(),
    };
    let mut ports: Vec<Short> = targets.zip(published).map(short).collect();
    // The order of the texts, `10` before `9`: that of the reference implementation, and so of `config`.
    ports.sort_by_cached_key(|port| port.target.to_string());
    Ok(ports)
}

fn range(text: &str) -> Result<RangeInclusive<u16>, PortError> {
    let port = |text: &str| match text.parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(PortError::Port(text.to_owned())),
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (port(first)?, port(last)?);
    if first > last { Err(PortError::Backwards(text.to_owned())) } else { Ok(first..=last) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> String {
        match expand(text) {
            Err(error) => error.to_string(),
            Ok(ports) => {
                let show = |port: &Short| {
                    let published = port.published.as_deref().unwrap_or("?");
                    let address = port.host_ip.as_deref().unwrap_or("*");
                    format!("{address} {published}->{}/{}", port.target, port.protocol)
                };
                ports.iter().map(show).collect::<Vec<_>>().join(", ")
            }
        }
    }

    #[test]
    fn short_forms() {
        for (text, expected) in [
            ("80", "* ?->80/tcp"),
            ("8080:80", "* 8080->80/tcp"),
            ("127.0.0.1:8080:80/UDP", "127.0.0.1 8080->80/udp"),
            ("127.0.0.1::80", "127.0.0.1 ?->80/tcp"),
            ("[::1]:8080:80", "::1 8080->80/tcp"),
            ("::1:8080:80", "::1 8080->80/tcp"),
            ("80-81", "* ?->80/tcp, * ?->81/tcp"),
            ("8080-8081:80-81", "* 8080->80/tcp, * 8081->81/tcp"),
            ("8080-8090:80", "* 8080-8090->80/tcp"),
            ("8080-8081:80-82", "the host range `8080-8081` and the container range `80-82` differ in length"),
            ("99999:80", "`99999` is not a port between 1 and 65535"),
            ("81-80", "the range `81-80` ends before it begins"),
            ("8080:", "no container port"),
            ("", "no container port"),
            ("a:b", "`b` is not a port between 1 and 65535"),
        ] {
            assert_eq!(check(text), expected, "{text}");
        }
    }
}
