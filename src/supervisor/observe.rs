//! What exists for a project, as the plan wants to see it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::de::{DeserializeOwned, Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer};

use super::grant::Grant;
use super::health_policy::Check;
use super::lower::Lowered;
use crate::compose::model::{Peer, Project, Service};
use crate::image::Store;
use crate::name::{ImageReference, NetworkName, ProjectName, ServiceName, VolumeName};
use crate::plan::{Definition, Health, Observed, ObservedContainer, ObservedState, ObservedVolume};
use crate::runtime::{ExitStatus, ExternalRuntime, Handle};
use crate::state::{
    ContainerLayout, ContainerRecord, ContainerState, HealthRecord, Layout, NetworkRecord, StateError, VolumeRecord,
};

/// What a container was made from: enough to start it again without the project, and without an image that may have
/// got another meaning since.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Configuration {
    /// Its service; of a record of an earlier version, whose model was another one, no more than the image.
    #[serde(deserialize_with = "service_of_any_version")]
    pub service: Service,
    /// The lower directories of its root, lowest first.
    pub layers: Vec<PathBuf>,
    /// What the runtime is given.
    pub lowered: Lowered,
    /// The program that runs it in place of our own runtime.
    #[serde(default)]
    pub external: Option<ExternalRuntime>,
    /// Its health check, if it has one.
    #[serde(deserialize_with = "if_of_this_version")]
    pub check: Option<Check>,
    /// The names on the host of the volumes the service names.
    pub volumes: BTreeMap<VolumeName, String>,
    /// The images it mounts, with their ids.
    #[serde(default)]
    pub mounted_images: BTreeMap<ImageReference, String>,
    /// Its configs and secrets.
    #[serde(deserialize_with = "if_of_this_version")]
    pub grants: Vec<Grant>,
}

/// What lists and plans ask of a [`Configuration`]: what the runtime is given is most of a record, and not read for them.
#[derive(Debug, Clone, Deserialize)]
pub struct Outline {
    /// As [`Configuration::service`].
    #[serde(deserialize_with = "service_of_any_version")]
    pub service: Service,
    /// Whether it has a health check.
    #[serde(rename = "check", deserialize_with = "is_some")]
    pub is_checked: bool,
    /// As [`Configuration::volumes`].
    pub volumes: BTreeMap<VolumeName, String>,
    /// As [`Configuration::mounted_images`].
    #[serde(default)]
    pub mounted_images: BTreeMap<ImageReference, String>,
}

/// What a plan asks of a configuration.
pub(super) struct Parts<'a> {
    service: &'a Service,
    is_checked: bool,
    volumes: &'a BTreeMap<VolumeName, String>,
    mounted_images: &'a BTreeMap<ImageReference, String>,
}

impl Configuration {
    pub(super) fn parts(&self) -> Parts<'_> {
        let Self { service, check, volumes, mounted_images, .. } = self;
        Parts { service, is_checked: check.is_some(), volumes, mounted_images }
    }
}

impl Outline {
    fn parts(&self) -> Parts<'_> {
        let Self { service, is_checked, volumes, mounted_images } = self;
        Parts { service, is_checked: *is_checked, volumes, mounted_images }
    }
}

fn is_some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<IgnoredAny>::deserialize(deserializer)?.is_some())
}

/// Reads a service as any version wrote it: what an earlier one made can be listed, stopped and removed, and is recreated by
/// the next `up`, since its hash is another one.
fn service_of_any_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Service, D::Error> {
    #[derive(Deserialize)]
    struct Earlier {
        image: ImageReference,
    }
    let written = serde_json::Value::deserialize(deserializer)?;
    Service::deserialize(&written)
        .or_else(|_| Earlier::deserialize(&written).map(|earlier| Service::new(earlier.image)))
        .map_err(D::Error::custom)
}

/// Reads what an earlier version wrote in another form as nothing: see [`service_of_any_version`].
fn if_of_this_version<'de, T: DeserializeOwned + Default, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let written = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(written).unwrap_or_default())
}

/// A container's record with its configuration.
pub type Record = ContainerRecord<Configuration>;

/// Observes a project from disk alone, as read-only commands do.
///
/// # Errors
/// [`StateError`] when a record cannot be read.
pub fn observe(
    layout: &Layout,
    name: &ProjectName,
    project: Option<&Project>,
    store: &Store,
) -> Result<Observed, StateError> {
    let paths = layout.project(name);
    let (mut containers, mut one_offs) = (Vec::new(), Vec::new());
    for record in paths.read_containers::<Outline>()? {
        let state = observe_container(layout, name, &record)?;
        let kind = if record.one_off.is_some() { &mut one_offs } else { &mut containers };
        kind.push(observed_container(&record, &record.config.parts(), state));
    }
    let mut observed = Observed {
        containers,
        one_offs,
        networks: paths.read_networks()?.iter().map(network_definition).collect(),
        ..Observed::default()
    };
    observe_rest(layout, name, project, store, &mut observed)?;
    Ok(observed)
}

/// Fills in what no unit knows: volumes, and the images the project names.
pub(super) fn observe_rest(
    layout: &Layout,
    name: &ProjectName,
    project: Option<&Project>,
    store: &Store,
    observed: &mut Observed,
) -> Result<(), StateError> {
    for volume in layout.project_volumes(name)? {
        let Some(key) = volume.key.as_ref().and_then(|key| key.parse::<VolumeName>().ok()) else { continue };
        // Renamed in the file, it is there under both names.
        let wanted = project.and_then(|project| project.volumes.get(&key)).is_some_and(|own| own.name == volume.name);
        if wanted || !observed.volumes.contains_key(&key) {
            observed.volumes.insert(key, observed_volume(volume));
        }
    }
    let references: BTreeSet<&ImageReference> =
        project.iter().flat_map(|project| project.services.values()).flat_map(Service::images).collect();
    for reference in references {
        // A store that cannot be read is reported when the image is needed, with its path.
        if let Ok(Some(image)) = store.lookup(reference) {
            if image.config.healthcheck.is_some() {
                observed.image_healthchecks.insert(reference.clone());
            }
            observed.images.insert(reference.clone(), image.id);
        }
    }
    Ok(())
}

fn observe_container(
    layout: &Layout,
    project: &ProjectName,
    record: &ContainerRecord<Outline>,
) -> Result<ObservedState, StateError> {
    let paths = layout.project(project).container(&record.id);
    let state = paths.read_state()?;
    Ok(match Handle::adopt(paths.run()) {
        Ok(Some(_)) => ObservedState::Running { health: health(&state) },
        _ if state.restarting => ObservedState::Running { health: Health::None },
        _ => match ended(&paths, &state) {
            Some(Ended { code, .. }) => ObservedState::Exited { code },
            None => ObservedState::Created,
        },
    })
}

/// How and when a container ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; 128 + signal when killed by one.
    pub code: i32,
    /// Whether the kernel killed a process of it for want of memory.
    pub oom: bool,
    /// When.
    pub at: jiff::Timestamp,
}

/// How and when a container that does not run ended, or its program could not be executed; `None` when it came to neither.
#[must_use]
pub fn ended(paths: &ContainerLayout, state: &ContainerState) -> Option<Ended> {
    // As with Docker, a port in use is no end of a container: one that has never run stays created. But who waits for a
    // restart waits since its last failure, of whatever kind.
    let failed = state.failed_start.filter(|failed| failed.is_of_program() || state.restarting);
    let failed = failed.map(|failed| Ended { code: failed.code, oom: false, at: failed.at });
    // A record that cannot be read says nothing; starting the container again replaces it.
    let exit = || ExitStatus::read_or_killed(paths.run()).ok().flatten();
    failed.or_else(|| exit().map(|exit| Ended { code: exit.code, oom: exit.oom, at: exit.finished_at }))
}

/// The health that a state record names.
#[must_use]
pub fn health(state: &ContainerState) -> Health {
    match state.health {
        HealthRecord::None => Health::None,
        HealthRecord::Starting => Health::Starting,
        HealthRecord::Healthy => Health::Healthy,
        HealthRecord::Unhealthy => Health::Unhealthy,
    }
}

/// The record of a health: the other way round.
pub(super) fn health_record(health: Health) -> HealthRecord {
    match health {
        Health::None => HealthRecord::None,
        Health::Starting => HealthRecord::Starting,
        Health::Healthy => HealthRecord::Healthy,
        Health::Unhealthy => HealthRecord::Unhealthy,
    }
}

pub(super) fn observed_container<S>(
    record: &ContainerRecord<S>,
    config: &Parts<'_>,
    state: ObservedState,
) -> ObservedContainer {
    ObservedContainer {
        id: record.id.clone(),
        name: record.name.clone(),
        service: record.service.clone(),
        number: record.number,
        definition: Definition { hash: record.config_hash.clone(), fields: record.config_fields.clone() },
        image: record.image_id.clone(),
        mounted_images: config.mounted_images.clone(),
        stop_grace_period: config.service.stop_grace_period(),
        depends_on: config.service.depends_on.clone(),
        joins: joined(config.service),
        is_checked: config.is_checked,
        networks: record.endpoints.iter().map(|endpoint| endpoint.network.clone()).collect(),
        volumes: config.volumes.keys().cloned().collect(),
        limits: config.service.network_limits().cloned(),
        state,
    }
}

/// The services whose containers' namespaces a service uses.
fn joined(service: &Service) -> BTreeSet<ServiceName> {
    let peers = [service.network_of(), service.processes_of(), service.ipc_of()];
    let services = peers.into_iter().flatten().filter_map(|peer| match peer {
        Peer::Service(name) => Some(name.clone()),
        Peer::Container(_) => None,
    });
    services.collect()
}

fn observed_volume(record: VolumeRecord) -> ObservedVolume {
    let VolumeRecord { name, hash, fields, .. } = record;
    ObservedVolume { name, definition: hash.map(|hash| Definition { hash, fields }) }
}

/// A network by its key, as [`Observed`] holds it.
pub(super) fn network_definition(record: &NetworkRecord) -> (NetworkName, Definition) {
    (record.key.clone(), Definition { hash: record.hash.clone(), fields: record.fields.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Written {
        #[serde(deserialize_with = "service_of_any_version")]
        service: Service,
    }

    #[test]
    fn a_service_of_an_earlier_version_is_its_image() {
        let read = |text: &str| serde_json::from_str::<Written>(text).map(|written| written.service);
        let earlier =
            r#"{"service": {"image": "nginx:1", "stop_grace_period": {"secs": 10, "nanos": 0}, "nano_cpus": 5}}"#;
        let image = ImageReference::parse("nginx:1").unwrap();
        assert_eq!(read(earlier).unwrap(), Service::new(image));
        assert_eq!(read(r#"{"service": {"image": "nginx:1", "user": "a"}}"#).unwrap().user.as_deref(), Some("a"));
        assert!(read(r#"{"service": {"user": "a"}}"#).is_err());
    }
}
