//! What the operations of a plan do.

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::compose::model::Project;
use crate::name::{ContainerId, ContainerName, ServiceName, VolumeName};
use crate::plan::Operation;
use crate::runtime::{self, Signal};
use crate::supervisor::await_condition::{By, await_condition};
use crate::supervisor::control::{Event, Resource, Status};
use crate::supervisor::failure::{Failure, FailureKind};
use crate::supervisor::observe::Record;
use crate::supervisor::unit::{Command, StopReport};
use crate::supervisor::world::World;
use crate::supervisor::{hooks, network, pre_start, provision, rollout, shaping, share, shared, snapshot};
use crate::sys::signal;

/// Does what an operation says.
pub(super) async fn perform(
    world: &Rc<World>,
    project: Option<&Project>,
    operation: Operation,
    by: By,
) -> Result<(), Failure> {
    let project = || project.ok_or_else(|| Failure::new(FailureKind::Plan, "a project is needed to create anything"));
    match operation {
        Operation::CreateNetwork { network } => {
            let project = project()?;
            let resource = Resource::Network(project.networks[&network].name.clone());
            reported(world, resource, Status::Creating, Status::Created, || network::create(world, project, &network))
        }
        Operation::CreateVolume { volume } => {
            let project = project()?;
            let resource = Resource::Volume(project.volumes[&volume].name.clone());
            reported(world, resource, Status::Creating, Status::Created, || {
                provision::create_volume(world, project, &volume)
            })
        }
        // Pulled or built by the client before it asked; the container's creation finds out when it was not.
        Operation::PullImage { .. } | Operation::BuildImage { .. } => Ok(()),
        Operation::CreateContainer { service, number, replaces } => {
            provision::create_container(world, project()?, &service, number, replaces.as_ref())
        }
        Operation::UpdateContainer { container, service, .. } => update(world, project()?, &container, &service).await,
        Operation::StartContainer { service, number } => start(world, &service, number).await,
        Operation::AwaitCondition { service, condition, required } => {
            match await_condition(world, &service, condition, by).await {
                Err(failure) if !required => {
                    world.warn(&failure.to_string());
                    Ok(())
                }
                result => result,
            }
        }
        Operation::StopContainer { container, name, grace } => stop(world, &container, &name, grace).await,
        Operation::KillContainer { container, name, signal } => kill(world, &container, &name, signal).await,
        Operation::PauseContainer { container, name } => pause(world, &container, &name, true).await,
        Operation::UnpauseContainer { container, name } => pause(world, &container, &name, false).await,
        Operation::RemoveContainer { container, name, volumes } => {
            remove_container(world, &container, &name, volumes).await
        }
        Operation::PreStart { service, number } => pre_start::run(world, project()?, &service, number).await,
        Operation::RollOut { service, containers, volumes } => {
            rollout::roll_out(world, project()?, &service, &containers, volumes).await
        }
        Operation::RemoveNetwork { network } => {
            let Some(record) = world.network(&network) else { return Ok(()) };
            if let Some(user) = shared::user(world, &record.name)? {
                world.warn(&format!("network {} stays: {user} is on it", record.name));
                return Ok(());
            }
            let resource = Resource::Network(record.name);
            reported(world, resource, Status::Removing, Status::Removed, || world.remove_network(&network))
        }
        Operation::RestoreVolumes { snapshot, volumes } => snapshot::put_back(world, &snapshot, &volumes).await,
        Operation::RemoveVolume { volume, name } => remove_volume(world, &volume, name.as_deref()),
    }
}

/// Removes a container.
pub(in crate::supervisor) async fn remove_container(
    world: &World,
    id: &ContainerId,
    name: &ContainerName,
    volumes: bool,
) -> Result<(), Failure> {
    // A start that an interrupted request has begun comes to its end first.
    end(world, id, Duration::ZERO).await;
    let resource = Resource::Container(name.clone());
    reported(world, resource, Status::Removing, Status::Removed, || remove(world, id, volumes))
}

fn reported(
    world: &World,
    resource: Resource,
    doing: Status,
    done: Status,
    operation: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    world.say(Event::Progress { resource: resource.clone(), status: doing });
    let result = operation();
    world.say(Event::Progress { resource, status: if result.is_ok() { done } else { Status::Error } });
    result
}

/// Has a container, running or not, get what its service says now of what can be changed as it runs.
async fn update(world: &Rc<World>, project: &Project, id: &ContainerId, service: &ServiceName) -> Result<(), Failure> {
    // One that is gone was removed by a request that took over.
    let unit = world.with_unit(id, |unit| (Rc::clone(&unit.record), unit.commands.clone()));
    let Some((before, commands)) = unit else { return Ok(()) };
    let mut record = (*before).clone();
    record.config.service.set_network_limits(project.services[service].network_limits().cloned());
    let record = Rc::new(record);
    let (reply, answer) = oneshot::channel();
    let result = match commands.send(Command::Update { record: Rc::clone(&record), reply }).await {
        Ok(()) => answer.await.unwrap_or_else(|_| Err(Failure::cancelled(&before.name))),
        Err(_) => Err(Failure::cancelled(&before.name)),
    };
    let result = result.and_then(|()| Ok(world.replace_record(record)?));
    let status = if result.is_ok() { Status::Updated } else { Status::Error };
    world.say(Event::Progress { resource: Resource::Container(before.name.clone()), status });
    result.map_err(|failure| failure.because_of(format!("cannot change {}", before.name)))
}

async fn start(world: &Rc<World>, service: &ServiceName, number: u32) -> Result<(), Failure> {
    let unit = world.units_of(service, |unit| (unit.record.number, Rc::clone(&unit.record), unit.commands.clone()));
    let Some((_, record, commands)) = unit.into_iter().find(|(of, _, _)| *of == number) else {
        return Err(Failure::new(
            FailureKind::System,
            format!("container {number} of service {service} does not exist"),
        ));
    };
    start_unit(world, &record, commands).await
}

/// Starts a container that exists.
pub(in crate::supervisor) async fn start_container(world: &World, id: &ContainerId) -> Result<(), Failure> {
    let unit = world.with_unit(id, |unit| (Rc::clone(&unit.record), unit.commands.clone()));
    let gone = || Failure::new(FailureKind::Cancelled, format!("container {} was removed", id.short()));
    let (record, commands) = unit.ok_or_else(gone)?;
    start_unit(world, &record, commands).await
}

async fn start_unit(world: &World, record: &Record, commands: mpsc::Sender<Command>) -> Result<(), Failure> {
    let name = record.name.clone();
    let resource = Resource::Container(name.clone());
    world.say(Event::Progress { resource: resource.clone(), status: Status::Starting });
    let (reply, answer) = oneshot::channel();
    // A unit that is gone was removed by a request that took over.
    let result = match commands.send(Command::Start(reply)).await {
        Ok(()) => answer.await.unwrap_or_else(|_| Err(Failure::cancelled(&name))),
        Err(_) => Err(Failure::cancelled(&name)),
    };
    let status = if result.is_ok() { Status::Started } else { Status::Error };
    world.say(Event::Progress { resource, status });
    result.map_err(|failure| failure.because_of(format!("cannot start {name}")))?;
    hooks::run(world, record, &record.config.service.post_start).await
}

/// Stops a container and says how it went; one that does not run is stopped already.
pub(in crate::supervisor) async fn stop(
    world: &Rc<World>,
    id: &ContainerId,
    name: &ContainerName,
    grace: Duration,
) -> Result<(), Failure> {
    let was_running = world.is_running(id);
    let resource = Resource::Container(name.clone());
    if was_running {
        world.say(Event::Progress { resource: resource.clone(), status: Status::Stopping });
        let record = world.with_unit(id, |unit| Rc::clone(&unit.record));
        // Who kills it at once has no time for that.
        if let Some(record) = record.filter(|_| !grace.is_zero())
            && let Err(failure) = hooks::run(world, &record, &record.config.service.pre_stop).await
        {
            world.warn(&format!("{name} is stopped all the same: {failure}"));
        }
    }
    let report = end(world, id, grace).await;
    if was_running {
        let status = if report == StopReport::Killed { Status::Killed } else { Status::Stopped };
        world.say(Event::Progress { resource, status });
    }
    if report == StopReport::Deaf {
        world.warn(&format!(
            "{name}: its PID 1 has no handler for the stop signal, so the kernel drops it: killed without waiting (set `init: true`)"
        ));
    }
    Ok(())
}

/// Has a unit stop its container; one that is gone, or does not run, has stopped.
pub(in crate::supervisor) async fn end(world: &World, id: &ContainerId, grace: Duration) -> StopReport {
    let Some(commands) = world.with_unit(id, |unit| unit.commands.clone()) else { return StopReport::Stopped };
    let (done, report) = oneshot::channel();
    match commands.send(Command::Stop { grace, done }).await {
        Ok(()) => report.await.unwrap_or(StopReport::Stopped),
        Err(_) => StopReport::Stopped,
    }
}

/// Sends a container a signal; SIGKILL ends it, and is waited for.
async fn kill(world: &Rc<World>, id: &ContainerId, name: &ContainerName, signal: i32) -> Result<(), Failure> {
    let resource = Resource::Container(name.clone());
    world.say(Event::Progress { resource: resource.clone(), status: Status::Killing });
    let result = match signal::numbered(signal) {
        Some(Signal::KILL) => {
            end(world, id, Duration::ZERO).await;
            Ok(())
        }
        Some(signal) => tell(world, id, name, |reply| Command::Signal(signal, reply)).await,
        None => Err(Failure::new(FailureKind::Plan, format!("there is no signal {signal}"))),
    };
    let status = if result.is_ok() { Status::Killed } else { Status::Error };
    world.say(Event::Progress { resource, status });
    result.map_err(|failure| failure.because_of(format!("cannot kill {name}")))
}

/// Pauses a container or lets it go on, and says so.
pub(in crate::supervisor) async fn pause(
    world: &Rc<World>,
    id: &ContainerId,
    name: &ContainerName,
    pause: bool,
) -> Result<(), Failure> {
    let result = tell(world, id, name, |reply| Command::Pause { pause, reply }).await;
    let status = match (&result, pause) {
        (Err(_), _) => Status::Error,
        (Ok(()), true) => Status::Paused,
        (Ok(()), false) => Status::Unpaused,
    };
    world.say(Event::Progress { resource: Resource::Container(name.clone()), status });
    result.map_err(|failure| failure.because_of(format!("cannot {} {name}", if pause { "pause" } else { "unpause" })))
}

/// Gives a unit a command, and waits for its answer.
async fn tell(
    world: &World,
    id: &ContainerId,
    name: &ContainerName,
    command: impl FnOnce(oneshot::Sender<Result<(), Failure>>) -> Command,
) -> Result<(), Failure> {
    let gone = || Failure::new(FailureKind::NotRunning, format!("container {name} is not running"));
    let commands = world.with_unit(id, |unit| unit.commands.clone()).ok_or_else(gone)?;
    let (reply, answer) = oneshot::channel();
    commands.send(command(reply)).await.map_err(|_| gone())?;
    answer.await.map_err(|_| gone())?
}

fn remove(world: &World, id: &ContainerId, volumes: bool) -> Result<(), Failure> {
    let record = world.with_unit(id, |unit| Rc::clone(&unit.record));
    world.remove_unit(id);
    if let Some(record) = &record {
        // What a supervisor that died did not remove.
        shaping::end(record)?;
    }
    runtime::delete(world.paths.container(id).run())
        .map_err(|error| Failure::from_error(FailureKind::System, &error))?;
    world.paths.container(id).remove()?;
    if let Some(record) = &record {
        world.happenings.note(record, "destroy", &[]);
    }
    if let Some(record) = record {
        if volumes {
            for volume in share::anonymous_volumes(world, &record)? {
                if !share::is_borrowed(world, &volume)? {
                    world.layout.remove_volume(&world.project, &volume)?;
                }
            }
        } else {
            world.retire(&record);
        }
    }
    Ok(())
}

fn remove_volume(world: &World, key: &VolumeName, name: Option<&str>) -> Result<(), Failure> {
    for record in world.layout.project_volumes(&world.project)? {
        if record.key.as_deref() == Some(key.as_str()) && name.is_none_or(|name| record.name == name) {
            let resource = Resource::Volume(record.name.clone());
            reported(world, resource, Status::Removing, Status::Removed, || {
                Ok(world.layout.remove_volume(&world.project, &record.name)?)
            })?;
        }
    }
    Ok(())
}
