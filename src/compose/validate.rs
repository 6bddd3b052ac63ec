//! What services say about one another and about the rest of the file: references, cycles, names that clash.
//!
//! Works on the merged tree, where every name still has its place.

use std::collections::{BTreeMap, BTreeSet};

use super::diagnostic::DiagnosticKind;
use super::node::{Entry, Mapping, Node, Value};
use super::report::{Origin, Report};
use super::suggest;

/// Checks the references of the active services.
pub(super) fn references(tree: &Node, active: &BTreeSet<String>, report: &Report) {
    let Some(services) = tree.get("services").and_then(Node::entries) else { return };
    let mut container_names: BTreeMap<&str, Origin> = BTreeMap::new();
    for (service, entry) in services.iter().filter(|(service, _)| active.contains(*service)) {
        let check = Check { tree, service, report };
        check.dependencies(&entry.value, services, active);
        for (network, reference) in entry.value.get("networks").and_then(Node::entries).into_iter().flatten() {
            if network != "default" {
                check.defined("networks", "network", network, reference.key);
            }
        }
        for mount in items(&entry.value, "volumes") {
            let is_volume = mount.get("type").and_then(Node::text) == Some("volume");
            if let Some(source) = mount.get("source").filter(|_| is_volume) {
                check.defined_text("volumes", "volume", source);
            }
        }
        for (section, kind) in [("configs", "config"), ("secrets", "secret")] {
            for source in items(&entry.value, section).iter().filter_map(|grant| grant.get("source")) {
                check.defined_text(section, kind, source);
            }
        }
        if let Some(node) = entry.value.get("container_name")
            && let Some(name) = node.text()
            && let Some(first) = container_names.insert(name, node.origin)
        {
            let kind = DiagnosticKind::Conflict(format!("two services have the container name `{name}`"));
            report.error_with_label(node.origin, kind, (first, "first given here"));
        }
    }
    cycles(services, active, report);
}

fn items<'a>(service: &'a Node, key: &str) -> &'a [Node] {
    match service.get(key).map(|node| &node.value) {
        Some(Value::Sequence(items)) => items,
        _ => &[],
    }
}

struct Check<'a> {
    tree: &'a Node,
    service: &'a str,
    report: &'a Report,
}

impl Check<'_> {
    fn defined_text(&self, section: &str, kind: &'static str, node: &Node) {
        if let Some(name) = node.text() {
            self.defined(section, kind, name, self.report.find(node.origin, name));
        }
    }

    fn defined(&self, section: &str, kind: &'static str, name: &str, origin: Origin) {
        let known = self.tree.get(section).and_then(Node::entries);
        if known.is_some_and(|known| known.contains_key(name)) {
            return;
        }
        let suggestion = known.and_then(|known| suggest::did_you_mean(name, known.keys().map(String::as_str)));
        let help = suggestion.unwrap_or_else(|| format!("define it under the top-level `{section}`"));
        self.undefined(kind, name, origin, help);
    }

    fn undefined(&self, kind: &'static str, name: &str, origin: Origin, help: String) {
        let kind = DiagnosticKind::Undefined { service: self.service.to_owned(), kind, name: name.to_owned() };
        self.report.error_with_help(origin, kind, Some(help));
    }

    fn dependencies(&self, service: &Node, services: &Mapping, active: &BTreeSet<String>) {
        for (name, Entry { key, value }) in service.get("depends_on").and_then(Node::entries).into_iter().flatten() {
            let required = value.get("required").and_then(Node::text) != Some("false");
            if !services.contains_key(name) {
                let suggestion = suggest::did_you_mean(name, services.keys().map(String::as_str));
                let help = suggestion.unwrap_or_else(|| "define it under `services`".to_owned());
                self.undefined("service", name, *key, help);
            } else if required && !active.contains(name) {
                let kind =
                    DiagnosticKind::DisabledDependency { service: self.service.to_owned(), dependency: name.clone() };
                let help = "switch one of its profiles on, or set `required: false`".to_owned();
                self.report.error_with_help(*key, kind, Some(help));
            }
        }
    }
}

/// Reports each cycle of `depends_on` once, at the entry that closes it.
fn cycles(services: &Mapping, active: &BTreeSet<String>, report: &Report) {
    let mut done = BTreeSet::new();
    for root in active {
        // Depth first with a stack of its own: a chain of dependencies may be as long as the file.
        let mut path: Vec<(&str, Vec<(&str, Origin)>)> = Vec::new();
        if done.insert(root.as_str()) {
            path.push((root, dependencies(services, root, active)));
        }
        while let Some((_, rest)) = path.last_mut() {
            let Some((next, origin)) = rest.pop() else {
                path.pop();
                continue;
            };
            if let Some(start) = path.iter().position(|(service, _)| *service == next) {
                let mut names: Vec<String> = path[start..].iter().map(|(service, _)| (*service).to_owned()).collect();
                names.push(next.to_owned());
                report.error(origin, DiagnosticKind::Cycle(names));
            } else if done.insert(next) {
                path.push((next, dependencies(services, next, active)));
            }
        }
    }
}

/// The active dependencies of a service, last first.
fn dependencies<'a>(services: &'a Mapping, service: &str, active: &BTreeSet<String>) -> Vec<(&'a str, Origin)> {
    let entries = services.get(service).and_then(|entry| entry.value.get("depends_on")).and_then(Node::entries);
    let known = entries.into_iter().flatten().filter(|(name, _)| active.contains(*name));
    known.map(|(name, entry)| (name.as_str(), entry.key)).rev().collect()
}
