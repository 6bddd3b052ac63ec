//! Short forms to long ones, so that everything after this phase sees one form of each value.

mod list;
mod mount;
mod object;
mod port;
mod text;

use std::sync::LazyLock;

pub(super) use mount::clean as clean_path;

use super::node::{Node, Value};
use super::report::Report;
use super::table::Table;

/// Makes the long form of a value; what a rule has no short form for, it leaves as it is.
type Rule = fn(Node, &Report) -> Node;

/// What is rewritten, and how.
#[rustfmt::skip]
const RULES: &[(&str, Rule)] = &[
    ("configs.*.labels", list::texts),
    ("include.*", object::include),
    ("include.*.env_file", list::one_or_many),
    ("include.*.path", list::one_or_many),
    ("networks.*.driver_opts", list::texts),
    ("networks.*.labels", list::texts),
    ("secrets.*.driver_opts", list::texts),
    ("secrets.*.labels", list::texts),
    ("services.*.annotations", list::texts),
    ("services.*.build", object::build),
    ("services.*.build.additional_contexts", list::contexts),
    ("services.*.build.args", list::assignments),
    ("services.*.build.extra_hosts", list::hosts),
    ("services.*.build.labels", list::texts),
    ("services.*.build.no_cache_filter", list::one_or_many),
    ("services.*.build.secrets", list::grants),
    ("services.*.build.ssh", list::agents),
    ("services.*.command", text::words),
    ("services.*.configs", list::grants),
    ("services.*.depends_on", list::dependencies),
    ("services.*.deploy.labels", list::texts),
    ("services.*.deploy.resources.reservations.devices.*.options", list::texts),
    ("services.*.develop.watch.*.exec.command", text::words),
    ("services.*.develop.watch.*.exec.environment", list::assignments),
    ("services.*.develop.watch.*.ignore", list::one_or_many),
    ("services.*.develop.watch.*.include", list::one_or_many),
    ("services.*.devices.*", object::device),
    ("services.*.dns", list::not_empty),
    ("services.*.dns_search", list::one_or_many),
    ("services.*.entrypoint", text::words),
    ("services.*.env_file", list::env_files),
    ("services.*.environment", list::assignments),
    ("services.*.extends", object::extends),
    ("services.*.extra_hosts", list::hosts),
    ("services.*.gpus.*.options", list::texts),
    ("services.*.healthcheck.test", text::probe),
    ("services.*.label_file", list::one_or_many),
    ("services.*.labels", list::texts),
    ("services.*.logging.options", list::texts),
    ("services.*.models", list::names),
    ("services.*.networks", list::names),
    ("services.*.networks.*.driver_opts", list::texts),
    ("services.*.ports", port::ports),
    ("services.*.post_start.*.command", text::words),
    ("services.*.post_start.*.environment", list::assignments),
    ("services.*.pre_start.*.command", text::words),
    ("services.*.pre_start.*.environment", list::assignments),
    ("services.*.pre_stop.*.command", text::words),
    ("services.*.pre_stop.*.environment", list::assignments),
    ("services.*.secrets", list::grants),
    ("services.*.storage_opt", list::texts),
    ("services.*.sysctls", list::texts),
    ("services.*.tmpfs", list::one_or_many),
    ("services.*.volumes", mount::mounts),
    ("services.*.volumes.*.volume.labels", list::texts),
    ("services.*.x-rcompose.network.rate", object::rates),
    ("volumes.*.driver_opts", list::texts),
    ("volumes.*.labels", list::texts),
];

/// What is rewritten once a file is merged: until then a text may stand over another, and nothing over a list.
const LATE_RULES: &[(&str, Rule)] = &[("services.*.gpus", object::gpus)];

static LATE_TABLE: LazyLock<Table<Rule>> = LazyLock::new(|| Table::new(LATE_RULES));

static TABLE: LazyLock<Table<Rule>> = LazyLock::new(|| Table::new(RULES));

/// Rewrites one document.
pub(super) fn canonical(document: &mut Node, report: &Report) {
    TABLE.walk(document, &mut |rule, node| rewrite(node, rule, report));
    object::hoist_external_names(document, report);
}

/// Rewrites a service that stands alone.
pub(super) fn canonical_service(service: &mut Node, report: &Report) {
    rewrite_service(&TABLE, service, report);
}

/// Rewrites what is left in short form until a file is merged over those before it.
pub(super) fn merged(tree: &mut Node, report: &Report) {
    LATE_TABLE.walk(tree, &mut |rule, node| rewrite(node, rule, report));
}

/// [`merged`] for a service of another file that one of this extends.
pub(super) fn merged_service(service: &mut Node, report: &Report) {
    rewrite_service(&LATE_TABLE, service, report);
}

fn rewrite_service(table: &Table<Rule>, service: &mut Node, report: &Report) {
    if let Some(table) = table.below("services").and_then(Table::items) {
        table.walk(service, &mut |rule, node| rewrite(node, rule, report));
    }
}

fn rewrite(node: &mut Node, rule: Rule, report: &Report) {
    if node.is_null() || node.value == Value::Invalid {
        return;
    }
    let (origin, tag) = (node.origin, node.tag);
    let value = std::mem::replace(node, Node::null(origin));
    // A rule may build a new node; the tag belongs to whatever stands here.
    *node = Node { origin, tag, ..rule(value, report) };
}
