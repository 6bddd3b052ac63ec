//! Later files over earlier ones: mappings are merged, lists appended, scalars replaced, except where a rule says otherwise.
//!
//! Works on canonical trees. Merging a tree over nothing resolves its `!reset` and `!override` and drops what it
//! repeats. See <https://github.com/compose-spec/compose-spec/blob/main/13-merge.md>.

use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::fast::FixedState;

use super::diagnostic::DiagnosticKind;
use super::node::{Entry, Mapping, Node, Tag, Value};
use super::report::Report;
use super::table::Table;

/// How values of one path are merged.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// The later value replaces the earlier one, even by null.
    Replace,
    /// Of the items of both lists that have the same key the last wins, at the place of the first.
    Unique(Key),
    /// Items of both lists that have the same key are merged.
    MergeItems(Key),
    /// Mappings are merged when both have the same value of this key, or one has none; else the later replaces.
    Same(&'static str),
}

/// What makes two items of a list the same.
type Key = fn(&Node) -> Option<String>;

/// The paths that have a rule.
#[rustfmt::skip]
const RULES: &[(&str, Rule)] = &[
    ("networks.*.ipam.config", Rule::MergeItems(|node| key(node, "subnet"))),
    ("networks.*.labels.*", Rule::Replace),
    ("services.*.annotations.*", Rule::Replace),
    ("services.*.build.args.*", Rule::Replace),
    ("services.*.build.extra_hosts.*", Rule::Unique(whole)),
    ("services.*.build.labels.*", Rule::Replace),
    ("services.*.build.secrets", Rule::Unique(secret_target)),
    ("services.*.build.tags", Rule::Unique(until_equals)),
    ("services.*.cap_add", Rule::Unique(until_equals)),
    ("services.*.cap_drop", Rule::Unique(until_equals)),
    ("services.*.command", Rule::Replace),
    ("services.*.configs", Rule::Unique(config_target)),
    ("services.*.deploy.labels.*", Rule::Replace),
    ("services.*.device_cgroup_rules", Rule::Unique(whole)),
    ("services.*.devices", Rule::Unique(|node| key(node, "target"))),
    ("services.*.dns", Rule::Unique(until_equals)),
    ("services.*.dns_opt", Rule::Unique(until_equals)),
    ("services.*.dns_search", Rule::Unique(until_equals)),
    ("services.*.entrypoint", Rule::Replace),
    ("services.*.env_file", Rule::Unique(|node| key(node, "path"))),
    ("services.*.environment.*", Rule::Replace),
    ("services.*.expose", Rule::Unique(whole)),
    ("services.*.external_links", Rule::Unique(whole)),
    ("services.*.extra_hosts.*", Rule::Unique(whole)),
    ("services.*.group_add", Rule::Unique(whole)),
    ("services.*.healthcheck.test", Rule::Replace),
    ("services.*.labels.*", Rule::Replace),
    ("services.*.links", Rule::Unique(until_equals)),
    ("services.*.logging", Rule::Same("driver")),
    ("services.*.networks.*.aliases", Rule::Unique(until_equals)),
    ("services.*.networks.*.link_local_ips", Rule::Unique(until_equals)),
    ("services.*.ports", Rule::Unique(port)),
    ("services.*.profiles", Rule::Unique(until_equals)),
    ("services.*.secrets", Rule::Unique(secret_target)),
    ("services.*.security_opt", Rule::Unique(whole)),
    ("services.*.sysctls.*", Rule::Replace),
    ("services.*.tmpfs", Rule::Unique(until_colon)),
    ("services.*.ulimits.*", Rule::Replace),
    ("services.*.volumes", Rule::Unique(|node| key(node, "target"))),
    ("services.*.volumes_from", Rule::Unique(whole)),
    ("volumes.*.labels.*", Rule::Replace),
];

static TABLE: LazyLock<Table<Rule>> = LazyLock::new(|| Table::new(RULES));

type Rules<'a> = Option<&'a Table<Rule>>;

/// Merges a document over what is merged so far.
pub(super) fn merge(base: Option<Node>, document: Node, report: &Report) -> Option<Node> {
    merge_node(base, document, Some(&TABLE), report)
}

/// Merges a service over the one that it extends.
pub(super) fn merge_service(base: Node, service: Node, report: &Report) -> Node {
    let rules = TABLE.below("services").and_then(Table::items);
    let origin = service.origin;
    merge_node(Some(base), service, rules, report).unwrap_or_else(|| Node::null(origin))
}

fn merge_node(base: Option<Node>, over: Node, rules: Rules<'_>, report: &Report) -> Option<Node> {
    let given = base;
    let base = match over.tag {
        Some(Tag::Reset) => return None,
        Some(Tag::Override) => None,
        None => given.as_ref().filter(|base| !base.is_null()),
    };
    let rule = rules.and_then(Table::rule);
    let base = match rule {
        Some(Rule::Replace) => None,
        Some(Rule::Same(key)) => base.filter(|base| match (base.text_of(key), over.text_of(key)) {
            (Some(base), Some(over)) => base == over,
            _ => true,
        }),
        _ => base,
    };
    if over.is_null() && base.is_some() {
        return given;
    }
    if let Some(base) = base
        && !base.takes(&over)
    {
        let kind = DiagnosticKind::CannotOverride { base: base.found(), found: over.found() };
        report.error_with_label(over.origin, kind, (base.origin, "first given here"));
        return Some(Node { tag: None, value: Value::Invalid, ..over });
    }
    if let Some(replaced) = &given {
        report.overrides(&over, replaced);
    }
    let merges = base.is_some();
    let Some(base) = given.filter(|_| merges) else {
        let mut over = over;
        settle(&mut over, rules, report);
        return Some(over);
    };
    let value = match (base.value, over.value) {
        (Value::Invalid, _) => Value::Invalid,
        (Value::Mapping(base), Value::Mapping(over)) => Value::Mapping(merge_mappings(base, over, rules, report)),
        (Value::Sequence(items), Value::Sequence(over)) => {
            let below = rules.and_then(Table::items);
            let over = over.into_iter().filter_map(|item| merge_node(None, item, below, report));
            Value::Sequence(match rule {
                Some(Rule::Unique(key)) => unique(items.into_iter().chain(over), key, report),
                Some(Rule::MergeItems(key)) => merge_items(items, over, key, below, report),
                _ => items.into_iter().chain(over).collect(),
            })
        }
        (_, value) => {
            let mut over = Node { value, ..over };
            settle(&mut over, rules, report);
            return Some(over);
        }
    };
    Some(Node { origin: over.origin, tag: None, value })
}

/// What merging over nothing leaves of a node: no tags, nothing that is reset, no repeats. Whether anything is left.
fn settle(node: &mut Node, rules: Rules<'_>, report: &Report) -> bool {
    if node.tag.take() == Some(Tag::Reset) {
        return false;
    }
    match &mut node.value {
        Value::Mapping(entries) => {
            let below = |key: &str| rules.and_then(|rules| rules.below(key));
            entries.retain(|key, entry| settle(&mut entry.value, below(key), report));
        }
        Value::Sequence(items) => {
            let below = rules.and_then(Table::items);
            items.retain_mut(|item| settle(item, below, report));
            if let (Some(Rule::Unique(key)), 2..) = (rules.and_then(Table::rule), items.len()) {
                *items = unique(std::mem::take(items).into_iter(), key, report);
            }
        }
        Value::Scalar(_) | Value::Invalid => {}
    }
    true
}

fn merge_mappings(mut base: Mapping, over: Mapping, rules: Rules<'_>, report: &Report) -> Mapping {
    for (key, entry) in over {
        let below = rules.and_then(|rules| rules.below(&key));
        let earlier = base.remove(&key);
        let place = earlier.as_ref().map(|earlier| (earlier.key, earlier.value.origin));
        if let Some(value) = merge_node(earlier.map(|earlier| earlier.value), entry.value, below, report) {
            // What a key without a value leaves alone stays where it was.
            let kept = place.filter(|(_, origin)| *origin == value.origin).map(|(key, _)| key);
            base.insert(key, Entry { key: kept.unwrap_or(entry.key), value });
        }
    }
    base
}

fn merge_items(
    mut items: Vec<Node>,
    over: impl Iterator<Item = Node>,
    key: Key,
    below: Rules<'_>,
    report: &Report,
) -> Vec<Node> {
    for item in over {
        let same = key(&item).and_then(|wanted| items.iter().position(|known| key(known).as_ref() == Some(&wanted)));
        match same {
            Some(place) => {
                let base = std::mem::replace(&mut items[place], Node::null(item.origin));
                let origin = item.origin;
                items[place] = merge_node(Some(base), item, below, report).unwrap_or_else(|| Node::null(origin));
            }
            None => items.push(item),
        }
    }
    items
}

fn unique(items: impl Iterator<Item = Node>, key: Key, report: &Report) -> Vec<Node> {
    let mut places: HashMap<String, usize, FixedState> = HashMap::default();
    let mut kept: Vec<Node> = Vec::with_capacity(items.size_hint().0);
    for item in items {
        match key(&item).map(|key| *places.entry(key).or_insert(kept.len())) {
            Some(place) if place < kept.len() => {
                report.overrides(&item, &kept[place]);
                kept[place] = item;
            }
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
    let (address, published) = (part("host_ip", "0.0.0.0"), part("published", ""));
    Some(format!("{address}:{published}:{}/{}", key(node, "target")?, part("protocol", "tcp")))
}
