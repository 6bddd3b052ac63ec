//! The services that a command names.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;
use super::error::CliError;
use crate::compose::LoadError;
use crate::compose::model::{Project, Service};
use crate::name::ServiceName;
use crate::supervisor::Record;

/// The services of `project` called `names`; all when there are none.
///
/// # Errors
/// [`CliError::NoSuchService`].
pub(super) fn select<'a>(
    project: &'a Project,
    names: &[ServiceName],
) -> Result<BTreeMap<&'a ServiceName, &'a Service>, CliError> {
    if names.is_empty() {
        return Ok(project.services.iter().collect());
    }
    let find = |name: &ServiceName| {
        project.services.get_key_value(name).ok_or_else(|| CliError::NoSuchService {
            service: name.clone(),
            known: project.services.keys().cloned().collect(),
        })
    };
    names.iter().map(find).collect()
}

/// The services that `records` are containers of.
pub(super) fn services(records: &[Record]) -> BTreeSet<ServiceName> {
    records.iter().map(|record| record.service.clone()).collect()
}

/// Refuses `names` that neither the Compose file nor one of the project's containers has; `of_containers` are the
/// services of these. The file is read only for a name that no container has.
///
/// # Errors
/// [`CliError::NoSuchService`], or as [`Context::load`] does.
pub(super) fn check_known(
    context: &Context,
    names: &[ServiceName],
    of_containers: &BTreeSet<ServiceName>,
) -> Result<(), CliError> {
    let unknown: Vec<_> = names.iter().filter(|name| !of_containers.contains(*name)).cloned().collect();
    let Some(first) = unknown.first() else { return Ok(()) };
    match context.load(&unknown) {
        Ok(_) => Ok(()),
        Err(CliError::Load(LoadError::NoFile { .. })) if context.project_name().is_some() => {
            Err(CliError::NoSuchService { service: first.clone(), known: of_containers.iter().cloned().collect() })
        }
        Err(error) => Err(error),
    }
}
