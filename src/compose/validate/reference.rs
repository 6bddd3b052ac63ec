//! Names in a service that must be defined elsewhere in the file.

use crate::compose::diagnostic::DiagnosticKind;
use crate::compose::node::Node;
use crate::compose::report::{Origin, Report};
use crate::text;

/// Checks the references of one service.
#[derive(Clone, Copy)]
pub(super) struct References<'a> {
    pub(super) tree: &'a Node,
    pub(super) service: &'a str,
    pub(super) report: &'a Report,
}

impl References<'_> {
    pub(super) fn check(&self, service: &Node) {
        for (section, kind) in [("networks", "network"), ("models", "model")] {
            for (name, entry) in service.get(section).and_then(Node::entries).into_iter().flatten() {
                self.defined(section, kind, name, entry.key);
            }
        }
        let items = |node: &Node, key: &str| node.get(key).map(|list| list.items().to_vec()).unwrap_or_default();
        for mount in items(service, "volumes") {
            if mount.text_of("type") == Some("volume") {
                self.source(&mount, "volumes", "volume");
            }
        }
        for (section, kind) in [("configs", "config"), ("secrets", "secret")] {
            for grant in items(service, section) {
                self.source(&grant, section, kind);
            }
        }
        if let Some(build) = service.get("build") {
            for grant in items(build, "secrets") {
                self.source(&grant, "secrets", "build secret");
            }
            self.contexts(build);
        }
    }

    /// `source` of a mount or grant; a mount may have none.
    fn source(&self, node: &Node, section: &str, kind: &'static str) {
        if section != "volumes" && node.text_of("source").is_none_or(str::is_empty) && node.entries().is_some() {
            let text = format!("a {kind} of service `{}` needs `source`: which {kind}?", self.service);
            self.report.error(node.origin, DiagnosticKind::Missing(text));
        }
        if let Some(source) = node.get("source")
            && let Some(name) = source.text().filter(|name| !name.is_empty())
        {
            self.defined(section, kind, name, source.origin);
        }
    }

    /// `additional_contexts: {base: service:NAME}`: a service that is built.
    fn contexts(&self, build: &Node) {
        let services = self.tree.get("services").and_then(Node::entries);
        for (_, entry) in build.get("additional_contexts").and_then(Node::entries).into_iter().flatten() {
            let Some(name) = entry.value.text().and_then(|text| text.strip_prefix("service:")) else { continue };
            let at = entry.value.origin;
            match services.and_then(|services| services.get(name)) {
                None => self.defined("services", "service", name, at),
                Some(service) if service.value.get("build").is_none() => {
                    let text = format!("`{name}` is not built, and so no context for service `{}`", self.service);
                    self.report.error(self.report.find(at, name), DiagnosticKind::Conflict(text));
                }
                Some(_) => {}
            }
        }
    }

    fn defined(&self, section: &str, kind: &'static str, name: &str, at: Origin) {
        let known = self.tree.get(section).and_then(Node::entries);
        if self.report.is_full() || known.is_some_and(|known| known.contains_key(name)) {
            return;
        }
        let suggestion = known.and_then(|known| text::did_you_mean(name, known.keys().map(String::as_str)));
        let help = suggestion.unwrap_or_else(|| format!("define it under the top-level `{section}`"));
        self.undefined(kind, name, at, help);
    }

    pub(super) fn undefined(&self, kind: &'static str, name: &str, at: Origin, help: String) {
        let kind = DiagnosticKind::Undefined { service: self.service.to_owned(), kind, name: name.to_owned() };
        self.report.error_with_help(self.report.find(at, name), kind, Some(help));
    }
}
