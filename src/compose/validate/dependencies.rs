//! `depends_on`: to services that are there and on, and never in a circle.

use std::collections::{BTreeMap, BTreeSet};

use super::reference::References;
use crate::compose::diagnostic::DiagnosticKind;
use crate::compose::node::{Entry, Mapping, Node};
use crate::compose::report::{Origin, Report};
use crate::text;

/// Checks the dependencies of one service.
pub(super) fn defined(service: &Node, services: &Mapping, active: &BTreeSet<String>, references: References<'_>) {
    for (name, Entry { key, value }) in service.get("depends_on").and_then(Node::entries).into_iter().flatten() {
        let at = *key;
        let Some(dependency) = services.get(name) else {
            if references.report.is_full() {
                return;
            }
            let suggestion = text::did_you_mean(name, services.keys().map(String::as_str));
            references.undefined(
                "service",
                name,
                at,
                suggestion.unwrap_or_else(|| "define it under `services`".into()),
            );
            continue;
        };
        if !active.contains(name) && value.text_of("required") != Some("false") {
            let profiles: Vec<&str> = dependency
                .value
                .get("profiles")
                .map(Node::items)
                .unwrap_or_default()
                .iter()
                .filter_map(Node::text)
                .collect();
            let kind =
                DiagnosticKind::DisabledDependency { service: references.service.to_owned(), dependency: name.clone() };
            let help = match profiles.as_slice() {
                [profile] => format!("switch it on with `--profile {profile}`, or set `required: false`"),
                profiles => {
                    format!("switch one of its profiles on ({}), or set `required: false`", profiles.join(", "))
                }
            };
            references.report.error_with_help(references.report.find(at, name), kind, Some(help));
        }
    }
}

/// Reports each cycle once, at the entry that closes it.
pub(super) fn cycles(services: &Mapping, active: &BTreeSet<String>, report: &Report) {
    let mut done = BTreeSet::new();
    for root in active {
        // Depth first with a stack of its own: a chain of dependencies may be as long as the file.
        let mut path: Vec<(&str, Vec<(&str, Origin)>)> = Vec::new();
        let mut on_path: BTreeMap<&str, usize> = BTreeMap::new();
        if done.insert(root.as_str()) {
            on_path.insert(root, 0);
            path.push((root, dependencies(services, root, active)));
        }
        while let Some((service, rest)) = path.last_mut() {
            let Some((next, origin)) = rest.pop() else {
                on_path.remove(service);
                path.pop();
                continue;
            };
            if let Some(start) = on_path.get(next) {
                let mut names: Vec<String> = path[*start..].iter().map(|(service, _)| (*service).to_owned()).collect();
                names.push(next.to_owned());
                report.error(report.find(origin, next), DiagnosticKind::Cycle(names));
            } else if done.insert(next) {
                on_path.insert(next, path.len());
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
