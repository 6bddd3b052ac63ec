//! The facts and the verdicts for programs.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::facts::{Container, Endpoint, Facts, Place};
use super::problem::Problem;
use super::verdict::{Verdict, judge};
use crate::name::ProjectName;
use crate::supervisor::Published;

/// All there is to know about the networks of a project.
#[must_use]
pub fn as_json(facts: &Facts, project: &ProjectName, problems: &[Problem]) -> String {
    let containers: Vec<&Container> = facts.of(project).collect();
    let networks = facts.networks_of(project).map(|record| {
        json!({
            "name": record.name, "key": record.key, "driver": record.driver(), "bridge": record.bridge,
            "internal": record.internal, "isolated": record.isolated,
            "subnets": record.pools.iter().map(|pool| &pool.subnet).collect::<Vec<_>>(),
        })
    });
    let pairs = containers.iter().flat_map(|from| containers.iter().map(move |to| (from, to)));
    let verdicts = pairs.filter(|(from, to)| from.id != to.id).map(|(from, to)| judge(facts, from, to));
    let value = json!({
        "project": project,
        "networks": networks.collect::<Vec<_>>(),
        "containers": containers.iter().map(|of| container(facts, of)).collect::<Vec<_>>(),
        "reach": verdicts.collect::<Vec<_>>(),
        "problems": problems,
    });
    format!("{value:#}\n")
}

/// Whether one container reaches another.
#[must_use]
pub fn verdict_as_json(verdict: &Verdict, problems: &[Problem]) -> String {
    let value = json!({ "verdict": verdict, "problems": problems });
    format!("{value:#}\n")
}

fn container(facts: &Facts, container: &Container) -> Value {
    let network = match &container.place {
        Place::Own => "own".to_owned(),
        Place::Host => "host".to_owned(),
        Place::Shared(_) => facts.home(container).map_or_else(String::new, |home| format!("container:{}", home.name)),
    };
    let endpoint = |endpoint: &Endpoint| {
        json!({
            "network": facts.network(endpoint.network).name, "interface": endpoint.interface,
            "addresses": endpoint.addresses,
        })
    };
    let names = facts.names(container).unwrap_or_default().into_iter();
    let names = names.map(|(name, known)| (name, json!({"network": known.network, "addresses": known.addresses})));
    json!({
        "name": container.name, "service": container.service, "id": container.id, "running": container.running,
        "network_mode": network,
        "endpoints": container.endpoints.iter().map(endpoint).collect::<Vec<_>>(),
        "ports": container.ports.iter().map(port).collect::<Vec<_>>(),
        "resolves": names.collect::<serde_json::Map<_, _>>(),
    })
}

fn port(published: &Published) -> Value {
    let Published { port, forward, relay } = published;
    let text = |address: &Option<IpAddr>| address.map(|address| address.to_string());
    json!({
        "host_ip": port.host_ip, "host_port": port.host_port, "count": port.count, "protocol": port.protocol,
        "target": port.target, "firewall": text(forward), "relay": text(relay),
    })
}
