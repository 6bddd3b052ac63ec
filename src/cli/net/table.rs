//! The facts and the verdicts as text.

use std::fmt::Write as _;

use super::facts::{Container, Facts, Place};
use super::problem::Problem;
use super::verdict::{Reach, Verdict, Way, judge};
use crate::cli::table::table;
use crate::name::ProjectName;
use crate::state::NetworkRecord;

/// All there is to know about the networks of a project.
#[must_use]
pub fn as_text(facts: &Facts, project: &ProjectName) -> String {
    let containers: Vec<&Container> = facts.of(project).collect();
    let networks = facts.networks_of(project).map(network);
    let mut sections = vec![table(["NETWORK", "DRIVER", "LINK", "SUBNETS", "RULES"], &networks.collect::<Vec<_>>())];
    let places = containers.iter().flat_map(|container| places(facts, container));
    sections.push(table(["CONTAINER", "STATE", "NETWORK", "ADDRESSES"], &places.collect::<Vec<_>>()));
    let ports: Vec<_> = containers.iter().flat_map(|container| ports(container)).collect();
    if !ports.is_empty() {
        sections.push(table(["PUBLISHED", "OPEN TO", "LEADS TO", "BY"], &ports));
    }
    let names = containers.iter().filter_map(|container| names(facts, container));
    sections.push(table(["CONTAINER", "RESOLVES"], &names.collect::<Vec<_>>()));
    let reached = containers.iter().flat_map(|from| reached(facts, from, &containers));
    sections.push(table(["FROM", "TO", "REACHES", "BY", "BECAUSE"], &reached.collect::<Vec<_>>()));
    sections.join("\n")
}

fn network(record: &NetworkRecord) -> [String; 5] {
    let mut rules = Vec::new();
    if record.internal {
        rules.push("internal: nothing in or out");
    }
    if record.isolated {
        rules.push("containers apart");
    }
    if record.pools.iter().any(|pool| pool.unprotected) {
        rules.push("lets everything in");
    }
    if rules.is_empty() {
        rules.push("leads out");
    }
    let subnets: Vec<&str> = record.pools.iter().map(|pool| pool.subnet.as_str()).collect();
    let link =
        if record.has_bridge() { &record.bridge } else { record.options.get("parent").unwrap_or(&record.bridge) };
    [record.name.clone(), record.driver().to_owned(), link.clone(), subnets.join(", "), rules.join(", ")]
}

fn places(facts: &Facts, container: &Container) -> Vec<[String; 4]> {
    let state = if container.running { "running" } else { "stopped" };
    let row = |network: String, addresses: String| [container.name.to_string(), state.to_owned(), network, addresses];
    match &container.place {
        Place::Host => vec![row("that of this machine".to_owned(), "-".to_owned())],
        Place::Shared(_) => {
            let whose = facts.home(container).map_or("gone", |home| home.name.as_str());
            vec![row(format!("that of {whose}"), "-".to_owned())]
        }
        Place::Own if container.endpoints.is_empty() => vec![row("none".to_owned(), "-".to_owned())],
        Place::Own => {
            let endpoints = container.endpoints.iter();
            let place = |endpoint: &super::Endpoint| {
                let addresses: Vec<String> = endpoint.addresses.iter().map(ToString::to_string).collect();
                row(facts.network(endpoint.network).name.clone(), addresses.join(", "))
            };
            endpoints.map(place).collect()
        }
    }
}

fn ports(container: &Container) -> Vec<[String; 4]> {
    let port = |published: &crate::supervisor::Published| {
        let port = &published.port;
        let range = |first: u16| match port.count {
            0 | 1 => first.to_string(),
            count => format!("{first}-{}", first.saturating_add(count - 1)),
        };
        let host = if port.host_ip.is_ipv6() { format!("[{}]", port.host_ip) } else { port.host_ip.to_string() };
        let open = if port.host_ip.is_loopback() {
            "this machine"
        } else if port.host_ip.is_unspecified() {
            "everybody"
        } else {
            "who reaches the address"
        };
        let to = published.forward.or(published.relay).map_or_else(|| "nothing".to_owned(), |to| to.to_string());
        let by = match (published.forward, published.relay) {
            (Some(_), Some(_)) => "firewall, from ::1 a relay",
            (Some(_), None) => "firewall",
            (None, Some(_)) => "relay",
            (None, None) => "",
        };
        [
            format!("{host}:{}/{}", range(port.host_port), port.protocol),
            open.to_owned(),
            format!("{} {to} port {}", container.name, range(port.target)),
            by.to_owned(),
        ]
    };
    container.ports.iter().map(port).collect()
}

fn names(facts: &Facts, container: &Container) -> Option<[String; 2]> {
    let names = facts.names(container)?;
    // A short id is a name too, but nobody's to type.
    let ids: Vec<&str> = facts.containers.iter().map(|container| container.id.short()).collect();
    let names: Vec<&str> = names.keys().map(String::as_str).filter(|name| !ids.contains(name)).collect();
    Some([container.name.to_string(), names.join(" ")])
}

/// Whom a container reaches: a row for all that are alike.
fn reached(facts: &Facts, from: &Container, containers: &[&Container]) -> Vec<[String; 5]> {
    let mut rows: Vec<[String; 5]> = Vec::new();
    for to in containers.iter().filter(|to| to.id != from.id) {
        let verdict = judge(facts, from, to);
        let reaches = match verdict.reaches {
            Reach::Yes => "yes",
            Reach::Ports => "ports",
            Reach::No => "no",
        };
        let (by, because) = summary(&verdict);
        match rows.iter_mut().find(|row| row[2] == reaches && row[3] == by && row[4] == because) {
            Some(row) => row[1] = format!("{}, {}", row[1], to.name),
            None => rows.push([from.name.to_string(), to.name.to_string(), reaches.to_owned(), by, because]),
        }
    }
    rows
}

/// The ways of a verdict, or the first thing that is in the way, with the rules; the rest is for who asks about the pair.
fn summary(verdict: &Verdict) -> (String, String) {
    if let Some(obstacle) = verdict.obstacles.first() {
        return (obstacle.why.clone(), obstacle.rule.clone().unwrap_or_else(|| "-".to_owned()));
    }
    let way = |way: &Way| if way.is_port { format!("{}: {}", way.by, way.at.join(", ")) } else { way.by.clone() };
    let ways: Vec<String> = verdict.ways.iter().map(way).collect();
    let rules: Vec<&str> = verdict.ways.iter().map(|way| way.rule.as_str()).collect();
    (ways.join("; "), rules.join("; "))
}

/// Whether one container reaches another, and why.
#[must_use]
pub fn verdict_as_text(verdict: &Verdict) -> String {
    let Verdict { from, to, reaches, ways, obstacles } = verdict;
    let mut text = match reaches {
        Reach::Yes => format!("{from} reaches {to}\n"),
        Reach::Ports => format!("{from} reaches only published ports of {to}\n"),
        Reach::No => format!("{from} does not reach {to}\n"),
    };
    for Way { by, at, names, rule, .. } in ways {
        let names = if names.is_empty() { String::new() } else { format!(" as {}", names.join(", ")) };
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {by}: at {}{names}\n    because: {rule}", at.join(", "));
    }
    for obstacle in obstacles {
        let _ = writeln!(text, "  {}", obstacle.why);
        for (label, line) in [("because", &obstacle.rule), ("remedy", &obstacle.remedy)] {
            let _ = line.iter().try_for_each(|line| writeln!(text, "    {label}: {line}"));
        }
    }
    text
}

/// What is wrong with what the kernel has, if anything is.
#[must_use]
pub fn problems_as_text(problems: &[Problem]) -> String {
    let mut text = String::new();
    for Problem { what, remedy } in problems {
        let commands: Vec<String> = remedy.iter().map(|command| format!("`{command}`")).collect();
        let _ = writeln!(text, "problem: {what}\n  remedy: {}", commands.join(" and "));
    }
    text
}
