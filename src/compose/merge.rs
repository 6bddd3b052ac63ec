//! Later files over earlier ones: mappings are merged, lists appended, scalars replaced, except where a rule says otherwise.
//!
//! Works on canonical trees. Merging a tree over nothing resolves its `!reset` and `!override` and drops what it
//! repeats. See <https://github.com/compose-spec/compose-spec/blob/main/13-merge.md>.

use std::collections::HashMap;

use super::diagnostic::DiagnosticKind;
use super::node::{Mapping, Node, Tag, Value};
use super::report::Report;

/// How values of one path are merged.
#[derive(Clone, Copy)]
enum Rule {
    /// The later value replaces the earlier one, even by null.
    Replace,
    /// Of the items of both lists that have the same key the last wins, at the place of the first.
    Unique(fn(&Node) -> Option<String>),
}

/// The paths that have a rule; `*` is any key.
const RULES: &[(&str, Rule)] = &[
    ("services.*.cap_add", Rule::Unique(whole)),
    ("services.*.cap_drop", Rule::Unique(whole)),
    ("services.*.command", Rule::Replace),
    ("services.*.configs", Rule::Unique(config_target)),
    ("services.*.dns", Rule::Unique(whole)),
    ("services.*.dns_opt", Rule::Unique(until_equals)),
    ("services.*.dns_search", Rule::Unique(whole)),
    ("services.*.entrypoint", Rule::Replace),
    ("services.*.env_file", Rule::Unique(|node| key(node, "path"))),
    ("services.*.environment.*", Rule::Replace),
    ("services.*.expose", Rule::Unique(whole)),
    ("services.*.extra_hosts.*", Rule::Unique(whole)),
    ("services.*.group_add", Rule::Unique(whole)),
    ("services.*.healthcheck.test", Rule::Replace),
    ("services.*.labels.*", Rule::Replace),
    ("services.*.networks.*.aliases", Rule::Unique(whole)),
    ("services.*.ports", Rule::Unique(port)),
    ("services.*.profiles", Rule::Unique(whole)),
    ("services.*.secrets", Rule::Unique(secret_target)),
    ("services.*.tmpfs", Rule::Unique(until_colon)),
    ("services.*.ulimits.*", Rule::Replace),
    ("services.*.volumes", Rule::Unique(|node| key(node, "target"))),
    ("networks.*.ipam.config", Rule::Unique(|node| key(node, "subnet"))),
];

/// Merges documents in order.
pub(super) fn merge(documents: Vec<Node>, report: &Report) -> Option<Node> {
    documents.into_iter().fold(None, |base, document| merge_node(base, document, None, report))
}

/// Where a node is, as a chain of keys from the inside out.
struct Path<'a> {
    key: &'a str,
    parent: Option<&'a Self>,
}

fn rule(mut path: Option<&Path<'_>>) -> Option<Rule> {
    let at = path;
    let found = RULES.iter().find(|(pattern, _)| {
        path = at;
        for segment in pattern.rsplit('.') {
            match path {
                Some(here) if segment == "*" || segment == here.key => path = here.parent,
                _ => return false,
            }
        }
        path.is_none()
    });
    found.map(|(_, rule)| *rule)
}

fn merge_node(base: Option<Node>, over: Node, path: Option<&Path<'_>>, report: &Report) -> Option<Node> {
    let base = match over.tag {
        Some(Tag::Reset) => return None,
        Some(Tag::Override) => None,
        None => base.filter(|base| !base.is_null()),
    };
    // A rule decides between two values or orders a list; most nodes are neither, and looking rules up is not free.
    let rule = if base.is_some() || matches!(over.value, Value::Sequence(_)) { rule(path) } else { None };
    let base = if matches!(rule, Some(Rule::Replace)) { None } else { base };
    if over.is_null() && base.is_some() {
        return base;
    }
    if let Some(base) = &base
        && !base.merges_with(&over)
    {
        let kind = DiagnosticKind::CannotOverride { base: base.found(), found: over.found() };
        report.error_with_label(over.origin, kind, (base.origin, "first given here"));
        return Some(Node { tag: None, value: Value::Invalid, ..over });
    }
    let value = match (base.map(|base| base.value), over.value) {
        (Some(Value::Invalid), _) => Value::Invalid,
        (Some(Value::Mapping(base)), Value::Mapping(over)) => Value::Mapping(merge_mappings(base, over, path, report)),
        (_, Value::Mapping(over)) => Value::Mapping(merge_mappings(Mapping::new(), over, path, report)),
        (base, Value::Sequence(over)) => {
            let mut items = if let Some(Value::Sequence(base)) = base { base } else { Vec::new() };
            // The path ends at the list: no rule looks into its items.
            items.extend(over.into_iter().filter_map(|item| merge_node(None, item, None, report)));
            Value::Sequence(unique(items, rule))
        }
        (_, value) => value,
    };
    Some(Node { origin: over.origin, tag: None, value })
}

fn merge_mappings(mut base: Mapping, over: Mapping, path: Option<&Path<'_>>, report: &Report) -> Mapping {
    for (key, mut entry) in over {
        let below = Path { key: &key, parent: path };
        let earlier = base.remove(&key).map(|earlier| earlier.value);
        if let Some(value) = merge_node(earlier, entry.value, Some(&below), report) {
            entry.value = value;
            base.insert(key, entry);
        }
    }
    base
}

fn unique(items: Vec<Node>, rule: Option<Rule>) -> Vec<Node> {
    let Some(Rule::Unique(key)) = rule else { return items };
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut kept: Vec<Node> = Vec::with_capacity(items.len());
    for item in items {
        match key(&item).map(|key| *places.entry(key).or_insert(kept.len())) {
            Some(place) if place < kept.len() => kept[place] = item,
            _ => kept.push(item),
        }
    }
    kept
}

fn whole(node: &Node) -> Option<String> {
    node.text().map(str::to_owned)
}

fn until_equals(node: &Node) -> Option<String> {
    node.text()?.split('=').next().map(str::to_owned)
}

fn until_colon(node: &Node) -> Option<String> {
    node.text()?.split(':').next().map(str::to_owned)
}

fn key(node: &Node, key: &str) -> Option<String> {
    node.get(key)?.text().map(str::to_owned)
}

fn config_target(node: &Node) -> Option<String> {
    let target = key(node, "target").or_else(|| key(node, "source"))?;
    Some(format!("/{}", target.trim_start_matches('/')))
}

fn secret_target(node: &Node) -> Option<String> {
    let target = key(node, "target").or_else(|| key(node, "source"))?;
    Some(if target.starts_with('/') { target } else { format!("/run/secrets/{target}") })
}

fn port(node: &Node) -> Option<String> {
    let part = |name: &str, default: &str| key(node, name).unwrap_or_else(|| default.to_owned());
    let (address, published) = (part("host_ip", ""), part("published", ""));
    Some(format!("{address}:{published}:{}/{}", key(node, "target")?, part("protocol", "tcp")))
}
