//! What follows from the merged files without being written in them: names, the default network, dependencies that
//! `links`, `volumes_from` and shared namespaces imply.

use std::collections::BTreeMap;

use super::canonical::clean_path;
use super::node::{Entry, Mapping, Node, Value};
use super::report::{Origin, Report};
use super::variables::Variables;

/// Completes the merged tree.
pub(super) fn normalise(tree: &mut Node, project: &str, variables: &Variables, report: &Report) {
    default_network(tree);
    if let Some(services) = tree.get_mut("services").and_then(Node::entries_mut) {
        for service in services.values_mut() {
            normalise_service(&mut service.value, variables, report);
        }
    }
    names(tree, project);
}

/// The implicit network exists when a service is attached to it.
fn default_network(tree: &mut Node) {
    let origin = tree.origin;
    let mut used = false;
    for service in tree.get_mut("services").and_then(Node::entries_mut).into_iter().flat_map(BTreeMap::values_mut) {
        let service = &mut service.value;
        if service.get("provider").is_some() || service.get("network_mode").is_some() || service.entries().is_none() {
            continue;
        }
        let at = service.origin;
        match service.get("networks").map(Node::entries) {
            None => {
                service.set("networks", Node::mapping(at, [("default", Node::null(at))]));
                used = true;
            }
            Some(Some(networks)) if networks.is_empty() => {
                service.set("networks", Node::mapping(at, [("default", Node::null(at))]));
                used = true;
            }
            Some(Some(networks)) => used |= networks.contains_key("default"),
            Some(None) => {}
        }
    }
    if !used {
        return;
    }
    if tree.get("networks").is_none() {
        tree.set("networks", Node::mapping(origin, [("default", Node::null(origin))]));
    } else if let Some(networks) = tree.get_mut("networks").and_then(Node::entries_mut) {
        networks.entry("default".to_owned()).or_insert_with(|| Entry { key: origin, value: Node::null(origin) });
    }
}

fn normalise_service(service: &mut Node, variables: &Variables, report: &Report) {
    let origin = service.origin;
    if service.text_of("pull_policy") == Some("if_not_present") {
        service.set("pull_policy", Node::string(origin, "missing"));
    }
    if let Some(build) = service.get_mut("build") {
        if build.get("context").is_none() {
            build.set("context", Node::string(origin, "."));
        }
        if build.get("dockerfile").is_none() && build.get("dockerfile_inline").is_none() {
            build.set("dockerfile", Node::string(origin, "Dockerfile"));
        }
        if let Some(args) = build.get_mut("args") {
            inherit(args, variables, report);
            if let Some(args) = args.entries_mut() {
                args.retain(|_, entry| !entry.value.is_null());
            }
        }
    }
    if let Some(own) = service.get_mut("environment") {
        inherit(own, variables, report);
    }
    if let Some(Value::Sequence(mounts)) = service.get_mut("volumes").map(|node| &mut node.value) {
        for target in mounts.iter_mut().filter_map(|mount| mount.get_mut("target")) {
            if let Value::Scalar(scalar) = &mut target.value {
                scalar.text = clean_path(&scalar.text);
            }
        }
    }
    if let Some(scale) = service.get("scale").cloned()
        && let Some(deploy) = service.get_mut("deploy")
        && deploy.get("replicas").is_none()
    {
        deploy.set("replicas", scale);
    }
    let implied = implied_dependencies(service);
    if implied.is_empty() {
        return;
    }
    if service.get("depends_on").is_none() {
        service.set("depends_on", Node::mapping::<String>(origin, []));
    }
    if let Some(dependencies) = service.get_mut("depends_on").and_then(Node::entries_mut) {
        for (name, at, restart) in implied {
            dependencies.entry(name).or_insert_with(|| Entry { key: at, value: dependency(at, restart) });
        }
    }
}

/// Variables without a value take that of the project's environment.
pub(super) fn inherit(node: &mut Node, variables: &Variables, report: &Report) {
    for (name, entry) in node.entries_mut().into_iter().flatten() {
        if entry.value.is_null()
            && entry.value.tag.is_none()
            && let Some(value) = variables.get(name)
        {
            report.uses(entry.value.origin, name, None, variables);
            entry.value = Node::string(entry.value.origin, value);
        }
    }
}

fn dependency(origin: Origin, restart: bool) -> Node {
    Node::mapping(
        origin,
        [
            ("condition", Node::string(origin, "service_started")),
            ("restart", Node::boolean(origin, restart)),
            ("required", Node::boolean(origin, true)),
        ],
    )
}

/// The services that a service needs without `depends_on`: name, place, whether it restarts with them.
fn implied_dependencies(service: &Node) -> Vec<(String, Origin, bool)> {
    let mut implied = Vec::new();
    let items = |key: &str| service.get(key).map(Node::items).unwrap_or_default();
    for link in items("links") {
        let Some(text) = link.text() else { continue };
        // `SERVICE[:ALIAS]`.
        let name = match text.split_once(':') {
            Some((name, alias)) if !alias.contains(':') => name,
            _ => text,
        };
        implied.push((name.to_owned(), link.origin, true));
    }
    for key in ["network_mode", "ipc", "pid", "uts", "cgroup"] {
        if let Some(node) = service.get(key)
            && let Some(name) = node.text().and_then(|text| text.strip_prefix("service:"))
        {
            implied.push((name.to_owned(), node.origin, true));
        }
    }
    for from in items("volumes_from") {
        let Some(text) = from.text() else { continue };
        if !text.starts_with("container:") {
            implied.push((text.split(':').next().unwrap_or_default().to_owned(), from.origin, false));
        }
    }
    implied
}

/// A resource without a name is called after its key and, unless it is external, its project.
fn names(tree: &mut Node, project: &str) {
    for section in ["networks", "volumes", "configs", "secrets"] {
        let Some(resources) = tree.get_mut(section).and_then(Node::entries_mut) else { continue };
        for (key, entry) in resources {
            let origin = entry.key;
            if entry.value.is_null() {
                entry.value = Node { value: Value::Mapping(Mapping::new()), ..Node::null(origin) };
            }
            if entry.value.get("name").is_none() {
                let external = entry.value.is_true("external");
                let name = if external { key.clone() } else { format!("{project}_{key}") };
                entry.value.set("name", Node::string(origin, name));
            }
        }
    }
}
