//! The supervisor process: takes the project's lock, takes over what runs, serves requests one at a time, and leaves
//! when nothing is left to supervise.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::LocalSet;

use super::client::{BUSY, READY};
use super::control::{Event, Request, Resource, Status};
use super::execute::{OnFailure, execute};
use super::failure::{Failure, FailureKind};
use super::world::World;
use crate::compose::model::Project;
use crate::image::{Store, StoreError};
use crate::name::{ProjectName, ServiceName};
use crate::network::{NftError, Nftables};
use crate::plan;
use crate::state::{Layout, StateError};

/// A failure to supervise.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The project's records cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The image store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The kernel's firewall cannot be talked to.
    #[error("cannot reach nftables")]
    Nftables(#[from] NftError),
    /// The socket or the pipe to the client cannot be used.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Supervises `project` until its last container is gone. Answers `READY` on `ready` when it listens, or `BUSY`
/// when another supervisor has the project.
///
/// # Errors
/// [`ServeError`] when it cannot begin.
pub fn serve(project: ProjectName, layout: Layout, mut ready: impl io::Write) -> Result<(), ServeError> {
    let paths = layout.project(&project);
    let Some(_lock) = paths.try_lock()? else {
        return Ok(ready.write_all(&[BUSY])?);
    };
    let store = Store::open(&layout.images())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async move {
        let world = World::adopt(layout, project, store, Nftables::open()?)?;
        // What is there is a dead supervisor's: the lock says so.
        let _ = fs_err::remove_file(world.paths.socket());
        let listener = UnixListener::bind(world.paths.socket())?;
        fs_err::write(world.paths.pid_file(), std::process::id().to_string())?;
        ready.write_all(&[READY])?;
        drop(ready);
        dispatch(&world, &listener).await;
        let _ = fs_err::remove_file(world.paths.socket());
        let _ = fs_err::remove_file(world.paths.pid_file());
        Ok(())
    })
}

/// A request with the way to answer it.
struct Job {
    request: Request,
    events: mpsc::Sender<Event>,
    /// Resolves when the client hangs up.
    gone: oneshot::Receiver<()>,
}

async fn dispatch(world: &Rc<World>, listener: &UnixListener) {
    // One job runs, one waits to take over; more clients wait in their own tasks.
    let (jobs, mut queue) = mpsc::channel::<Job>(1);
    let (closed, mut connections_closed) = mpsc::channel::<()>(1);
    let mut connections: usize = 0;
    let mut waiting: Option<Job> = None;
    let mut events = world.listen();
    loop {
        let job = match waiting.take() {
            Some(job) => job,
            None => {
                tokio::select! {
                    accepted = listener.accept() => {
                        if let Ok((stream, _)) = accepted {
                            connections += 1;
                            tokio::task::spawn_local(connection(Rc::clone(world), stream, jobs.clone(), closed.clone()));
                        }
                        continue;
                    }
                    Some(job) = queue.recv() => job,
                    Some(()) = connections_closed.recv() => {
                        connections -= 1;
                        if connections == 0 && !world.is_live() {
                            return;
                        }
                        continue;
                    }
                    // A container ended: it may have been the last.
                    _ = events.recv() => {
                        // The state is published after the event; look once the unit's task has gone on.
                        tokio::task::yield_now().await;
                        if connections == 0 && !world.is_live() {
                            return;
                        }
                        continue;
                    }
                }
            }
        };
        // While the job runs, connections are still accepted, and a request of higher rank takes over.
        let Job { request, events: answer, gone } = job;
        let rank = rank(&request);
        let mut run = std::pin::pin!(perform(world, request, &answer));
        let mut gone = std::pin::pin!(gone);
        let outcome = loop {
            tokio::select! {
                failures = &mut run => break Some(failures),
                accepted = listener.accept() => {
                    if let Ok((stream, _)) = accepted {
                        connections += 1;
                        tokio::task::spawn_local(connection(Rc::clone(world), stream, jobs.clone(), closed.clone()));
                    }
                }
                Some(()) = connections_closed.recv() => connections -= 1,
                _ = &mut gone, if rank == Rank::Up => break None,
                Some(next) = queue.recv(), if waiting.is_none() => {
                    let takes_over = self::rank(&next.request) > rank;
                    waiting = Some(next);
                    if takes_over {
                        break None;
                    }
                }
            }
        };
        let last = match outcome {
            Some(failures) if failures.is_empty() => Event::Done,
            Some(failures) => Event::Failed(failures),
            None => Event::Failed(vec![Failure::new(FailureKind::Cancelled, "interrupted by another command")]),
        };
        let _ = answer.send(last).await;
    }
}

/// Which request takes over from which: a higher one from a lower, since who asks for an end must not wait for a
/// beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Up,
    Stop,
    Kill,
    Down,
}

fn rank(request: &Request) -> Rank {
    match request {
        Request::Up { .. } => Rank::Up,
        Request::Stop { .. } => Rank::Stop,
        Request::Kill { .. } => Rank::Kill,
        Request::Down { .. } => Rank::Down,
    }
}

/// One client: a request, then its events until it hangs up.
async fn connection(world: Rc<World>, stream: UnixStream, jobs: mpsc::Sender<Job>, closed: mpsc::Sender<()>) {
    let (reader, writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let mut line = String::new();
    if reader.read_line(&mut line).await.is_ok()
        && let Ok(request) = serde_json::from_str::<Request>(&line)
    {
        converse(&world, request, reader, writer, &jobs).await;
    }
    let _ = closed.send(()).await;
}

async fn converse(
    world: &Rc<World>,
    request: Request,
    mut reader: BufReader<OwnedReadHalf>,
    mut writer: OwnedWriteHalf,
    jobs: &mpsc::Sender<Job>,
) {
    let follow = matches!(request, Request::Up { follow: true, .. });
    let mut said = world.listen();
    // Only the last word of the request comes this way.
    let (events, mut answers) = mpsc::channel(1);
    let (gone, when_gone) = oneshot::channel();
    if jobs.send(Job { request, events, gone: when_gone }).await.is_err() {
        return;
    }
    // Dropped when this client hangs up, however that is noticed.
    let _gone = gone;
    let mut finished = false;
    let mut rest = [0; 64];
    loop {
        let event = tokio::select! {
            biased;
            event = said.recv() => match event {
                Ok(event) => event,
                // This client was too slow: it has lost some progress lines, nothing else.
                Err(broadcast::error::RecvError::Lagged(_)) => continue,
                Err(broadcast::error::RecvError::Closed) => return,
            },
            Some(answer) = answers.recv(), if !finished => {
                finished = true;
                answer
            }
            read = reader.read(&mut rest) => match read {
                Ok(count) if count > 0 => continue,
                // Dropping `gone` tells.
                _ => return,
            },
        };
        let Ok(mut line) = serde_json::to_vec(&event) else { return };
        line.push(b'\n');
        if writer.write_all(&line).await.is_err() {
            return;
        }
        if finished && !follow {
            return;
        }
    }
}

async fn perform(world: &Rc<World>, request: Request, _answer: &mpsc::Sender<Event>) -> Vec<Failure> {
    let result = match request {
        Request::Up { project, options, .. } => up(world, Rc::new(*project), &options).await,
        Request::Down { project, options } => down(world, project.map(|project| Rc::new(*project)), &options).await,
        Request::Stop { services, timeout } => stop_services(world, &services, timeout).await,
        Request::Kill { services } => stop_services(world, &services, Some(Duration::ZERO)).await,
    };
    match result {
        Ok(failures) => failures,
        Err(failure) => vec![failure],
    }
}

async fn up(world: &Rc<World>, project: Rc<Project>, options: &plan::UpOptions) -> Result<Vec<Failure>, Failure> {
    let observed = world.observe(Some(&project))?;
    let plan = plan::reconcile(&project, &observed, options)
        .map_err(|error| Failure::from_error(FailureKind::Plan, &error))?;
    let touched = plan.containers();
    for container in &observed.containers {
        if !touched.contains(&container.id) && world.is_running(&container.id) {
            let resource = Resource::Container(container.name.clone());
            world.say(Event::Progress { resource, status: Status::Running });
        }
    }
    Ok(execute(world, Some(&project), &plan, OnFailure::Stop).await)
}

async fn down(
    world: &Rc<World>,
    project: Option<Rc<Project>>,
    options: &plan::DownOptions,
) -> Result<Vec<Failure>, Failure> {
    let observed = world.observe(project.as_deref())?;
    let plan = plan::teardown(project.as_deref(), &observed, options);
    let failures = execute(world, project.as_ref(), &plan, OnFailure::Continue).await;
    if failures.is_empty() && world.observe(None)?.containers.is_empty() {
        world.paths.remove_if_empty()?;
    }
    Ok(failures)
}

/// Stops services in reverse order of dependency; the order is the plan's, less its removals.
async fn stop_services(
    world: &Rc<World>,
    services: &[ServiceName],
    timeout: Option<Duration>,
) -> Result<Vec<Failure>, Failure> {
    let plan = plan::stop(&world.observe(None)?, services, timeout);
    Ok(execute(world, None, &plan, OnFailure::Continue).await)
}
