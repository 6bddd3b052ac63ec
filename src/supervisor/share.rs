//! Containers that share: whose namespaces a container joins when it starts, and who joins its own again.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::rc::Rc;

use oci_spec::runtime::{LinuxNamespaceType, Mount, Spec};
use tokio::sync::oneshot;

use super::etc;
use super::failure::{Failure, FailureKind};
use super::lower::namespaces;
use super::observe::{Configuration, Record};
use super::unit::Command;
use super::world::World;
use crate::compose::model::{IpcMode, Peer, Service};
use crate::name::ServiceName;
use crate::plan::ObservedState;
use crate::runtime::Handle;
use crate::state::{ContainerLayout, StateError};

/// Another container, of this project or not.
pub(super) struct Neighbour {
    /// What it was made from.
    pub(super) record: Rc<Record>,
    /// Where its files are.
    pub(super) paths: ContainerLayout,
}

/// Has the container that is made from `spec` join the namespaces of others. What is returned is held until it has: a path
/// with a pid might come to mean another process.
pub(super) fn join(world: &World, record: &Record, spec: &mut Spec) -> Result<Vec<OwnedFd>, Failure> {
    let mut held = Vec::new();
    for (kind, name, peer) in namespaces::shared(&record.config.service) {
        let neighbour = find(world, peer)?;
        let namespace = neighbour.namespace(name)?;
        namespaces::join(spec, kind, &crate::sys::path_of(&namespace));
        if kind == LinuxNamespaceType::Network {
            share_names(world, record, spec, &neighbour);
        }
        if kind == LinuxNamespaceType::Ipc {
            held.push(share_memory(spec, &neighbour)?);
        }
        held.push(namespace);
    }
    Ok(held)
}

/// `/dev/shm` goes with the IPC namespace: that of the other container, out of its mount namespace, which is returned to be
/// held.
fn share_memory(spec: &mut Spec, neighbour: &Neighbour) -> Result<OwnedFd, Failure> {
    if !matches!(neighbour.record.config.service.ipc, Some(IpcMode::Shareable | IpcMode::Host)) {
        let message = format!("{} keeps its IPC namespace to itself: give it `ipc: shareable`", neighbour.record.name);
        return Err(Failure::new(FailureKind::Plan, message));
    }
    let target = Path::new("/dev/shm");
    let namespace = neighbour.namespace("mnt")?;
    let mounts = spec.mounts_mut().get_or_insert_default();
    if mounts.iter().all(|mount| mount.destination() != target) {
        let of = format!("x-rcompose.mount-namespace={}", crate::sys::path_of(&namespace).display());
        let mut mount = Mount::default();
        mount
            .set_destination(target.to_owned())
            .set_typ(Some("bind".to_owned()))
            .set_source(Some(target.to_owned()))
            .set_options(Some(vec!["bind".to_owned(), "rprivate".to_owned(), of]));
        // After `/dev`, before what the service mounts below it.
        let place = mounts.iter().position(|mount| mount.destination().starts_with(target)).unwrap_or(mounts.len());
        mounts.insert(place, mount);
    }
    Ok(namespace)
}

/// The volumes and binds of the containers that `volumes_from` names, those they have from others included.
pub(super) fn volumes(world: &World, service: &Service) -> Result<Vec<Mount>, Failure> {
    let mut mounts: Vec<Mount> = Vec::new();
    for from in service.volumes_from() {
        let name = from.service.map(ServiceName::new).transpose();
        let name = name.map_err(|error| Failure::from_error(FailureKind::Plan, &error))?;
        let peer = match (&name, from.container) {
            (Some(name), _) => Peer::Service(name),
            (None, container) => Peer::Container(container.unwrap_or_default()),
        };
        let neighbour = find(world, peer)?;
        for mut mount in neighbour.volumes() {
            if from.read_only
                && let Some(options) = mount.options_mut()
            {
                options.retain(|option| option != "rw");
                options.push("rro".to_owned());
            }
            mounts.retain(|earlier| earlier.destination() != mount.destination());
            mounts.push(mount);
        }
    }
    Ok(mounts)
}

/// Whether a container that is there, of this project or not, has this volume mounted: one that it has from another
/// container outlives that.
pub(super) fn is_borrowed(world: &World, volume: &str) -> Result<bool, StateError> {
    let data = world.layout.volume_data(volume);
    let has_it = |record: &Record| has_mounted(record, &data);
    for project in world.layout.project_names()? {
        if project == world.project {
            if world.any_unit(|unit| has_it(&unit.record)) {
                return Ok(true);
            }
            continue;
        }
        // What cannot be read is for its own project to complain about.
        let records = world.layout.project(&project).read_containers::<Configuration>().unwrap_or_default();
        if records.iter().any(has_it) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The anonymous volumes that a container has mounted, its own and those it has from others: whoever is the last to have one
/// is who removes it.
pub(super) fn anonymous_volumes(world: &World, record: &Record) -> Result<BTreeSet<String>, StateError> {
    let mut volumes: BTreeSet<String> = record.anonymous_volumes.values().cloned().collect();
    for volume in world.layout.read_volumes()? {
        let is_anonymous = volume.project.is_some() && volume.key.is_none();
        if is_anonymous && has_mounted(record, &world.layout.volume_data(&volume.name)) {
            volumes.insert(volume.name);
        }
    }
    Ok(volumes)
}

fn has_mounted(record: &Record, directory: &Path) -> bool {
    mounts(record, directory).is_some()
}

/// Whether a container may write to what it has mounted of a directory; `None` when that is nothing.
pub(super) fn mounts(record: &Record, directory: &Path) -> Option<bool> {
    let mounts = record.config.lowered.spec.mounts().iter().flatten();
    let of = mounts.filter(|mount| mount.source().as_deref().is_some_and(|source| source.starts_with(directory)));
    let is_read_only =
        |mount: &Mount| mount.options().iter().flatten().any(|option| ["ro", "rro"].contains(&option.as_str()));
    of.map(|mount| !is_read_only(mount)).reduce(|one, other| one || other)
}

/// Who shares a network is the same host: its name, and who it knows.
fn share_names(world: &World, record: &Record, spec: &mut Spec, neighbour: &Neighbour) {
    let own = world.paths.container(&record.id);
    for mount in spec.mounts_mut().iter_mut().flatten() {
        let file = [etc::HOSTS, etc::HOSTNAME, etc::RESOLV_CONF]
            .into_iter()
            .find(|file| mount.source().as_deref() == Some(own.etc(file).as_path()));
        if let Some(file) = file {
            mount.set_source(Some(neighbour.paths.etc(file)));
        }
    }
    let theirs = &neighbour.record.config.lowered.spec;
    if let (Some(name), true) = (theirs.hostname(), namespaces::has_own_name(&record.config.service)) {
        let variable = format!("HOSTNAME={name}");
        spec.set_hostname(Some(name.clone())).set_domainname(theirs.domainname().clone());
        let given = record.config.service.environment.contains_key("HOSTNAME");
        let variables = spec.process_mut().as_mut().and_then(|process| process.env_mut().as_mut());
        if let Some(old) = variables.into_iter().flatten().find(|old| old.starts_with("HOSTNAME=") && !given) {
            *old = variable;
        }
    }
}

/// Finds a container: of a service the first that runs, else the first.
pub(super) fn find(world: &World, peer: Peer<'_>) -> Result<Neighbour, Failure> {
    let missing = |what: String| Failure::new(FailureKind::NotRunning, format!("{what} does not exist"));
    match peer {
        Peer::Service(service) => {
            let units = world.units_of(service, |unit| {
                let running = matches!(unit.state.borrow().observed(), ObservedState::Running { .. });
                (!running, Rc::clone(&unit.record))
            });
            let first = units.into_iter().min_by_key(|(stopped, _)| *stopped);
            let (_, record) = first.ok_or_else(|| missing(format!("a container of service `{service}`")))?;
            let paths = world.paths.container(&record.id);
            Ok(Neighbour { record, paths })
        }
        Peer::Container(name) => {
            for project in world.layout.project_names()? {
                let paths = world.layout.project(&project);
                // What cannot be read is for its own project to complain about.
                let records = paths.read_containers::<Configuration>().unwrap_or_default();
                if let Some(record) = records.into_iter().find(|record| is_called(record, name)) {
                    return Ok(Neighbour { paths: paths.container(&record.id), record: Rc::new(record) });
                }
            }
            Err(missing(format!("container `{name}`")))
        }
    }
}

/// Whether `name` is that of a container, or the beginning of its id.
fn is_called(record: &Record, name: &str) -> bool {
    record.name.as_str() == name || (name.len() >= 4 && record.id.as_str().starts_with(name))
}

impl Neighbour {
    /// What is mounted in it for its service: not what was made for it alone, nor configs and secrets.
    fn volumes(&self) -> Vec<Mount> {
        let config = &self.record.config;
        let is_volume = |mount: &&Mount| {
            let is_grant = config.grants.iter().any(|grant| Path::new(&grant.grant.target) == mount.destination());
            let source = mount.source().as_deref().unwrap_or(Path::new(""));
            mount.typ().as_deref() == Some("bind")
                && !source.starts_with(self.paths.run())
                && !is_grant
                && (source != Path::new("/dev/shm") || mount.destination() != source)
        };
        config.lowered.spec.mounts().iter().flatten().filter(is_volume).cloned().collect()
    }

    /// One of its namespaces, by the name that `/proc/PID/ns` has for it.
    fn namespace(&self, name: &str) -> Result<OwnedFd, Failure> {
        let system = |error| Failure::from_error(FailureKind::System, &error);
        let handle = Handle::adopt(self.paths.run()).map_err(system)?;
        let namespace = handle.map(|handle| handle.namespace(Path::new(name))).transpose().map_err(system)?;
        namespace.flatten().ok_or_else(|| {
            let message =
                format!("{}, whose {name} namespace it shares, does not run: start it first", self.record.name);
            Failure::new(FailureKind::NotRunning, message)
        })
    }
}

/// Starts those again that were in the namespaces of a container that has been restarted: what they were in went with it.
pub(super) fn rejoin(world: &Rc<World>, record: &Record) {
    for (record, commands) in world.running_who_join(record) {
        let grace = record.config.service.stop_grace_period();
        world.warn(&format!("{}: restarted with the container whose namespaces it shares", record.name));
        tokio::task::spawn_local(async move {
            let (done, stopped) = oneshot::channel();
            let (reply, started) = oneshot::channel();
            // One that is gone was removed; how its start ends, its own unit tells.
            if commands.send(Command::Stop { grace, done }).await.is_ok() && stopped.await.is_ok() {
                let _ = commands.send(Command::Start(reply)).await;
                let _ = started.await;
            }
        });
    }
}
