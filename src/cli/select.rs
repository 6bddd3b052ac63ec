//! The services that a command names.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;
use super::error::CliError;
use crate::compose::LoadError;
use crate::compose::model::{Project, Service};
use crate::name::{ContainerId, ProjectName, ServiceName};
use crate::plan::{DependencyGraph, PlanError};
use crate::runtime::Handle;
use crate::state::{ContainerRecord, ProjectLayout};
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

/// The project, from its file; with `-p` and no file its name is enough.
///
/// # Errors
/// As [`Context::load`] does.
pub(super) fn file_or_name(context: &Context) -> Result<(ProjectName, Option<Project>), CliError> {
    match (context.load(&[]), context.project_name()) {
        (Ok(project), _) => Ok((project.name.clone(), Some(project))),
        (Err(CliError::Load(LoadError::NoFile { .. })), Some(name)) => Ok((name.clone(), None)),
        (Err(error), _) => Err(error),
    }
}

/// As [`select`], with what these depend on if that is wanted.
///
/// # Errors
/// [`CliError::NoSuchService`], or a circle of dependencies.
pub(super) fn select_with<'a>(
    project: &'a Project,
    names: &[ServiceName],
    dependencies: bool,
) -> Result<BTreeMap<&'a ServiceName, &'a Service>, CliError> {
    let selected = select(project, names)?;
    if !dependencies {
        return Ok(selected);
    }
    let wanted: BTreeSet<&ServiceName> = selected.into_keys().collect();
    let all = DependencyGraph::of(&project.services).map_err(PlanError::from)?.with_dependencies(&wanted);
    Ok(project.services.iter().filter(|(name, _)| all.contains(name)).collect())
}

/// The services that `records` are containers of.
pub(super) fn services<S>(records: &[ContainerRecord<S>]) -> BTreeSet<ServiceName> {
    records.iter().map(|record| record.service.clone()).collect()
}

/// Whether the container with these labels was made by `run`.
pub(super) fn is_one_off(labels: &BTreeMap<String, String>) -> bool {
    labels.get("com.docker.compose.oneoff").is_some_and(|text| text == "True")
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

/// The container of `service` that is meant: that with number `index`, else of those that run the one with the lowest.
pub(super) fn running_container<S>(
    paths: &ProjectLayout,
    records: Vec<ContainerRecord<S>>,
    service: &ServiceName,
    index: Option<u32>,
) -> Result<Record, CliError> {
    let id = running_id(paths, records, service, index)?;
    // Removed in this moment, it does not run.
    paths.container(&id).read_record()?.ok_or_else(|| CliError::NotRunning { service: service.clone() })
}

fn running_id<S>(
    paths: &ProjectLayout,
    records: Vec<ContainerRecord<S>>,
    service: &ServiceName,
    index: Option<u32>,
) -> Result<ContainerId, CliError> {
    let mut of_service: Vec<_> = records.into_iter().filter(|record| record.service == *service).collect();
    of_service.sort_by_key(|record| (record.one_off.is_some(), record.number));
    if let Some(index) = index.filter(|_| !of_service.is_empty()) {
        let found = of_service.into_iter().find(|record| record.number == index);
        let missing = || CliError::NoSuchContainer { service: service.clone(), index };
        return found.map(|record| record.id).ok_or_else(missing);
    }
    for record in of_service {
        if Handle::adopt(paths.container(&record.id).run())?.is_some() {
            return Ok(record.id);
        }
    }
    Err(CliError::NotRunning { service: service.clone() })
}
