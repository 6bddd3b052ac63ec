//! The variables and labels that a service takes from files: `env_file` and `label_file`.

use std::path::Path;

use super::diagnostic::DiagnosticKind;
use super::dotenv::{self, Assignment};
use super::load_file::Loader;
use super::locate::display_name;
use super::node::{Entry, Mapping, Node, Value};
use super::report::{Origin, Report};
use super::variables::Variables;
use crate::text;

/// Fills `environment` and `labels` of a service from its files, later ones over earlier ones and the service's own
/// over all of them, and drops the names of the files.
pub(super) fn resolve(service: &mut Node, variables: &Variables, loader: &Loader<'_>) {
    let Some(entries) = service.entries_mut() else { return };
    let env_files = entries.remove("env_file").map(|entry| entry.value);
    let label_files = entries.remove("label_file").map(|entry| entry.value);
    if let Some(files) = env_files {
        let own = service.get("environment").and_then(Node::entries);
        let mut merged = Mapping::new();
        for file in files.items() {
            let Some(path) = file.get("path") else { continue };
            let required = file.text_of("required") != Some("false");
            let of_service = |name: &str| own?.get(name)?.value.text().map(str::to_owned);
            let above =
                |merged: &Mapping, name: &str| merged.get(name).and_then(|entry| entry.value.text()).map(str::to_owned);
            // The project's variables come first, then what the service says itself.
            let lookup = |name: &str| variables.get(name).map(str::to_owned).or_else(|| of_service(name));
            let read = assignments(loader, path, file.get("format"), required, &lookup, &|name| above(&merged, name));
            for (assignment, at) in read {
                let value = assignment.value.or_else(|| variables.get(&assignment.name).map(str::to_owned));
                if let Some(value) = value {
                    let value = Node::string(at, value);
                    put(&mut merged, assignment.name, Entry { key: at, value }, loader.report);
                }
            }
        }
        fill(service, "environment", merged, loader.report);
    }
    if let Some(files) = label_files {
        let mut merged = Mapping::new();
        for path in files.items() {
            let lookup = |name: &str| merged.get(name).and_then(|entry: &Entry| entry.value.text()).map(str::to_owned);
            let read = assignments(loader, path, None, true, &|_| None, &lookup);
            for (assignment, at) in read {
                if let Some(value) = assignment.value {
                    let value = Node::string(at, value);
                    put(&mut merged, assignment.name, Entry { key: at, value }, loader.report);
                }
            }
        }
        fill(service, "labels", merged, loader.report);
    }
}

/// Puts what a service says itself under `key` over what its files say.
fn fill(service: &mut Node, key: &str, mut merged: Mapping, report: &Report) {
    let own = service.get_mut(key).and_then(Node::entries_mut).map(std::mem::take).unwrap_or_default();
    own.into_iter().for_each(|(name, entry)| put(&mut merged, name, entry, report));
    if !merged.is_empty() {
        service.set(key, Node { value: Value::Mapping(merged), ..Node::null(service.origin) });
    }
}

/// Sets an entry over what an earlier file says.
fn put(merged: &mut Mapping, name: String, entry: Entry, report: &Report) {
    if let Some(earlier) = merged.get(&name) {
        report.overrides(&entry.value, &earlier.value);
    }
    merged.insert(name, entry);
}

/// Reads one file. A mistake is reported, and gives no assignments.
fn assignments(
    loader: &Loader<'_>,
    path: &Node,
    format: Option<&Node>,
    required: bool,
    lookup: &dyn Fn(&str) -> Option<String>,
    earlier: &dyn Fn(&str) -> Option<String>,
) -> Vec<(Assignment, Origin)> {
    let Some(text) = path.text() else { return Vec::new() };
    let raw = match format.and_then(Node::text) {
        None | Some("") => false,
        Some("raw") => true,
        Some(other) => {
            let at = format.map_or(path.origin, |node| node.origin);
            let kind = DiagnosticKind::InvalidValue {
                what: "`format` of an env file".to_owned(),
                reason: format!("`{other}` is not a format, must be `raw`"),
            };
            loader.report.error_with_help(at, kind, text::did_you_mean(other, ["raw"]));
            return Vec::new();
        }
    };
    let content = match loader.files.read(Path::new(text)) {
        Ok(content) => content,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !required => return Vec::new(),
        Err(error) => {
            let name = display_name(Path::new(text), &loader.options.working_dir);
            let kind = DiagnosticKind::Unreadable(format!("cannot read env file `{name}`: {error}"));
            let help = (error.kind() == std::io::ErrorKind::NotFound)
                .then(|| "create it, or say that it need not be there: `required: false`".to_owned());
            loader.report.error_with_help(path.origin, kind, help);
            return Vec::new();
        }
    };
    let source = loader.report.add_source(display_name(Path::new(text), &loader.options.working_dir), content);
    loader.report.notes().read_for(source, path.origin, "read here");
    let content = &loader.report.source(source).text;
    let parsed = if raw { dotenv::parse_raw(content) } else { dotenv::parse(content, lookup, earlier) };
    match parsed {
        Ok(assignments) => {
            let placed = |assignment: Assignment| {
                let at = Origin::new(source, assignment.range.clone());
                (assignment, at)
            };
            assignments.into_iter().map(placed).collect()
        }
        Err(error) => {
            loader.report.error(Origin::new(source, error.range), DiagnosticKind::EnvFile(error.reason));
            Vec::new()
        }
    }
}
