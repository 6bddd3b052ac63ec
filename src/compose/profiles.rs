//! Which services are on.

use std::collections::BTreeSet;

use super::node::{Mapping, Node, Value};

/// The services that `profiles` and the services named on the command line leave on.
///
/// A service without profiles is always on; naming one that is off switches its profiles on. `*` is every profile.
pub(super) fn active(services: &Mapping, profiles: &[String], named: &[String]) -> BTreeSet<String> {
    let mut on: BTreeSet<&str> = profiles.iter().map(String::as_str).collect();
    let is_on = |on: &BTreeSet<&str>, service: &Node| {
        let mut own = of(service).peekable();
        own.peek().is_none() || on.contains("*") || own.any(|profile| on.contains(profile))
    };
    for service in named.iter().filter_map(|name| services.get(name)) {
        if !is_on(&on, &service.value) {
            on.extend(of(&service.value));
        }
    }
    let active = services.iter().filter(|(_, entry)| is_on(&on, &entry.value));
    active.map(|(name, _)| name.clone()).collect()
}

/// The profiles of a service.
pub(super) fn of(service: &Node) -> impl Iterator<Item = &str> {
    let items = match service.get("profiles").map(|node| &node.value) {
        Some(Value::Sequence(items)) => items.as_slice(),
        _ => &[],
    };
    items.iter().filter_map(Node::text)
}
