//! A picture of the networks in the language of Graphviz: `rcompose net --dot | dot -Tsvg`.

use std::fmt::Write as _;

use super::facts::{Container, Facts, Place};
use crate::name::ProjectName;

/// Containers are boxes, networks ellipses; what does not run is grey, what leads nowhere dashed. Published ports come
/// from the machine.
#[must_use]
pub fn as_dot(facts: &Facts, project: &ProjectName) -> String {
    let containers: Vec<&Container> = facts.of(project).collect();
    let mut text = format!("digraph {} {{\n  rankdir=LR;\n  edge [dir=none];\n", quoted(project.as_str()));
    // Writing to a string does not fail.
    for network in facts.networks_of(project) {
        let subnets: Vec<&str> = network.pools.iter().map(|pool| pool.subnet.as_str()).collect();
        let label = [&[network.name.as_str()], &subnets[..]].concat().join("\n");
        let style = if network.internal { ", style=dashed" } else { "" };
        let _ =
            writeln!(text, "  {} [shape=ellipse, label={}{style}];", node("network", &network.name), quoted(&label));
        if !network.internal {
            let _ = writeln!(text, "  {} -> machine;", node("network", &network.name));
        }
    }
    let _ = writeln!(text, "  machine [shape=house, label=\"this machine\"];");
    for container in &containers {
        let colour = if container.running { "" } else { ", color=grey, fontcolor=grey" };
        let label = quoted(container.name.as_str());
        let _ = writeln!(text, "  {} [shape=box, label={label}{colour}];", node("container", container.name.as_str()));
    }
    for container in &containers {
        edges(&mut text, facts, container);
    }
    text + "}\n"
}

/// What a container is connected to.
fn edges(text: &mut String, facts: &Facts, container: &Container) {
    let own = node("container", container.name.as_str());
    match &container.place {
        Place::Own => {}
        Place::Host => {
            let _ = writeln!(text, "  {own} -> machine [style=bold, label=\"network_mode\"];");
        }
        Place::Shared(_) => {
            if let Some(home) = facts.home(container) {
                let home = node("container", home.name.as_str());
                let _ = writeln!(text, "  {own} -> {home} [style=bold, label=\"network_mode\"];");
            }
        }
    }
    for endpoint in &container.endpoints {
        let network = node("network", &facts.network(endpoint.network).name);
        let addresses: Vec<String> = endpoint.addresses.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "  {own} -> {network} [label={}];", quoted(&addresses.join("\n")));
    }
    for port in container.ports.iter().map(|published| &published.port) {
        let last = port.host_port.saturating_add(port.count.saturating_sub(1));
        let range = if port.count > 1 { format!("{}-{last}", port.host_port) } else { port.host_port.to_string() };
        let host = if port.host_ip.is_ipv6() { format!("[{}]", port.host_ip) } else { port.host_ip.to_string() };
        let label = quoted(&format!("{host}:{range} to {}/{}", port.target, port.protocol));
        let _ = writeln!(text, "  machine -> {own} [dir=forward, label={label}];");
    }
}

/// What a node is called by: containers and networks may have the same name.
pub(in crate::cli) fn node(kind: &str, name: &str) -> String {
    quoted(&format!("{kind} {name}"))
}

/// Text as the language has it.
pub(in crate::cli) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
