//! `build --print`: what is built as a file of `docker buildx bake`, as docker compose prints it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::BuildFailure;
use super::lower::{BuildOptions, labels};
use crate::compose::model::{Build, FileGrant, Project, Service, Ulimit};
use crate::name::ServiceName;

#[derive(Serialize)]
struct File {
    group: BTreeMap<&'static str, Group>,
    target: BTreeMap<String, Target>,
}

#[derive(Serialize)]
struct Group {
    targets: Vec<String>,
}

/// See <https://docs.docker.com/build/bake/reference/#target>. What says nothing is left out.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Target {
    context: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    contexts: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    dockerfile: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    dockerfile_inline: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    args: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
    tags: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cache_from: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cache_to: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    secret: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ssh: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    platforms: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pull: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    no_cache: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    no_cache_filter: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shm_size: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ulimits: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    entitlements: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extra_hosts: BTreeMap<String, String>,
    output: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attest: Vec<String>,
}

/// The file that builds `services`, with a line end; their images are pushed afterwards if `push`.
///
/// # Errors
/// [`BuildFailure`] for a secret that is nowhere.
pub(in crate::cli) fn file(
    project: &Project,
    services: &[ServiceName],
    options: &BuildOptions,
    push: bool,
) -> Result<String, BuildFailure> {
    let mut target = BTreeMap::new();
    let mut waiting: Vec<&ServiceName> = services.iter().collect();
    while let Some(name) = waiting.pop() {
        let Some((name, service)) = project.services.get_key_value(name) else { continue };
        let Some(build) = &service.build else { continue };
        let needed = build.additional_contexts.values().filter_map(|context| context.strip_prefix("service:"));
        let needed = needed.filter_map(|needed| project.services.keys().find(|name| name.as_str() == needed));
        waiting.extend(needed.filter(|needed| !target.contains_key(&key(needed))));
        let mut one = self::target(project, name, service, build, push)?;
        one.args.extend(options.arguments.clone());
        one.ssh.extend(options.ssh.iter().map(|(id, path)| agent(id, path.as_deref())));
        one.labels = labels(project, name, build);
        one.pull |= options.pull;
        one.no_cache |= options.no_cache;
        target.insert(key(name), one);
    }
    let targets = services.iter().map(key).collect();
    let file = File { group: BTreeMap::from([("default", Group { targets })]), target };
    let text = serde_json::to_string_pretty(&file).expect("its keys are strings and no field fails");
    Ok(text + "\n")
}

/// What a service is called there: a dot would be a reference.
fn key(name: &ServiceName) -> String {
    name.as_str().replace('.', "_")
}

fn target(
    project: &Project,
    name: &ServiceName,
    service: &Service,
    build: &Build,
    push: bool,
) -> Result<Target, BuildFailure> {
    let contexts = build.additional_contexts.iter().map(|(name, context)| {
        let context = match context.strip_prefix("service:") {
            Some(other) => format!("target:{}", other.replace('.', "_")),
            None => context.clone(),
        };
        (name.clone(), context)
    });
    let context = build.context.clone().unwrap_or_default();
    let dockerfile = match (&build.dockerfile_inline, build.dockerfile.as_deref().filter(|file| !file.is_empty())) {
        (Some(_), _) => String::new(),
        (None, file) if context.starts_with('/') => {
            // A path that is absolute stays as it is.
            Path::new(&context).join(file.unwrap_or("Dockerfile")).display().to_string()
        }
        (None, file) => file.unwrap_or_default().to_owned(),
    };
    let own = |image: String| image.strip_suffix(":latest").map_or(image.clone(), str::to_owned);
    let is_named = service.image.to_string() != format!("{}-{name}", project.name);
    let ulimit = |(name, limit): (&String, &Ulimit)| match limit.soft == limit.hard {
        true => format!("{name}={}", limit.soft),
        false => format!("{name}={}:{}", limit.soft, limit.hard),
    };
    let mut entitlements = build.entitlements.clone();
    if build.privileged && !entitlements.iter().any(|known| known == "security.insecure") {
        entitlements.push("security.insecure".to_owned());
    }
    let platforms = match &service.platform {
        Some(platform) if build.platforms.is_empty() => vec![platform.clone()],
        _ => build.platforms.clone(),
    };
    let output = match (platforms.len() > 1, push && is_named) {
        (true, push) => format!("type=image,push={push}"),
        (false, true) => "type=registry".to_owned(),
        (false, false) => "type=docker".to_owned(),
    };
    Ok(Target {
        contexts: contexts.collect(),
        dockerfile,
        dockerfile_inline: build.dockerfile_inline.clone(),
        args: build.args.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?))).collect(),
        tags: build.tags.iter().cloned().chain([own(service.image.to_string())]).collect(),
        cache_from: build.cache_from.clone(),
        cache_to: build.cache_to.clone(),
        target: build.target.clone().filter(|stage| !stage.is_empty()),
        secret: secrets(project, name, build)?,
        ssh: build.ssh.0.iter().map(|(id, path)| agent(id, path.as_deref())).collect(),
        pull: build.pull,
        no_cache: build.no_cache,
        no_cache_filter: build.no_cache_filter.clone(),
        network: build.network.clone().filter(|network| !network.is_empty()),
        shm_size: build.shm_size.map(|size| size.to_string()),
        ulimits: build.ulimits.iter().map(ulimit).collect(),
        extra_hosts: build.extra_hosts.0.iter().map(|(host, addresses)| (host.clone(), addresses.join(","))).collect(),
        attest: [("provenance", &build.provenance), ("sbom", &build.sbom)]
            .into_iter()
            .filter_map(|(kind, value)| attestation(kind, value.as_deref()?))
            .collect(),
        output: vec![output],
        entitlements,
        platforms,
        context,
        ..Target::default()
    })
}

fn agent(id: &str, path: Option<&str>) -> String {
    format!("{id}={}", path.unwrap_or_default())
}

fn attestation(kind: &str, value: &str) -> Option<String> {
    match value {
        "" | "false" => None,
        "true" => Some(format!("type={kind}")),
        value => Some(format!("type={kind},{value}")),
    }
}

/// Where their contents are to be found, which are not printed.
fn secrets(project: &Project, name: &ServiceName, build: &Build) -> Result<Vec<String>, BuildFailure> {
    let secret = |grant: &FileGrant| {
        let id = if grant.target.is_empty() { grant.source.as_str() } else { grant.target.as_str() };
        let secret = project.secrets.get(grant.source.as_str());
        let file = secret.and_then(|secret| secret.file.as_ref()).map(|path| format!("file,src={}", path.display()));
        let variable =
            || secret.and_then(|secret| secret.environment.as_ref()).map(|variable| format!("env,env={variable}"));
        let unknown = || BuildFailure::Secret { service: name.clone(), secret: grant.source.clone() };
        Ok(format!("id={id},type={}", file.or_else(variable).ok_or_else(unknown)?))
    };
    build.secrets.iter().map(secret).collect()
}
