//! A service.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::field::{Field, Object, Place};
use super::{Context, environment, file, healthcheck, keys, limits, mount, name, network, port};
use crate::compose::diagnostic::DiagnosticKind;
use crate::compose::model::{Condition, Dependency, PullPolicy, Restart, Service};
use crate::compose::units;
use crate::name::{ContainerName, ImageReference, ServiceName};

/// Docker's grace period.
const STOP_GRACE_PERIOD: Duration = Duration::from_secs(10);

/// Decodes a service; `None` when it has no usable image.
pub(super) fn service(field: Field<'_>, key: &str, context: &Context<'_>) -> Option<Service> {
    let place = Place { kind: "service", name: key, within: "" };
    let object = field.object_at(place, &keys::SERVICE)?;
    only_default(&object);
    if !object.has("image") && !object.has("build") {
        let text = format!("service `{key}` has neither an image nor a build context");
        context.report.error(field.at, DiagnosticKind::Missing(text));
    }
    // The profiles themselves were applied before; here they are only checked.
    object.strings("profiles");
    if let Some(expose) = object.get("expose") {
        expose.items().into_iter().for_each(|item| {
            item.text();
        });
    }
    let limits = limits::limits(&object);
    let image = object.get("image").and_then(|image| image.string().map(|text| (image, text)));
    let image =
        image.and_then(|(field, text)| ImageReference::parse(&text).map_err(|error| field.invalid(error.rule)).ok());
    let container_name = object.get("container_name").and_then(|field| field.string().map(|text| (field, text)));
    let container_name = container_name
        .and_then(|(field, text)| ContainerName::new(text).map_err(|error| field.invalid(error.rule)).ok());
    if let (true, Some(field)) = (limits.scale > 1, object.get("container_name")) {
        field.invalid("a service with a container name cannot have more than one container");
    }
    let extension = object.object("x-rcompose", &keys::EXTENSION);
    Some(Service {
        pull_policy: object.parse("pull_policy", pull_policy).unwrap_or_default(),
        command: words(&object, "command"),
        entrypoint: words(&object, "entrypoint"),
        environment: environment::environment(&object, context),
        working_dir: object.string("working_dir"),
        user: object.get("user").and_then(Field::text).map(str::to_owned),
        group_add: texts(&object, "group_add"),
        hostname: object.string("hostname"),
        domainname: object.string("domainname"),
        container_name,
        init: object.boolean("init").unwrap_or(false),
        read_only: object.boolean("read_only").unwrap_or(false),
        scale: limits.scale,
        attach: object.boolean("attach").unwrap_or(true),
        restart: limits.restart.or(object.parse("restart", restart)).unwrap_or_default(),
        stop_signal: object.get("stop_signal").and_then(Field::text).map(str::to_owned),
        stop_grace_period: object.get("stop_grace_period").and_then(duration).unwrap_or(STOP_GRACE_PERIOD),
        depends_on: dependencies(&object),
        healthcheck: object
            .object("healthcheck", &keys::HEALTHCHECK)
            .and_then(|object| healthcheck::healthcheck(&object)),
        strict_health: extension.and_then(|extension| extension.boolean("strict_health")).unwrap_or(false),
        ports: port::ports(&object),
        mounts: mount::mounts(&object, context),
        network_mode: network::mode(&object),
        networks: network::attachments(&object),
        extra_hosts: extra_hosts(&object),
        dns: addresses(&object, "dns"),
        dns_search: object.strings("dns_search"),
        dns_opt: object.strings("dns_opt"),
        labels: object.texts("labels"),
        configs: file::grants(&object, "configs", "/"),
        secrets: file::grants(&object, "secrets", "/run/secrets/"),
        cap_add: capabilities(&object, "cap_add"),
        cap_drop: capabilities(&object, "cap_drop"),
        sysctls: object.texts("sysctls"),
        ulimits: limits.ulimits,
        shm_size: object.parse("shm_size", units::bytes),
        mem_limit: limits.mem_limit,
        nano_cpus: limits.nano_cpus,
        pids_limit: limits.pids_limit,
        image: image?,
    })
}

/// Keys of which only the default is supported yet.
fn only_default(object: &Object<'_>) {
    for key in ["privileged", "stdin_open", "tty"] {
        if let Some(field) = object.get(key).filter(|field| field.boolean() == Some(true)) {
            field.not_supported();
        }
    }
    if let Some(field) = object.get("platform").filter(|field| field.text().is_some_and(|text| text != "linux/amd64")) {
        field.not_supported();
    }
}

fn words(object: &Object<'_>, key: &'static str) -> Option<Vec<String>> {
    Some(object.get(key)?.strings())
}

fn texts(object: &Object<'_>, key: &'static str) -> Vec<String> {
    let items = object.get(key).map(Field::items).unwrap_or_default();
    items.into_iter().filter_map(Field::text).map(str::to_owned).collect()
}

fn addresses(object: &Object<'_>, key: &'static str) -> Vec<String> {
    let items = object.get(key).map(Field::items).unwrap_or_default();
    items.into_iter().filter_map(|item| item.parse(str::parse::<IpAddr>)).map(|address| address.to_string()).collect()
}

fn capabilities(object: &Object<'_>, key: &'static str) -> Vec<String> {
    let plain = |name: String| {
        let upper = name.to_ascii_uppercase();
        upper.strip_prefix("CAP_").map_or(upper.clone(), str::to_owned)
    };
    object.strings(key).into_iter().map(plain).collect()
}

/// A duration, which must be a string: a number has no unit.
pub(super) fn duration(field: Field<'_>) -> Option<Duration> {
    if field.node.text().is_some_and(|text| text.parse::<f64>().is_ok()) {
        let help = format!("give it a unit: `{}s`", field.node.text().unwrap_or_default());
        field.wrong_type_with_help("a string", Some(help));
        return None;
    }
    let text = field.string()?;
    units::duration(&text).map_err(|error| field.invalid(error)).ok()
}

fn dependencies(object: &Object<'_>) -> BTreeMap<ServiceName, Dependency> {
    let entries = object.get("depends_on").map(Field::entries).unwrap_or_default();
    let mut dependencies = BTreeMap::new();
    for (key, field) in entries {
        let Some(entry) = field.object(&keys::DEPENDENCY) else { continue };
        if !entry.has("condition") {
            entry.missing("condition");
        }
        let dependency = Dependency {
            condition: entry.parse("condition", condition).unwrap_or(Condition::ServiceStarted),
            restart: entry.boolean("restart").unwrap_or(false),
            required: entry.boolean("required").unwrap_or(true),
        };
        if let Some(name) = name(&field, key, ServiceName::new) {
            dependencies.insert(name, dependency);
        }
    }
    dependencies
}

fn extra_hosts(object: &Object<'_>) -> BTreeMap<String, Vec<String>> {
    let entries = object.get("extra_hosts").map(Field::entries).unwrap_or_default();
    let address = |text: &str| match text {
        "host-gateway" => Ok(text.to_owned()),
        _ => text.parse::<IpAddr>().map(|address| address.to_string()),
    };
    let host = |(key, field): (&str, Field<'_>)| {
        (key.to_owned(), field.items().into_iter().filter_map(|item| item.parse(address)).collect())
    };
    entries.into_iter().map(host).collect()
}

fn condition(text: &str) -> Result<Condition, &'static str> {
    match text {
        "service_started" => Ok(Condition::ServiceStarted),
        "service_healthy" => Ok(Condition::ServiceHealthy),
        "service_completed_successfully" => Ok(Condition::ServiceCompletedSuccessfully),
        _ => Err("must be `service_started`, `service_healthy` or `service_completed_successfully`"),
    }
}

fn pull_policy(text: &str) -> Result<PullPolicy, &'static str> {
    match text {
        "always" => Ok(PullPolicy::Always),
        "never" => Ok(PullPolicy::Never),
        "missing" | "if_not_present" => Ok(PullPolicy::Missing),
        "build" | "refresh" | "daily" | "weekly" => Err("this policy is not supported yet"),
        _ => Err("must be `always`, `missing` or `never`"),
    }
}

fn restart(text: &str) -> Result<Restart, String> {
    let (policy, attempts) = match text.split_once(':') {
        Some((policy, attempts)) => (policy, Some(attempts)),
        None => (text, None),
    };
    match (policy, attempts) {
        ("no", None) => Ok(Restart::No),
        ("always", None) => Ok(Restart::Always),
        ("unless-stopped", None) => Ok(Restart::UnlessStopped),
        ("on-failure", None) => Ok(Restart::OnFailure { max_attempts: None }),
        ("on-failure", Some(attempts)) => {
            let attempts: u32 = attempts.parse().map_err(|_| format!("`{attempts}` is not a number of attempts"))?;
            Ok(Restart::OnFailure { max_attempts: (attempts > 0).then_some(attempts) })
        }
        _ => Err("must be `no`, `always`, `unless-stopped` or `on-failure[:ATTEMPTS]`".to_owned()),
    }
}
