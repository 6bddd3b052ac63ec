//! The containers that a command is about, whether they run or not, and their files.

use super::context::Context;
use super::error::CliError;
use super::select::{check_known, is_one_off, services};
use crate::name::{ProjectName, ServiceName};
use crate::runtime::Handle;
use crate::runtime::files::{Files, with_stopped};
use crate::supervisor::{Configuration, Record, stopped};

/// The containers of `service` by number, those of `run` last if they are wanted; with an `index`, the one that has it.
///
/// # Errors
/// [`CliError::NoSuchService`], [`CliError::NoContainer`], [`CliError::NoSuchContainer`].
pub(super) fn of_service(
    context: &Context,
    project: &ProjectName,
    service: &ServiceName,
    index: Option<u32>,
    one_offs: bool,
) -> Result<Vec<Record>, CliError> {
    let mut records = context.layout.project(project).read_containers::<Configuration>()?;
    check_known(context, std::slice::from_ref(service), &services(&records))?;
    records.retain(|record| record.service == *service && (one_offs || !is_one_off(&record.labels)));
    records.sort_by_key(|record| (is_one_off(&record.labels), record.number));
    if let Some(index) = index {
        records.retain(|record| record.number == index && !is_one_off(&record.labels));
        if records.is_empty() {
            return Err(CliError::NoSuchContainer { service: service.clone(), index });
        }
    }
    if records.is_empty() { Err(CliError::NoContainer { service: service.clone() }) } else { Ok(records) }
}

/// Calls `work` with the files of a container, as its processes see them if there are any.
///
/// # Errors
/// When they cannot be reached, or those of `work`.
pub(super) fn with_files<T: Send>(
    context: &Context,
    project: &ProjectName,
    record: &Record,
    work: impl FnOnce(&Files) -> Result<T, CliError> + Send,
) -> Result<T, CliError> {
    let paths = context.layout.project(project).container(&record.id);
    match Handle::adopt(paths.run())? {
        Some(handle) => work(&handle.files()?),
        None => with_stopped(&stopped(&paths, record), work),
    }
}
