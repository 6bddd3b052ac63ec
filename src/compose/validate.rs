//! What values of the merged files say about one another: references, cycles, what excludes what.
//!
//! Works on the tree, where every value still has its place. [`resources`] holds for everything in the files,
//! [`services`] only for the services that profiles leave on.

mod dependencies;
mod reference;
mod service;

use super::diagnostic::DiagnosticKind;
use super::node::{Entry, Node};
use super::report::Report;

pub(super) use service::services;

/// Checks what is not a service.
pub(super) fn resources(tree: &Node, report: &Report) {
    let entries = |section| tree.get(section).and_then(Node::entries).into_iter().flatten();
    for (name, entry) in entries("volumes") {
        only_a_name("volume", name, entry, report);
    }
    for (section, kind, sources) in [
        ("configs", "config", &["file", "environment", "content"][..]),
        ("secrets", "secret", &["file", "environment"][..]),
    ] {
        for (name, entry) in entries(section) {
            one_source(kind, name, entry, sources, report);
        }
    }
}

/// What is made elsewhere is only named here.
fn only_a_name(kind: &str, name: &str, entry: &Entry, report: &Report) {
    if !entry.value.is_true("external") {
        return;
    }
    for (key, other) in entry.value.entries().into_iter().flatten() {
        if !matches!(key.as_str(), "name" | "external") && !key.starts_with("x-") {
            let text = format!("{kind} `{name}` is external: `{key}` is for whoever makes it");
            report.error(other.key, DiagnosticKind::Conflict(text));
        }
    }
}

/// The content of a config or secret has exactly one source.
fn one_source(kind: &str, name: &str, entry: &Entry, sources: &[&str], report: &Report) {
    let entries = entry.value.entries();
    let mut given = sources.iter().filter_map(|source| Some((source, entries?.get(*source)?)));
    let (first, second) = (given.next(), given.next());
    if let (Some((one, first)), Some((two, second))) = (first, second) {
        let text = format!("{kind} `{name}` has both `{one}` and `{two}`");
        report.error_with_label(second.key, DiagnosticKind::Conflict(text), (first.key, "the other source"));
    }
    // An `external` that is neither true nor false has been reported.
    let external = entries.and_then(|entries| entries.get("external"));
    let elsewhere = external.is_some_and(|external| external.value.text() != Some("false"));
    if first.is_none() && !elsewhere && entries.is_some() {
        let names: Vec<String> = sources.iter().map(|source| format!("`{source}`")).collect();
        let text = format!("{kind} `{name}` needs one of {}", names.join(", "));
        report.error(entry.key, DiagnosticKind::Missing(text));
    }
}
