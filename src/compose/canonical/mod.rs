//! Short forms to long ones, so that everything after this phase sees one form of each value.
//!
//! A value of a type that has no short form is left as it is: decoding reports it.

mod list;
mod mount;
mod port;

use super::node::{Node, Value};
use super::report::Report;

/// Makes the long form of a value.
type Rule = fn(Node, &Report) -> Node;

/// What is rewritten, and how; `*` is any key.
const RULES: &[(&str, Rule)] = &[
    ("services.*.command", list::words),
    ("services.*.configs", list::grants),
    ("services.*.depends_on", list::dependencies),
    ("services.*.dns", list::one_or_many),
    ("services.*.dns_search", list::one_or_many),
    ("services.*.entrypoint", list::words),
    ("services.*.env_file", list::env_files),
    ("services.*.environment", list::assignments),
    ("services.*.extra_hosts", list::hosts),
    ("services.*.healthcheck.test", list::probe),
    ("services.*.labels", list::assignments),
    ("services.*.networks", list::names),
    ("services.*.ports", port::ports),
    ("services.*.secrets", list::grants),
    ("services.*.sysctls", list::assignments),
    ("services.*.tmpfs", list::one_or_many),
    ("services.*.volumes", mount::mounts),
    ("networks.*.labels", list::assignments),
    ("volumes.*.labels", list::assignments),
    ("configs.*.labels", list::assignments),
    ("secrets.*.labels", list::assignments),
];

/// Rewrites one document.
pub(super) fn canonical(document: &mut Node, report: &Report) {
    for (pattern, rule) in RULES {
        apply(document, pattern, *rule, report);
    }
}

fn apply(node: &mut Node, pattern: &str, rule: Rule, report: &Report) {
    if pattern.is_empty() {
        let value = std::mem::replace(node, Node::null(node.origin));
        let (origin, tag) = (value.origin, value.tag);
        // A rule may build a new node; the tag belongs to whatever stands here.
        *node = Node { origin, tag, ..rule(value, report) };
        return;
    }
    let (first, rest) = pattern.split_once('.').unwrap_or((pattern, ""));
    let Value::Mapping(entries) = &mut node.value else { return };
    if first == "*" {
        entries.values_mut().for_each(|entry| apply(&mut entry.value, rest, rule, report));
    } else if let Some(entry) = entries.get_mut(first) {
        apply(&mut entry.value, rest, rule, report);
    }
}
