//! The `build` of a service as a target of the builder.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Fetched;
use super::error::BuildFailure;
use crate::build::remote::RemoteContext;
use crate::build::run::{Key, SshAgent};
use crate::build::share::{CacheFrom, CacheTo, PlaceError};
use crate::build::{Fresh, NamedContext, RunNetwork, SecretSource, Surroundings, Target};
use crate::compose::model::{Build, FileSource, Project, Service};
use crate::image::{host_platform, is_host_platform};
use crate::name::{ImageReference, RegistryReference, ServiceName};

/// What a command says beside the file.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct BuildOptions {
    /// `--build-arg`, resolved.
    pub(in crate::cli) arguments: BTreeMap<String, String>,
    /// `--no-cache`.
    pub(in crate::cli) no_cache: bool,
    /// `--pull`.
    pub(in crate::cli) pull: bool,
    /// `--memory`, in bytes.
    pub(in crate::cli) memory: Option<u64>,
    /// `--ssh`.
    pub(in crate::cli) ssh: BTreeMap<String, Option<String>>,
    /// Nothing is shown but what went wrong.
    pub(in crate::cli) quiet: bool,
}

/// Looks up what the targets of a project are made from.
#[derive(Debug)]
pub(super) struct Lowering<'a> {
    pub(super) project: &'a Project,
    pub(super) options: &'a BuildOptions,
    /// The process environment.
    pub(super) environment: &'a BTreeMap<String, String>,
    /// Contexts that lie elsewhere, by what the file calls them, as they were brought here.
    pub(super) fetched: &'a Fetched,
}

impl Lowering<'_> {
    /// The target of the service `name`, and what is to be said of it.
    ///
    /// # Errors
    /// [`BuildFailure`] for what cannot be built so.
    pub(super) fn target(&self, name: &ServiceName) -> Result<(Target, Vec<String>), BuildFailure> {
        let service = &self.project.services[name];
        let build = service.build.as_ref().ok_or_else(|| BuildFailure::NothingToBuild { service: name.clone() })?;
        let mut notes = Vec::new();
        let context = self.context(name, build)?;
        let (dockerfile, text, ignore) = self.dockerfile(name, build, context.as_deref())?;
        let arguments = build.args.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
        let mut arguments: BTreeMap<String, String> = arguments.collect();
        arguments.extend(self.options.arguments.clone());
        let epoch = arguments.get("SOURCE_DATE_EPOCH").or_else(|| self.environment.get("SOURCE_DATE_EPOCH"));
        let epoch = epoch.and_then(|text| jiff::Timestamp::from_second(text.trim().parse().ok()?).ok());
        let target = Target {
            name: name.to_string(),
            dockerfile,
            text,
            context,
            ignore,
            contexts: self.contexts(name, build)?,
            stage: build.target.clone().filter(|stage| !stage.is_empty()),
            arguments,
            labels: labels(self.project, name, build),
            names: names(name, service, build)?,
            platform: platform(name, service, build, &mut notes),
            cache_from: self.cache_from(name, build, &mut notes)?,
            cache_to: self.cache_to(name, build, &mut notes)?,
            fresh: self.fresh(build),
            surroundings: self.surroundings(name, build, &mut notes)?,
            epoch,
        };
        Ok((target, notes))
    }

    /// The directory that files are copied from.
    fn context(&self, name: &ServiceName, build: &Build) -> Result<Option<PathBuf>, BuildFailure> {
        let Some(context) = build.context.as_deref() else { return Ok(None) };
        if let Some(RemoteContext::Dockerfile(_)) = self.fetched.contexts.get(context) {
            return Ok(None);
        }
        self.directory(name, context).map(Some)
    }

    fn directory(&self, name: &ServiceName, context: &str) -> Result<PathBuf, BuildFailure> {
        let path = match self.fetched.contexts.get(context) {
            Some(RemoteContext::Directory { root, .. }) => root.clone(),
            Some(RemoteContext::Dockerfile(_)) | None => PathBuf::from(context),
        };
        match fs_err::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => Ok(path),
            Ok(_) => Err(BuildFailure::ContextNotDirectory { service: name.clone(), path }),
            Err(source) => Err(BuildFailure::Context { service: name.clone(), path, source }),
        }
    }

    /// What the Dockerfile is called, its text, and what leaves files out of the context.
    #[expect(clippy::type_complexity, reason = "three things that are found together")]
    fn dockerfile(
        &self,
        name: &ServiceName,
        build: &Build,
        context: Option<&Path>,
    ) -> Result<(String, String, Option<(String, String)>), BuildFailure> {
        let beside = context.map(|context| context.join(".dockerignore"));
        if let Some(inline) = &build.dockerfile_inline {
            let ignore = self.ignore(name, beside.as_deref().into_iter())?;
            return Ok((format!("dockerfile_inline of {name}"), inline.clone(), ignore));
        }
        let remote = build.context.as_ref().and_then(|context| Some((context, self.fetched.contexts.get(context)?)));
        if let Some((address, RemoteContext::Dockerfile(bytes))) = remote {
            return Ok((address.clone(), String::from_utf8_lossy(bytes).into_owned(), None));
        }
        let given = build.dockerfile.as_deref().filter(|file| !file.is_empty());
        let directory = context.unwrap_or(Path::new("/"));
        let mut path = directory.join(given.unwrap_or("Dockerfile"));
        if given.is_none() && !path.exists() && directory.join("dockerfile").exists() {
            path = directory.join("dockerfile");
        }
        let text = read_text(&path).map_err(|source| {
            let others = dockerfiles_in(path.parent().unwrap_or(directory));
            BuildFailure::Dockerfile { service: name.clone(), path: path.clone(), others, source }
        })?;
        let mut own = path.clone().into_os_string();
        own.push(".dockerignore");
        let ignore = self.ignore(name, [Path::new(&own)].into_iter().chain(beside.as_deref()))?;
        let shown = path.strip_prefix(&self.project.working_dir).unwrap_or(&path);
        Ok((shown.display().to_string(), text, ignore))
    }

    /// The first of `paths` that is there.
    fn ignore<'a>(
        &self,
        name: &ServiceName,
        paths: impl Iterator<Item = &'a Path>,
    ) -> Result<Option<(String, String)>, BuildFailure> {
        for path in paths {
            match read_text(path) {
                Ok(text) => {
                    let shown = path.strip_prefix(&self.project.working_dir).unwrap_or(path);
                    return Ok(Some((shown.display().to_string(), text)));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => {
                    return Err(BuildFailure::Context { service: name.clone(), path: path.to_owned(), source });
                }
            }
        }
        Ok(None)
    }

    fn contexts(&self, service: &ServiceName, build: &Build) -> Result<BTreeMap<String, NamedContext>, BuildFailure> {
        let mut contexts = BTreeMap::new();
        for (name, value) in &build.additional_contexts {
            let context = match value.split_once("://") {
                _ if value.starts_with("service:") => {
                    let on = value.trim_start_matches("service:");
                    let known = self.project.services.get(on).is_some_and(|service| service.build.is_some());
                    if !known {
                        let (service, on) = (service.clone(), on.to_owned());
                        return Err(BuildFailure::ContextOfService { service, context: name.clone(), on });
                    }
                    NamedContext::Target(on.to_owned())
                }
                Some(("oci-layout", _)) => match self.fetched.images.get(value) {
                    Some(blueprint) => NamedContext::Loaded(Box::new(blueprint.clone())),
                    None => {
                        let (service, context) = (service.clone(), value.clone());
                        return Err(BuildFailure::NoLayout { service, context });
                    }
                },
                Some(("docker-image", reference)) => NamedContext::Image(ImageReference::parse(reference)?),
                _ => {
                    let directory = self.directory(service, value)?;
                    let ignore = self.ignore(service, [&*directory.join(".dockerignore")].into_iter())?;
                    NamedContext::Directory { directory, ignore }
                }
            };
            contexts.insert(name.clone(), context);
        }
        Ok(contexts)
    }

    fn fresh(&self, build: &Build) -> Fresh {
        if build.no_cache || self.options.no_cache {
            Fresh::Everything
        } else if build.no_cache_filter.is_empty() {
            Fresh::Nothing
        } else {
            Fresh::Stages(build.no_cache_filter.clone())
        }
    }

    /// What cannot be served is said, and left out.
    fn cache_from(
        &self,
        name: &ServiceName,
        build: &Build,
        notes: &mut Vec<String>,
    ) -> Result<Vec<CacheFrom>, BuildFailure> {
        let places = build.cache_from.iter().map(|text| CacheFrom::parse(text, &self.project.working_dir));
        known(name, "cache_from", places, notes)
    }

    fn cache_to(
        &self,
        name: &ServiceName,
        build: &Build,
        notes: &mut Vec<String>,
    ) -> Result<Vec<CacheTo>, BuildFailure> {
        let places = build.cache_to.iter().map(|text| CacheTo::parse(text, &self.project.working_dir));
        let mut places = known(name, "cache_to", places, notes)?;
        // As docker has it for builds without `cache_to`.
        let argument = build.args.get("BUILDKIT_INLINE_CACHE").and_then(Option::as_deref);
        let argument = self.options.arguments.get("BUILDKIT_INLINE_CACHE").map(String::as_str).or(argument);
        if matches!(argument, Some("1" | "true")) && !places.iter().any(|to| to.place.is_none()) {
            places.push(CacheTo { place: None, is_max: false, ignore_error: false });
        }
        Ok(places)
    }

    fn surroundings(
        &self,
        name: &ServiceName,
        build: &Build,
        notes: &mut Vec<String>,
    ) -> Result<Surroundings, BuildFailure> {
        let network = match build.network.as_deref() {
            None | Some("" | "default" | "bridge") => RunNetwork::Default,
            Some("none") => RunNetwork::None,
            Some("host") => RunNetwork::Host,
            Some(network) => {
                return Err(BuildFailure::Network { service: name.clone(), network: network.to_owned() });
            }
        };
        let hosts = build.extra_hosts.0.iter();
        let hosts = hosts.flat_map(|(host, addresses)| addresses.iter().map(|address| (host.clone(), address.clone())));
        let ulimits = build.ulimits.iter().map(|(name, limit)| (name.clone(), (limit.soft, limit.hard)));
        let is_entitled = |what: &str| build.entitlements.iter().any(|entitlement| entitlement == what);
        Ok(Surroundings {
            network,
            extra_hosts: hosts.collect(),
            shm_size: build.shm_size,
            ulimits: ulimits.collect(),
            insecure: build.privileged || is_entitled("security.insecure"),
            host_network: network == RunNetwork::Host || is_entitled("network.host"),
            privileged: build.privileged,
            memory: self.options.memory,
            secrets: self.secrets(name, build)?,
            ssh: self.ssh(name, build, notes)?,
        })
    }

    fn secrets(&self, name: &ServiceName, build: &Build) -> Result<BTreeMap<String, SecretSource>, BuildFailure> {
        let mut secrets = BTreeMap::new();
        for grant in &build.secrets {
            let source = self.project.secrets.get(grant.source.as_str()).and_then(|secret| secret.source());
            let source = match source {
                Some(FileSource::File(path)) => SecretSource::File(path),
                Some(FileSource::Content(text)) => SecretSource::Content(text.into_bytes()),
                None => {
                    return Err(BuildFailure::Secret { service: name.clone(), secret: grant.source.clone() });
                }
            };
            let id = if grant.target.is_empty() { &grant.source } else { &grant.target };
            secrets.insert(id.clone(), source);
        }
        Ok(secrets)
    }

    /// Agents, and what signs with the keys of a file.
    fn ssh(
        &self,
        name: &ServiceName,
        build: &Build,
        notes: &mut Vec<String>,
    ) -> Result<BTreeMap<String, SshAgent>, BuildFailure> {
        use std::os::unix::fs::FileTypeExt as _;
        let mut agents = BTreeMap::new();
        for (id, path) in build.ssh.0.iter().chain(&self.options.ssh) {
            let own = || self.environment.get("SSH_AUTH_SOCK").cloned();
            let Some(path) = path.clone().or_else(own).map(PathBuf::from) else {
                notes.push(format!("service `{name}` is built without SSH agent `{id}`: SSH_AUTH_SOCK is not set"));
                continue;
            };
            match fs_err::metadata(&path) {
                Ok(metadata) if metadata.file_type().is_socket() => {
                    agents.insert(id.clone(), SshAgent::Socket(path));
                }
                Ok(_) => {
                    let failed = |source| BuildFailure::Context { service: name.clone(), path: path.clone(), source };
                    let text = read_text(&path).map_err(failed)?;
                    let key = Key::parse(&text, &path.display().to_string()).map_err(|source| {
                        let (service, id, path) = (name.clone(), id.clone(), path.clone());
                        BuildFailure::SshKey { service, id, path, source }
                    })?;
                    agents.insert(id.clone(), SshAgent::Keys(Arc::new(vec![key])));
                }
                Err(source) => return Err(BuildFailure::Context { service: name.clone(), path, source }),
            }
        }
        Ok(agents)
    }
}

/// The labels of the image of a service, with those that docker compose gives it.
pub(super) fn labels(project: &Project, name: &ServiceName, build: &Build) -> BTreeMap<String, String> {
    let mut labels = build.labels.clone();
    for (key, value) in [
        ("project", project.name.to_string()),
        ("service", name.to_string()),
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
    ] {
        labels.insert(format!("com.docker.compose.{key}"), value);
    }
    labels
}

/// The entries of a list of caches that are known.
fn known<T>(
    name: &ServiceName,
    key: &'static str,
    places: impl Iterator<Item = Result<T, PlaceError>>,
    notes: &mut Vec<String>,
) -> Result<Vec<T>, BuildFailure> {
    let mut known = Vec::new();
    for place in places {
        match place {
            Ok(place) => known.push(place),
            Err(error @ PlaceError::Unknown(_)) => notes.push(format!("`{key}` of service `{name}`: {error}")),
            Err(source) => return Err(BuildFailure::CachePlace { service: name.clone(), key, source }),
        }
    }
    Ok(known)
}

fn names(name: &ServiceName, service: &Service, build: &Build) -> Result<Vec<RegistryReference>, BuildFailure> {
    let mut names = Vec::new();
    let tags = build.tags.iter().map(|tag| ImageReference::parse(tag)).collect::<Result<Vec<_>, _>>()?;
    for reference in std::iter::once(service.image.clone()).chain(tags) {
        match reference {
            ImageReference::Registry(reference) if reference.digest.is_none() => names.push(reference),
            reference => {
                return Err(BuildFailure::Name { service: name.clone(), name: reference.to_string() });
            }
        }
    }
    Ok(names)
}

/// For which platform a service is built; `None` for this machine's. Tells of those that an image is not made for.
fn platform(name: &ServiceName, service: &Service, build: &Build, notes: &mut Vec<String>) -> Option<String> {
    let wanted: Vec<&str> = match build.platforms.is_empty() {
        true => service.platform.iter().map(String::as_str).collect(),
        false => build.platforms.iter().map(String::as_str).collect(),
    };
    let is_own = wanted.iter().any(|platform| is_host_platform(platform));
    let made = wanted.first().filter(|_| !is_own).map(|platform| (*platform).to_owned());
    let is_made = |platform: &&str| match &made {
        None => is_host_platform(platform),
        Some(made) => made == platform,
    };
    let others: Vec<&str> = wanted.into_iter().filter(|platform| !is_made(platform)).collect();
    if !others.is_empty() {
        let (others, made) = (others.join(", "), made.clone().unwrap_or_else(host_platform));
        notes.push(format!(
            "service `{name}` is built for {made} alone, and not for {others}: an image is for one platform here"
        ));
    }
    made
}

fn read_text(path: &Path) -> io::Result<String> {
    let bytes = fs_err::read(path)?;
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

/// What else in a directory may be a Dockerfile.
fn dockerfiles_in(directory: &Path) -> Vec<String> {
    let entries = fs_err::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names
        .filter(|name| name.to_ascii_lowercase().contains("dockerfile") || name.ends_with("Containerfile"))
        .filter(|name| !name.ends_with(".dockerignore"))
        .collect();
    names.sort();
    names
}
