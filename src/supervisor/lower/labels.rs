//! The labels of a container: how everybody's tools find it again.

use std::collections::{BTreeMap, HashMap};

use super::LowerInput;
use crate::compose::model::Service;

const PREFIX: &str = "com.docker.compose.";

/// Every label of a container: the image's, the service's over them, and those of docker compose over both.
#[must_use]
pub fn labels(input: &LowerInput) -> BTreeMap<String, String> {
    let LowerInput { project, name, service, .. } = input;
    let depends_on = service.depends_on.iter().map(|(on, dependency)| {
        let (condition, restart) = (dependency.condition, dependency.restart);
        format!("{on}:{condition}:{restart}")
    });
    let files = project.files.iter().map(|file| file.display().to_string());
    let own = [
        ("project", project.name.to_string()),
        ("service", name.to_string()),
        match input.slug {
            Some(slug) => ("slug", slug.to_owned()),
            None => ("container-number", input.number.to_string()),
        },
        ("oneoff", if input.slug.is_some() { "True" } else { "False" }.to_owned()),
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("config-hash", input.config_hash.to_owned()),
        ("image", input.image_id.to_owned()),
        ("depends_on", depends_on.collect::<Vec<_>>().join(",")),
        ("project.working_dir", project.working_dir.display().to_string()),
        ("project.config_files", files.collect::<Vec<_>>().join(",")),
    ];
    let mut labels = input.image.labels.clone();
    labels.extend(service.labels.clone());
    labels.extend(own.map(|(key, value)| (format!("{PREFIX}{key}"), value)));
    labels
}

/// The service's annotations, and those labels that become one. Not the user's labels: some runtimes take orders from
/// annotations.
pub(super) fn annotations(service: &Service, labels: &BTreeMap<String, String>) -> HashMap<String, String> {
    let own = labels.iter().filter(|(key, _)| key.starts_with(PREFIX));
    service.annotations.iter().chain(own).map(|(key, value)| (key.clone(), value.clone())).collect()
}
