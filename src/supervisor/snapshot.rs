//! Snapshots of named volumes: made while who writes to them is paused, and put back while nobody has them mounted.
//!
//! ```text
//! create   pause writers ─▶ copy to .new ─▶ unpause ─▶ rename to its name
//! restore  stop users ─▶ copy beside each volume ─▶ exchange with its data ─▶ start users
//! ```
//!
//! Whoever is killed in between leaves the old or the new, and litter that the project's next supervisor removes; it also
//! lets those go on that were paused.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::control::{Event, Resource, Status};
use super::execute::{self, Cancelled, Limits, OnFailure};
use super::failure::{Failure, FailureKind};
use super::observe::Configuration;
use super::share;
use super::world::World;
use crate::compose::model::Project;
use crate::name::{ContainerId, ContainerName, ProjectName, ServiceName, SnapshotName};
use crate::plan::{self, Action};
use crate::runtime::Handle;
use crate::runtime::files::copy_directory;
use crate::state::{Layout, SavedVolume, SnapshotRecord, StateError, VERSION, VolumeRecord};

/// What is to be done with a snapshot.
#[derive(Debug, Serialize, Deserialize)]
pub enum SnapshotWish {
    /// It is made.
    Create {
        /// Its name.
        name: SnapshotName,
        /// The names on the host of its volumes, by key.
        volumes: BTreeMap<String, String>,
        /// Whether who writes to them is paused meanwhile.
        pause: bool,
        /// Whether it may take the place of one of that name.
        replace: bool,
    },
    /// Its volumes get back what they had.
    Restore {
        /// The project, when there is a file.
        project: Option<Box<Project>>,
        /// Its name.
        name: SnapshotName,
        /// Which of its volumes, by their names on the host.
        volumes: Vec<String>,
        /// Whether who uses them is stopped, and started again.
        stop: bool,
    },
    /// It is removed.
    Remove {
        /// Its name.
        name: SnapshotName,
    },
}

/// A container that has a volume mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeUser {
    /// Its project.
    pub project: ProjectName,
    /// Its service.
    pub service: ServiceName,
    /// The container.
    pub id: ContainerId,
    /// Its name.
    pub name: ContainerName,
    /// The volume, by its name on the host.
    pub volume: String,
    /// Whether it is none of its service's replicas.
    pub is_one_off: bool,
    /// Whether it may write to it.
    pub writes: bool,
    /// Whether all its processes are stopped.
    pub is_paused: bool,
}

/// The containers that run, or are about to be started again, and have one of `volumes` mounted, of whatever project.
///
/// # Errors
/// [`StateError`].
pub fn volume_users(layout: &Layout, volumes: &[String]) -> Result<Vec<VolumeUser>, StateError> {
    let mut users = Vec::new();
    for project in layout.project_names()? {
        let paths = layout.project(&project);
        for record in paths.read_containers::<Configuration>()? {
            let container = paths.container(&record.id);
            for volume in volumes {
                let Some(writes) = share::mounts(&record, &layout.volume_data(volume)) else { continue };
                let live = Handle::adopt(container.run()).ok().flatten();
                if live.is_none() && !container.read_state()?.restarting {
                    break;
                }
                users.push(VolumeUser {
                    project: project.clone(),
                    service: record.service.clone(),
                    id: record.id.clone(),
                    name: record.name.clone(),
                    volume: volume.clone(),
                    is_one_off: record.one_off.is_some(),
                    writes,
                    is_paused: live.is_some_and(|live| live.is_paused().unwrap_or(false)),
                });
            }
        }
    }
    Ok(users)
}

/// Does what is to be done with a snapshot.
pub(super) async fn fulfil(
    world: &Rc<World>,
    wish: SnapshotWish,
    mut cancelled: Cancelled,
) -> Result<Vec<Failure>, Failure> {
    tokio::select! {
        () = world.settled() => {}
        _ = &mut cancelled => return Err(Failure::interrupted()),
    }
    match wish {
        SnapshotWish::Create { name, volumes, pause, replace } => {
            if !replace && world.layout.read_snapshot(&world.project, &name)?.is_some() {
                let message = format!("there is a snapshot {name} already: --force makes it anew");
                return Err(Failure::new(FailureKind::Plan, message));
            }
            let result = create(world, name, volumes, pause, cancelled).await;
            if result.is_err() {
                // The first error is the one to tell.
                let _ = world.layout.drop_snapshot(&world.project);
            }
            result.map(|()| Vec::new())
        }
        SnapshotWish::Restore { project, name, volumes, stop } => {
            let project = project.map(|project| Rc::new(*project));
            restore(world, project, name, volumes, stop, cancelled).await
        }
        SnapshotWish::Remove { name } => {
            world.layout.remove_snapshot(&world.project, &name)?;
            Ok(Vec::new())
        }
    }
}

async fn create(
    world: &Rc<World>,
    name: SnapshotName,
    volumes: BTreeMap<String, String>,
    pause: bool,
    mut cancelled: Cancelled,
) -> Result<(), Failure> {
    // What one that died has left.
    world.layout.drop_snapshot(&world.project)?;
    let mut found = Vec::new();
    for (key, volume) in &volumes {
        found.push((key.clone(), volume_record(world, volume)?));
    }
    let volumes: Vec<String> = volumes.into_values().collect();
    let writers = volume_users(&world.layout, &volumes)?.into_iter().filter(|user| user.writes && !user.is_paused);
    let (ours, theirs): (Vec<_>, Vec<_>) = writers.partition(|user| user.project == world.project);
    let ours: BTreeMap<ContainerId, ContainerName> = ours.into_iter().map(|user| (user.id, user.name)).collect();
    let goes_on = theirs.into_iter().map(|user| user.name).chain(ours.values().filter(|_| !pause).cloned());
    for name in goes_on.collect::<BTreeSet<_>>() {
        world.warn(&format!("{name} runs on while its volume is copied, and may write to it meanwhile"));
    }
    let saved = if pause {
        hold(world, &ours).await?;
        let saved = save(world, found, &mut cancelled).await;
        let_go(world, &ours).await;
        saved
    } else {
        save(world, found, &mut cancelled).await
    };
    let record = SnapshotRecord { version: VERSION, name, created_at: jiff::Timestamp::now(), volumes: saved? };
    Ok(world.layout.keep_snapshot(&world.project, &record)?)
}

fn volume_record(world: &World, name: &str) -> Result<VolumeRecord, Failure> {
    let missing = || Failure::new(FailureKind::ExternalMissing, format!("volume {name} does not exist"));
    world.layout.read_volume(name)?.ok_or_else(missing)
}

/// Pauses containers; if that cannot be done, all go on.
async fn hold(world: &Rc<World>, containers: &BTreeMap<ContainerId, ContainerName>) -> Result<(), Failure> {
    if containers.is_empty() {
        return Ok(());
    }
    let ids: Vec<ContainerId> = containers.keys().cloned().collect();
    world.paths.hold(&ids)?;
    for (id, name) in containers {
        if let Err(failure) = execute::pause(world, id, name, true).await
            && world.is_running(id)
        {
            let_go(world, containers).await;
            return Err(failure);
        }
    }
    Ok(())
}

async fn let_go(world: &Rc<World>, containers: &BTreeMap<ContainerId, ContainerName>) {
    for (id, name) in containers {
        let paused = Handle::adopt(world.paths.container(id).run()).ok().flatten();
        if !paused.is_some_and(|container| container.is_paused().unwrap_or(true)) {
            continue;
        }
        if let Err(failure) = execute::pause(world, id, name, false).await {
            world.warn(&failure.to_string());
        }
    }
    if let Err(error) = world.paths.hold(&[]) {
        world.warn(&error.to_string());
    }
}

/// Lets those go on that a supervisor has paused which died then.
pub(super) fn let_go_of_the_dead(world: &World) -> Result<(), StateError> {
    for id in world.paths.read_held()? {
        if let Ok(Some(container)) = Handle::adopt(world.paths.container(&id).run())
            && let Err(error) = container.unpause()
        {
            world.warn(&error.to_string());
        }
    }
    world.paths.hold(&[])
}

async fn save(
    world: &Rc<World>,
    volumes: Vec<(String, VolumeRecord)>,
    cancelled: &mut Cancelled,
) -> Result<Vec<SavedVolume>, Failure> {
    let mut saved = Vec::new();
    for (key, volume) in volumes {
        let target = world.layout.new_in_snapshot(&world.project, &volume.name)?;
        let source = world.layout.volume_data(&volume.name);
        let resource = Resource::Volume(volume.name.clone());
        world.say(Event::Progress { resource: resource.clone(), status: Status::Saving });
        let size = copied(source, target, cancelled).await;
        let status = if size.is_ok() { Status::Saved } else { Status::Error };
        world.say(Event::Progress { resource, status });
        let size = size.map_err(|failure| failure.because_of(format!("cannot copy volume {}", volume.name)))?;
        saved.push(SavedVolume { key, volume, size });
    }
    Ok(saved)
}

/// Copies a directory in a thread of its own: this one has health checks to run and names to tell.
async fn copied(source: PathBuf, target: PathBuf, cancelled: &mut Cancelled) -> Result<u64, Failure> {
    let wanted = Wanted(Arc::new(AtomicBool::new(true)));
    let seen = Arc::clone(&wanted.0);
    let mut copy = tokio::task::spawn_blocking(move || copy_directory(&source, &target, &seen));
    let copied = tokio::select! {
        copied = &mut copy => copied,
        _ = cancelled => {
            drop(wanted);
            // What it has made can be removed only when it makes no more.
            let _ = copy.await;
            return Err(Failure::interrupted());
        }
    };
    let copied = copied.map_err(io::Error::other)?;
    Ok(copied?)
}

/// Tells a copy that it is not wanted any more when this is dropped.
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

async fn restore(
    world: &Rc<World>,
    project: Option<Rc<Project>>,
    snapshot: SnapshotName,
    volumes: Vec<String>,
    stop: bool,
    mut cancelled: Cancelled,
) -> Result<Vec<Failure>, Failure> {
    let users = may_stop(world, &volumes, stop)?;
    let observed = world.observe(project.as_deref())?;
    let action = Action::Restore { snapshot, volumes: volumes.clone(), users };
    let plan = plan::act(project.as_deref(), &observed, &[], &action)
        .map_err(|error| Failure::from_error(FailureKind::Plan, &error))?;
    let limits = Limits { cancelled: &mut cancelled, time: None, at_once: None, timed: false };
    // Who was stopped is started again, whatever became of the volumes.
    let failures = execute::execute(world, project.as_ref(), &plan, OnFailure::Continue, limits).await;
    for volume in &volumes {
        // What an interrupted copy has left; there is none in the end.
        let _ = world.layout.drop_incoming(volume);
    }
    Ok(failures)
}

/// The services that use volumes, which may be stopped.
fn may_stop(world: &World, volumes: &[String], stop: bool) -> Result<BTreeSet<ServiceName>, Failure> {
    let users = volume_users(&world.layout, volumes)?;
    for user in &users {
        let in_use = format!("volume {} is in use by {}", user.volume, user.name);
        let message = if user.project != world.project {
            format!("{in_use} of project {}: stop it first", user.project)
        } else if user.is_one_off {
            format!("{in_use}, which was begun with `run`: end it first")
        } else if !stop {
            format!("{in_use}: stop it, or have it stopped and started again with --stop")
        } else {
            continue;
        };
        return Err(Failure::new(FailureKind::VolumeInUse, message));
    }
    Ok(users.into_iter().map(|user| user.service).collect())
}

/// Puts volumes where a snapshot has them: all are copied first, and then exchanged.
pub(super) async fn put_back(world: &Rc<World>, snapshot: &SnapshotName, volumes: &[String]) -> Result<(), Failure> {
    let missing = || Failure::new(FailureKind::Plan, format!("there is no snapshot {snapshot}"));
    let record = world.layout.read_snapshot(&world.project, snapshot)?.ok_or_else(missing)?;
    let saved: Vec<_> = record.volumes.into_iter().filter(|saved| volumes.contains(&saved.volume.name)).collect();
    let say = |status: Status| {
        for SavedVolume { volume, .. } in &saved {
            world.say(Event::Progress { resource: Resource::Volume(volume.name.clone()), status });
        }
    };
    say(Status::Restoring);
    let result = bring_in(world, snapshot, &saved).await;
    say(if result.is_ok() { Status::Restored } else { Status::Error });
    for SavedVolume { volume, .. } in &saved {
        // What was there before, or what was to come.
        world.layout.drop_incoming(&volume.name)?;
    }
    result
}

async fn bring_in(world: &Rc<World>, snapshot: &SnapshotName, saved: &[SavedVolume]) -> Result<(), Failure> {
    // A task that is aborted drops what it waits for, which ends the copy.
    let (_never, mut cancelled) = tokio::sync::oneshot::channel();
    for SavedVolume { volume, .. } in saved {
        world.layout.create_volume(&world.project, volume)?;
        let target = world.layout.begin_volume(&volume.name)?;
        let source = world.layout.snapshot_of(&world.project, snapshot, &volume.name);
        let copied = copied(source, target, &mut cancelled).await;
        copied.map_err(|failure| failure.because_of(format!("cannot copy volume {}", volume.name)))?;
    }
    for SavedVolume { volume, .. } in saved {
        world.layout.take_incoming(&volume.name)?;
    }
    Ok(())
}
