//! What a project is called.

use std::path::Path;

use crate::name::{InvalidName, ProjectName};

use super::LoadOptions;
use super::interpolate::expand;
use super::load_file::Parsed;
use super::locate::Located;

/// `-p`, else `COMPOSE_PROJECT_NAME`, else `name:` of the last document that has it, else the project directory.
///
/// # Errors
/// [`InvalidName`]: what the user asked for by name must be valid; what is only derived is made so.
pub(super) fn project_name(
    options: &LoadOptions,
    located: &Located,
    files: &[Parsed],
) -> Result<ProjectName, InvalidName> {
    let variable = located.variables.get("COMPOSE_PROJECT_NAME").filter(|name| !name.is_empty());
    if let Some(name) = options.project_name.as_deref().or(variable) {
        return ProjectName::new(name);
    }
    let documents = files.iter().rev().flat_map(|file| file.documents.iter().flatten().rev());
    let last = documents.filter_map(|document| document.get("name")?.text()).next();
    // A mistake in the template is reported when the whole tree is interpolated.
    let lookup = |name: &str| located.variables.get(name).map(Into::into);
    let name = last.and_then(|template| expand(template, &lookup, &mut |_, _| {}).ok());
    match name.filter(|name| !name.is_empty()) {
        Some(name) => ProjectName::normalised(&name),
        None => ProjectName::normalised(&directory_name(&located.directory)),
    }
}

fn directory_name(directory: &Path) -> String {
    directory.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
