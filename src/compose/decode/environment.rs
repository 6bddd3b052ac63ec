//! The environment of a service: `environment` over its `env_file`s.

use std::collections::BTreeMap;

use super::field::{Field, Object};
use super::{Context, keys};
use crate::compose::diagnostic::DiagnosticKind;
use crate::compose::dotenv;
use crate::compose::report::Origin;

/// Resolves the variables of a service. One without a value is taken from the project's environment or left out.
pub(super) fn environment(service: &Object<'_>, context: &Context<'_>) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for field in service.get("env_file").map(Field::items).unwrap_or_default() {
        read(field, &mut variables, context);
    }
    for (key, field) in service.get("environment").map(Field::entries).unwrap_or_default() {
        let value = if field.node.is_null() {
            // An entry without a value hides that of an env file, even when nobody has one.
            variables.remove(key);
            context.environment.get(key).map(String::as_str)
        } else {
            field.text()
        };
        variables.extend(value.map(|value| (key.to_owned(), value.to_owned())));
    }
    variables
}

fn read(field: Field<'_>, variables: &mut BTreeMap<String, String>, context: &Context<'_>) -> Option<()> {
    let object = field.object(&keys::ENV_FILE)?;
    let Some(path_field) = object.get("path") else {
        object.missing("path");
        return None;
    };
    let raw = match object.string("format").as_deref() {
        None | Some("") => false,
        Some("raw") => true,
        Some(_) => {
            object.get("format")?.invalid("must be `raw` or left out");
            return None;
        }
    };
    let path = context.path(&path_field.string()?);
    if !context.files.exists(&path) {
        if object.boolean("required").unwrap_or(true) {
            path_field.invalid(format!("there is no file `{}`", path.display()));
        }
        return None;
    }
    let text = context.files.read(&path).map_err(|error| path_field.invalid(error)).ok()?;
    let parsed = if raw {
        dotenv::parse_raw(&text)
    } else {
        let lookup = |name: &str| context.environment.get(name).cloned();
        dotenv::parse(&text, &lookup, &|name| variables.get(name).cloned())
    };
    match parsed {
        Ok(assignments) => {
            let inherit = |key: &str| context.environment.get(key).cloned();
            variables.extend(assignments.into_iter().filter_map(|found| {
                let value = found.value.or_else(|| inherit(&found.name))?;
                Some((found.name, value))
            }));
        }
        Err(error) => {
            let source = context.report.add_source(path.display().to_string(), text);
            context.report.error(Origin::new(source, error.range), DiagnosticKind::EnvFile(error.reason));
        }
    }
    Some(())
}
