//! `exec`: a further process in a container, as a `process.json` or flags describe it.

use std::path::Path;

use oci_spec::runtime::Process;

use super::bundle::{self, BundleError};
use super::{Container, OciError, Status, json};
use crate::runtime::exec::exec_with;
use crate::runtime::{ExecChild, ExecOptions, Stdio};
use crate::sys::spawn;

/// How a process is run.
#[derive(Debug, Default)]
pub struct Exec {
    /// The process and its user.
    pub options: ExecOptions,
    /// How many of the caller's descriptors, from 3 up, it has too.
    pub preserve_fds: u32,
}

impl Container {
    /// The process of its configuration, for an exec to differ from.
    ///
    /// # Errors
    /// [`OciError::Runtime`].
    pub fn process(&self) -> Result<Process, OciError> {
        Ok(self.config()?.spec.process().clone().unwrap_or_default())
    }

    /// Runs a process in it; returns once that has been executed. Must be called within a tokio runtime with IO.
    ///
    /// # Errors
    /// [`OciError::ExecRefused`]; [`OciError::Runtime`] when it cannot be executed.
    pub async fn exec(&self, exec: &Exec, stdio: Stdio<'_>) -> Result<ExecChild, OciError> {
        match self.status()? {
            Status::Paused if !exec.options.ignore_paused => {
                return Err(OciError::ExecRefused("paused container (use --ignore-paused to override)"));
            }
            Status::Stopped => return Err(OciError::ExecRefused("stopped container")),
            Status::Creating => return Err(OciError::Creating("exec in")),
            _ => {}
        }
        let preserved = spawn::inherited(3, exec.preserve_fds).map_err(OciError::Preserve)?;
        let preserved: Vec<_> = preserved.iter().map(std::os::fd::AsFd::as_fd).collect();
        Ok(exec_with(&self.directory, &exec.options, stdio, &preserved).await?)
    }
}

/// Reads a `process.json`. Returns what of it is ignored, too, as warnings.
///
/// # Errors
/// [`OciError::Bundle`] with the field that is wrong.
pub fn read_process(path: &Path) -> Result<(Process, Vec<String>), OciError> {
    let text = fs_err::read(path).map_err(|source| BundleError::Read { path: path.to_owned(), source })?;
    let (process, warnings): (Process, _) = json::parse_with_process(path, &text, "")?;
    bundle::check_process(&process).map_err(|(field, rule)| BundleError::Field {
        path: path.to_owned(),
        field,
        rule,
    })?;
    Ok((process, warnings))
}
