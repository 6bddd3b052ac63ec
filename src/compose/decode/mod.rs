//! The merged tree to the model: types, known keys, values, defaults and paths.

mod environment;
mod field;
mod file;
mod healthcheck;
mod keys;
mod limits;
mod mount;
mod network;
mod port;
mod service;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use field::{Field, Object, Place};

use super::diagnostic::DiagnosticKind;
use super::model::{Mount, Project, Service};
use super::node::Node;
use super::report::Report;
use super::{Files, locate};
use crate::name::{NetworkName, ProjectName, ServiceName, VolumeName};

/// What decoding needs besides the tree.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) project: &'a ProjectName,
    /// Relative paths begin here.
    pub(super) directory: &'a Path,
    pub(super) environment: &'a BTreeMap<String, String>,
    pub(super) files: &'a dyn Files,
    /// The services that profiles leave on.
    pub(super) active: &'a BTreeSet<String>,
    pub(super) report: &'a Report,
}

impl Context<'_> {
    /// A path of the host as the file gives it: `~` is the home directory.
    fn path(&self, text: &str) -> PathBuf {
        let home = self.environment.get("HOME").filter(|home| !home.is_empty());
        let below_home = text.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/'));
        match (home, below_home) {
            (Some(home), Some(rest)) => locate::absolute(Path::new(home), Path::new(rest.trim_start_matches('/'))),
            _ => locate::absolute(self.directory, Path::new(text)),
        }
    }
}

/// Builds the project. What has a mistake is left out: the caller looks at the report before it uses the result.
pub(super) fn project(tree: &Node, files: Vec<PathBuf>, context: &Context<'_>) -> Option<Project> {
    let place = Place { kind: "", name: "", within: "" };
    let root = Field { node: tree, key: "", at: tree.origin, place, report: context.report };
    let root = root.object_at(place, &keys::PROJECT)?;
    if let Some(version) = root.get("version") {
        context.report.warning(version.node.origin, DiagnosticKind::ObsoleteVersion);
    }
    let (mut services, mut disabled) = (BTreeMap::new(), BTreeMap::new());
    for (key, field) in entries(&root, "services") {
        let Some(name) = name(&field, key, ServiceName::new) else { continue };
        let Some(service) = service::service(field, key, context) else { continue };
        let into = if context.active.contains(key) { &mut services } else { &mut disabled };
        into.insert(name, service);
    }
    let used = Used::by(&services);
    let mut networks = BTreeMap::new();
    for (key, field) in entries(&root, "networks") {
        let network = network::network(field, key, context);
        if let (Some(name), Some(network)) = (name(&field, key, NetworkName::new), network) {
            networks.insert(name, network);
        }
    }
    for name in &used.networks {
        networks.entry(name.clone()).or_insert_with(|| network::implicit(name, context));
    }
    networks.retain(|name, _| used.networks.contains(name));
    let mut volumes = BTreeMap::new();
    for (key, field) in entries(&root, "volumes") {
        let volume = network::volume(field, key, context);
        if let (Some(name), Some(volume)) = (name(&field, key, VolumeName::new), volume) {
            volumes.insert(name, volume);
        }
    }
    volumes.retain(|name, _| used.volumes.contains(name));
    let sources = |section, kind, keys, used: &BTreeSet<String>| {
        let source = |(key, field): (&str, Field<'_>)| {
            Some((key.to_owned(), file::source(field, kind, key, keys, used.contains(key), context)?))
        };
        entries(&root, section).into_iter().filter_map(source).collect()
    };
    Some(Project {
        name: context.project.clone(),
        working_dir: context.directory.to_path_buf(),
        files,
        networks,
        volumes,
        configs: sources("configs", "config", &keys::CONFIG, &used.configs),
        secrets: sources("secrets", "secret", &keys::SECRET, &used.secrets),
        services,
        disabled,
    })
}

fn entries<'a>(root: &Object<'a>, section: &'static str) -> Vec<(&'a str, Field<'a>)> {
    root.get(section).map(Field::entries).unwrap_or_default()
}

/// The key of an entry as a name.
fn name<T, E: std::fmt::Display>(
    field: &Field<'_>,
    key: &str,
    parse: impl FnOnce(String) -> Result<T, E>,
) -> Option<T> {
    parse(key.to_owned())
        .map_err(|error| field.report.error(field.at, DiagnosticKind::Conflict(error.to_string())))
        .ok()
}

/// What the active services refer to.
#[derive(Default)]
struct Used {
    networks: BTreeSet<NetworkName>,
    volumes: BTreeSet<VolumeName>,
    configs: BTreeSet<String>,
    secrets: BTreeSet<String>,
}

impl Used {
    fn by(services: &BTreeMap<ServiceName, Service>) -> Self {
        let mut used = Self::default();
        for service in services.values() {
            used.networks.extend(service.networks.keys().cloned());
            used.volumes.extend(service.mounts.iter().filter_map(|mount| match mount {
                Mount::Volume { source, .. } => source.clone(),
                _ => None,
            }));
            used.configs.extend(service.configs.iter().map(|grant| grant.source.clone()));
            used.secrets.extend(service.secrets.iter().map(|grant| grant.source.clone()));
        }
        used
    }
}
