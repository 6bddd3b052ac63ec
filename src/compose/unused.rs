//! Drops what no service that is on refers to.

use std::collections::BTreeSet;

use super::node::{Mapping, Node};

/// Drops networks, volumes, configs, secrets and models that only services refer to which are off, or none at all.
pub(super) fn drop_unused(tree: &mut Node, active: &BTreeSet<String>) {
    let mut used = Used::default();
    let services = tree.get("services").and_then(Node::entries).into_iter().flatten();
    for (_, service) in services.filter(|(name, _)| active.contains(*name)) {
        used.by(&service.value);
    }
    for (section, names) in [
        ("networks", used.networks),
        ("volumes", used.volumes),
        ("configs", used.configs),
        ("secrets", used.secrets),
        ("models", used.models),
    ] {
        if let Some(entries) = tree.get_mut(section).and_then(Node::entries_mut) {
            entries.retain(|name, _| names.contains(name));
        }
    }
}

#[derive(Default)]
struct Used {
    networks: BTreeSet<String>,
    volumes: BTreeSet<String>,
    configs: BTreeSet<String>,
    secrets: BTreeSet<String>,
    models: BTreeSet<String>,
}

impl Used {
    fn by(&mut self, service: &Node) {
        let keys = |key: &str| service.get(key).and_then(Node::entries).into_iter().flat_map(Mapping::keys).cloned();
        self.networks.extend(keys("networks"));
        self.models.extend(keys("models"));
        let sources = |node: &Node, key: &str| -> Vec<String> {
            let items = node.get(key).map(Node::items).unwrap_or_default();
            items.iter().filter_map(|item| item.text_of("source")).map(str::to_owned).collect()
        };
        let volumes = service.get("volumes").map(Node::items).unwrap_or_default();
        let named = volumes.iter().filter(|mount| mount.text_of("type") == Some("volume"));
        self.volumes.extend(named.filter_map(|mount| mount.text_of("source")).map(str::to_owned));
        self.configs.extend(sources(service, "configs"));
        self.secrets.extend(sources(service, "secrets"));
        if let Some(build) = service.get("build") {
            self.secrets.extend(sources(build, "secrets"));
        }
    }
}
