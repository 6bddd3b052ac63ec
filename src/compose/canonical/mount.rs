//! `volumes` of a service: `[SOURCE:]TARGET[:OPTIONS]` to its long form.

use super::list::invalid;
use crate::compose::node::{Node, Value};
use crate::compose::report::Report;

/// Rewrites the short forms of a list.
pub(super) fn mounts(node: Node, report: &Report) -> Node {
    let Value::Sequence(items) = node.value else { return node };
    let long = |item: Node| match item.text().filter(|_| !item.is_null()).map(|text| long_form(&item, text)) {
        None => item,
        Some(Ok(long)) => long,
        Some(Err(reason)) => {
            invalid(&item, "volumes", reason, report);
            Node { value: Value::Invalid, ..item }
        }
    };
    Node { value: Value::Sequence(items.into_iter().map(long).collect()), ..node }
}

fn long_form(item: &Node, short: &str) -> Result<Node, String> {
    let mut parts = short.split(':');
    let (source, target, options) = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(target), None, ..) => (None, target, ""),
        (Some(source), Some(target), options, None) => (Some(source), target, options.unwrap_or_default()),
        _ => return Err("expected `SOURCE:TARGET[:OPTIONS]`".to_owned()),
    };
    if target.is_empty() || source == Some("") {
        return Err("neither source nor target may be empty".to_owned());
    }
    let text = |text: &str| Node::scalar(item.origin, text);
    let is_path = source.is_some_and(|source| source.starts_with(['.', '/', '~']));
    let mut entries = vec![("type", text(if is_path { "bind" } else { "volume" })), ("target", text(target))];
    entries.extend(source.map(|source| ("source", text(source))));
    let (mut bind, mut volume) = (Vec::new(), Vec::new());
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option {
            "ro" => entries.push(("read_only", text("true"))),
            "nocopy" => volume.push(("nocopy", text("true"))),
            "rprivate" | "private" | "rshared" | "shared" | "rslave" | "slave" => {
                bind.push(("propagation", text(option)));
            }
            // `rw` is the default; labels of SELinux and hints for file sharing mean nothing here.
            "rw" | "z" | "Z" | "cached" | "delegated" | "consistent" => {}
            other => return Err(format!("unknown option `{other}`")),
        }
    }
    if is_path && !bind.is_empty() {
        entries.push(("bind", Node::mapping(item.origin, bind)));
    }
    if !is_path && !volume.is_empty() {
        entries.push(("volume", Node::mapping(item.origin, volume)));
    }
    Ok(Node::mapping(item.origin, entries))
}
