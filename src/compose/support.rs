//! What of the format rcompose does nothing about yet, and what has no meaning here at all.
//!
//! `config` shows everything. A command that runs containers refuses what is not done yet, for the services it is
//! about: an attribute is obeyed, or refused, or listed here as without effect; never passed over in silence.

use std::collections::{BTreeMap, BTreeSet};

use super::diagnostic::{Diagnostic, DiagnosticKind, Severity};
use super::model::Project;
use super::model::network_options::{ENDPOINT_OPTIONS, NETWORK_OPTIONS};
use super::node::{Node, Value};
use super::report::{Origin, Report};
use crate::name::ServiceName;

pub(super) mod machine;
mod networks;
mod sysctls;
mod values;

/// What becomes of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It is refused: a container without it would be another one.
    NotYet,
    /// Nothing, and this is why.
    None(&'static str),
    /// It is refused: no container can be made with such a value, and this is what one may be.
    Impossible(&'static str),
    /// What the machine says that runs it. See `machine`.
    OfMachine,
}

/// For which values of an attribute a rule holds. A value that says nothing (null, `false`, empty) is never meant.
#[derive(Debug, Clone, Copy)]
pub(super) enum When {
    Given,
    /// Any other than these.
    Unless(&'static [&'static str]),
    /// One of these; `false` too.
    Is(&'static [&'static str]),
    /// Keys other than these.
    OtherKeys(&'static [&'static str]),
    /// Keys of which this is true.
    Keys(fn(&str) -> bool),
    Holds(fn(&str) -> bool),
    /// Of which this is true as a whole.
    Whole(fn(&Node) -> bool),
}

impl When {
    /// Whether a rule about keys is about this one.
    fn means_key(self, name: &str) -> bool {
        match self {
            OtherKeys(known) => !known.contains(&name),
            Keys(holds) => holds(name),
            _ => false,
        }
    }
}

impl Effect {
    /// Whether nothing is run because of it.
    pub(super) fn refuses(self) -> bool {
        !matches!(self, Self::None(_) | Self::OfMachine)
    }
}

const SWARM: Effect = Effect::None("it is for swarms");
const WINDOWS: Effect = Effect::None("it is for Windows");
const PEOPLE: Effect = Effect::None("it is for people to read");
use Effect::{NotYet, OfMachine};
use When::{Given, Holds, Is, Keys, OtherKeys, Unless, Whole};

/// The platforms whose images run here.
const PLATFORMS: &[&str] = if cfg!(target_arch = "aarch64") {
    &["linux", "linux/arm64", "linux/arm64/v8", "linux/aarch64"]
} else {
    &["linux", "linux/amd64", "linux/x86_64"]
};

/// By place: `*` is any key, and any item of a list.
#[rustfmt::skip]
pub(super) const RULES: &[(&str, When, Effect)] = &[
    ("services.*.build.isolation", Given, WINDOWS),
    ("services.*.build.provenance", Unless(&["false"]), Effect::None("no attestation is made")),
    ("services.*.build.sbom", Unless(&["false"]), Effect::None("no bill of materials is made")),
    ("services.*.cpu_count", Given, WINDOWS),
    ("services.*.cpu_percent", Given, WINDOWS),
    ("services.*.credential_spec", Given, WINDOWS),
    ("services.*.deploy.endpoint_mode", Given, SWARM),
    ("services.*.deploy.labels", Given, SWARM),
    ("services.*.deploy.mode", Unless(&["replicated"]), SWARM),
    ("services.*.deploy.placement", Given, SWARM),
    ("services.*.deploy.resources.limits.devices", Given, NotYet),
    ("services.*.deploy.resources.limits.generic_resources", Given, SWARM),
    ("services.*.deploy.resources.reservations.cpus", Given, SWARM),
    ("services.*.deploy.resources.reservations.generic_resources", Given, SWARM),
    ("services.*.deploy.resources.reservations.pids", Given, SWARM),
    ("services.*.deploy.rollback_config.failure_action", Unless(&["continue", "pause"]), Effect::Impossible("it is `pause` or `continue`")),
    ("services.*.deploy.update_config.failure_action", Unless(&["continue", "pause", "rollback"]), Effect::Impossible("it is `pause`, `continue` or `rollback`")),
    ("services.*.expose", Given, PEOPLE),
    ("services.*.isolation", Given, WINDOWS),
    ("services.*.logging.driver", Unless(&["journald", "json-file", "local", "none", "syslog"]), NotYet),
    ("services.*.logging.options", OtherKeys(values::LOG_OPTIONS), NotYet),
    ("services.*.logging.options.cache-disabled", Is(&["true"]), NotYet),
    ("services.*.logging.options.compress", Is(&["true"]), Effect::None("rotated logs are kept as they are")),
    ("services.*.logging.options.syslog-format", Unless(&["rfc3164", "rfc5424", "rfc5424micro"]), NotYet),
    ("services.*.networks.*.driver_opts", OtherKeys(ENDPOINT_OPTIONS), Effect::None("no driver here has such an option")),
    ("services.*.oom_score_adj", Holds(|text| text.starts_with('-')), OfMachine),
    ("services.*.platform", Unless(PLATFORMS), NotYet),
    ("services.*.ports.*.app_protocol", Given, PEOPLE),
    ("services.*.ports.*.mode", Unless(&["ingress"]), SWARM),
    ("services.*.pull_policy", Unless(&["always", "build", "if_not_present", "missing", "never"]), NotYet),
    ("services.*.pull_refresh_after", Given, Effect::None("it goes with `pull_policy: refresh`")),
    ("services.*.runtime", Holds(|_| true), OfMachine),
    ("services.*.security_opt.*", Holds(values::needs_security_module), OfMachine),
    ("services.*.storage_opt.size", Holds(|_| true), OfMachine),
    ("services.*.use_api_socket", Given, Effect::Impossible("there is no daemon here whose API a container could use: give it the socket of one with `volumes`, if one runs beside")),
    ("services.*.volumes.*.bind.selinux", Given, Effect::None("nothing is labelled for SELinux")),
    ("services.*.volumes.*.consistency", Given, Effect::None("it is for Docker Desktop")),
    ("services.*.volumes.*.type", Unless(&["bind", "image", "tmpfs", "volume"]), NotYet),
    ("services.*.volumes.*.volume.labels", Given, NotYet),
    ("services.*.x-rcompose.network.delay", Unless(&["0s"]), OfMachine),
    ("services.*.x-rcompose.network.loss", Unless(&["0%"]), OfMachine),
    ("services.*.x-rcompose.network.rate.*", Unless(&[]), OfMachine),
    ("networks.*.attachable", Given, SWARM),
    ("networks.*.driver", Unless(&["bridge", "default", "host", "ipvlan", "macvlan", "none", "null"]), Effect::Impossible("there are the drivers bridge, macvlan, ipvlan, host and none")),
    ("networks.*.driver_opts", OtherKeys(NETWORK_OPTIONS), Effect::None("no driver here has such an option")),
    ("networks.*.ipam.driver", Unless(&["default"]), Effect::Impossible("addresses are given out by `default` alone")),
    ("networks.*.ipam.options", Given, Effect::None("what gives out addresses has no options")),
    ("volumes.*.driver", Unless(&["local"]), NotYet),
    ("volumes.*.driver_opts", Given, NotYet),
    ("configs.*.external", Given, NotYet),
    ("configs.*.labels", Given, SWARM),
    ("configs.*.template_driver", Given, NotYet),
    ("secrets.*.driver", Given, NotYet),
    ("secrets.*.driver_opts", Given, NotYet),
    ("secrets.*.external", Given, NotYet),
    ("secrets.*.labels", Given, SWARM),
    ("secrets.*.template_driver", Given, NotYet),
];

/// Something that a project asks for and does not get.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The section of the file: `services`.
    pub section: &'static str,
    /// The key of the element in it.
    pub element: String,
    /// What becomes of it.
    pub effect: Effect,
    /// The same for people, with its place.
    pub diagnostic: Diagnostic,
}

/// Everything that a project asks for and does not get, in file order.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    found: Vec<Finding>,
    questions: Vec<machine::Question>,
}

impl Findings {
    /// All of it, that of services which nobody starts included.
    #[must_use]
    pub fn all(&self) -> &[Finding] {
        &self.found
    }

    /// What keeps `services` from being run: what is refused of one of them, or of what they use.
    #[must_use]
    pub fn refused(&self, project: &Project, services: &BTreeSet<&ServiceName>) -> Vec<Diagnostic> {
        let mut used: BTreeSet<(&str, &str)> = BTreeSet::new();
        for name in services {
            used.insert(("services", name.as_str()));
            let Some(service) = project.services.get(*name) else { continue };
            used.extend(service.networks.keys().map(|key| ("networks", key.as_str())));
            used.extend(service.named_volumes().map(|key| ("volumes", key.as_str())));
            used.extend(service.configs.iter().map(|grant| ("configs", grant.source.as_str())));
            used.extend(service.secrets.iter().map(|grant| ("secrets", grant.source.as_str())));
        }
        let refused = |finding: &&Finding| {
            finding.effect.refuses() && used.contains(&(finding.section, finding.element.as_str()))
        };
        self.found.iter().filter(refused).map(|finding| finding.diagnostic.clone()).collect()
    }
}

/// The rules of a section by the first key below an element: most keys have none.
type Section = BTreeMap<&'static str, Vec<(&'static str, When, Effect)>>;

/// Finds what a project asks for in vain. `tree` is what the model is decoded from.
pub(super) fn unsupported(tree: &Node, report: &Report) -> Findings {
    let mut sections: BTreeMap<&'static str, Section> = BTreeMap::new();
    for (pattern, when, effect) in RULES.iter().chain(values::RULES) {
        let mut parts = pattern.splitn(4, '.');
        let (Some(section), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let rules = sections.entry(section).or_default().entry(key).or_default();
        rules.push((parts.next().unwrap_or_default(), *when, *effect));
    }
    let (mut found, mut questions) = (Vec::new(), Vec::new());
    for (section, rules) in sections {
        for (element, entry) in tree.get(section).and_then(Node::entries).into_iter().flatten() {
            for (key, entry) in entry.value.entries().into_iter().flatten() {
                for (rest, when, effect) in rules.get(key.as_str()).into_iter().flatten() {
                    let (found, questions) = (&mut found, &mut questions);
                    let (when, effect) = (*when, *effect);
                    let mut walk = Walk { section, element, key, when, effect, report, found, questions };
                    walk.find(&entry.value, entry.key, rest, &format!("{section}.{element}.{key}"));
                }
            }
        }
    }
    if let Some(services) = tree.get("services") {
        for (element, entry) in services.entries().into_iter().flatten() {
            for (key, why) in values::conflicts(&entry.value, services) {
                let at =
                    entry.value.entries().and_then(|entries| entries.get(key)).map_or(entry.key, |entry| entry.key);
                let effect = Effect::Impossible(why);
                let (section, when, found, questions) = ("services", Given, &mut found, &mut questions);
                let mut walk = Walk { section, element, key, when, effect, report, found, questions };
                walk.add(at, format!("services.{element}.{key}"));
            }
        }
    }
    for mistake in networks::mistakes(tree) {
        let kind = DiagnosticKind::InvalidValue { what: format!("`{}`", mistake.path), reason: mistake.reason };
        let diagnostic = report.diagnostic_with_label(mistake.at, kind, mistake.other);
        let effect = Effect::Impossible("a network cannot have it");
        let finding = Finding { section: mistake.section, element: mistake.element, effect, diagnostic };
        found.push((mistake.at, finding));
    }
    found.sort_by_key(|(origin, _)| *origin);
    Findings { found: found.into_iter().map(|(_, finding)| finding).collect(), questions }
}

struct Walk<'a> {
    section: &'static str,
    element: &'a str,
    key: &'a str,
    when: When,
    effect: Effect,
    report: &'a Report,
    found: &'a mut Vec<(Origin, Finding)>,
    questions: &'a mut Vec<machine::Question>,
}

impl Walk<'_> {
    /// Follows `rest` down from `node`, whose key stands at `key`.
    fn find(&mut self, node: &Node, key: Origin, rest: &str, path: &str) {
        if rest.is_empty() {
            return self.check(node, key, path);
        }
        let (first, rest) = rest.split_once('.').unwrap_or((rest, ""));
        match &node.value {
            Value::Mapping(entries) if first == "*" => {
                for (name, entry) in entries {
                    self.find(&entry.value, entry.key, rest, &format!("{path}.{name}"));
                }
            }
            Value::Mapping(entries) => {
                if let Some(entry) = entries.get(first) {
                    self.find(&entry.value, entry.key, rest, &format!("{path}.{first}"));
                }
            }
            Value::Sequence(items) if first == "*" => {
                for (index, item) in items.iter().enumerate() {
                    self.find(item, item.origin, rest, &format!("{path}[{index}]"));
                }
            }
            Value::Sequence(_) | Value::Scalar(_) | Value::Invalid => {}
        }
    }

    fn check(&mut self, node: &Node, key: Origin, path: &str) {
        let text = if says_something(node) { node.text() } else { None };
        let of_value = match (self.when, &node.value) {
            (Given, _) if says_something(node) => return self.add(key, path.to_owned()),
            (Unless(others), _) => text.filter(|text| !others.contains(text)),
            (Is(these), _) => node.text().filter(|text| these.contains(text)),
            (Holds(holds), _) => text.filter(|text| holds(text)),
            (Whole(holds), _) if holds(node) => return self.add(node.origin, path.to_owned()),
            (OtherKeys(_) | Keys(_), Value::Mapping(entries)) => {
                let when = self.when;
                for (name, entry) in entries.iter().filter(|(name, _)| when.means_key(name)) {
                    self.add(entry.key, format!("{path}.{name}"));
                }
                return;
            }
            _ => None,
        };
        if let Some(text) = of_value {
            self.add(node.origin, format!("{path}: {text}"));
        }
    }

    fn add(&mut self, origin: Origin, what: String) {
        let (severity, kind) = match self.effect {
            NotYet => (Severity::Error, DiagnosticKind::NotSupported(format!("`{what}`"))),
            Effect::Impossible(reason) => {
                let what = format!("`{what}`");
                (Severity::Error, DiagnosticKind::InvalidValue { what, reason: reason.to_owned() })
            }
            Effect::None(why) => (Severity::Warning, DiagnosticKind::NoEffect { what: format!("`{what}`"), why }),
            Effect::OfMachine => return self.ask(origin, &what),
        };
        let diagnostic = self.report.diagnostic(severity, origin, kind);
        let (section, element, effect) = (self.section, self.element.to_owned(), self.effect);
        self.found.push((origin, Finding { section, element, effect, diagnostic }));
    }

    /// Has the machine asked, which only whoever runs the project does.
    fn ask(&mut self, origin: Origin, what: &str) {
        let (path, value) = what.split_once(": ").map_or((what, None), |(path, value)| (path, Some(value)));
        let below = path.strip_prefix(&format!("{}.{}.", self.section, self.element)).unwrap_or(self.key);
        // Of a list, the list: its item is the value.
        let attribute = below.split('[').next().unwrap_or(below);
        let kind = DiagnosticKind::InvalidValue { what: format!("`{what}`"), reason: String::new() };
        self.questions.push(machine::Question {
            service: self.element.to_owned(),
            attribute: attribute.to_owned(),
            value: value.map(str::to_owned),
            diagnostic: self.report.diagnostic(Severity::Error, origin, kind),
            what: format!("`{what}`"),
        });
    }
}

/// Whether a value is other than nothing, `false`, 0, an empty text, list or mapping.
fn says_something(node: &Node) -> bool {
    match &node.value {
        Value::Scalar(scalar) => !node.is_null() && !matches!(scalar.text.as_str(), "" | "0" | "false"),
        Value::Sequence(items) => !items.is_empty(),
        Value::Mapping(entries) => entries.values().any(|entry| says_something(&entry.value)),
        Value::Invalid => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::model::Service;

    /// What the runtime obeys, whatever the value but for those that [`RULES`] names.
    #[rustfmt::skip]
    const OBEYED: &[&str] = &[
        "annotations", "attach", "blkio_config", "build", "cap_add", "cap_drop", "cgroup", "cgroup_parent", "command", "configs", "container_name", "cpu_period",
        "cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "cpu_shares", "cpus", "cpuset", "depends_on", "deploy", "develop", "device_cgroup_rules", "devices", "dns", "dns_opt", "dns_search", "domainname",
        "entrypoint", "environment", "external_links", "extra_hosts", "gpus", "group_add", "healthcheck", "hostname", "image", "init", "ipc", "labels", "links",
        "logging", "mac_address", "mem_limit", "mem_reservation", "mem_swappiness", "memswap_limit", "models", "network_mode", "networks",
        "oom_kill_disable", "oom_score_adj", "pid", "pids_limit", "platform", "ports", "post_start", "pre_start", "pre_stop", "privileged", "profiles", "provider", "pull_policy", "read_only", "restart", "scale",
        "secrets", "security_opt", "shm_size", "stdin_open", "stop_grace_period", "stop_signal", "storage_opt", "sysctls", "tmpfs", "tty", "ulimits", "user",
        "userns_mode", "uts", "volumes", "volumes_from", "working_dir",
        // Extensions of others, and our own.
        "extensions", "rcompose",
    ];

    #[test]
    fn every_attribute_of_a_service_is_obeyed_or_listed() {
        let listed: BTreeSet<&str> =
            RULES.iter().filter_map(|(pattern, ..)| pattern.strip_prefix("services.*.")).collect();
        for attribute in Service::ATTRIBUTES {
            assert!(OBEYED.contains(attribute) || listed.contains(attribute), "{attribute}");
            assert!(!OBEYED.contains(attribute) || !listed.contains(attribute) || has_values(attribute), "{attribute}");
        }
    }

    fn has_values(attribute: &str) -> bool {
        let pattern = format!("services.*.{attribute}");
        RULES.iter().any(|(rule, when, _)| *rule == pattern && !matches!(when, Given))
    }
}
