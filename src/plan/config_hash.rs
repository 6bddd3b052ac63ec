//! The hashes that tell whether what exists was made from what the project says now.
//!
//! A hash is the SHA-256 of canonical JSON (sorted keys) that holds only what differs from a default, so that a
//! release which adds a key does not recreate every container on the machine of everybody.

use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::compose::model::{Mount, Network, Project, Service};

/// Goes into every hash, and changes only together with the meaning of what is hashed.
const FORMAT: &str = "rcompose 1\n";

/// Keys that say nothing about a container, only about how `up` deals with it.
const NOT_HASHED: &[&str] = &["pull_policy", "scale", "depends_on", "attach"];

/// The hash of everything that a container of `service` is made from, but for the content of its image: 64 lower-case
/// hexadecimal digits. Counts the content of configs and secrets where the file holds it, else their path.
#[must_use]
pub fn service_hash(project: &Project, service: &Service) -> String {
    let mut own = distinct(service, &Service::new(service.image.clone()));
    own.retain(|key, _| !NOT_HASHED.contains(&key.as_str()));
    own.insert("image".to_owned(), json!(service.image));

    let networks: Map<String, Value> = service
        .networks
        .keys()
        .filter_map(|key| Some((key.to_string(), json!(project.networks.get(key)?.name))))
        .collect();
    let volumes: Map<String, Value> = service
        .mounts
        .iter()
        .filter_map(|mount| match mount {
            Mount::Volume { source: Some(key), .. } => Some((key.to_string(), json!(project.volumes.get(key)?.name))),
            Mount::Volume { source: None, .. } | Mount::Bind { .. } | Mount::Tmpfs { .. } => None,
        })
        .collect();
    let configs: Vec<_> = service.configs.iter().map(|grant| project.configs.get(&grant.source)).collect();
    let secrets: Vec<_> = service.secrets.iter().map(|grant| project.secrets.get(&grant.source)).collect();
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
    hash(&Value::Object(distinct(network, &Network::default())))
}

/// The fields of `value` that are not as in `default`.
fn distinct<T: Serialize>(value: &T, default: &T) -> Map<String, Value> {
    let default = fields(default);
    fields(value).into_iter().filter(|(key, value)| default.get(key) != Some(value)).collect()
}

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
    use crate::compose::model::{Attachment, Condition, Dependency, FileGrant, FileSource, PullPolicy};
    use crate::name::{ImageReference, ProjectName};

    fn project() -> (Project, Service) {
        let project = Project {
            name: ProjectName::new("shop").unwrap(),
            working_dir: "/srv/shop".into(),
            files: Vec::new(),
            services: BTreeMap::new(),
            disabled: BTreeMap::new(),
            networks: BTreeMap::from([("default".parse().unwrap(), Network::default())]),
            volumes: BTreeMap::new(),
            configs: BTreeMap::from([("conf".to_owned(), FileSource::Content("a".to_owned()))]),
            secrets: BTreeMap::new(),
        };
        let mut service = Service::new(ImageReference::parse("nginx:1").unwrap());
        service.networks.insert("default".parse().unwrap(), Attachment::default());
        let target = "/conf".to_owned();
        service.configs.push(FileGrant { source: "conf".to_owned(), target, uid: 0, gid: 0, mode: 0o444 });
        (project, service)
    }

    /// A hash that changes here recreates everybody's containers: change [`FORMAT`] on purpose or find out why.
    #[test]
    fn hashes_stay_what_they_are() {
        let (project, service) = project();
        insta::assert_snapshot!(service_hash(&project, &service), @"fbad2dd6756778af57c92597cca410f9df6826c7b1b51dcdcbc7b2ab178aa3a7");
        insta::assert_snapshot!(network_hash(&Network { internal: true, ..Network::default() }), @"000b096fa2adef4cfa6b77a6bbe8d26eb81cb1ba8391b967e62989288a07ecc7");
    }

    #[test]
    fn what_counts() {
        let (project, service) = project();
        let before = service_hash(&project, &service);
        type Change = fn(&mut Service);
        let changes: [(&str, bool, Change); 8] = [
            ("pull_policy", false, |service| service.pull_policy = PullPolicy::Always),
            ("scale", false, |service| service.scale = 3),
            ("attach", false, |service| service.attach = false),
            ("depends_on", false, |service| {
                let dependency = Dependency { condition: Condition::ServiceStarted, restart: true, required: true };
                service.depends_on.insert("db".parse().unwrap(), dependency);
            }),
            ("image", true, |service| service.image = ImageReference::parse("nginx:2").unwrap()),
            ("an emptied command", true, |service| service.command = Some(Vec::new())),
            ("labels", true, |service| drop(service.labels.insert("a".to_owned(), String::new()))),
            ("stop_grace_period", true, |service| service.stop_grace_period = Duration::from_secs(1)),
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
        content.configs.insert("conf".to_owned(), FileSource::Content("b".to_owned()));
        assert_ne!(service_hash(&content, &service), before);
        let mut renamed = project.clone();
        renamed.networks.values_mut().for_each(|network| network.name = "other".to_owned());
        assert_ne!(service_hash(&renamed, &service), before);
    }
}
