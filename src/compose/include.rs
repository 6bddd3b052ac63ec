//! `include`: the model of other files, loaded in a scope of their own, below the file that includes them.
//!
//! What the including file says of an included service is merged over it. Two includes may not say different things.

use std::path::{Path, PathBuf};

use super::diagnostic::DiagnosticKind;
use super::load_file::{Loader, Scope};
use super::node::{Node, Value};
use super::report::Origin;
use super::{LoadError, locate, merge};

/// The sections that are taken over.
const SECTIONS: &[&str] = &["services", "volumes", "networks", "secrets", "configs", "models"];

/// Merges `document` over what it includes. `including` ends with the path of its own file.
pub(super) fn include(
    loader: &Loader<'_>,
    mut document: Node,
    scope: &Scope,
    including: &[PathBuf],
) -> Result<Node, LoadError> {
    let Some(entry) = document.entries_mut().and_then(|entries| entries.remove("include")) else { return Ok(document) };
    let mut imported: Option<Node> = None;
    for entry in entry.value.items() {
        let Some(mut model) = one(loader, entry, scope, including)? else { continue };
        if let Some(sections) = model.entries_mut() {
            sections.retain(|section, _| SECTIONS.contains(&section.as_str()));
        }
        imported = Some(match imported {
            None => model,
            Some(known) => combine(loader, known, model),
        });
    }
    let origin = document.origin;
    let merged = merge::merge(imported, document, loader.report);
    Ok(merged.unwrap_or_else(|| Node::null(origin)))
}

/// The model of one entry.
fn one(loader: &Loader<'_>, entry: &Node, scope: &Scope, including: &[PathBuf]) -> Result<Option<Node>, LoadError> {
    let mut paths = Vec::new();
    for node in entry.get("path").map(Node::items).unwrap_or_default() {
        let Some(text) = node.text() else { continue };
        let Some(path) = loader.named_file(node, text, &scope.directory) else { return Ok(None) };
        paths.push((path, node.origin));
    }
    let Some((main, at)) = paths.first() else {
        if entry.entries().is_none() {
            return Ok(None);
        }
        loader.report.error(entry.origin, DiagnosticKind::Missing("`include` needs `path`".to_owned()));
        return Ok(None);
    };
    if !loader.may_go_on(including.len(), *at) || !loader.may_include(*at) {
        return Ok(None);
    }
    // As texts: both are without `.` and `..`, and comparing their components takes long where files lead to many.
    if let Some(start) = including.iter().position(|path| path.as_os_str() == main.as_os_str()) {
        let name = |path: &PathBuf| locate::display_name(path, &loader.options.working_dir);
        let chain = including[start..].iter().chain([main]).map(name).collect();
        loader.report.error(*at, DiagnosticKind::IncludeCycle(chain));
        return Ok(None);
    }
    let directory = match entry.text_of("project_directory").filter(|text| !text.is_empty()) {
        Some(text) => locate::absolute(&scope.directory, Path::new(text)),
        None => main.parent().map_or_else(|| PathBuf::from("/"), Path::to_path_buf),
    };
    let Some(inner) = inner_scope(loader, entry, scope, directory)? else { return Ok(None) };
    let mut files = Vec::new();
    for (path, at) in &paths {
        let Some(parsed) = loader.parse_named(path, *at) else { return Ok(None) };
        loader.report.notes().read_for(parsed.source, *at, "included here");
        if parsed.documents.is_none() {
            return Ok(None);
        }
        files.push(parsed);
    }
    loader.merged(files, &inner, including)
}

/// The scope of an include: its own directory, and its own env files below the variables of the including file.
fn inner_scope(
    loader: &Loader<'_>,
    entry: &Node,
    scope: &Scope,
    directory: PathBuf,
) -> Result<Option<Scope>, LoadError> {
    let mut paths: Vec<(PathBuf, Option<Origin>)> = Vec::new();
    for node in entry.get("env_file").map(Node::items).unwrap_or_default() {
        let Some(text) = node.text() else { continue };
        paths.push((locate::absolute(&scope.directory, Path::new(text)), Some(node.origin)));
    }
    let default = directory.join(".env");
    if paths.is_empty() && loader.files.exists(&default) {
        paths.push((default, None));
    }
    let mut variables = scope.variables.clone();
    match locate::read_env_files(paths.iter().map(|(path, _)| path.as_path()), loader, &mut variables) {
        Ok(()) => Ok(Some(Scope { directory, variables })),
        Err(LoadError::Read { source, path }) => {
            let at = paths.iter().find(|(known, _)| *known == path).and_then(|(_, at)| *at);
            loader.unreadable(&path, &source, at.unwrap_or(entry.origin));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Puts two included models together.
fn combine(loader: &Loader<'_>, mut known: Node, model: Node) -> Node {
    let Value::Mapping(sections) = model.value else { return known };
    for (section, entry) in sections {
        let Some(into) = known.entries_mut() else { return known };
        let Some(existing) = into.get_mut(&section) else {
            into.insert(section, entry);
            continue;
        };
        let (Some(existing), Value::Mapping(new)) = (existing.value.entries_mut(), entry.value.value) else { continue };
        for (name, entry) in new {
            match existing.get(&name) {
                Some(first) if first.value.same_value(&entry.value) => {}
                Some(first) => {
                    let text = format!("two includes define `{section}.{name}` differently");
                    let kind = DiagnosticKind::Conflict(text);
                    loader.report.error_with_label(entry.key, kind, (first.key, "first defined here"));
                }
                None => drop(existing.insert(name, entry)),
            }
        }
    }
    known
}
