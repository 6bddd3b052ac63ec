//! What the container of `run` is made from: its service, and what flags say over it.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::args::RunArgs;
use super::context::Context;
use super::error::CliError;
use crate::compose::model::{Deploy, Project, Service};
use crate::compose::{Files, HostFiles, LoadOptions, load};
use crate::name::ServiceName;

/// Where mistakes in flags are said to be.
const FILE: &str = "flags of run";

/// Gives the service of `project` that `args` names the form that a container of its own has.
///
/// # Errors
/// [`CliError::Load`] for flags that say what a Compose file may not.
pub(super) fn prepare(context: &Context, project: &mut Project, args: &RunArgs) -> Result<(), CliError> {
    let flags = flags(context, project, args)?;
    for (key, volume) in flags.volumes {
        project.volumes.entry(key).or_insert(volume);
    }
    let said = flags.services.into_values().next();
    if let (Some(service), Some(said)) = (project.services.get_mut(&args.service), said) {
        *service = container(service, said, args);
    }
    Ok(())
}

/// The service as a container of its own, with what flags have `said`.
fn container(service: &Service, said: Service, args: &RunArgs) -> Service {
    let mut container = service.clone();
    if said.entrypoint.is_some() {
        (container.entrypoint, container.command) = (said.entrypoint, None);
    }
    if !args.command.is_empty() {
        let text = |word: &std::ffi::OsString| word.to_string_lossy().into_owned();
        container.command = Some(args.command.iter().map(text).collect());
    }
    container.environment.extend(said.environment);
    container.labels.extend(said.labels);
    // What is added is not dropped as well, and the other way round.
    container.cap_drop.retain(|capability| !said.cap_add.contains(capability));
    container.cap_add.retain(|capability| !said.cap_drop.contains(capability));
    container.cap_add.extend(said.cap_add);
    container.cap_drop.extend(said.cap_drop);
    container.user = args.user.clone().or(container.user);
    container.working_dir = args.workdir.clone().or(container.working_dir);
    container.volumes.retain(|mount| said.volumes.iter().all(|other| other.target() != mount.target()));
    container.volumes.extend(said.volumes);
    if !args.service_ports {
        container.ports = said.ports;
    }
    alone(&mut container);
    container
}

/// Takes from a container what only one can have, and what is for containers that are to stay.
fn alone(container: &mut Service) {
    container.deploy =
        container.deploy.take().map(|deploy| Deploy { resources: deploy.resources, ..Deploy::default() });
    (container.restart, container.scale) = (None, None);
    (container.container_name, container.mac_address) = (None, None);
    container.pre_start.clear();
    container.post_start.clear();
    container.pre_stop.clear();
    for attachment in container.networks.values_mut() {
        attachment.link_local_ips.clear();
        (attachment.ipv4_address, attachment.ipv6_address, attachment.mac_address) = (None, None, None);
    }
}

/// What flags say, as a project with one service: read by whoever reads Compose files, so that they mean the same.
fn flags(context: &Context, project: &Project, args: &RunArgs) -> Result<Project, CliError> {
    let mut options = context.load_options(&[])?;
    let here = options.working_dir.clone();
    let document = document(&declared(context, project, args)?, args, &here);
    let text = serde_json::to_string_pretty(&document).expect("texts in lists and maps have a form in JSON");
    options.files = vec![here.join(FILE)];
    options.project_directory = Some(project.working_dir.clone());
    options.project_name = Some(project.name.to_string());
    Ok(load(&options, &Flags { file: here.join(FILE), text })?.project)
}

/// The volumes that flags name and no service uses, as the file declares them; one that it does not declare is called as it is
/// given, whatever the project.
fn declared(context: &Context, project: &Project, args: &RunArgs) -> Result<Map<String, Value>, CliError> {
    let is_unused = |key: &&str| project.volumes.keys().all(|known| known.as_str() != *key);
    let named: Vec<&str> = args.volumes.iter().filter_map(|volume| named(volume)).collect();
    let file = if named.iter().any(is_unused) {
        let options = LoadOptions { all_resources: true, ..context.load_options(&[])? };
        serde_json::from_str(&context.check(&options)?.0.to_json()).unwrap_or_default()
    } else {
        Value::Null
    };
    let volume = |key: &str| {
        let of_file = file["volumes"].get(key).filter(|volume| volume.is_object()).cloned();
        (key.to_owned(), of_file.unwrap_or_else(|| json!({ "name": key })))
    };
    Ok(named.into_iter().map(volume).collect())
}

fn document(volumes: &Map<String, Value>, args: &RunArgs, here: &Path) -> Value {
    let mut service = Map::new();
    service.insert("image".to_owned(), json!("flags"));
    let mut say = |key: &str, values: Vec<String>| {
        if !values.is_empty() {
            let values: Vec<Value> = values.iter().map(|value| json!(literal(value))).collect();
            service.insert(key.to_owned(), Value::Array(values));
        }
    };
    let variable = |variable: &super::args::EnvironmentVariable| match &variable.value {
        Some(value) => format!("{}={value}", variable.name),
        None => variable.name.clone(),
    };
    say("environment", args.env.iter().map(variable).collect());
    say("env_file", args.env_from_file.iter().map(|path| here.join(path).to_string_lossy().into_owned()).collect());
    say("labels", args.labels.clone());
    say("cap_add", args.cap_add.clone());
    say("cap_drop", args.cap_drop.clone());
    say("ports", args.publish.clone());
    say("volumes", args.volumes.iter().map(|volume| from_here(volume, here)).collect());
    if let Some(entrypoint) = &args.entrypoint {
        service.insert("entrypoint".to_owned(), json!(literal(entrypoint)));
    }
    json!({ "services": { args.service.as_str(): service }, "volumes": volumes })
}

/// A text that no variable is put into: the shell has done that.
fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

/// A mount whose source, if it is relative, is where the user is.
fn from_here(volume: &str, here: &Path) -> String {
    if volume.starts_with("./") || volume.starts_with("../") || volume.starts_with(".:") || volume.starts_with("..:") {
        format!("{}/{volume}", here.display())
    } else {
        volume.to_owned()
    }
}

/// The volume that a mount names, if it names one.
fn named(volume: &str) -> Option<&str> {
    let (source, _) = volume.split_once(':')?;
    (!source.starts_with(['.', '/', '~'])).then_some(source)
}

/// The files of this machine, and the one that is made of flags.
struct Flags {
    file: PathBuf,
    text: String,
}

impl Files for Flags {
    fn read(&self, path: &Path) -> io::Result<String> {
        if path == self.file { Ok(self.text.clone()) } else { HostFiles.read(path) }
    }

    fn exists(&self, path: &Path) -> bool {
        path == self.file || HostFiles.exists(path)
    }

    fn canonicalize(&self, path: &Path) -> Option<PathBuf> {
        if path == self.file { Some(path.to_owned()) } else { HostFiles.canonicalize(path) }
    }
}

/// Refuses a service that the project does not have.
///
/// # Errors
/// [`CliError::NoSuchService`].
pub(super) fn check(project: &Project, service: &ServiceName) -> Result<(), CliError> {
    super::select::select(project, std::slice::from_ref(service)).map(drop)
}
