//! `rcompose publish`: the project as an artifact of a registry, which `-f oci://…` runs.
//!
//! The files of the project are published as one: merged, with what they include and extend, their variables left as they are.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::config::digests;
use super::push::{pack, push_all};
use crate::cli::args::{OciVersion, PublishArgs};
use crate::cli::block_on;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::generated;
use crate::cli::output;
use crate::cli::progress::{Event, Status};
use crate::compose::model::{Mount, Project};
use crate::compose::{LeaveOut, LoadOptions};
use crate::image::{SmallBlob, Store, push_application, push_artifact};
use crate::name::{ImageReference, InvalidReference, RegistryReference};

const PROJECT: &str = "application/vnd.docker.compose.project";
const COMPOSE_FILE: &str = "application/vnd.docker.compose.file+yaml";
const ENV_FILE: &str = "application/vnd.docker.compose.envfile";
const OLD_CONFIG: &str = "application/vnd.docker.compose.config.empty.v1+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// What the names of variables with secrets have in them.
const SECRETIVE: [&str; 7] = ["password", "passwd", "secret", "token", "api_key", "apikey", "private_key"];

pub(in crate::cli) fn run(context: &Context, args: &PublishArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let ImageReference::Registry(reference) = ImageReference::parse(&args.repository)? else {
        let (text, rule) = (args.repository.clone(), "a project is published to a registry, and not to a directory");
        return Err(CliError::ImageName(InvalidReference { kind: "image reference", text, rule }));
    };
    let everything = vec!["*".to_owned()];
    let project =
        context.load_with(&LoadOptions { profiles: everything.clone(), ..context.load_options(&[])? })?.project;
    let only_built = project.services.iter().filter(|(name, service)| {
        service.build.is_some() && service.image.to_string() == format!("{}-{name}", project.name)
    });
    let only_built: Vec<String> = only_built.map(|(name, _)| name.to_string()).collect();
    if !only_built.is_empty() {
        return Err(CliError::OnlyBuilt { services: only_built });
    }
    let leave_out =
        LeaveOut { interpolation: true, normalisation: true, paths: true, env_files: true, consistency: true };
    let options = LoadOptions { leave_out, profiles: everything, all_resources: true, ..context.load_options(&[])? };
    let (resolved, _) = context.check(&options)?;
    let mut file: Value = serde_json::from_str(&resolved.to_json()).map_err(io::Error::from)?;
    let env_files = take_env_files(&mut file, &project.working_dir)?;
    let doubts = doubts(&project, &file, !env_files.is_empty() && !args.with_env, args.with_env);
    if !args.yes && !doubts.is_empty() && !confirmed(&doubts)? {
        return Err(CliError::NotConfirmed);
    }

    // Images that are built are of no use to others on this machine alone; those that cannot be sent are told. Before digests
    // are asked for, which the registry has only then.
    let services = project.services.iter().collect();
    for failure in block_on(push_all(context, &project.name, &services))? {
        output::warn(output::paint(&context.globals), &failure.to_string());
    }
    let mut blobs =
        vec![compose_file("compose.yaml", &generated::resolved(context.load_options(&[])?, file)?.to_yaml())];
    if args.with_env {
        blobs.extend(
            env_files.into_iter().map(|(name, bytes)| layer(ENV_FILE, "com.docker.compose.envfile", &name, bytes)),
        );
    }
    if args.resolve_image_digests || args.app {
        let mut pinned =
            context.resolve(&LoadOptions { profiles: vec!["*".to_owned()], ..context.load_options(&[])? })?;
        digests::pin(context, &mut pinned)?;
        pinned.keep_images();
        blobs.push(compose_file("image-digests.yaml", &pinned.to_yaml()));
    }
    block_on(send(context, args, &project, &reference, &blobs))
}

async fn send(
    context: &Context,
    args: &PublishArgs,
    project: &Project,
    reference: &RegistryReference,
    layers: &[SmallBlob],
) -> Result<ExitCode, CliError> {
    let mut progress = output::progress(&context.globals, "publish");
    progress.event(Event::new(reference.to_string(), Status::Publishing), Instant::now())?;
    let sent = if context.globals.dry_run { Ok(()) } else { send_all(context, args, project, reference, layers).await };
    let status = if sent.is_ok() { Status::Published } else { Status::Error };
    progress.event(Event::new(reference.to_string(), status), Instant::now())?;
    progress.finish(Instant::now())?;
    sent.map(|()| ExitCode::SUCCESS)
}

async fn send_all(
    context: &Context,
    args: &PublishArgs,
    project: &Project,
    reference: &RegistryReference,
    layers: &[SmallBlob],
) -> Result<(), CliError> {
    let registries = context.registries()?;
    let config = |media_type: &str| SmallBlob {
        media_type: media_type.to_owned(),
        bytes: b"{}".to_vec(),
        annotations: Vec::new(),
    };
    let descriptors: Vec<Value> = layers.iter().map(SmallBlob::descriptor).collect();
    let created = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let manifest = |config: &SmallBlob, artifact_type: Option<&str>| {
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": config.descriptor(),
            "layers": descriptors,
            "annotations": {"org.opencontainers.image.created": created},
        });
        if let Some(artifact_type) = artifact_type {
            manifest["artifactType"] = json!(artifact_type);
        }
        manifest
    };
    let (new, old) = (manifest(&config(EMPTY), Some(PROJECT)), manifest(&config(OLD_CONFIG), None));
    let manifests = match args.oci_version {
        Some(OciVersion::V1_0) => vec![old],
        Some(OciVersion::V1_1) => vec![new],
        None => vec![new, old],
    };
    let mut blobs = vec![config(EMPTY)];
    blobs.extend(layers.iter().cloned());
    let taken = push_artifact(&registries, reference, &blobs, &manifests).await.map_err(CliError::Push)?;
    if args.app {
        let store = Store::open(&context.layout.images())?;
        let images = project.services.values().filter_map(|service| match &service.image {
            ImageReference::Registry(image) => Some(image.clone()),
            ImageReference::Rootfs(_) => None,
        });
        let images: Vec<RegistryReference> = images.collect::<std::collections::BTreeSet<_>>().into_iter().collect();
        push_application(&store, &registries, reference, taken, &images, pack).await.map_err(CliError::Push)?;
    }
    Ok(())
}

fn compose_file(name: &str, text: &str) -> SmallBlob {
    layer(COMPOSE_FILE, "com.docker.compose.file", name, text.as_bytes().to_vec())
}

fn layer(media_type: &str, key: &str, name: &str, bytes: Vec<u8>) -> SmallBlob {
    let version = ("com.docker.compose.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    SmallBlob {
        media_type: media_type.to_owned(),
        bytes,
        annotations: vec![version, (key.to_owned(), name.to_owned())],
    }
}

/// Has every `env_file` of `file` called by the digest of its path, which tells nobody what this machine looks like, and
/// returns those that there are.
fn take_env_files(file: &mut Value, directory: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let services = file.get_mut("services").and_then(Value::as_object_mut);
    for service in services.into_iter().flat_map(serde_json::Map::values_mut) {
        let Some(env_file) = service.get_mut("env_file") else { continue };
        let entries: Vec<&mut Value> = match env_file {
            Value::Array(entries) => entries.iter_mut().collect(),
            other => vec![other],
        };
        for entry in entries {
            let path = if entry.is_object() { entry.get_mut("path") } else { Some(entry) };
            // One that a variable names is somebody else's to have.
            let Some(path) = path.filter(|path| path.as_str().is_some_and(|path| !path.contains('$'))) else {
                continue;
            };
            let absolute = directory.join(path.as_str().unwrap_or_default());
            let digest = Sha256::digest(absolute.as_os_str().as_encoded_bytes());
            let name = format!("{}.env", hex::encode(digest));
            match fs_err::read(&absolute) {
                Ok(bytes) => drop(found.insert(name.clone(), bytes)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            *path = json!(name);
        }
    }
    Ok(found)
}

/// What may not be meant for everybody.
fn doubts(project: &Project, file: &Value, leaves_env_files: bool, with_env: bool) -> Vec<String> {
    let mut doubts = Vec::new();
    for (name, service) in &project.services {
        for mount in &service.volumes {
            if let Mount::Bind { source, .. } = mount {
                doubts.push(format!("service {name} mounts `{}` of this machine", source.display()));
            }
        }
    }
    if leaves_env_files {
        doubts.push("its env files stay here: `--with-env` publishes them".to_owned());
    }
    let is_literal = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty() && !text.contains('$'));
    let services = file["services"].as_object().into_iter().flatten().filter(|_| !with_env);
    for (name, service) in services {
        for (variable, value) in service["environment"].as_object().into_iter().flatten() {
            let lower = variable.to_ascii_lowercase();
            if is_literal(value) && SECRETIVE.iter().any(|word| lower.contains(word)) {
                doubts.push(format!("service {name} has the value of {variable}"));
            }
        }
    }
    for (name, config) in file["configs"].as_object().into_iter().flatten() {
        if is_literal(&config["content"]) {
            doubts.push(format!("config {name} has its content"));
        }
    }
    doubts
}

/// Asks on standard error, and takes only a yes for one.
fn confirmed(doubts: &[String]) -> io::Result<bool> {
    let mut stderr = io::stderr();
    writeln!(stderr, "What is published can be read by everybody who has access to the repository:")?;
    doubts.iter().try_for_each(|doubt| writeln!(stderr, "- {doubt}"))?;
    write!(stderr, "Publish it? [y/N] ")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn env_files_are_called_by_digests() {
        let directory = tempfile::tempdir().unwrap();
        fs_err::write(directory.path().join("a.env"), "A=1\n").unwrap();
        let mut file = json!({"services": {
            "web": {"env_file": ["a.env", {"path": "none.env", "required": false}, {"path": "${X}.env"}]},
            "db": {"env_file": "a.env"},
            "plain": {},
        }});
        let found = take_env_files(&mut file, directory.path()).unwrap();
        let (name, bytes) = found.first_key_value().unwrap();
        assert_eq!((found.len(), bytes.as_slice()), (1, &b"A=1\n"[..]));
        assert_eq!(
            (&file["services"]["web"]["env_file"][0], &file["services"]["db"]["env_file"]),
            (&json!(name), &json!(name))
        );
        let missing = file["services"]["web"]["env_file"][1]["path"].as_str().unwrap();
        assert!(missing.ends_with(".env") && missing != "none.env");
        assert_eq!(file["services"]["web"]["env_file"][2]["path"], "${X}.env");
    }

    #[test]
    fn what_may_not_be_meant_for_everybody() {
        let file = json!({
            "services": {"db": {"environment": {"DB_PASSWORD": "hunter2", "API_TOKEN": "${TOKEN}", "MODE": "fast"}}},
            "configs": {"a": {"content": "text"}, "b": {"content": "${X}"}, "c": {"file": "x"}},
        });
        let project: Project = serde_json::from_value(json!({
            "name": "shop", "working_dir": "/", "files": [], "services": {}, "disabled": {}, "networks": {},
            "volumes": {}, "configs": {}, "secrets": {}, "models": {},
        }))
        .unwrap();
        assert_eq!(
            doubts(&project, &file, true, false),
            [
                "its env files stay here: `--with-env` publishes them",
                "service db has the value of DB_PASSWORD",
                "config a has its content",
            ]
        );
        assert_eq!(doubts(&project, &file, false, true), ["config a has its content"]);
    }
}
