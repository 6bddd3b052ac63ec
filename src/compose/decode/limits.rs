//! How many containers, how often they restart and what they may use: service keys and their twins under `deploy`.

use std::collections::BTreeMap;

use super::field::{Field, Object};
use super::keys;
use crate::compose::diagnostic::DiagnosticKind;
use crate::compose::model::{Restart, Ulimit};
use crate::compose::units;

/// What the two places say together.
#[derive(Debug)]
pub(super) struct Limits {
    pub(super) scale: u32,
    /// `deploy.restart_policy`, which wins over `restart`.
    pub(super) restart: Option<Restart>,
    pub(super) mem_limit: Option<u64>,
    pub(super) nano_cpus: Option<u64>,
    pub(super) pids_limit: Option<i64>,
    pub(super) ulimits: BTreeMap<String, Ulimit>,
}

/// Decodes both places; values that differ are a mistake.
pub(super) fn limits(service: &Object<'_>) -> Limits {
    let deploy = service.object("deploy", &keys::DEPLOY);
    let resources = deploy.and_then(|deploy| deploy.object("resources", &keys::RESOURCES));
    let limits = resources.and_then(|resources| resources.object("limits", &keys::LIMITS));
    let restart = deploy.and_then(|deploy| deploy.object("restart_policy", &keys::RESTART_POLICY));
    let count = |field: Field<'_>| field.number::<u32>("a number of containers");
    let size = |field: Field<'_>| field.parse(units::bytes);
    let processors = |field: Field<'_>| field.parse(units::nano_cpus);
    let pids = |field: Field<'_>| field.number::<i64>("a number of processes");
    Limits {
        scale: same(service, "scale", twin(deploy, "replicas"), "deploy.replicas", count).unwrap_or(1),
        restart: restart.and_then(|policy| restart_policy(&policy)),
        mem_limit: same(service, "mem_limit", twin(limits, "memory"), "deploy.resources.limits.memory", size)
            .filter(|bytes| *bytes > 0),
        nano_cpus: same(service, "cpus", twin(limits, "cpus"), "deploy.resources.limits.cpus", processors)
            .filter(|cpus| *cpus > 0),
        pids_limit: same(service, "pids_limit", twin(limits, "pids"), "deploy.resources.limits.pids", pids)
            .filter(|pids| *pids != 0),
        ulimits: service.get("ulimits").map(ulimits).unwrap_or_default(),
    }
}

fn twin<'a>(object: Option<Object<'a>>, key: &'static str) -> Option<Field<'a>> {
    object?.get(key)
}

fn same<T: PartialEq>(
    service: &Object<'_>,
    key: &'static str,
    twin: Option<Field<'_>>,
    path: &str,
    decode: impl Fn(Field<'_>) -> Option<T>,
) -> Option<T> {
    let own = service.get(key);
    let (value, other) = (own.and_then(&decode), twin.and_then(&decode));
    if let (Some(first), Some(second), Some(field), Some(twin)) = (&value, &other, own, twin)
        && first != second
    {
        let kind = DiagnosticKind::Conflict(format!("{}: `{key}` and `{path}` differ", service.place));
        service.report.error_with_label(twin.node.origin, kind, (field.node.origin, "the other value"));
    }
    value.or(other)
}

fn restart_policy(policy: &Object<'_>) -> Option<Restart> {
    let attempts = policy.get("max_attempts").and_then(|field| field.number::<u32>("a number of attempts"));
    let max_attempts = attempts.filter(|attempts| *attempts > 0);
    match policy.get("condition").map(|field| (field, field.text())) {
        None | Some((_, Some("any"))) => Some(Restart::Always),
        Some((_, Some("none"))) => Some(Restart::No),
        Some((_, Some("on-failure"))) => Some(Restart::OnFailure { max_attempts }),
        Some((field, text)) => {
            if text.is_some() {
                field.invalid("must be `none`, `on-failure` or `any`");
            }
            None
        }
    }
}

fn ulimits(field: Field<'_>) -> BTreeMap<String, Ulimit> {
    let limit = |field: Field<'_>| field.number::<i64>("a number, -1 for no limit");
    let mut ulimits = BTreeMap::new();
    for (name, field) in field.entries() {
        let ulimit = if field.node.entries().is_some() {
            field.object(&keys::ULIMIT).and_then(|object| {
                let (soft, hard) = (object.get("soft"), object.get("hard"));
                if soft.is_none() || hard.is_none() {
                    field.invalid("needs `soft` and `hard`");
                }
                Some(Ulimit { soft: limit(soft?)?, hard: limit(hard?)? })
            })
        } else {
            limit(field).map(|both| Ulimit { soft: both, hard: both })
        };
        ulimits.extend(ulimit.map(|ulimit| (name.to_ascii_lowercase(), ulimit)));
    }
    ulimits
}
