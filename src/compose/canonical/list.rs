//! Lists of `K=V`, single values for lists, lists of names for mappings.

use crate::compose::diagnostic::DiagnosticKind;
use crate::compose::node::{Entry, Mapping, Node, Value};
use crate::compose::report::Report;

/// `dns: 1.1.1.1` for a list of one.
pub(super) fn one_or_many(node: Node, _: &Report) -> Node {
    match node.value {
        Value::Scalar(_) => Node::sequence(node.origin, vec![Node { tag: None, ..node }]),
        _ => node,
    }
}

/// As [`one_or_many`], without empty texts: `dns: ${DNS-}`.
pub(super) fn not_empty(node: Node, report: &Report) -> Node {
    let mut node = one_or_many(node, report);
    if let Value::Sequence(items) = &mut node.value {
        items.retain(|item| item.text() != Some(""));
    }
    node
}

/// `[NAME=CONTEXT]` for `{NAME: CONTEXT}`.
pub(super) fn contexts(node: Node, report: &Report) -> Node {
    for item in node.items() {
        if let Some(text) = item.text().filter(|text| !text.contains('=')) {
            invalid(item, "additional_contexts", format!("`{text}` needs a context: `{text}=CONTEXT`"), report);
        }
    }
    for (name, entry) in node.entries().into_iter().flatten().filter(|(_, entry)| entry.value.is_null()) {
        let at = Node { origin: entry.key, ..entry.value.clone() };
        invalid(&at, "additional_contexts", format!("`{name}` needs a context"), report);
    }
    texts(node, report)
}

/// `[ID=PATH, default]` for `{ID: PATH, default: null}`.
pub(super) fn agents(node: Node, report: &Report) -> Node {
    for item in node.items() {
        if let Some(text) = item.text().filter(|text| !text.contains('=') && *text != "default") {
            invalid(item, "ssh", format!("`{text}` needs a path: `{text}=PATH`"), report);
        }
    }
    assignments(node, report)
}

/// `[K=V, K]` for `{K: V, K: null}`.
pub(super) fn assignments(node: Node, _: &Report) -> Node {
    listed(node, |item, text| match text.split_once('=') {
        Some((key, value)) => (key.to_owned(), Node::string(item.origin, value)),
        None => (text.to_owned(), Node::null(item.origin)),
    })
}

/// As [`assignments`], where a key without a value has an empty one.
pub(super) fn texts(node: Node, report: &Report) -> Node {
    let mut node = assignments(node, report);
    if let Value::Mapping(entries) = &mut node.value {
        for entry in entries.values_mut().filter(|entry| entry.value.is_null() && entry.value.tag.is_none()) {
            entry.value = Node::string(entry.value.origin, "");
        }
    }
    node
}

/// `[net]` for `{net: null}`.
pub(super) fn names(node: Node, _: &Report) -> Node {
    listed(node, |item, text| (text.to_owned(), Node::null(item.origin)))
}

/// `[db]` for `{db: {condition: service_started, required: true}}`.
pub(super) fn dependencies(node: Node, _: &Report) -> Node {
    listed(node, |item, text| {
        let condition = Node::string(item.origin, "service_started");
        let required = Node::boolean(item.origin, true);
        (text.to_owned(), Node::mapping(item.origin, [("condition", condition), ("required", required)]))
    })
}

/// A list of texts as a mapping; the last of equal keys wins.
fn listed(node: Node, entry: impl Fn(&Node, &str) -> (String, Node)) -> Node {
    let Value::Sequence(items) = node.value else { return node };
    let mut mapping = Mapping::new();
    for item in items {
        // An item of another type is reported by the check before this.
        if let Some(text) = item.text() {
            let (key, value) = entry(&item, text);
            mapping.insert(key, Entry { key: item.origin, value: Node { tag: item.tag, ..value } });
        }
    }
    Node { value: Value::Mapping(mapping), ..node }
}

/// `[H=IP, H:IP]` and `{H: IP}` for `{H: [IP]}`; brackets around an address are dropped.
pub(super) fn hosts(node: Node, report: &Report) -> Node {
    let mut hosts = Mapping::new();
    let mut add = |host: &str, origin, address: Node| {
        if host.is_empty() || host.contains([':', '=']) {
            let reason = format!("`{host}` is not a host name");
            return invalid(&address, "extra_hosts", reason, report);
        }
        let list = hosts
            .entry(host.to_owned())
            .or_insert_with(|| Entry { key: origin, value: Node::sequence(origin, Vec::new()) });
        if let Value::Sequence(items) = &mut list.value.value {
            items.push(address);
        }
    };
    let bare = |text: &str| match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        Some(inner) if !inner.is_empty() => inner.to_owned(),
        _ => text.to_owned(),
    };
    match node.value {
        Value::Sequence(items) => {
            for item in items {
                let Some(text) = item.text() else { continue };
                match text.split_once('=').or_else(|| text.split_once(':')) {
                    Some((host, addresses)) => {
                        for address in addresses.split(',') {
                            add(host, item.origin, Node::string(item.origin, bare(address)));
                        }
                    }
                    None => invalid(&item, "extra_hosts", "expected `HOST=ADDRESS`", report),
                }
            }
        }
        Value::Mapping(entries) => {
            for (host, entry) in entries {
                let addresses = match entry.value.value {
                    Value::Sequence(items) => items,
                    _ => vec![entry.value],
                };
                for address in addresses {
                    if address.is_null() {
                        invalid(&Node { origin: entry.key, ..address }, "extra_hosts", "no address", report);
                        continue;
                    }
                    let text = address.text().map(bare);
                    let address = text.map_or(address.clone(), |text| Node::string(address.origin, text));
                    add(&host, entry.key, address);
                }
            }
        }
        _ => return node,
    }
    Node { value: Value::Mapping(hosts), ..node }
}

/// `a.env` and `[a.env]` for `[{path: a.env, required: true}]`.
pub(super) fn env_files(node: Node, report: &Report) -> Node {
    let mut node = each(one_or_many(node, report), "path");
    if let Value::Sequence(items) = &mut node.value {
        for item in items {
            let origin = item.origin;
            if let Value::Mapping(entries) = &mut item.value {
                let required = || Entry { key: origin, value: Node::boolean(origin, true) };
                entries.entry("required".to_owned()).or_insert_with(required);
            }
        }
    }
    node
}

/// `[name]` for `[{source: name}]`.
pub(super) fn grants(node: Node, _: &Report) -> Node {
    each(node, "source")
}

/// Makes each scalar of a list a mapping with one key.
fn each(node: Node, key: &str) -> Node {
    let Value::Sequence(items) = node.value else { return node };
    let long = |item: Node| match item.value {
        Value::Scalar(_) => {
            let (origin, tag) = (item.origin, item.tag);
            Node { tag, ..Node::mapping(origin, [(key, Node { tag: None, ..item })]) }
        }
        _ => item,
    };
    Node { value: Value::Sequence(items.into_iter().map(long).collect()), ..node }
}

pub(super) fn invalid(node: &Node, what: &str, reason: impl Into<String>, report: &Report) {
    report.error(node.origin, DiagnosticKind::InvalidValue { what: format!("`{what}`"), reason: reason.into() });
}
