//! A project as Compose text again: what `config` prints.
//!
//! The long form of everything, every name and path resolved, `$` doubled so that the text loads to the same project.

mod yaml;

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::compose::model::{
    Attachment, FileGrant, FileSource, Healthcheck, Mount, Network, NetworkMode, Port, Probe, Project, Propagation,
    Restart, Service, Volume,
};
use crate::compose::units::format_duration;

/// The project as YAML, laid out as docker compose does.
#[must_use]
pub fn to_yaml(project: &Project) -> String {
    let mut output = String::new();
    for (key, value) in sections(project) {
        let _ = write!(output, "{key}:");
        yaml::write(&mut output, &value, 2);
    }
    output
}

/// The project as JSON.
#[must_use]
pub fn to_json(project: &Project) -> String {
    let object: Map<String, Value> =
        sections(project).into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    format!("{:#}", Value::Object(object))
}

/// The top-level keys, in the order people read them.
fn sections(project: &Project) -> Vec<(&'static str, Value)> {
    let mut sections = vec![
        ("name", text(project.name.as_str())),
        ("services", object(&project.services, service)),
        ("networks", object(&project.networks, network)),
        ("volumes", object(&project.volumes, volume)),
        ("configs", object(&project.configs, source)),
        ("secrets", object(&project.secrets, source)),
    ];
    sections.retain(|(key, value)| *key == "services" || value.as_object().is_none_or(|map| !map.is_empty()));
    sections
}

fn text(text: &str) -> Value {
    Value::String(text.replace('$', "$$"))
}

fn list<'a>(items: impl IntoIterator<Item = &'a String>) -> Value {
    items.into_iter().map(|item| text(item)).collect()
}

fn object<K: ToString, T>(entries: &BTreeMap<K, T>, value: impl Fn(&T) -> Value) -> Value {
    Value::Object(entries.iter().map(|(key, entry)| (key.to_string(), value(entry))).collect())
}

fn texts(entries: &BTreeMap<String, String>) -> Value {
    object(entries, |value| text(value))
}

/// Entries that say something: no null, no empty list, mapping or `false`.
fn said(entries: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let empty = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        _ => false,
    };
    let kept = entries.into_iter().filter(|(_, value)| !empty(value));
    Value::Object(kept.map(|(key, value)| (key.to_owned(), value)).collect())
}

fn optional<T>(value: Option<&T>, make: impl Fn(&T) -> Value) -> Value {
    value.map_or(Value::Null, make)
}

fn service(service: &Service) -> Value {
    let string = |value: &String| text(value);
    let mut value = said([
        ("cap_add", list(&service.cap_add)),
        ("cap_drop", list(&service.cap_drop)),
        ("configs", service.configs.iter().map(grant).collect()),
        ("container_name", optional(service.container_name.as_ref(), |name| text(name.as_str()))),
        ("cpus", optional(service.nano_cpus.as_ref(), |nanos| json!(*nanos as f64 / 1e9))),
        ("depends_on", depends_on(service)),
        ("dns", list(&service.dns)),
        ("dns_opt", list(&service.dns_opt)),
        ("dns_search", list(&service.dns_search)),
        ("domainname", optional(service.domainname.as_ref(), string)),
        ("environment", texts(&service.environment)),
        ("extra_hosts", object(&service.extra_hosts, |addresses| list(addresses))),
        ("group_add", list(&service.group_add)),
        ("healthcheck", optional(service.healthcheck.as_ref(), healthcheck)),
        ("hostname", optional(service.hostname.as_ref(), string)),
        ("image", text(&service.image.to_string())),
        ("init", json!(service.init)),
        ("labels", texts(&service.labels)),
        ("mem_limit", optional(service.mem_limit.as_ref(), |bytes| json!(bytes.to_string()))),
        ("network_mode", optional(service.network_mode.as_ref(), network_mode)),
        ("networks", object(&service.networks, attachment)),
        ("pids_limit", json!(service.pids_limit)),
        ("ports", service.ports.iter().map(port).collect()),
        (
            "pull_policy",
            if service.pull_policy == Default::default() { Value::Null } else { json!(service.pull_policy) },
        ),
        ("read_only", json!(service.read_only)),
        ("restart", restart(service.restart)),
        ("scale", if service.scale == 1 { Value::Null } else { json!(service.scale) }),
        ("secrets", service.secrets.iter().map(grant).collect()),
        ("shm_size", optional(service.shm_size.as_ref(), |bytes| json!(bytes.to_string()))),
        ("stop_grace_period", json!(format_duration(service.stop_grace_period))),
        ("stop_signal", optional(service.stop_signal.as_ref(), string)),
        ("sysctls", texts(&service.sysctls)),
        ("tmpfs", service.mounts.iter().filter_map(tmpfs).collect()),
        ("ulimits", object(&service.ulimits, |limit| json!({"soft": limit.soft, "hard": limit.hard}))),
        ("user", optional(service.user.as_ref(), string)),
        ("volumes", service.mounts.iter().filter_map(mount).collect()),
        ("working_dir", optional(service.working_dir.as_ref(), string)),
        ("x-rcompose", said([("strict_health", json!(service.strict_health))])),
    ]);
    if !service.attach {
        value["attach"] = json!(false);
    }
    // An empty list empties what the image has; leaving it out would not.
    for (key, words) in [("command", &service.command), ("entrypoint", &service.entrypoint)] {
        if let Some(words) = words {
            value[key] = list(words);
        }
    }
    value
}

fn depends_on(service: &Service) -> Value {
    object(&service.depends_on, |dependency| {
        let mut value = json!({"condition": dependency.condition, "required": dependency.required});
        if dependency.restart {
            value["restart"] = json!(true);
        }
        value
    })
}

fn healthcheck(check: &Healthcheck) -> Value {
    let test = optional(check.test.as_ref(), |probe| match probe {
        Probe::Command(words) => std::iter::once(json!("CMD")).chain(words.iter().map(|word| text(word))).collect(),
        Probe::Shell(command) => json!(["CMD-SHELL", text(command)]),
        Probe::None => json!(["NONE"]),
    });
    let duration = |duration: Option<std::time::Duration>| json!(duration.map(format_duration));
    said([
        ("test", test),
        ("interval", duration(check.interval)),
        ("timeout", duration(check.timeout)),
        ("retries", json!(check.retries)),
        ("start_period", duration(check.start_period)),
        ("start_interval", duration(check.start_interval)),
    ])
}

fn restart(restart: Restart) -> Value {
    match restart {
        Restart::No => Value::Null,
        Restart::Always => json!("always"),
        Restart::UnlessStopped => json!("unless-stopped"),
        Restart::OnFailure { max_attempts: None } => json!("on-failure"),
        Restart::OnFailure { max_attempts: Some(attempts) } => json!(format!("on-failure:{attempts}")),
    }
}

fn port(port: &Port) -> Value {
    let published = port.published.map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    said([
        ("mode", json!("ingress")),
        ("host_ip", json!(port.host_ip)),
        ("target", json!(port.target)),
        ("published", json!(published)),
        ("protocol", json!(port.protocol)),
    ])
}

fn mount(mount: &Mount) -> Option<Value> {
    match mount {
        Mount::Bind { source, target, read_only, create_host_path, propagation } => {
            let propagation = if *propagation == Propagation::default() { Value::Null } else { json!(propagation) };
            let create = if *create_host_path { Value::Null } else { json!(false) };
            let mut value = said([
                ("type", json!("bind")),
                ("source", text(&source.display().to_string())),
                ("target", text(target)),
                ("read_only", json!(read_only)),
                ("bind", said([("propagation", propagation)])),
            ]);
            if !create.is_null() {
                value["bind"]["create_host_path"] = create;
            }
            Some(value)
        }
        Mount::Volume { source, target, read_only, nocopy } => Some(said([
            ("type", json!("volume")),
            ("source", json!(source)),
            ("target", text(target)),
            ("read_only", json!(read_only)),
            ("volume", said([("nocopy", json!(nocopy))])),
        ])),
        Mount::Tmpfs { .. } => None,
    }
}

/// One form for both ways to write a tmpfs: it has all options.
fn tmpfs(mount: &Mount) -> Option<Value> {
    let Mount::Tmpfs { target, size, mode, options } = mount else { return None };
    let mut all: Vec<String> = size.iter().map(|size| format!("size={size}")).collect();
    all.extend(mode.map(|mode| format!("mode={mode:o}")));
    all.extend(options.iter().cloned());
    Some(text(&if all.is_empty() { target.clone() } else { format!("{target}:{}", all.join(",")) }))
}

fn grant(grant: &FileGrant) -> Value {
    let id = |id: u32| if id == 0 { Value::Null } else { json!(id.to_string()) };
    said([
        ("source", text(&grant.source)),
        ("target", text(&grant.target)),
        ("uid", id(grant.uid)),
        ("gid", id(grant.gid)),
        (
            "mode",
            if grant.mode == 0o444 { Value::Null } else { json!(format!("{:#05o}", grant.mode).replace("0o", "0")) },
        ),
    ])
}

fn network_mode(mode: &NetworkMode) -> Value {
    json!(mode)
}

fn attachment(attachment: &Attachment) -> Value {
    let order = |number: i32| if number == 0 { Value::Null } else { json!(number) };
    let value = said([
        ("aliases", list(&attachment.aliases)),
        ("ipv4_address", json!(attachment.ipv4_address)),
        ("mac_address", json!(attachment.mac_address)),
        ("priority", order(attachment.priority)),
        ("gw_priority", order(attachment.gw_priority)),
    ]);
    if value.as_object().is_some_and(Map::is_empty) { Value::Null } else { value }
}

fn network(network: &Network) -> Value {
    let config = said([("subnet", json!(network.subnet)), ("gateway", json!(network.gateway))]);
    let config = if config.as_object().is_some_and(Map::is_empty) { json!([]) } else { json!([config]) };
    said([
        ("name", text(&network.name)),
        ("driver_opts", texts(&network.driver_opts)),
        ("external", json!(network.external)),
        ("internal", json!(network.internal)),
        ("ipam", said([("config", config)])),
        ("labels", texts(&network.labels)),
    ])
}

fn volume(volume: &Volume) -> Value {
    said([("name", text(&volume.name)), ("external", json!(volume.external)), ("labels", texts(&volume.labels))])
}

fn source(source: &FileSource) -> Value {
    match source {
        FileSource::File(path) => json!({"file": text(&path.display().to_string())}),
        FileSource::Content(content) => json!({"content": text(content)}),
    }
}
