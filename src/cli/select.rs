//! The services that a command names.

use std::collections::BTreeMap;

use super::error::CliError;
use crate::compose::model::{Project, Service};
use crate::name::ServiceName;

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
