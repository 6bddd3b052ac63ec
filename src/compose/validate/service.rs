//! The rules of one service, and of services among themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::dependencies;
use super::reference::References;
use crate::compose::diagnostic::DiagnosticKind;
use crate::compose::node::{Entry, Node};
use crate::compose::report::{Origin, Report};

/// Checks the services that are on.
pub(in crate::compose) fn services(tree: &Node, active: &BTreeSet<String>, report: &Report) {
    let Some(services) = tree.get("services").and_then(Node::entries) else { return };
    let mut container_names: BTreeMap<&str, Origin> = BTreeMap::new();
    for (name, Entry { key, value }) in services.iter().filter(|(name, _)| active.contains(*name)) {
        let references = References { tree, service: name, report };
        references.check(value);
        dependencies::defined(value, services, active, references);
        Rules { name, key: *key, service: value, report }.check();
        if let Some(node) = value.get("container_name")
            && let Some(text) = node.text()
            && let Some(first) = container_names.insert(text, node.origin)
        {
            let kind = DiagnosticKind::Conflict(format!("two services have the container name `{text}`"));
            report.error_with_label(node.origin, kind, (first, "first given here"));
        }
    }
    dependencies::cycles(services, active, report);
}

/// The rules of one service.
struct Rules<'a> {
    name: &'a str,
    key: Origin,
    service: &'a Node,
    report: &'a Report,
}

impl Rules<'_> {
    fn check(&self) {
        self.something_to_run();
        self.build();
        self.networks();
        self.scale();
        self.same_limits();
        self.ports();
        self.devices();
        self.watch();
        self.mounts();
        if let Some(first) = self.service.get("healthcheck").and_then(|check| check.get("test")?.items().first()) {
            let word = first.text().unwrap_or_default();
            if !matches!(word, "CMD" | "CMD-SHELL" | "NONE") {
                let reason = format!("the list begins with `{word}`, must begin with `CMD`, `CMD-SHELL` or `NONE`");
                self.invalid(first.origin, "healthcheck.test", reason);
            }
        }
    }

    fn invalid(&self, at: Origin, key: &str, reason: impl Into<String>) {
        let kind =
            DiagnosticKind::InvalidValue { what: format!("`{key}` in service `{}`", self.name), reason: reason.into() };
        self.report.error(at, kind);
    }

    fn conflict(&self, text: String, at: Origin, other: Origin) {
        self.report.error_with_label(at, DiagnosticKind::Conflict(text), (other, "the other one"));
    }

    /// Where a key of the service stands.
    fn key_of(&self, key: &str) -> Origin {
        self.service.entries().and_then(|entries| entries.get(key)).map_or(self.key, |entry| entry.key)
    }

    fn something_to_run(&self) {
        let has = |key| self.service.entries().is_some_and(|entries| entries.contains_key(key));
        let image = has("image") && self.service.text_of("image") != Some("");
        // With `extends` left, its base is missing, and that is said.
        if !image && !has("build") && !has("provider") && !has("extends") && self.service.entries().is_some() {
            let text = format!("service `{}` has neither an image nor a build context", self.name);
            self.report.error(self.key, DiagnosticKind::Missing(text));
        }
    }

    fn build(&self) {
        let Some(entries) = self.service.get("build").and_then(Node::entries) else { return };
        if let (Some(file), Some(inline)) = (entries.get("dockerfile"), entries.get("dockerfile_inline"))
            && file.value.text() != Some("")
        {
            let text = format!("service `{}` has both `dockerfile` and `dockerfile_inline`", self.name);
            self.conflict(text, inline.key, file.key);
        }
        let platforms = entries.get("platforms").map(|entry| entry.value.items()).unwrap_or_default();
        if let Some(platform) = self.service.get("platform")
            && !platforms.is_empty()
            && !platforms.iter().any(|known| known.text() == platform.text())
        {
            let text = format!("`build.platforms` of service `{}` lacks its `platform`", self.name);
            self.conflict(text, platform.origin, self.key_of("build"));
        }
    }

    fn networks(&self) {
        let networks = self.service.get("networks").and_then(Node::entries);
        if self.service.get("network_mode").is_some() && networks.is_some_and(|networks| !networks.is_empty()) {
            let text = format!("service `{}` has both `network_mode` and `networks`", self.name);
            self.conflict(text, self.key_of("networks"), self.key_of("network_mode"));
        }
    }

    fn scale(&self) {
        let replicas = self.service.get("deploy").and_then(|deploy| deploy.get("replicas"));
        let number = |node: Option<&Node>| node.and_then(Node::text).and_then(|text| text.parse::<i64>().ok());
        let scale = self.service.get("scale");
        if let (Some(scale), Some(replicas)) = (scale, replicas)
            && scale.text() != replicas.text()
        {
            let text = format!("service `{}` has different values of `scale` and `deploy.replicas`", self.name);
            self.conflict(text, replicas.origin, scale.origin);
        }
        for (key, node) in [("scale", scale), ("deploy.replicas", replicas)] {
            if let Some(node) = node.filter(|node| number(Some(node)).is_some_and(|number| number < 0)) {
                self.invalid(node.origin, key, "must be 0 or more");
            }
        }
        if let Some(container_name) = self.service.get("container_name")
            && number(scale.or(replicas)).is_some_and(|number| number > 1)
        {
            let key = if scale.is_some() { "scale" } else { "deploy.replicas" };
            self.report.error_with_label(
                container_name.origin,
                DiagnosticKind::InvalidValue {
                    what: format!("`container_name` in service `{}`", self.name),
                    reason: "a service with a container name cannot have more than one container".to_owned(),
                },
                (
                    scale.or(replicas).map_or(self.key, |node| node.origin),
                    if key == "scale" { "more than one here" } else { "more than one container here" },
                ),
            );
        }
    }

    /// Limits that a service may have in two places must be the same in both.
    fn same_limits(&self) {
        let resources = self.service.get("deploy").and_then(|deploy| deploy.get("resources"));
        for (key, section, twin) in [
            ("cpus", "limits", "cpus"),
            ("mem_limit", "limits", "memory"),
            ("pids_limit", "limits", "pids"),
            ("mem_reservation", "reservations", "memory"),
        ] {
            let deployed = resources.and_then(|resources| resources.get(section)).and_then(|part| part.get(twin));
            if let (Some(own), Some(deployed)) = (self.service.get(key), deployed)
                && own.text() != deployed.text()
                && own.text().is_some()
            {
                let text = format!(
                    "service `{}` has different values of `{key}` and `deploy.resources.{section}.{twin}`",
                    self.name
                );
                self.conflict(text, deployed.origin, own.origin);
            }
        }
    }

    fn ports(&self) {
        for port in self.service.get("ports").map(Node::items).unwrap_or_default() {
            let Some(entries) = port.entries() else { continue };
            match entries.get("target").map(|entry| &entry.value) {
                Some(target) if target.text().is_some_and(|text| !matches!(text.parse::<u16>(), Ok(1..))) => {
                    let text = target.text().unwrap_or_default();
                    self.invalid(target.origin, "ports", format!("`{text}` is not a port between 1 and 65535"));
                }
                Some(_) => {}
                None => self.invalid(port.origin, "ports", "no `target`: which port of the container?"),
            }
            if let Some(published) = entries.get("published").map(|entry| &entry.value)
                && let Some(text) = published.text().filter(|text| !is_port_range(text))
                && !(self.report.templates() && text.contains('$'))
            {
                self.invalid(published.origin, "ports", format!("`{text}` is not a port or a range of them"));
            }
        }
    }

    fn devices(&self) {
        let reserved =
            self.service.get("deploy").and_then(|deploy| deploy.get("resources")?.get("reservations")?.get("devices"));
        for request in [self.service.get("gpus"), reserved].into_iter().flatten().flat_map(Node::items) {
            let Some(entries) = request.entries() else { continue };
            if let (Some(count), Some(ids)) = (entries.get("count"), entries.get("device_ids")) {
                let text = format!("a device request of service `{}` has both `count` and `device_ids`", self.name);
                self.conflict(text, ids.key, count.key);
            }
        }
        for device in self.service.get("devices").map(Node::items).unwrap_or_default() {
            if device.entries().is_some() && device.get("target").is_none() {
                self.invalid(device.origin, "devices", "no `target`: where in the container?");
            }
        }
    }

    fn watch(&self) {
        let watches = self.service.get("develop").and_then(|develop| develop.get("watch"));
        for watch in watches.map(Node::items).unwrap_or_default() {
            let action = watch.get("action");
            let word = action.and_then(Node::text).unwrap_or("rebuild");
            if !matches!(word, "rebuild" | "restart") && watch.text_of("target").is_none_or(str::is_empty) {
                let at = action.map_or(watch.origin, |action| action.origin);
                self.invalid(at, "develop.watch", format!("`{word}` needs a `target`: where in the container?"));
            }
        }
    }

    /// No two mounts at one place of the container.
    fn mounts(&self) {
        let mut targets: BTreeMap<&str, Origin> = BTreeMap::new();
        let items = |key| self.service.get(key).map(Node::items).unwrap_or_default();
        let tmpfs = items("tmpfs").iter().filter_map(|node| Some((node.text()?.split(':').next()?, node.origin)));
        for mount in items("volumes").iter().filter(|mount| mount.entries().is_some()) {
            if mount.get("target").is_none() {
                self.invalid(mount.origin, "volumes", "no `target`: where in the container?");
            }
            if let Some(size) = mount.get("tmpfs").and_then(|tmpfs| tmpfs.get("size"))
                && size.text().is_some_and(|text| text.starts_with('-'))
            {
                self.invalid(size.origin, "volumes", "a size is 0 or more");
            }
            if mount.text_of("type") == Some("bind") && mount.get("source").is_none() {
                self.invalid(mount.origin, "volumes", "no `source`: which directory of the host?");
            }
        }
        let volumes = items("volumes").iter().filter_map(|node| Some((node.text_of("target")?, node.origin)));
        for (target, at) in tmpfs.chain(volumes) {
            if let Some(first) = targets.insert(target, at) {
                let text = format!("service `{}` mounts two things at `{target}`", self.name);
                self.conflict(text, at, first);
            }
        }
    }
}

/// `8080`, `8000-8010`, or nothing.
fn is_port_range(text: &str) -> bool {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    text.is_empty() || matches!((first.parse::<u16>(), last.parse::<u16>()), (Ok(first), Ok(last)) if first <= last)
}
