//! `exec`: a further process in a container, as a `process.json` or flags describe it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use oci_spec::runtime::Process;

use super::bundle::{self, BundleError};
use super::{Container, OciError, Status, json};
use crate::runtime::exec::exec_with;
use crate::runtime::{ExecChild, ExecOptions, Stdio};
use crate::sys::process::close_on_exec_from;
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
        close_on_exec_from(3).map_err(OciError::Preserve)?;
        let preserved: Vec<_> = preserved.iter().map(std::os::fd::AsFd::as_fd).collect();
        Ok(exec_with(&self.directory, &exec.options, stdio, &preserved).await?)
    }
}

/// Parses the values of `--cgroup`: one path for all controllers, or `CONTROLLER[,CONTROLLER…]:PATH` for some.
///
/// # Errors
/// [`OciError::CgroupFlag`].
pub fn parse_cgroups(values: &[String]) -> Result<BTreeMap<String, PathBuf>, OciError> {
    let mut cgroups = BTreeMap::new();
    for value in values {
        let wrong = |rule| OciError::CgroupFlag { value: value.clone(), rule };
        let Some((controllers, path)) = value.split_once(':') else {
            if values.len() > 1 {
                return Err(wrong("missing <controller>: prefix"));
            }
            cgroups.insert(String::new(), PathBuf::from(value));
            break;
        };
        for controller in controllers.split(',') {
            if controller.is_empty() {
                return Err(wrong("empty <controller> prefix"));
            }
            if cgroups.insert(controller.to_owned(), PathBuf::from(path)).is_some() {
                return Err(wrong("controller specified multiple times"));
            }
        }
    }
    Ok(cgroups)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cgroups_by_controller() {
        let parse = |values: &[&str]| {
            let values: Vec<String> = values.iter().map(ToString::to_string).collect();
            let cgroups = parse_cgroups(&values).map_err(|error| error.to_string())?;
            Ok::<_, String>(cgroups.iter().map(|(name, path)| format!("{name}={}", path.display())).collect::<Vec<_>>())
        };
        assert_eq!(parse(&[]).unwrap(), [""; 0]);
        assert_eq!(parse(&["a/b"]).unwrap(), ["=a/b"]);
        assert_eq!(parse(&["cpu,cpuacct:a", "pids:/b"]).unwrap(), ["cpu=a", "cpuacct=a", "pids=/b"]);
        for (values, expected) in [
            (&["a", "pids:b"][..], "invalid --cgroup argument: a (missing <controller>: prefix)"),
            (&["cpu,:a"], "invalid --cgroup argument: cpu,:a (empty <controller> prefix)"),
            (&["cpu:a", "cpu:b"], "invalid --cgroup argument: cpu:b (controller specified multiple times)"),
        ] {
            assert_eq!(parse(values).unwrap_err(), expected);
        }
    }
}
