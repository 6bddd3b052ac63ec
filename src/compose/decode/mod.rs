//! The final tree to the model: each element decodes on its own, so that all that are wrong are reported.
//!
//! The tree has the canonical form of every value, paths and names resolved, and known keys only. What is left to say
//! no is the types of the model.

mod deserializer;
mod error;
mod networks;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use deserializer::NodeDeserializer;
use error::Place;
use serde::de::DeserializeOwned;

use super::diagnostic::DiagnosticKind;
use super::model::{AiModel, FileObject, Network, Project, Service, Volume};
use super::node::{Entry, Node, Value};
use super::report::Report;
use super::variables::Variables;
use crate::name::{InvalidName, NetworkName, ProjectName, ServiceName, VolumeName};

/// What decoding needs besides the tree.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) project: &'a ProjectName,
    /// Relative paths begin here.
    pub(super) directory: &'a Path,
    pub(super) variables: &'a Variables,
    /// Whether names are as Compose 1 had them.
    pub(super) compatibility: bool,
    /// The services that profiles leave on.
    pub(super) active: &'a BTreeSet<String>,
    pub(super) report: &'a Report,
}

/// Builds the project. What has a mistake is left out: the caller looks at the report before it uses the result.
pub(super) fn project(tree: &Node, files: Vec<PathBuf>, context: &Context<'_>) -> Project {
    let mut project = Project::new(context.project.clone(), context.directory);
    project.files = files;
    project.compatibility = context.compatibility;
    for (key, entry) in entries(tree, "services") {
        let Some(name) = name(key, entry, ServiceName::new, context) else { continue };
        let Some(service) = service(key, entry, context) else { continue };
        let into = if context.active.contains(key) { &mut project.services } else { &mut project.disabled };
        into.insert(name, service);
    }
    for (key, entry) in entries(tree, "networks") {
        let network = element::<Network>("network", key, &entry.value, context);
        if let (Some(name), Some(network)) = (name(key, entry, NetworkName::new, context), network) {
            project.networks.insert(name, network);
        }
    }
    networks::settle(&mut project);
    let used = Used::by(&project.services);
    project.networks.retain(|name, _| used.networks.contains(name));
    for (key, entry) in entries(tree, "volumes") {
        let volume = element::<Volume>("volume", key, &entry.value, context);
        if let (Some(name), Some(volume)) = (name(key, entry, VolumeName::new, context), volume) {
            project.volumes.insert(name, volume);
        }
    }
    project.volumes.retain(|name, _| used.volumes.contains(name));
    project.configs = objects(tree, "configs", "config", &used.configs, context);
    project.secrets = objects(tree, "secrets", "secret", &used.secrets, context);
    for (key, entry) in entries(tree, "models").filter(|(key, _)| used.models.contains(*key)) {
        project
            .models
            .extend(element::<AiModel>("model", key, &entry.value, context).map(|model| (key.to_owned(), model)));
    }
    project
}

fn entries<'a>(tree: &'a Node, section: &str) -> impl Iterator<Item = (&'a str, &'a Entry)> {
    let entries = tree.get(section).and_then(Node::entries).into_iter().flatten();
    entries.map(|(key, entry)| (key.as_str(), entry))
}

/// Decodes one element.
fn element<T: DeserializeOwned>(kind: &'static str, name: &str, node: &Node, context: &Context<'_>) -> Option<T> {
    T::deserialize(NodeDeserializer::element(node))
        .map_err(|error| error.report(Place { kind, name }, node.origin, context.report))
        .ok()
}

fn service(key: &str, entry: &Entry, context: &Context<'_>) -> Option<Service> {
    let mut service: Service = if entry.value.get("image").is_some() {
        element("service", key, &entry.value, context)?
    } else {
        // The image of a service that is built has a name to be found by.
        let separator = if context.compatibility { '_' } else { '-' };
        let image = format!("{}{separator}{key}", context.project).to_lowercase();
        let mut named = entry.value.clone();
        if let Value::Mapping(entries) = &mut named.value {
            let image = Entry { key: entry.key, value: Node::string(entry.key, image) };
            entries.insert("image".to_owned(), image);
        }
        element("service", key, &named, context)?
    };
    service.settle();
    Some(service)
}

/// Decodes the configs or secrets; the value of `environment` becomes the content of those that are used.
fn objects(
    tree: &Node,
    section: &str,
    kind: &'static str,
    used: &BTreeSet<String>,
    context: &Context<'_>,
) -> BTreeMap<String, FileObject> {
    let mut objects = BTreeMap::new();
    for (key, entry) in entries(tree, section) {
        let Some(mut object) = element::<FileObject>(kind, key, &entry.value, context) else { continue };
        if !used.contains(key) {
            continue;
        }
        if let (Some(variable), None) = (&object.environment, &object.content) {
            object.content = context.variables.get(variable).map(str::to_owned);
            if object.content.is_none() {
                let node = entry.value.get("environment").unwrap_or(&entry.value);
                let what = format!("`environment` in {}", Place { kind, name: key });
                let reason = format!("the variable `{variable}` is not set");
                context.report.error(node.origin, DiagnosticKind::InvalidValue { what, reason });
            }
        }
        objects.insert(key.to_owned(), object);
    }
    objects
}

/// The key of an entry as a name.
fn name<T>(
    key: &str,
    entry: &Entry,
    parse: impl FnOnce(String) -> Result<T, InvalidName>,
    context: &Context<'_>,
) -> Option<T> {
    parse(key.to_owned())
        .map_err(|error| context.report.error(entry.key, DiagnosticKind::Conflict(error.to_string())))
        .ok()
}

/// What the active services refer to.
#[derive(Default)]
struct Used {
    networks: BTreeSet<NetworkName>,
    volumes: BTreeSet<VolumeName>,
    configs: BTreeSet<String>,
    secrets: BTreeSet<String>,
    models: BTreeSet<String>,
}

impl Used {
    fn by(services: &BTreeMap<ServiceName, Service>) -> Self {
        let mut used = Self::default();
        for service in services.values() {
            used.networks.extend(service.networks.keys().cloned());
            used.volumes.extend(service.named_volumes().cloned());
            used.configs.extend(service.configs.iter().map(|grant| grant.source.clone()));
            used.secrets.extend(service.secrets.iter().map(|grant| grant.source.clone()));
            used.secrets
                .extend(service.build.iter().flat_map(|build| &build.secrets).map(|grant| grant.source.clone()));
            used.models.extend(service.models.keys().cloned());
        }
        used
    }
}
