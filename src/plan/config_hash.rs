//! The hashes that tell whether what exists was made from what the project says now.
//!
//! A hash is the SHA-256 of canonical JSON (sorted keys) that holds only what differs from a default, so that a
//! release which adds a key does not recreate every container on the machine of everybody.

use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::compose::model::{FileObject, Network, Project, Service};

/// Goes into every hash, and changes only together with the meaning of what is hashed.
const FORMAT: &str = "rcompose 2\n";

/// Keys that say nothing about a container, only about how `up` deals with it.
const NOT_HASHED: &[&str] =
    &["pull_policy", "scale", "depends_on", "attach", "build", "develop", "profiles", "pull_refresh_after"];

/// The hash of everything that a container of `service` is made from, but for the content of its image: 64 lower-case
/// hexadecimal digits. Counts the content of configs and secrets where the file holds it, else their path.
#[must_use]
pub fn service_hash(project: &Project, service: &Service) -> String {
    let mut own = fields(service);
    own.retain(|key, _| !NOT_HASHED.contains(&key.as_str()) && (!key.starts_with("x-") || key == "x-rcompose"));
    // How many there are, and what is changed as they run.
    for (key, of_no_matter) in
        [("deploy", "replicas"), ("deploy", "update_config"), ("deploy", "rollback_config"), ("x-rcompose", "network")]
    {
        if let Some(Value::Object(fields)) = own.get_mut(key) {
            fields.remove(of_no_matter);
            if fields.is_empty() {
                own.remove(key);
            }
        }
    }

    let networks: Map<String, Value> = service
        .networks
        .keys()
        .filter_map(|key| Some((key.to_string(), json!(project.networks.get(key)?.name))))
        .collect();
    let volumes: Map<String, Value> = service
        .named_volumes()
        .filter_map(|key| Some((key.to_string(), json!(project.volumes.get(key)?.name))))
        .collect();
    let source = |object: Option<&FileObject>| object.and_then(FileObject::source);
    let configs: Vec<_> = service.configs.iter().map(|grant| project.configs.get(&grant.source)).map(source).collect();
    let secrets: Vec<_> = service.secrets.iter().map(|grant| project.secrets.get(&grant.source)).map(source).collect();
    hash(&json!({
        "service": own,
        "networks": networks,
        "volumes": volumes,
        "configs": configs,
        "secrets": secrets,
    }))
}

/// The hash of everything that a network is made from: 64 lower-case hexadecimal digits.
#[must_use]
pub fn network_hash(network: &Network) -> String {
    hash(&Value::Object(fields(network)))
}

/// What was given: the model leaves out the rest.
fn fields<T: Serialize>(value: &T) -> Map<String, Value> {
    match serde_json::to_value(value).expect("the model has string keys and no failing serializers") {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// Drops `null` at every depth: a key that is new in a nested type is `null` in every old file.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key.clone(), without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn hash(value: &Value) -> String {
    // `Value` keeps its keys sorted, which the test with a literal hash holds on to.
    hex::encode(Sha256::digest(format!("{FORMAT}{}", without_nulls(value))))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::compose::model::{
        Attachment, Build, Condition, Dependency, Deploy, FileGrant, NetworkLimits, PullPolicy,
    };
    use crate::name::{ImageReference, ProjectName};

    fn project() -> (Project, Service) {
        let project = Project {
            networks: BTreeMap::from([("default".parse().unwrap(), Network::default())]),
            configs: BTreeMap::from([("conf".to_owned(), FileObject::with_content("a"))]),
            ..Project::new(ProjectName::new("shop").unwrap(), "/srv/shop")
        };
        let mut service = Service::new(ImageReference::parse("nginx:1").unwrap());
        service.networks.insert("default".parse().unwrap(), Attachment::default());
        service.configs.push(FileGrant::new("conf", "/conf"));
        (project, service)
    }

    /// A hash that changes here recreates everybody's containers: change [`FORMAT`] on purpose or find out why.
    #[test]
    fn hashes_stay_what_they_are() {
        let (project, service) = project();
        insta::assert_snapshot!(service_hash(&project, &service), @"967bb95e020f5c630bd3117be0555110826702f9cb3ae4a84ea0048ecee27052");
        insta::assert_snapshot!(network_hash(&Network { internal: true, ..Network::default() }), @"2d1fdcf4a31908b74bac89a3786f1a5d389fce331b3cd01f66a593bfac6f1842");
    }

    #[test]
    fn what_counts() {
        let (project, service) = project();
        let before = service_hash(&project, &service);
        type Change = fn(&mut Service);
        let changes: [(&str, bool, Change); 12] = [
            ("pull_policy", false, |service| service.pull_policy = Some(PullPolicy::Always)),
            ("scale", false, |service| service.scale = Some(3)),
            ("attach", false, |service| service.attach = Some(false)),
            ("depends_on", false, |service| {
                let dependency = Dependency { condition: Condition::ServiceStarted, restart: true, required: true };
                service.depends_on.insert("db".parse().unwrap(), dependency);
            }),
            ("image", true, |service| service.image = ImageReference::parse("nginx:2").unwrap()),
            ("replicas", false, |service| {
                service.deploy = Some(Deploy { replicas: Some(3), ..Deploy::default() });
            }),
            ("build", false, |service| service.build = Some(Build::default())),
            ("network limits", false, |service| {
                let limits = NetworkLimits { loss: Some(1.0), ..NetworkLimits::default() };
                service.set_network_limits(Some(limits));
            }),
            ("an extension of somebody", false, |service| {
                service.extensions.insert("x-note".to_owned(), json!(1));
            }),
            ("an emptied command", true, |service| service.command = Some(Vec::new())),
            ("labels", true, |service| drop(service.labels.insert("a".to_owned(), String::new()))),
            ("stop_grace_period", true, |service| service.stop_grace_period = Some(Duration::from_secs(1))),
        ];
        for (what, counts, change) in changes {
            let mut changed = service.clone();
            change(&mut changed);
            assert_eq!(service_hash(&project, &changed) != before, counts, "{what}");
        }
    }

    #[test]
    fn what_the_project_says_counts_too() {
        let (project, service) = project();
        let before = service_hash(&project, &service);
        let mut content = project.clone();
        content.configs.insert("conf".to_owned(), FileObject::with_content("b"));
        assert_ne!(service_hash(&content, &service), before);
        let mut renamed = project.clone();
        renamed.networks.values_mut().for_each(|network| network.name = "other".to_owned());
        assert_ne!(service_hash(&renamed, &service), before);
    }
}
