//! Lists of `K=V`, single values for lists, lists of names for mappings.

use crate::compose::diagnostic::DiagnosticKind;
use crate::compose::node::{Entry, Mapping, Node, Value};
use crate::compose::report::Report;

/// `command: a "b c"`: split into words as a shell would, but run by none.
pub(super) fn words(node: Node, report: &Report) -> Node {
    if node.is_null() {
        return node;
    }
    let Some(text) = node.text() else { return node };
    match shlex::split(text) {
        Some(words) => {
            let items = words.into_iter().map(|word| Node::scalar(node.origin, word)).collect();
            Node::sequence(node.origin, items)
        }
        None => {
            invalid(&node, "command", "a quote is not closed", report);
            Node { value: Value::Invalid, ..node }
        }
    }
}

/// `test: CMD` is run by a shell.
pub(super) fn probe(node: Node, _: &Report) -> Node {
    match node.text() {
        Some(text) if !node.is_null() => {
            let items = vec![Node::scalar(node.origin, "CMD-SHELL"), Node::scalar(node.origin, text)];
            Node::sequence(node.origin, items)
        }
        _ => node,
    }
}

/// `dns: 1.1.1.1` for a list of one.
pub(super) fn one_or_many(node: Node, _: &Report) -> Node {
    match node.value {
        Value::Scalar(_) if !node.is_null() => Node::sequence(node.origin, vec![node]),
        _ => node,
    }
}

/// `[K=V, K]` for `{K: V, K: null}`.
pub(super) fn assignments(node: Node, report: &Report) -> Node {
    listed(node, report, |item, text| match text.split_once('=') {
        Some((key, value)) => (key.to_owned(), Node::scalar(item.origin, value)),
        None => (text.to_owned(), Node::null(item.origin)),
    })
}

/// `[net]` for `{net: null}`.
pub(super) fn names(node: Node, report: &Report) -> Node {
    listed(node, report, |item, text| (text.to_owned(), Node::null(item.origin)))
}

/// `[db]` for `{db: {condition: service_started}}`.
pub(super) fn dependencies(node: Node, report: &Report) -> Node {
    listed(node, report, |item, text| {
        let condition = Node::scalar(item.origin, "service_started");
        (text.to_owned(), Node::mapping(item.origin, [("condition", condition)]))
    })
}

/// A list of texts as a mapping; the last of equal keys wins.
fn listed(node: Node, report: &Report, entry: impl Fn(&Node, &str) -> (String, Node)) -> Node {
    let Value::Sequence(items) = node.value else { return node };
    let mut mapping = Mapping::new();
    for item in items {
        match item.text().filter(|_| !item.is_null()) {
            Some(text) => {
                let (key, value) = entry(&item, text);
                mapping.insert(key, Entry { key: item.origin, value });
            }
            None => not_a_string(&item, report),
        }
    }
    Node { value: Value::Mapping(mapping), ..node }
}

/// `[H=IP, H:IP]` and `{H: IP}` for `{H: [IP]}`; brackets around an address are dropped.
pub(super) fn hosts(node: Node, report: &Report) -> Node {
    let mut hosts = Mapping::new();
    let mut add = |host: &str, origin, address: Node| {
        let list = hosts
            .entry(host.to_owned())
            .or_insert_with(|| Entry { key: origin, value: Node::sequence(origin, Vec::new()) });
        if let Value::Sequence(items) = &mut list.value.value {
            items.push(address);
        }
    };
    let bare = |text: &str| text.trim_start_matches('[').trim_end_matches(']').to_owned();
    match node.value {
        Value::Sequence(items) => {
            for item in items {
                match item.text().map(|text| text.split_once(['=', ':'])) {
                    Some(Some((host, address))) => add(host, item.origin, Node::scalar(item.origin, bare(address))),
                    Some(None) => invalid(&item, "extra_hosts", "expected `HOST=ADDRESS`", report),
                    None => not_a_string(&item, report),
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
                    let text = address.text().map(bare);
                    let address = text.map_or(address.clone(), |text| Node::scalar(address.origin, text));
                    add(&host, entry.key, address);
                }
            }
        }
        _ => return node,
    }
    Node { value: Value::Mapping(hosts), ..node }
}

/// `a.env` and `[a.env]` for `[{path: a.env}]`.
pub(super) fn env_files(node: Node, report: &Report) -> Node {
    each(one_or_many(node, report), "path")
}

/// `[name]` for `[{source: name}]`.
pub(super) fn grants(node: Node, _: &Report) -> Node {
    each(node, "source")
}

/// Makes each scalar of a list a mapping with one key.
fn each(node: Node, key: &str) -> Node {
    let Value::Sequence(items) = node.value else { return node };
    let long = |item: Node| match item.value {
        Value::Scalar(_) => Node::mapping(item.origin, [(key, item)]),
        _ => item,
    };
    Node { value: Value::Sequence(items.into_iter().map(long).collect()), ..node }
}

pub(super) fn not_a_string(item: &Node, report: &Report) {
    if item.value != Value::Invalid {
        let kind = DiagnosticKind::WrongType {
            what: "an item of this list".to_owned(),
            expected: "a string",
            found: item.found(),
        };
        report.error(item.origin, kind);
    }
}

pub(super) fn invalid(node: &Node, what: &str, reason: impl Into<String>, report: &Report) {
    report.error(node.origin, DiagnosticKind::InvalidValue { what: format!("`{what}`"), reason: reason.into() });
}
