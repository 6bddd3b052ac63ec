//! Relative paths of the host to absolute ones.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::Files;
use super::locate::absolute;
use super::node::{Node, Value};
use super::table::Table;

/// Where relative paths begin.
#[derive(Clone, Copy)]
pub(super) struct Base<'a> {
    /// The directory of the project or of the included file; absolute.
    pub(super) directory: &'a Path,
    /// What `~` stands for.
    pub(super) home: Option<&'a str>,
    pub(super) files: &'a dyn Files,
}

type Rule = fn(&mut Node, Base<'_>);

const RULES: &[(&str, Rule)] = &[
    ("configs.*.file", path),
    ("secrets.*.file", path),
    ("services.*.build.additional_contexts.*", context),
    ("services.*.build.context", context),
    ("services.*.build.ssh.*", path),
    ("services.*.develop.watch.*.path", |node, base| {
        path(node, base);
        if let Value::Scalar(scalar) = &mut node.value {
            let real = base.files.canonicalize(Path::new(&scalar.text));
            scalar.text = real.unwrap_or_else(|| PathBuf::from(&scalar.text)).display().to_string();
        }
    }),
    ("services.*.env_file.*.path", path),
    ("services.*.label_file.*", path),
    ("services.*.volumes.*", |mount, base| {
        if mount.text_of("type") == Some("bind")
            && let Some(Value::Scalar(source)) = mount.get_mut("source").map(|source| &mut source.value)
        {
            source.text = expand(&source.text, base);
        }
    }),
    ("volumes.*", |volume, base| {
        let is_bind = volume.text_of("driver") == Some("local")
            && volume.get("driver_opts").and_then(|options| options.text_of("o")) == Some("bind");
        if is_bind && let Some(device) = volume.get_mut("driver_opts").and_then(|options| options.get_mut("device")) {
            path(device, base);
        }
    }),
];

static TABLE: LazyLock<Table<Rule>> = LazyLock::new(|| Table::new(RULES));

/// Makes the paths of a document absolute.
pub(super) fn resolve(document: &mut Node, base: Base<'_>) {
    TABLE.walk(document, &mut |rule, node| rule(node, base));
}

/// Makes the paths of a service that stands alone absolute.
pub(super) fn resolve_service(service: &mut Node, base: Base<'_>) {
    if let Some(table) = TABLE.below("services").and_then(Table::items) {
        table.walk(service, &mut |rule, node| rule(node, base));
    }
}

fn path(node: &mut Node, base: Base<'_>) {
    if node.is_null() {
        return;
    }
    if let Value::Scalar(scalar) = &mut node.value
        && !scalar.text.is_empty()
    {
        scalar.text = expand(&scalar.text, base);
    }
}

fn context(node: &mut Node, base: Base<'_>) {
    if node.text().is_some_and(|text| !text.contains("://") && !text.starts_with("service:") && !is_url(text)) {
        path(node, base);
    }
}

/// What builders take for a repository, without a scheme.
fn is_url(text: &str) -> bool {
    text.starts_with("github.com/") || text.starts_with("git@")
}

/// A path as the file gives it, seen from `base`; `~` is the home directory.
pub(super) fn expand(text: &str, base: Base<'_>) -> String {
    let below_home = text.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let path = match (base.home, below_home) {
        (Some(home), Some(rest)) => absolute(Path::new(home), Path::new(rest.trim_start_matches('/'))),
        _ if text.starts_with('/') || is_windows(text) => return text.to_owned(),
        _ => absolute(base.directory, Path::new(text)),
    };
    path.display().to_string()
}

/// `C:\…`, `\\server\…`: not of this host, and so nothing to be resolved here.
fn is_windows(text: &str) -> bool {
    let bytes = text.as_bytes();
    text.starts_with("\\\\")
        || (bytes.len() > 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && matches!(bytes[2], b'\\' | b'/'))
}
