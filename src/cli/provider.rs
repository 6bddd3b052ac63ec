//! Services that a program of this machine provides instead of containers: `provider`.
//!
//! The program is `docker-TYPE`, a plugin of the Docker command line, or `TYPE` on `PATH`. It is run as
//! `TYPE compose --project-name P up --OPTION=VALUE… SERVICE`, and says on its standard output, one JSON object a line, how it
//! goes on (`info`, `debug`), what went wrong (`error`) and which variables dependents get (`setenv`). Providers are run
//! before what depends on them is made, since what they say is a part of what containers are made from; what one depends on
//! itself is brought up before.
//! See <https://github.com/docker/compose/blob/main/docs/extension.md>.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use super::context::Context;
use super::error::CliError;
use super::output;
use crate::compose::model::{Dependency, Project, Provider, Service};
use crate::name::{ProjectName, ServiceName};
use crate::plan::{DependencyGraph, PlanError};

/// Why a service could not be provided.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// There is no such program.
    #[error(
        "no provider `{kind}` for service `{service}`: there is neither a plugin `docker-{kind}` nor `{kind}` on PATH"
    )]
    NotFound {
        /// The service.
        service: ServiceName,
        /// Its `provider.type`.
        kind: String,
    },
    /// It cannot be run.
    #[error("cannot run provider `{}` of service `{service}`", .program.display())]
    Run {
        /// The service.
        service: ServiceName,
        /// The program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It has failed.
    #[error("the provider `{kind}` of service `{service}` failed: {message}")]
    Failed {
        /// The service.
        service: ServiceName,
        /// Its `provider.type`.
        kind: String,
        /// What it said, or how it ended.
        message: String,
    },
    /// It needs an option that the service does not give.
    #[error("service `{service}` needs the option `{option}` of its provider `{kind}`")]
    OptionMissing {
        /// The service.
        service: ServiceName,
        /// Its `provider.type`.
        kind: String,
        /// The option.
        option: String,
    },
}

/// What a provider is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Up,
    Down,
}

impl Verb {
    fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// The provided services of a project.
#[derive(Debug, Default)]
pub(super) struct Provided {
    services: BTreeMap<ServiceName, Provider>,
    /// The same, each after those that it depends on.
    order: Vec<ServiceName>,
    /// The services of containers that depend on each.
    dependents: BTreeMap<ServiceName, BTreeSet<ServiceName>>,
    /// The services of containers that each depends on.
    needs: BTreeMap<ServiceName, BTreeMap<ServiceName, Dependency>>,
}

impl Provided {
    /// Whether a provider has this service.
    pub(super) fn has(&self, service: &ServiceName) -> bool {
        self.services.contains_key(service)
    }

    /// All of them, each after those that it depends on.
    pub(super) fn in_order(&self) -> &[ServiceName] {
        &self.order
    }

    /// The services of containers that this one depends on, if any.
    pub(super) fn needs(&self, service: &ServiceName) -> Option<&BTreeMap<ServiceName, Dependency>> {
        self.needs.get(service).filter(|needs| !needs.is_empty())
    }
}

/// Takes the services that have a provider out of `project`: there is nothing to make or to wait for. Returns those that
/// are needed to run `services` (all when there are none), unless `alone` for themselves alone.
///
/// # Errors
/// [`CliError::Plan`] for dependencies in a circle.
pub(super) fn take(project: &mut Project, services: &[ServiceName], alone: bool) -> Result<Provided, CliError> {
    if project.services.values().all(|service| service.provider.is_none()) {
        return Ok(Provided::default());
    }
    let named: BTreeSet<&ServiceName> = services.iter().collect();
    let graph = DependencyGraph::of(&project.services).map_err(PlanError::from)?;
    let needed: BTreeSet<ServiceName> = match (services.is_empty(), alone) {
        (true, _) => project.services.keys().cloned().collect(),
        (false, true) => named.into_iter().cloned().collect(),
        (false, false) => graph.with_dependencies(&named).into_iter().cloned().collect(),
    };
    let mut order: Vec<ServiceName> = graph.order().iter().map(|name| (*name).clone()).collect();
    let (mut services, mut needs) = (BTreeMap::new(), BTreeMap::new());
    for (name, service) in std::mem::take(&mut project.services) {
        match service.provider {
            Some(provider) => {
                needs.insert(name.clone(), service.depends_on);
                services.insert(name, provider);
            }
            None => drop(project.services.insert(name, service)),
        }
    }
    for needs in needs.values_mut() {
        needs.retain(|on, _| project.services.contains_key(on));
    }
    let depends = |on: &ServiceName| {
        let dependents = project.services.iter().filter(|(_, service)| service.depends_on.contains_key(on));
        (on.clone(), dependents.map(|(name, _)| name.clone()).collect())
    };
    let dependents = services.keys().map(depends).collect();
    for service in project.services.values_mut() {
        service.depends_on.retain(|on, _| !services.contains_key(on));
    }
    services.retain(|name, _| needed.contains(name));
    order.retain(|name| services.contains_key(name));
    Ok(Provided { services, order, dependents, needs })
}

/// Has the service `name`, one of those `provided`, provided, and gives `project`'s services that depend on it the variables
/// that it says.
///
/// # Errors
/// [`CliError::Provider`].
pub(super) async fn up(
    context: &Context,
    project: &mut Project,
    provided: &Provided,
    name: &ServiceName,
) -> Result<(), CliError> {
    let Some(provider) = provided.services.get(name) else { return Ok(()) };
    let said = run(context, &project.name, name, provider, Verb::Up).await?;
    for dependent in provided.dependents.get(name).into_iter().flatten() {
        if let Some(service) = project.services.get_mut(dependent) {
            tell(service, name, &said);
        }
    }
    Ok(())
}

/// Has providers take down what they have made. Goes on after one that fails.
///
/// # Errors
/// The first [`CliError::Provider`].
pub(super) async fn down(context: &Context, project: &ProjectName, provided: &Provided) -> Result<(), CliError> {
    let mut first = Ok(());
    for name in provided.order.iter().rev() {
        let Some(provider) = provided.services.get(name) else { continue };
        let result = run(context, project, name, provider, Verb::Down).await;
        first = first.and(result.map(drop));
    }
    first
}

/// What a provider has said of variables.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    /// `setenv`: they get the name of the service before theirs.
    prefixed: Vec<(String, String)>,
    /// `rawsetenv`: they do not.
    raw: Vec<(String, String)>,
}

/// Adds the variables of the provided service `name`; what a service sets itself stays.
fn tell(service: &mut Service, name: &ServiceName, said: &Said) {
    let prefix: String = name
        .as_str()
        .chars()
        .map(|sign| if sign.is_ascii_alphanumeric() { sign.to_ascii_uppercase() } else { '_' })
        .collect();
    let prefixed = said.prefixed.iter().map(|(key, value)| (format!("{prefix}_{key}"), value.clone()));
    for (key, value) in prefixed.chain(said.raw.iter().cloned()) {
        service.environment.entry(key).or_insert(value);
    }
}

/// A line of a provider's standard output.
#[derive(Debug, Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    message: String,
}

async fn run(
    context: &Context,
    project: &ProjectName,
    service: &ServiceName,
    provider: &Provider,
    verb: Verb,
) -> Result<Said, CliError> {
    let kind = provider.kind.clone();
    let not_found = || ProviderError::NotFound { service: service.clone(), kind: kind.clone() };
    let program = find(&context.environment, &provider.kind).ok_or_else(not_found)?;
    let known = metadata(context, &program).await;
    let options = known.as_ref().map(|known| known.of(verb)).filter(|known| !known.parameters.is_empty());
    if let Some(option) = options.iter().flat_map(|options| options.missing(provider)).next() {
        let (service, option) = (service.clone(), option.to_owned());
        return Err(ProviderError::OptionMissing { service, kind, option }.into());
    }
    let cannot = |source| ProviderError::Run { service: service.clone(), program: program.clone(), source };
    let mut command = Command::new(&program);
    command.args(["compose", "--project-name", project.as_str(), verb.name()]);
    command.args(flags(provider, options)).arg(service.as_str()).envs(&context.environment);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn().map_err(cannot)?;
    let mut lines = BufReader::new(child.stdout.take().expect("it was piped")).lines();
    let (mut said, mut error) = (Said::default(), None);
    while let Some(line) = lines.next_line().await.map_err(cannot)? {
        // Whatever else it prints is for people, on standard error.
        let Ok(Line { kind, message }) = serde_json::from_str::<Line>(&line) else { continue };
        let variable = || message.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
        match kind.as_str() {
            "error" => error = Some(message),
            "info" => output::note(&format!("{service}: {message}")),
            "setenv" => said.prefixed.extend(variable()),
            "rawsetenv" => said.raw.extend(variable()),
            _ => {}
        }
    }
    let status = child.wait().await.map_err(cannot)?;
    match error.or_else(|| (!status.success()).then(|| status.to_string())) {
        Some(message) => Err(ProviderError::Failed { service: service.clone(), kind, message }.into()),
        None => Ok(said),
    }
}

/// `docker-KIND` where Docker has its plugins, or in `PATH`, else `KIND` there.
fn find(environment: &BTreeMap<String, String>, kind: &str) -> Option<PathBuf> {
    if kind.contains('/') {
        return Some(PathBuf::from(kind)).filter(|path| path.is_file());
    }
    let plugin = format!("docker-{kind}");
    let home = environment.get("HOME").map_or("/root", String::as_str);
    let own = environment.get("DOCKER_CONFIG").map_or_else(|| Path::new(home).join(".docker"), PathBuf::from);
    let shared = ["/usr/local/lib", "/usr/local/libexec", "/usr/lib", "/usr/libexec"];
    let shared = shared.iter().map(|directory| Path::new(directory).join("docker/cli-plugins"));
    let path: Vec<PathBuf> = environment.get("PATH").into_iter().flat_map(std::env::split_paths).collect();
    let plugins = std::iter::once(own.join("cli-plugins")).chain(shared).chain(path.iter().cloned());
    let plugins = plugins.map(|directory| directory.join(&plugin));
    plugins.chain(path.iter().map(|directory| directory.join(kind))).find(|program| program.is_file())
}

/// What a provider says of itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    up: Options,
    down: Options,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
struct Options {
    parameters: Vec<Parameter>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
struct Parameter {
    name: String,
    required: bool,
}

impl Metadata {
    fn of(&self, verb: Verb) -> Options {
        match verb {
            Verb::Up => self.up.clone(),
            Verb::Down => self.down.clone(),
        }
    }
}

impl Options {
    fn missing<'a>(&'a self, provider: &'a Provider) -> impl Iterator<Item = &'a str> {
        let missing = |parameter: &&Parameter| parameter.required && !provider.options.contains_key(&parameter.name);
        self.parameters.iter().filter(missing).map(|parameter| parameter.name.as_str())
    }
}

/// `compose metadata`, which a provider need not know.
async fn metadata(context: &Context, program: &Path) -> Option<Metadata> {
    let mut command = Command::new(program);
    command.args(["compose", "metadata"]).envs(&context.environment);
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.ok().filter(|output| output.status.success())?;
    serde_json::from_slice(&output.stdout).ok()
}

/// The options as flags: all of them, or those that the provider knows for this verb.
fn flags(provider: &Provider, known: Option<Options>) -> Vec<String> {
    let is_known =
        |name: &str| known.as_ref().is_none_or(|known| known.parameters.iter().any(|parameter| parameter.name == name));
    let options = provider.options.iter().filter(|(name, _)| is_known(name));
    options.flat_map(|(name, values)| values.0.iter().map(move |value| format!("--{name}={value}"))).collect()
}

impl ProviderError {
    /// What the user can do about it.
    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { .. } => Some("install it, or correct `provider.type`".to_owned()),
            Self::Run { source, .. } if source.kind() == ErrorKind::PermissionDenied => {
                Some("make it executable".to_owned())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_flags() {
        let provider: Provider =
            serde_json::from_str(r#"{"type": "db", "options": {"size": ["1", "2"], "type": "pg"}}"#).unwrap();
        assert_eq!(flags(&provider, None), ["--size=1", "--size=2", "--type=pg"]);
        let known: Options =
            serde_json::from_str(r#"{"parameters": [{"name": "type"}, {"name": "region", "required": true}]}"#)
                .unwrap();
        assert_eq!(known.missing(&provider).collect::<Vec<_>>(), ["region"]);
        assert_eq!(flags(&provider, Some(known)), ["--type=pg"]);
    }

    #[test]
    fn dependents_learn_variables() {
        let mut service: Service =
            serde_json::from_str(r#"{"image": "a", "environment": {"MY_DB_USER": "own"}}"#).unwrap();
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let said = Said { prefixed: vec![pair("URL", "x"), pair("USER", "theirs")], raw: vec![pair("TOKEN", "t")] };
        tell(&mut service, &ServiceName::new("my-db").unwrap(), &said);
        let environment: Vec<_> = service.environment.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(environment, ["MY_DB_URL=x", "MY_DB_USER=own", "TOKEN=t"]);
    }
}
