//! The hashes that tell whether what exists was made from what the project says now.
//!
//! A hash is the SHA-256 of canonical JSON (sorted keys) that holds only what differs from a default, so that a
//! release which adds a key does not recreate every container on the machine of everybody.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::compose::model::{FileObject, FileSource, Network, Project, Service, Volume};

/// Goes into every hash, and changes only together with the meaning of what is hashed.
const FORMAT: &str = "rcompose 2\n";

/// Keys that say nothing about a container, only about how `up` deals with it.
const NOT_HASHED: &[&str] =
    &["pull_policy", "scale", "depends_on", "attach", "build", "develop", "profiles", "pull_refresh_after"];

/// What something was made from, as it is kept with it: whether that has changed, and which part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Definition {
    /// The hash of all of it: 64 lower-case hexadecimal digits.
    pub hash: String,
    /// A short digest of each field, by its path (`environment.DEBUG`); empty when an earlier version made it.
    pub fields: BTreeMap<String, String>,
}

impl Definition {
    /// That of a container of `service`.
    #[must_use]
    pub fn of_service(project: &Project, service: &Service) -> Self {
        Self { hash: service_hash(project, service), fields: service_fields(project, service) }
    }

    /// That of a network.
    #[must_use]
    pub fn of_network(network: &Network) -> Self {
        Self::of_fields(fields(network))
    }

    /// That of a volume.
    #[must_use]
    pub fn of_volume(volume: &Volume) -> Self {
        let mut own = fields(volume);
        own.retain(|key, _| !key.starts_with("x-"));
        Self::of_fields(own)
    }

    fn of_fields(own: Map<String, Value>) -> Self {
        let mut digests = BTreeMap::new();
        flatten("", &without_nulls(&Value::Object(own.clone())), &mut digests);
        Self { hash: hash(&Value::Object(own)), fields: digests }
    }

    /// What is another in one made from `now`; `None` when nothing is, an empty list when it cannot be said what.
    ///
    /// The content of a file that cannot be read now counts as what it was: whoever needs the file says what is wrong with it.
    #[must_use]
    pub fn changes(&self, now: &Self) -> Option<Vec<String>> {
        if self.hash == now.hash {
            return None;
        }
        if self.fields.is_empty() {
            return Some(Vec::new());
        }
        let names: BTreeSet<&String> = self.fields.keys().chain(now.fields.keys()).collect();
        let mut lost = false;
        let mut changed: Vec<String> = Vec::new();
        for name in names {
            match (self.fields.get(name), now.fields.get(name)) {
                (before, after) if before == after => {}
                (Some(_), None) if is_unread(name, &now.fields) => lost = true,
                _ => changed.push(name.clone()),
            }
        }
        // What was empty and has got something is told of by that.
        let empty = short(&json!({}));
        let is_empty = |name: &str| [&self.fields, &now.fields].iter().any(|fields| fields.get(name) == Some(&empty));
        let all = changed.clone();
        let is_within = |name: &str| all.iter().any(|other| other.starts_with(&format!("{name}.")));
        changed.retain(|name| !(is_empty(name) && is_within(name)));
        (!changed.is_empty() || !lost).then_some(changed)
    }
}

/// How the name of a field ends that is the content of a config or secret.
const CONTENT: &str = " (content)";

/// Whether a field that is not there is the content of a file that is still named.
fn is_unread(name: &str, now: &BTreeMap<String, String>) -> bool {
    name.strip_suffix(CONTENT).is_some_and(|object| now.contains_key(&format!("{object}.file")))
}

/// The digest of the content of a config or secret: 64 lower-case hexadecimal digits.
#[must_use]
pub fn content_digest(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

/// The hash of everything that a container of `service` is made from, but for the content of its image: 64 lower-case
/// hexadecimal digits. Counts the content of configs and secrets, of files as far as the project knows it.
#[must_use]
pub fn service_hash(project: &Project, service: &Service) -> String {
    let source = |object: Option<&FileObject>| match object.and_then(FileObject::source) {
        Some(FileSource::File(path)) => match project.file_digests.get(&path) {
            Some(digest) => json!({ "file": path, "digest": digest }),
            None => json!({ "file": path }),
        },
        source => json!(source),
    };
    let configs: Vec<_> = service.configs.iter().map(|grant| project.configs.get(&grant.source)).map(source).collect();
    let secrets: Vec<_> = service.secrets.iter().map(|grant| project.secrets.get(&grant.source)).map(source).collect();
    hash(&json!({
        "service": counted(service),
        "networks": network_names(project, service),
        "volumes": volume_names(project, service),
        "configs": configs,
        "secrets": secrets,
    }))
}

/// The digests of what [`service_hash`] is the hash of.
fn service_fields(project: &Project, service: &Service) -> BTreeMap<String, String> {
    let mut digests = BTreeMap::new();
    flatten("", &without_nulls(&Value::Object(counted(service))), &mut digests);
    for (section, names) in [("networks", network_names(project, service)), ("volumes", volume_names(project, service))]
    {
        digests.extend(names.iter().map(|(key, name)| (format!("{section}.{key}.name"), short(name))));
    }
    let configs = service.configs.iter().map(|grant| ("configs", grant, project.configs.get(&grant.source)));
    let secrets = service.secrets.iter().map(|grant| ("secrets", grant, project.secrets.get(&grant.source)));
    for (section, grant, object) in configs.chain(secrets) {
        let name = format!("{section}.{}", grant.source);
        let content = match object.and_then(FileObject::source) {
            Some(FileSource::File(path)) => {
                digests.insert(format!("{name}.file"), short(&json!(path)));
                project.file_digests.get::<Path>(&path).cloned()
            }
            Some(FileSource::Content(text)) => Some(content_digest(text.as_bytes())),
            None => None,
        };
        digests.extend(content.map(|digest| (name + CONTENT, digest[..SHORT].to_owned())));
    }
    digests
}

/// What counts of a service's own keys.
fn counted(service: &Service) -> Map<String, Value> {
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
    own
}

fn network_names(project: &Project, service: &Service) -> Map<String, Value> {
    let keys = service.networks.keys();
    keys.filter_map(|key| Some((key.to_string(), json!(project.networks.get(key)?.name)))).collect()
}

fn volume_names(project: &Project, service: &Service) -> Map<String, Value> {
    let keys = service.named_volumes();
    keys.filter_map(|key| Some((key.to_string(), json!(project.volumes.get(key)?.name)))).collect()
}

/// Hexadecimal digits of the digest of a field: it tells one value from the next, and nothing depends on more.
const SHORT: usize = 16;

fn short(value: &Value) -> String {
    content_digest(value.to_string().as_bytes())[..SHORT].to_owned()
}

/// Digests what is in `value` at every depth; lists count as a whole.
fn flatten(path: &str, value: &Value, digests: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&path, value, digests);
            }
        }
        _ if path.is_empty() => {}
        _ => drop(digests.insert(path.to_owned(), short(value))),
    }
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
        let network = Network { internal: true, ..Network::default() };
        insta::assert_snapshot!(Definition::of_network(&network).hash, @"2d1fdcf4a31908b74bac89a3786f1a5d389fce331b3cd01f66a593bfac6f1842");
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

    /// What is said to have changed from `before` to `after`.
    fn changes(before: &(Project, Service), after: &(Project, Service)) -> Option<String> {
        let of = |(project, service): &(Project, Service)| Definition::of_service(project, service);
        of(before).changes(&of(after)).map(|fields| fields.join(", "))
    }

    #[test]
    fn what_changed_is_named() {
        let before = project();
        type Change = fn(&mut Project, &mut Service);
        let changes_of: [(Option<&str>, Change); 9] = [
            (None, |_, service| service.scale = Some(3)),
            (Some("image"), |_, service| service.image = ImageReference::parse("nginx:2").unwrap()),
            (Some("command, environment.DEBUG"), |_, service| {
                service.environment.insert("DEBUG".to_owned(), "1".to_owned());
                service.command = Some(Vec::new());
            }),
            (Some("labels.a.b"), |_, service| drop(service.labels.insert("a.b".to_owned(), String::new()))),
            (Some("networks.default.aliases"), |_, service| {
                service.networks.values_mut().for_each(|attachment| attachment.aliases.push("other".to_owned()));
            }),
            (Some("networks.default.name"), |project, _| {
                project.networks.values_mut().for_each(|network| network.name = "other".to_owned());
            }),
            (Some("configs.conf (content)"), |project, _| {
                project.configs.insert("conf".to_owned(), FileObject::with_content("b"));
            }),
            (Some("configs"), |_, service| service.configs[0].mode = 0o400),
            (Some("configs, configs.conf (content)"), |_, service| service.configs.clear()),
        ];
        for (expected, change) in changes_of {
            let mut after = before.clone();
            change(&mut after.0, &mut after.1);
            assert_eq!(changes(&before, &after).as_deref(), expected);
        }
    }

    #[test]
    fn the_content_of_files_counts_as_far_as_it_is_known() {
        let with = |digest: Option<&str>| {
            let (mut project, service) = project();
            let file = FileObject { file: Some("/conf".into()), ..FileObject::default() };
            project.configs.insert("conf".to_owned(), file);
            project.file_digests.extend(digest.map(|text| ("/conf".into(), content_digest(text.as_bytes()))));
            (project, service)
        };
        assert_eq!(changes(&with(Some("a")), &with(Some("a"))), None);
        assert_eq!(changes(&with(Some("a")), &with(Some("b"))).as_deref(), Some("configs.conf (content)"));
        assert_eq!(changes(&with(None), &with(Some("b"))).as_deref(), Some("configs.conf (content)"));
        // Whoever mounts it says that it is gone; until then what runs goes on.
        assert_eq!(changes(&with(Some("a")), &with(None)), None);
        let mut other = with(None);
        other.1.image = ImageReference::parse("nginx:2").unwrap();
        assert_eq!(changes(&with(Some("a")), &other).as_deref(), Some("image"));
    }

    #[test]
    fn what_an_earlier_version_made_has_changed_somehow() {
        let (project, service) = project();
        let now = Definition::of_service(&project, &service);
        let earlier = Definition { hash: "0".to_owned(), ..Definition::default() };
        assert_eq!(earlier.changes(&now), Some(Vec::new()));
    }
}
