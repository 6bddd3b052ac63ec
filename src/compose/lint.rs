//! Warnings of what is accepted and surely not meant. Each has a name, by which it is silenced: in the file, for all of
//! it or for one service, or on the command line with `--allow NAME`.
//!
//! ```yaml
//! x-rcompose: {allow: [unset-variable]}
//! services:
//!   web:
//!     x-rcompose: {allow: [open-port]}
//! ```
//!
//! `WRITTEN` holds for each file as it is written, before anything is made of it; `project` looks at what came out.
//! The other warnings of [`LINTS`] are given by the phase that meets their cause.

mod resolved;
mod written;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::LoadOptions;
use super::diagnostic::DiagnosticKind;
use super::node::Node;
use super::report::{Origin, Report};
use super::table::Table;
use crate::text;

/// A warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lint {
    /// As it is silenced.
    pub name: &'static str,
    /// Who gives it.
    pub given: Given,
    /// What it warns of, in a few words.
    pub of: &'static str,
}

/// Which commands give a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// Every command that reads the file.
    Always,
    /// `config` alone: a good file may well do this.
    ByConfig,
}

/// Every warning.
#[rustfmt::skip]
pub const LINTS: &[Lint] = &[
    lint("command-operator", Given::Always, "a `&&`, `|`, `;` or `>` in a command that no shell runs"),
    lint("deprecated-form", Given::Always, "a form that has a newer one"),
    lint("duplicate-mount", Given::Always, "two volumes of one service at one place, of which the last one holds"),
    lint("duplicate-port", Given::Always, "one port of the machine that two services, or one twice, publish"),
    lint("duplicate-variable", Given::Always, "a variable or label that stands twice in a list"),
    lint("ignored-files", Given::Always, "Compose files with default names beside the one that is read"),
    lint("ignored-option", Given::Always, "an option of a mount that means nothing"),
    lint("number-changed", Given::Always, "`1.10` or `0777` without quotes, where the text becomes another one"),
    lint("obsolete-version", Given::Always, "the top-level `version`"),
    lint("old-boolean", Given::Always, "`yes`, `no`, `on` or `off` for a boolean"),
    lint("open-port", Given::ByConfig, "a database or the like, published on every address of the machine"),
    lint("port-as-number", Given::Always, "`22:22` without quotes, a number of base 60 to YAML 1.1"),
    lint("secret-in-environment", Given::ByConfig, "a password, token or key as plain text in `environment` or `args`"),
    lint("unknown-lint", Given::Always, "a name in `allow` that is none of these"),
    lint("unknown-profile", Given::Always, "a `--profile` that no service has"),
    lint("unknown-tag", Given::Always, "a `!tag` that means nothing in a Compose file"),
    lint("unpinned-image", Given::ByConfig, "an image without a tag, or with `latest`"),
    lint("unset-variable", Given::Always, "a variable without a value and without a default"),
    lint("vanishing-dollar", Given::Always, "the same in a command, where `$$` may be meant"),
    lint("yaml-boolean", Given::Always, "`yes`, `no`, `on` or `off` without quotes in `environment` or `labels`"),
];

const fn lint(name: &'static str, given: Given, of: &'static str) -> Lint {
    Lint { name, given, of }
}

/// Looks at a value as it is written; with the place for a value that has none, and whether all warnings are wanted.
type Rule = fn(&Node, bool, &Report);

/// What is looked at in a file as it is written.
#[rustfmt::skip]
const WRITTEN: &[(&str, Rule)] = &[
    ("configs.*.labels", written::labels),
    ("networks.*.driver_opts", written::options),
    ("networks.*.labels", written::labels),
    ("secrets.*.labels", written::labels),
    ("services.*.annotations", written::labels),
    ("services.*.build.args", written::variables),
    ("services.*.build.labels", written::labels),
    ("services.*.command", written::command),
    ("services.*.deploy.labels", written::labels),
    ("services.*.entrypoint", written::command),
    ("services.*.environment", written::variables),
    ("services.*.healthcheck.test", written::command),
    ("services.*.labels", written::labels),
    ("services.*.logging.options", written::options),
    ("services.*.ports.*", written::port),
    ("services.*.post_start.*.command", written::command),
    ("services.*.post_start.*.environment", written::variables),
    ("services.*.pre_start.*.command", written::command),
    ("services.*.pre_start.*.environment", written::variables),
    ("services.*.pre_stop.*.command", written::command),
    ("services.*.pre_stop.*.environment", written::variables),
    ("services.*.storage_opt", written::options),
    ("services.*.sysctls", written::options),
    ("volumes.*.driver_opts", written::options),
    ("volumes.*.labels", written::labels),
];

static TABLE: LazyLock<Table<Rule>> = LazyLock::new(|| Table::new(WRITTEN));

/// Looks at a document before anything is made of it.
pub(super) fn document(document: &Node, options: &LoadOptions, report: &Report) {
    allowed(document, report, |name| report.notes().allow_in_file(document.origin.source, name));
    for (name, entry) in document.get("services").and_then(Node::entries).into_iter().flatten() {
        note_service(name, &entry.value, report);
    }
    TABLE.visit(document, &mut |rule, node| rule(node, options.lint, report));
}

/// Looks at a service of a file of which nothing else is wanted.
pub(super) fn service(name: &str, service: &Node, options: &LoadOptions, report: &Report) {
    note_service(name, service, report);
    if let Some(table) = TABLE.below("services").and_then(Table::items) {
        table.visit(service, &mut |rule, node| rule(node, options.lint, report));
    }
}

/// Looks at the merged project, in which `active` services are on.
pub(super) fn project(root: &Node, active: &BTreeSet<String>, options: &LoadOptions, report: &Report) {
    for item in root.get("x-rcompose").and_then(|own| own.get("allow")).map(Node::items).unwrap_or_default() {
        item.text().into_iter().for_each(|name| report.notes().allow(name));
    }
    resolved::profiles(root, &options.profiles, report);
    let services = || root.get("services").and_then(Node::entries).into_iter().flatten();
    let active = || services().filter(|(name, _)| active.contains(*name));
    resolved::published_twice(active().map(|(name, entry)| (&**name, &entry.value)), report);
    if options.lint {
        for (_, entry) in active() {
            resolved::image(&entry.value, report);
            resolved::ports(&entry.value, report);
        }
    }
}

/// Looks at a document whose short forms are written out, before what it repeats is dropped.
pub(super) fn canonical(document: &Node, report: &Report) {
    for (_, entry) in document.get("services").and_then(Node::entries).into_iter().flatten() {
        written::mounts(&entry.value, report);
    }
}

fn note_service(name: &str, service: &Node, report: &Report) {
    report.notes().service(service.origin, name);
    allowed(service, report, |lint| report.notes().allow_in_service(name, lint));
}

/// Calls `allow` for each name in `x-rcompose.allow` of a mapping.
fn allowed(node: &Node, report: &Report, allow: impl Fn(&str)) {
    let items = node.get("x-rcompose").and_then(|own| own.get("allow")).map(Node::items).unwrap_or_default();
    for item in items {
        let Some(name) = item.text() else { continue };
        allow(name);
        if name != "all" && !LINTS.iter().any(|lint| lint.name == name) {
            let help = text::did_you_mean(name, LINTS.iter().map(|lint| lint.name));
            warn(item.origin, DiagnosticKind::UnknownLint(name.to_owned()), help, report);
        }
    }
}

fn warn(origin: Origin, kind: DiagnosticKind, help: Option<String>, report: &Report) {
    match help {
        Some(help) => report.warning_with_help(origin, kind, help),
        None => report.warning(origin, kind),
    }
}
