//! What a canonical value has when nobody gives it.

use std::sync::LazyLock;

use super::node::{Node, Value};
use super::table::Table;

type Rule = fn(&mut Node);

const RULES: &[(&str, Rule)] = &[
    ("services.*.build", |build| default(build, "context", |origin| Node::string(origin, "."))),
    ("services.*.depends_on.*", |dependency| default(dependency, "required", |origin| Node::boolean(origin, true))),
    ("services.*.deploy.resources.reservations.devices.*", all_devices),
    ("services.*.gpus.*", all_devices),
    ("services.*.ports.*", |port| {
        default(port, "protocol", |origin| Node::string(origin, "tcp"));
        default(port, "mode", |origin| Node::string(origin, "ingress"));
    }),
    ("services.*.provider.options", |options| {
        if let Some(options) = options.entries_mut() {
            options.retain(|_, option| !matches!(&option.value.value, Value::Sequence(items) if items.is_empty()));
        }
    }),
    ("services.*.provider.options.*", |option| {
        if option.text().is_some() {
            let value = std::mem::replace(option, Node::null(option.origin));
            *option = Node::sequence(value.origin, vec![value]);
        }
    }),
    ("services.*.secrets.*", |secret| {
        if let Some(source) = secret.text_of("source").map(str::to_owned) {
            default(secret, "target", |origin| Node::string(origin, format!("/run/secrets/{source}")));
        }
    }),
];

static TABLE: LazyLock<Table<Rule>> = LazyLock::new(|| Table::new(RULES));

/// Adds what is not given.
pub(super) fn defaults(tree: &mut Node) {
    TABLE.walk(tree, &mut |rule, node| rule(node));
    published(tree);
}

/// `x-rcompose.publish`: the address of ports without one.
fn published(tree: &mut Node) {
    let Some(address) = tree.get("x-rcompose").and_then(|own| own.get("publish")).filter(|node| !node.is_null()) else {
        return;
    };
    let address = address.clone();
    let services = tree.get_mut("services").and_then(Node::entries_mut);
    for service in services.into_iter().flat_map(|services| services.values_mut()) {
        let Some(Value::Sequence(ports)) = service.value.get_mut("ports").map(|ports| &mut ports.value) else {
            continue;
        };
        ports.iter_mut().for_each(|port| default(port, "host_ip", |_| address.clone()));
    }
}

fn default(node: &mut Node, key: &str, value: impl FnOnce(super::report::Origin) -> Node) {
    if node.entries().is_some_and(|entries| !entries.contains_key(key)) {
        let value = value(node.origin);
        node.set(key, value);
    }
}

fn all_devices(request: &mut Node) {
    if request.get("device_ids").is_none() {
        default(request, "count", |origin| Node::number(origin, -1));
    }
}
