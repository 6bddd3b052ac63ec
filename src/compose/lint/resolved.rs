//! What is looked at when the files are merged and every variable has its value.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use super::warn;
use crate::compose::diagnostic::{DiagnosticKind, Severity};
use crate::compose::node::Node;
use crate::compose::report::{Finding, Origin, Report};
use crate::text;

/// What nobody wants to be open to the world, by the ports they listen on.
const NOT_FOR_ALL: &[(u16, &str)] = &[
    (1433, "SQL Server"),
    (2375, "Docker"),
    (2376, "Docker"),
    (2379, "etcd"),
    (3306, "MySQL"),
    (5432, "PostgreSQL"),
    (5601, "Kibana"),
    (5672, "AMQP"),
    (5984, "CouchDB"),
    (6379, "Redis"),
    (7474, "Neo4j"),
    (7687, "Neo4j"),
    (8086, "InfluxDB"),
    (8123, "ClickHouse"),
    (9042, "Cassandra"),
    (9092, "Kafka"),
    (9200, "Elasticsearch"),
    (11211, "memcached"),
    (15672, "RabbitMQ"),
    (27017, "MongoDB"),
];

/// The transports of images that come from no registry.
const LOCAL: &[&str] = &["rootfs:", "oci:", "oci-archive:", "docker-archive:", "dir:"];

/// An image that is not the same tomorrow.
pub(super) fn image(service: &Node, report: &Report) {
    let Some(node) = service.get("image") else { return };
    let Some(text) = node.text().filter(|text| !text.is_empty()) else { return };
    // What is built here has the name of whoever builds it; a template may become anything.
    if service.get("build").is_some() || text.contains('@') || report.templates() && text.contains('$') {
        return;
    }
    // What lies on this machine is what is there.
    if LOCAL.iter().any(|transport| text.starts_with(transport)) {
        return;
    }
    let name = text.rsplit('/').next().unwrap_or(text);
    if matches!(name.split_once(':'), None | Some((_, "latest"))) {
        let help = Some("name a version, `IMAGE:1.2`, or a digest, `IMAGE@sha256:…`".to_owned());
        warn(node.origin, DiagnosticKind::UnpinnedImage(text.to_owned()), help, report);
    }
}

/// Ports of the machine that are published twice: the second to start would find them in use.
pub(super) fn published_twice<'a>(services: impl Iterator<Item = (&'a str, &'a Node)>, report: &Report) {
    type Place<'a> = (Option<IpAddr>, Origin, &'a str);
    let mut places: HashMap<(&str, &str), Vec<Place<'_>>> = HashMap::new();
    // A range that is published twice is told of once.
    let mut told = BTreeSet::new();
    let mut services: Vec<_> = services.filter(|(_, service)| service.get("network_mode").is_none()).collect();
    services.sort_by_key(|(_, service)| service.origin);
    for (name, service) in services {
        for port in service.get("ports").map(Node::items).unwrap_or_default() {
            let is_fixed = |text: &&str| text.parse::<u16>().is_ok_and(|port| port > 0);
            let Some(number) = port.text_of("published").filter(is_fixed) else { continue };
            let protocol = port.text_of("protocol").unwrap_or("tcp");
            let address = port.text_of("host_ip").and_then(|address| address.parse().ok());
            let others = places.entry((protocol, number)).or_default();
            if let Some((_, earlier, other)) = others.iter().find(|(other, _, _)| are_one(*other, address))
                && told.insert((port.origin, *earlier))
            {
                let (port_of, service) = (format!("{number}/{protocol}"), (*other).to_owned());
                report.add_finding(Finding {
                    origin: port.origin,
                    severity: Severity::Warning,
                    kind: DiagnosticKind::DuplicatePort { port: port_of, service },
                    help: None,
                    labels: vec![(*earlier, "here for the first time".to_owned())],
                });
            }
            others.push((address, port.origin, name));
        }
    }
}

/// Whether a port on the one address is in the way of the same on the other.
fn are_one(one: Option<IpAddr>, other: Option<IpAddr>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return true };
    one.is_ipv4() == other.is_ipv4() && (one == other || one.is_unspecified() || other.is_unspecified())
}

/// Published ports that the network can reach.
pub(super) fn ports(service: &Node, report: &Report) {
    for port in service.get("ports").map(Node::items).unwrap_or_default() {
        let open = matches!(port.text_of("host_ip"), None | Some("" | "0.0.0.0" | "::"));
        let Some(published) = port.text_of("published").filter(|published| open && !published.is_empty()) else {
            continue;
        };
        let Some(target) = port.get("target").and_then(Node::text) else { continue };
        let known = NOT_FOR_ALL.iter().find(|(port, _)| target.parse() == Ok(*port));
        if let Some((port_of, of)) = known {
            let help = format!("publish it on one address: `127.0.0.1:{published}:{target}`");
            warn(port.origin, DiagnosticKind::OpenPort { port: *port_of, of }, Some(help), report);
        }
    }
}

/// Profiles on the command line that no service has.
pub(super) fn profiles(root: &Node, asked: &[String], report: &Report) {
    if asked.is_empty() {
        return;
    }
    let services = root.get("services").and_then(Node::entries);
    let items = services.into_iter().flatten().filter_map(|(_, service)| service.value.get("profiles"));
    let known: BTreeSet<&str> = items.flat_map(Node::items).filter_map(Node::text).collect();
    for profile in asked.iter().filter(|profile| *profile != "*" && !known.contains(profile.as_str())) {
        let help = text::did_you_mean(profile, known.iter().copied());
        let at = Origin { end: root.origin.start, ..root.origin };
        warn(at, DiagnosticKind::UnknownProfile(profile.clone()), help, report);
    }
}
