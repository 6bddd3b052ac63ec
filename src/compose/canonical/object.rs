//! Texts that stand for mappings of one or a few keys.

use super::list::invalid;
use crate::compose::diagnostic::DiagnosticKind;
use crate::compose::node::{Entry, Node, Value};
use crate::compose::report::Report;

/// A text as the value of the only key of a mapping.
fn long(node: Node, key: &'static str) -> Node {
    match node.value {
        Value::Scalar(_) => Node::mapping(node.origin, [(key, Node { tag: None, ..node })]),
        _ => node,
    }
}

/// `build: DIR` for `{context: DIR}`.
pub(super) fn build(node: Node, _: &Report) -> Node {
    long(node, "context")
}

/// `extends: NAME` for `{service: NAME}`.
pub(super) fn extends(node: Node, _: &Report) -> Node {
    long(node, "service")
}

/// `include: [FILE]` for `[{path: [FILE]}]`.
pub(super) fn include(node: Node, _: &Report) -> Node {
    match node.value {
        Value::Scalar(_) => {
            let path = Node::sequence(node.origin, vec![Node { tag: None, ..node }]);
            Node::mapping(path.origin, [("path", path)])
        }
        _ => node,
    }
}

/// `gpus: all` for one request for all of them.
pub(super) fn gpus(node: Node, _: &Report) -> Node {
    match node.value {
        Value::Scalar(_) => {
            let request = Node::mapping(node.origin, [("count", Node::number(node.origin, -1))]);
            Node::sequence(node.origin, vec![request])
        }
        _ => node,
    }
}

/// `rate: RATE` for `{in: RATE, out: RATE}`.
pub(super) fn rates(node: Node, _: &Report) -> Node {
    match node.value {
        Value::Scalar(_) => {
            let rate = Node { tag: None, ..node };
            Node::mapping(rate.origin, [("in", rate.clone()), ("out", rate)])
        }
        _ => node,
    }
}

/// `SOURCE[:TARGET[:PERMISSIONS]]`.
pub(super) fn device(node: Node, report: &Report) -> Node {
    let Some(text) = node.text() else { return node };
    let mut parts = text.split(':');
    let (source, target, permissions, rest) =
        (parts.next().unwrap_or_default(), parts.next(), parts.next(), parts.next());
    if rest.is_some() {
        invalid(&node, "devices", "expected `SOURCE[:TARGET[:PERMISSIONS]]`", report);
        return Node { value: Value::Invalid, ..node };
    }
    let target = target.filter(|target| !target.is_empty()).unwrap_or(source);
    let part = |text: &str| Node::string(node.origin, text);
    let entries = [("source", source), ("target", target), ("permissions", permissions.unwrap_or("rwm"))];
    Node::mapping(node.origin, entries.map(|(key, text)| (key, part(text))))
}

/// `external: {name: N}`, deprecated, for `external: true` and `name: N`.
pub(super) fn hoist_external_names(document: &mut Node, report: &Report) {
    let Value::Mapping(sections) = &mut document.value else { return };
    for section in ["networks", "volumes", "secrets", "configs"] {
        let Some(Value::Mapping(resources)) = sections.get_mut(section).map(|entry| &mut entry.value.value) else {
            continue;
        };
        for resource in resources.values_mut() {
            hoist(&mut resource.value, report);
        }
    }
}

fn hoist(resource: &mut Node, report: &Report) {
    let Value::Mapping(entries) = &mut resource.value else { return };
    let Some(external) = entries.get_mut("external") else { return };
    let Value::Mapping(inner) = &mut external.value.value else { return };
    let name = inner.remove("name");
    external.value = Node::boolean(external.value.origin, true);
    let Some(Entry { key, value }) = name else { return };
    report.warning(key, DiagnosticKind::Deprecated("`external.name`", "`name` beside `external: true`"));
    match entries.get("name") {
        Some(given) if given.value.text() != value.text() => {
            let kind = DiagnosticKind::Conflict("`name` and `external.name` differ".to_owned());
            report.error_with_label(value.origin, kind, (given.value.origin, "the other name"));
        }
        Some(_) => {}
        None => drop(entries.insert("name".to_owned(), Entry { key, value })),
    }
}
