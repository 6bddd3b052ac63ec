//! The tree of a project after all phases: what `config` prints and explains.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::diagnostic::Diagnostic;
use super::history::History;
use super::node::{Node, Value};
use super::report::Report;
use super::{Tree, emit, profiles, services_mut, template};
use crate::name::ServiceName;

/// A resolved project as a tree, of which every value knows its place.
#[derive(Debug, Clone)]
pub struct Resolved {
    pub(super) root: Node,
    /// The services that profiles leave on.
    active: BTreeSet<String>,
    variables: BTreeMap<String, String>,
    /// Of all services, those that are off included.
    profiles: BTreeSet<String>,
    /// Whether variables are left as they are.
    templates: bool,
    /// Whether names are as Compose 1 had them.
    compatibility: bool,
    /// Whether what no service uses is kept.
    all_resources: bool,
    /// Where values come from, when the load kept record of it.
    pub(super) history: Option<Rc<History>>,
}

impl Tree {
    pub(super) fn finish(self, report: Report) -> (Resolved, Vec<Diagnostic>) {
        let variables = self.variables.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut root = self.root;
        let services = root.get("services").and_then(Node::entries).into_iter().flatten();
        let profiles = services.flat_map(|(_, service)| profiles::of(&service.value)).map(str::to_owned).collect();
        if let Some(services) = root.get_mut("services").and_then(Node::entries_mut) {
            services.retain(|name, _| self.active.contains(name));
        }
        let resolved = Resolved {
            root,
            active: self.active,
            variables,
            profiles,
            templates: self.templates,
            compatibility: self.compatibility,
            all_resources: self.all_resources,
            history: None,
        };
        let diagnostics = report.take_diagnostics();
        let history = report.take_trace().map(|trace| Rc::new(History { trace, report }));
        (Resolved { history, ..resolved }, diagnostics)
    }
}

impl Resolved {
    /// The names of the services that are on.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.active.iter().map(String::as_str)
    }

    /// The variables that templates saw: `config --environment`.
    #[must_use]
    pub fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// The profiles of all services, those that are off included.
    #[must_use]
    pub fn profiles(&self) -> &BTreeSet<String> {
        &self.profiles
    }

    /// The models that services use, as a model runner calls them.
    #[must_use]
    pub fn models(&self) -> Vec<&str> {
        let models = self.root.get("models").and_then(Node::entries).into_iter().flatten();
        models.filter_map(|(_, model)| model.value.text_of("model")).filter(|model| !model.is_empty()).collect()
    }

    /// The services and their images; one that is built and says no name gets that of project and service.
    #[must_use]
    pub fn images(&self) -> BTreeMap<&str, String> {
        let project = self.root.text_of("name").unwrap_or_default();
        let image = |name: &str, service: &Node| match service.text_of("image") {
            Some(image) => image.to_owned(),
            None if self.compatibility => format!("{project}_{name}"),
            None => format!("{project}-{name}"),
        };
        self.service_nodes().map(|(name, service)| (name, image(name, service))).collect()
    }

    /// The images that services name, for [`Self::set_images`].
    #[must_use]
    pub fn named_images(&self) -> BTreeMap<String, String> {
        let named = |(name, service): (&str, &Node)| Some((name.to_owned(), service.text_of("image")?.to_owned()));
        self.service_nodes().filter_map(named).collect()
    }

    /// Gives services other images.
    pub fn set_images(&mut self, images: &BTreeMap<String, String>) {
        for (name, service) in services_mut(&mut self.root) {
            if let Some(image) = images.get(name) {
                service.set("image", Node::string(service.origin, image));
            }
        }
    }

    /// Drops everything but the images of the services.
    pub fn keep_images(&mut self) {
        if let Some(entries) = self.root.entries_mut() {
            entries.retain(|key, _| key == "services");
        }
        for (_, service) in services_mut(&mut self.root) {
            if let Some(entries) = service.entries_mut() {
                entries.retain(|key, _| key == "image");
            }
        }
    }

    /// The variables that the files name, of a load without interpolation.
    #[must_use]
    pub fn template_variables(&self) -> BTreeMap<String, TemplateVariable> {
        let mut found = BTreeMap::new();
        collect(&self.root, &mut found);
        found
    }

    fn service_nodes(&self) -> impl Iterator<Item = (&str, &Node)> {
        let services = self.root.get("services").and_then(Node::entries).into_iter().flatten();
        services.map(|(name, entry)| (name.as_str(), &entry.value))
    }

    /// The keys of a top-level section.
    pub fn keys(&self, section: &str) -> Vec<&str> {
        let entries = self.root.get(section).and_then(Node::entries);
        entries.map(|entries| entries.keys().map(String::as_str).collect()).unwrap_or_default()
    }

    /// Keeps these services and what they depend on.
    pub fn select(&mut self, services: &[ServiceName]) {
        let mut keep = BTreeSet::new();
        let mut open: Vec<String> = services.iter().map(ToString::to_string).collect();
        while let Some(name) = open.pop() {
            let service = self.root.get("services").and_then(|services| services.get(&name));
            let dependencies = service.and_then(|service| service.get("depends_on")).and_then(Node::entries);
            open.extend(
                dependencies.into_iter().flatten().map(|(name, _)| name.clone()).filter(|name| !keep.contains(name)),
            );
            keep.insert(name);
        }
        self.retain(&keep);
    }

    /// Keeps these services alone, without dependencies on others.
    fn retain(&mut self, keep: &BTreeSet<String>) {
        self.active.retain(|name| keep.contains(name));
        if let Some(services) = self.root.get_mut("services").and_then(Node::entries_mut) {
            services.retain(|name, _| keep.contains(name));
        }
        for (_, service) in services_mut(&mut self.root) {
            if let Some(dependencies) = service.get_mut("depends_on").and_then(Node::entries_mut) {
                dependencies.retain(|name, _| keep.contains(name));
            }
        }
        if !self.all_resources {
            super::unused::drop_unused(&mut self.root, &self.active);
        }
    }

    /// As YAML, laid out as docker compose does.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        emit::to_yaml(&self.root, self.templates)
    }

    /// As JSON, field for field that of docker compose.
    #[must_use]
    pub fn to_json(&self) -> String {
        emit::to_json(&self.root, self.templates)
    }
}

/// A variable that files name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TemplateVariable {
    /// Whether some template has no value without it.
    pub required: bool,
    /// What a template takes where it is unset.
    pub default: Option<String>,
    /// What a template takes where it is set.
    pub alternative: Option<String>,
}

/// Of several defaults the first one counts, in the order of the keys.
fn collect(node: &Node, found: &mut BTreeMap<String, TemplateVariable>) {
    match &node.value {
        Value::Invalid => {}
        Value::Sequence(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Mapping(entries) => entries.values().for_each(|entry| collect(&entry.value, found)),
        Value::Scalar(scalar) => {
            for variable in template::variables(&scalar.text) {
                let known = found.entry(variable.name.to_owned()).or_default();
                known.required |= variable.required;
                let text = |word: Option<&str>| word.map(str::to_owned);
                known.default = known.default.take().or_else(|| text(variable.default));
                known.alternative = known.alternative.take().or_else(|| text(variable.alternative));
            }
        }
    }
}
