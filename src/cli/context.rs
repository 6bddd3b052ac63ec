//! What every command starts from: where state lies, which project is meant, how to speak.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use super::args::Globals;
use super::build::BuildSettings;
use super::contents;
use super::error::CliError;
use super::machine;
use super::models;
use super::network_settings::NetworkSettings;
use super::output;
use super::publish;
use super::remote::RemoteFiles;
use super::switches::Switches;
use crate::compose::model::Project;
use crate::compose::{Diagnostic, LoadError, LoadOptions, Loaded, Resolved, load, resolve};
use crate::image::{Credentials, RegistryConfig};
use crate::name::{ProjectName, ServiceName};
use crate::plan::{DependencyGraph, PlanError};
use crate::runtime::Runtimes;
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
        let mut environment: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        // Shells set it; what is run by other programs finds it too.
        if let Some(directory) = std::env::current_dir().ok().and_then(|path| path.into_os_string().into_string().ok())
        {
            environment.entry("PWD".to_owned()).or_insert(directory);
        }
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
        Ok(self.load_all(services)?.project)
    }

    /// As [`Context::load`], to run `services` (all when there are none) and, unless `alone`, what they depend on; with what
    /// variables say in place of flags.
    ///
    /// # Errors
    /// [`CliError::Load`] also for what these services ask for that is not supported yet.
    pub(super) fn load_to_run(&self, services: &[ServiceName], alone: bool) -> Result<(Project, Switches), CliError> {
        let Loaded { mut project, resolved, unsupported, .. } = self.load_all(services)?;
        let switches = Switches::new(resolved.variables());
        if let Some(address) = self.network_settings()?.publish {
            publish::bind(&mut project, address);
        }
        contents::note(&mut project);
        let known = |name: &ServiceName| Some(project.services.get_key_value(name)?.0);
        let mut to_run: BTreeSet<&ServiceName> = services.iter().filter_map(known).collect();
        if services.is_empty() {
            to_run = project.services.keys().collect();
        } else if !alone {
            to_run = DependencyGraph::of(&project.services).map_err(PlanError::from)?.with_dependencies(&to_run);
        }
        let users: BTreeSet<ServiceName> = to_run.iter().map(|name| (*name).clone()).collect();
        let mut refused = unsupported.refused(&project, &to_run);
        let (runtimes, judged) = machine::judge(self, &project, &unsupported, &to_run)?;
        project.runtimes = runtimes;
        models::bind(&mut project, model_endpoint(&self.environment)?.as_deref(), &users)
            .map_err(|(service, model)| CliError::NoModels { service, model })?;
        let (warnings, errors): (Vec<_>, Vec<_>) = judged.into_iter().partition(Diagnostic::is_warning);
        refused.extend(errors);
        self.warn(&warnings);
        if refused.is_empty() { Ok((project, switches)) } else { Err(LoadError::Diagnostics(refused).into()) }
    }

    /// As [`Context::load`], to build: nothing is run, and what is asked of containers does not matter.
    ///
    /// # Errors
    /// As [`Context::load`].
    pub(super) fn load_to_build(&self, services: &[ServiceName]) -> Result<Project, CliError> {
        self.load(services)
    }

    /// What `config.toml` says of networks.
    ///
    /// # Errors
    /// [`CliError::NetworkConfig`] for what it cannot say, with its line.
    pub(super) fn network_settings(&self) -> Result<NetworkSettings, CliError> {
        let path = config_path(&self.environment);
        let text = read_optional(path.as_ref())?;
        NetworkSettings::parse(&text).map_err(|source| CliError::NetworkConfig { path: path.into(), source })
    }

    /// What `config.toml` says of builds.
    ///
    /// # Errors
    /// [`CliError::BuildConfig`] for what it cannot say, with its line.
    pub(super) fn build_settings(&self) -> Result<BuildSettings, CliError> {
        let path = config_path(&self.environment);
        let text = read_optional(path.as_ref())?;
        BuildSettings::parse(&text).map_err(|source| CliError::BuildConfig { path: path.into(), source })
    }

    /// As [`Context::load`], with the tree that the project was decoded from.
    ///
    /// # Errors
    /// As [`Context::load`].
    pub(super) fn load_all(&self, services: &[ServiceName]) -> Result<Loaded, CliError> {
        self.load_with(&self.load_options(services)?)
    }

    /// As [`Context::load_all`], with options of the command's own.
    ///
    /// # Errors
    /// As [`Context::load`].
    pub(super) fn load_with(&self, options: &LoadOptions) -> Result<Loaded, CliError> {
        let loaded = load(options, &RemoteFiles::new(self.environment.clone()))?;
        self.warn(&loaded.warnings);
        Ok(loaded)
    }

    /// Loads the tree alone, for printing it.
    ///
    /// # Errors
    /// As [`Context::load`].
    pub(super) fn resolve(&self, options: &LoadOptions) -> Result<Resolved, CliError> {
        let (resolved, warnings) = self.check(options)?;
        self.warn(&warnings);
        Ok(resolved)
    }

    /// Loads the tree alone, and says nothing.
    ///
    /// # Errors
    /// As [`Context::load`].
    pub(super) fn check(&self, options: &LoadOptions) -> Result<(Resolved, Vec<Diagnostic>), CliError> {
        Ok(resolve(options, &RemoteFiles::new(self.environment.clone()))?)
    }

    fn warn(&self, warnings: &[Diagnostic]) {
        output::diagnostics(output::paint(&self.globals), warnings);
    }

    /// What a load starts from, by the flags before the command.
    ///
    /// # Errors
    /// [`CliError::WorkingDirectory`].
    pub(super) fn load_options(&self, services: &[ServiceName]) -> Result<LoadOptions, CliError> {
        Ok(LoadOptions {
            files: self.globals.files.clone(),
            project_directory: self.globals.project_directory.clone(),
            project_name: self.globals.project_name.as_ref().map(ToString::to_string),
            env_files: self.globals.env_files.clone(),
            profiles: self.globals.profiles.clone(),
            allow: self.globals.allow.clone(),
            services: services.iter().map(ToString::to_string).collect(),
            environment: self.environment.clone(),
            working_dir: working_directory().map_err(CliError::WorkingDirectory)?,
            compatibility: self.globals.compatibility,
            all_resources: self.globals.all_resources,
            ..LoadOptions::default()
        })
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

    /// The OCI runtimes of this machine.
    ///
    /// # Errors
    /// [`CliError::Runtimes`].
    pub(super) fn runtimes(&self) -> Result<Runtimes, CliError> {
        runtimes(&self.environment)
    }

    /// Refuses to go on for anyone but root: namespaces, mounts and networks are root's.
    ///
    /// # Errors
    /// [`CliError::NotRoot`].
    pub(super) fn require_root(&self) -> Result<(), CliError> {
        if rustix::process::geteuid().is_root() { Ok(()) } else { Err(CliError::NotRoot) }
    }
}

/// Where we are; in a directory that was deleted, what it was called: there is no file in it, and a project that is named is
/// found all the same.
pub(super) fn working_directory() -> io::Result<PathBuf> {
    const DELETED: &str = " (deleted)";
    match std::env::current_dir() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let link = fs_err::read_link("/proc/self/cwd")?;
            Ok(link.to_str().and_then(|path| path.strip_suffix(DELETED)).map_or(link.clone(), PathBuf::from))
        }
        result => result,
    }
}

/// The programs that `config.toml` names, and those on PATH.
fn runtimes(environment: &BTreeMap<String, String>) -> Result<Runtimes, CliError> {
    let path = config_path(environment);
    let text = read_optional(path.as_ref())?;
    let search = environment.get("PATH").map(std::ffi::OsStr::new);
    Runtimes::parse(&text, search).map_err(|source| CliError::Runtimes { path: path.into(), source })
}

/// Where language models are, from `config.toml`.
fn model_endpoint(environment: &BTreeMap<String, String>) -> Result<Option<String>, CliError> {
    let path = config_path(environment);
    let text = read_optional(path.as_ref())?;
    models::endpoint(&text).map_err(|source| CliError::NetworkConfig { path: path.into(), source })
}

fn config_path(environment: &BTreeMap<String, String>) -> &str {
    environment.get("RCOMPOSE_CONFIG").map_or("/etc/rcompose/config.toml", String::as_str)
}

/// Mirrors and plain-HTTP registries from `config.toml`, credentials from Docker's own configuration.
///
/// # Errors
/// [`CliError`] when a file exists and cannot be read.
pub(super) fn registries(environment: &BTreeMap<String, String>) -> Result<RegistryConfig, CliError> {
    let path = config_path(environment);
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
