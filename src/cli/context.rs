//! What every command starts from: where state lies, which project is meant, how to speak.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::args::Globals;
use super::error::CliError;
use super::output;
use super::remote::RemoteFiles;
use crate::compose::model::Project;
use crate::compose::{LoadOptions, Loaded, load};
use crate::image::{Credentials, RegistryConfig};
use crate::name::{ProjectName, ServiceName};
use crate::state::Layout;

/// What every command starts from.
#[derive(Debug)]
pub(super) struct Context {
    /// The flags before the command.
    pub(super) globals: Globals,
    /// The process environment.
    pub(super) environment: BTreeMap<String, String>,
    /// Where state lies.
    pub(super) layout: Layout,
}

impl Context {
    /// Reads the process environment.
    pub(super) fn new(globals: Globals) -> Self {
        // A variable that is not UTF-8 cannot stand in a Compose file.
        let environment: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let directory = |variable: &str, default: &str| -> PathBuf {
            environment.get(variable).filter(|value| !value.is_empty()).map_or_else(|| default.into(), PathBuf::from)
        };
        let layout =
            Layout::new(directory("RCOMPOSE_ROOT", "/var/lib/rcompose"), directory("RCOMPOSE_RUN", "/run/rcompose"));
        Self { globals, environment, layout }
    }

    /// Loads the project, with the profiles of `services` active; warnings go to standard error.
    ///
    /// # Errors
    /// [`CliError::Load`] with every mistake of the files.
    pub(super) fn load(&self, services: &[ServiceName]) -> Result<Project, CliError> {
        let options = LoadOptions {
            files: self.globals.files.clone(),
            project_directory: self.globals.project_directory.clone(),
            project_name: self.globals.project_name.as_ref().map(ToString::to_string),
            env_files: self.globals.env_files.clone(),
            profiles: self.globals.profiles.clone(),
            services: services.iter().map(ToString::to_string).collect(),
            environment: self.environment.clone(),
            working_dir: std::env::current_dir().map_err(CliError::WorkingDirectory)?,
        };
        let Loaded { project, warnings } = load(&options, &RemoteFiles::new(self.environment.clone()))?;
        let paint = output::paint(&self.globals);
        warnings.iter().for_each(|warning| output::diagnostic(paint, warning));
        Ok(project)
    }

    /// The name of the project, for commands that read state alone: `-p` is enough, without a file.
    ///
    /// # Errors
    /// As [`Context::load`].
    pub(super) fn resolve_name(&self) -> Result<ProjectName, CliError> {
        match self.project_name() {
            Some(name) => Ok(name.clone()),
            None => Ok(self.load(&[])?.name),
        }
    }

    /// The project a command works on by name alone when `-p` is given and there may be no file.
    pub(super) fn project_name(&self) -> Option<&ProjectName> {
        self.globals.project_name.as_ref()
    }

    /// How registries are reached.
    ///
    /// # Errors
    /// As [`registries`].
    pub(super) fn registries(&self) -> Result<RegistryConfig, CliError> {
        registries(&self.environment)
    }

    /// Refuses to go on for anyone but root: namespaces, mounts and networks are root's.
    ///
    /// # Errors
    /// [`CliError::NotRoot`].
    pub(super) fn require_root(&self) -> Result<(), CliError> {
        if rustix::process::geteuid().is_root() { Ok(()) } else { Err(CliError::NotRoot) }
    }
}

/// Mirrors and plain-HTTP registries from `config.toml`, credentials from Docker's own configuration.
///
/// # Errors
/// [`CliError`] when a file exists and cannot be read.
pub(super) fn registries(environment: &BTreeMap<String, String>) -> Result<RegistryConfig, CliError> {
    let path = environment.get("RCOMPOSE_CONFIG").map_or("/etc/rcompose/config.toml", String::as_str);
    let text = read_optional(path.as_ref())?;
    let mut registries =
        RegistryConfig::parse(&text).map_err(|source| CliError::Registries { path: path.into(), source })?;
    let home = environment.get("HOME").map_or("/root", String::as_str);
    let directory = environment.get("DOCKER_CONFIG").map_or_else(|| Path::new(home).join(".docker"), PathBuf::from);
    let path = directory.join("config.json");
    let text = read_optional(&path)?;
    if text.is_empty() {
        return Ok(registries);
    }
    let credentials = Credentials::parse(&text).map_err(|source| CliError::Credentials { path, source })?;
    registries.credentials = credentials;
    Ok(registries)
}

/// A file's text; empty when there is no such file.
fn read_optional(path: &Path) -> io::Result<String> {
    match fs_err::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        result => result,
    }
}
