//! The supervisor process: takes the project's lock, takes over what runs, serves requests one at a time, and leaves
//! when nothing is left to supervise.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf, SocketAddr};
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::LocalSet;

use super::client::{BUSY, READY};
use super::control::{ACCEPTED, Event, HostRun, Request};
use super::failure::{Failure, FailureKind};
use super::lease;
use super::request::perform;
use super::shared;
use super::world::World;
use crate::image::{Store, StoreError};
use crate::name::ProjectName;
use crate::network::{Firewall, NftError, Nftables};
use crate::plan::Action;
use crate::runtime::{self, MonitorCgroup};
use crate::state::{Layout, StateError};
use crate::sys::memory;
use crate::sys::readiness::readable_owned;

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

/// What has become of a supervisor that began without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served {
    /// Nothing is left to supervise, or it was asked to leave.
    ToTheEnd,
    /// Another one has the project, or is not quite dead yet.
    Elsewhere,
}

/// Supervises `project` until its last container is gone. Answers `READY` on `ready` when it listens, or `BUSY`
/// when another supervisor has the project. The client that starts it holds the other end of the pipe `starter` until it
/// is connected: one that never connects does not leave a supervisor behind.
///
/// # Errors
/// [`ServeError`] when it cannot begin.
pub fn serve(
    project: ProjectName,
    layout: Layout,
    starter: OwnedFd,
    mut ready: impl io::Write,
) -> Result<Served, ServeError> {
    let paths = layout.project(&project);
    let Some(_lock) = paths.try_lock()? else {
        ready.write_all(&[BUSY])?;
        return Ok(Served::Elsewhere);
    };
    let _cgroup = MonitorCgroup::enter();
    let store = Store::open(&layout.images())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async move {
        let nftables = Nftables::open()?;
        let watch = Firewall::watch(project.as_str(), &nftables);
        let world = World::adopt(layout, project, store, nftables)?;
        let _vigil = watch
            .inspect_err(|error| world.warn(&format!("changes to the firewall are not seen: {error}")))
            .ok()
            .map(|watch| super::vigil::keep(&world, watch));
        // What is there is a dead supervisor's: the lock says so.
        let _ = fs_err::remove_file(world.paths.socket());
        let following = Rc::clone(&world);
        tokio::task::spawn_local(async move {
            // Where the kernel has no more watches to give, what is known stands.
            let _ = shared::follow(following).await;
        });
        let listener = UnixListener::bind(world.paths.socket())?;
        fs_err::write(world.paths.pid_file(), std::process::id().to_string())?;
        ready.write_all(&[READY])?;
        drop(ready);
        Dispatcher::new(&world, listener, starter)?.run().await?;
        Ok(Served::ToTheEnd)
    })
}

/// How long nothing is asked before memory is given back that the last request has taken.
const SETTLED: Duration = Duration::from_millis(500);

/// How long a client waits for its turn before it is told for whom.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whose request is being performed.
type Holder = Rc<RefCell<String>>;

/// A request with the way to answer it.
struct Job {
    request: Request,
    /// Who has sent it, as others are told.
    client: String,
    /// Told when it is begun.
    begun: oneshot::Sender<()>,
    events: mpsc::Sender<Event>,
    /// Resolves when the client hangs up.
    gone: oneshot::Receiver<()>,
}

/// Takes requests and performs them one at a time.
struct Dispatcher {
    world: Rc<World>,
    listener: UnixListener,
    /// Readable, at its end, when the client that started this supervisor is connected or gone.
    starter: AsyncFd<OwnedFd>,
    starter_is_done: bool,
    terminate: Signal,
    /// Given to each connection; capacity 1, since more clients wait in their own tasks.
    jobs: mpsc::Sender<Job>,
    queue: mpsc::Receiver<Job>,
    /// Given to each connection, which sends one word when it ends.
    closed: mpsc::Sender<()>,
    closings: mpsc::Receiver<()>,
    connections: usize,
    holder: Holder,
    /// In order of arrival; none is followed by one of higher rank.
    waiting: VecDeque<Job>,
    is_leaving: bool,
}

impl Dispatcher {
    fn new(world: &Rc<World>, listener: UnixListener, starter: OwnedFd) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel(1);
        let (closed, closings) = mpsc::channel(1);
        Ok(Self {
            world: Rc::clone(world),
            listener,
            starter: readable_owned(starter)?,
            starter_is_done: false,
            terminate: signal(SignalKind::terminate())?,
            jobs,
            queue,
            closed,
            closings,
            connections: 0,
            holder: Holder::default(),
            waiting: VecDeque::new(),
            is_leaving: false,
        })
    }

    /// Serves until nothing is left to supervise and nobody is connected, or until SIGTERM: containers go on then, and
    /// the next command that needs a supervisor starts one. The project's files are cleared before it returns.
    async fn run(mut self) -> Result<(), StateError> {
        while let Some(job) = self.next_job().await {
            if self.perform(job).await {
                self.world.happenings.finish().await;
                return Ok(());
            }
        }
        self.world.happenings.finish().await;
        self.world.paths.leave()
    }

    async fn next_job(&mut self) -> Option<Job> {
        let mut events = self.world.listen();
        let mut settled = pin!(tokio::time::sleep(SETTLED));
        let mut has_settled = false;
        loop {
            if let Some(job) = self.waiting.pop_front() {
                return Some(job);
            }
            let is_alone = self.connections == 0 && self.starter_is_done;
            if self.is_leaving || (is_alone && !self.world.is_live()) {
                return None;
            }
            tokio::select! {
                accepted = self.listener.accept() => self.accept(accepted),
                Some(job) = self.queue.recv() => return Some(job),
                Some(()) = self.closings.recv() => self.connections -= 1,
                _ = self.starter.readable(), if !self.starter_is_done => self.starter_is_done = true,
                _ = self.terminate.recv() => self.is_leaving = true,
                // A container ended: it may have been the last. Its state is published together with the event.
                _ = events.recv() => {}
                () = self.world.leases.ended() => {}
                () = &mut settled, if !has_settled => {
                    has_settled = true;
                    memory::trim();
                }
            }
        }
    }

    fn accept(&mut self, accepted: io::Result<(UnixStream, SocketAddr)>) {
        if let Ok((stream, _)) = accepted {
            self.connections += 1;
            let (world, holder) = (Rc::clone(&self.world), Rc::clone(&self.holder));
            let line = Line { jobs: self.jobs.clone(), holder };
            tokio::task::spawn_local(connection(world, stream, line, self.closed.clone()));
        }
    }

    /// Performs a request; meanwhile connections are accepted, and one of higher rank takes over. True when it was the
    /// last: nothing is left, and the project's files are cleared.
    async fn perform(&mut self, job: Job) -> bool {
        let Job { request, client, begun, events, mut gone } = job;
        if gone.try_recv() == Err(oneshot::error::TryRecvError::Closed) {
            return false;
        }
        self.holder.replace(client);
        // Who is not there any more finds that out below.
        let _ = begun.send(());
        let (rank, follow) = (rank(&request), request.follows());
        let (cancel, cancelled) = oneshot::channel();
        // Dropped to cancel.
        let mut cancel = Some(cancel);
        let world = Rc::clone(&self.world);
        let mut run = pin!(perform(&world, request, cancelled));
        let mut failures = loop {
            tokio::select! {
                failures = &mut run => break failures,
                accepted = self.listener.accept() => self.accept(accepted),
                Some(()) = self.closings.recv() => self.connections -= 1,
                _ = &mut gone, if rank == Rank::Up && cancel.is_some() => cancel = None,
                _ = self.terminate.recv() => {
                    self.is_leaving = true;
                    cancel = None;
                }
                Some(next) = self.queue.recv() => {
                    if self.enqueue(next) > rank {
                        cancel = None;
                    }
                }
            }
        };
        // A client that is gone is not the one that is counted: that one has come meanwhile, and waits for its turn.
        let is_there = gone.try_recv() == Err(oneshot::error::TryRecvError::Empty);
        let is_alone = is_there && self.connections == 1 && self.waiting.is_empty() && !follow;
        let is_last = is_alone && !world.is_live();
        if is_last {
            // Before the client is told: whoever waits for the command finds nothing left. A client that connects from
            // now on starts another supervisor, and this one touches nothing any more.
            failures.extend(world.paths.leave().err().map(Failure::from));
        }
        let last = if failures.is_empty() { Event::Done } else { Event::Failed(failures) };
        let _ = events.send(last).await;
        if is_last {
            self.closings.recv().await;
        }
        is_last
    }

    /// Puts a request behind those that wait, in place of those that it takes over from. Returns its rank.
    fn enqueue(&mut self, job: Job) -> Rank {
        let rank = rank(&job.request);
        self.waiting.retain(|waiting| {
            let stays = self::rank(&waiting.request) >= rank;
            if !stays {
                // It has room for the one answer there is.
                let _ = waiting.events.try_send(Event::Failed(vec![Failure::interrupted()]));
            }
            stays
        });
        self.waiting.push_back(job);
        rank
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
        // A change of networks is a part of what an `up` would do.
        Request::Up { .. }
        | Request::Run { .. }
        | Request::Connect { .. }
        | Request::Disconnect { .. }
        | Request::HostRun(_)
        | Request::Events { .. }
        | Request::Snapshot(_)
        | Request::RemoveNetwork { .. } => Rank::Up,
        Request::Act { action: Action::Stop { .. } | Action::Remove { stop: true, .. }, .. } => Rank::Stop,
        Request::Act { action: Action::Kill { signal, .. }, .. } if *signal == runtime::Signal::KILL.as_raw() => {
            Rank::Kill
        }
        Request::Act { .. } => Rank::Up,
        Request::Down { .. } => Rank::Down,
    }
}

/// Where requests stand in line.
struct Line {
    jobs: mpsc::Sender<Job>,
    /// For whom they wait.
    holder: Holder,
}

/// One client: a request, then its events until it hangs up.
async fn connection(world: Rc<World>, stream: UnixStream, waiting: Line, closed: mpsc::Sender<()>) {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let mut line = String::new();
    if reader.read_line(&mut line).await.is_ok_and(|count| count > 0) && writer.write_all(ACCEPTED).await.is_ok() {
        match serde_json::from_str::<Request>(&line) {
            Ok(Request::HostRun(wish)) => {
                let answer = grant(&world, &wish, writer.as_ref());
                let _ = say(&mut writer, &answer).await;
            }
            Ok(Request::Events { after }) => {
                // It counts as gone: nobody waits for who only listens.
                let _ = closed.send(()).await;
                return world.happenings.tell(after, reader, writer).await;
            }
            Ok(request) => converse(&world, request, reader, writer, &waiting).await,
            Err(error) => {
                let failure = Failure::from_error(FailureKind::System, &error)
                    .because_of("the project's supervisor is of another version of rcompose");
                let _ = say(&mut writer, &Event::Failed(vec![failure])).await;
            }
        }
    }
    let _ = closed.send(()).await;
}

/// Takes a program of the host in, at once: it is not to wait for an `up` that waits for something healthy, nor the other
/// way round.
fn grant(world: &Rc<World>, wish: &HostRun, client: &UnixStream) -> Event {
    let granted = client.peer_cred().map_err(Failure::from).and_then(|client| lease::grant(world, wish, client.pid()));
    granted.map_or_else(|failure| Event::Failed(vec![failure]), |()| Event::Done)
}

async fn converse(
    world: &Rc<World>,
    request: Request,
    mut reader: BufReader<OwnedReadHalf>,
    mut writer: OwnedWriteHalf,
    Line { jobs, holder }: &Line,
) {
    let client = who(writer.as_ref());
    let follow = request.follows();
    // Dropped with this connection: a container is not held for a client that is gone.
    let mut attends = match &request {
        Request::Run { one_off, .. } if one_off.attached => Some(world.attendances.expect(&one_off.id)),
        _ => None,
    };
    let mut said = world.listen();
    // Only the last word of the request comes this way.
    let (events, mut answers) = mpsc::channel(1);
    let (gone, when_gone) = oneshot::channel();
    let (begun, mut turn) = oneshot::channel();
    if jobs.send(Job { request, client, begun, events, gone: when_gone }).await.is_err() {
        return;
    }
    let mut patience = pin!(tokio::time::sleep(PATIENCE));
    let (mut stands_in_line, mut was_told) = (true, false);
    // Dropped when this client hangs up, however that is noticed.
    let _gone = gone;
    let mut finished = false;
    let mut rest = [0; 64];
    loop {
        let event = tokio::select! {
            biased;
            // Before anything that its own request says.
            came = &mut turn, if stands_in_line => {
                stands_in_line = false;
                // Another request may have taken over instead: the answer says so.
                if came.is_err() || !was_told {
                    continue;
                }
                Event::Waiting(None)
            }
            event = said.recv() => match event {
                Ok(event) => event,
                // This client was too slow. Progress that it has not seen is of no use any more; which containers run is.
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    for event in world.standing() {
                        if say(&mut writer, &event).await.is_err() {
                            return;
                        }
                    }
                    continue;
                }
                Err(broadcast::error::RecvError::Closed) => return,
            },
            Some(answer) = answers.recv(), if !finished => {
                finished = true;
                answer
            }
            () = &mut patience, if stands_in_line && !was_told => {
                was_told = true;
                Event::Waiting(Some(holder.borrow().clone()))
            }
            read = reader.read(&mut rest) => match read {
                Ok(count) if count > 0 => {
                    if let Some(attends) = attends.take() {
                        // Nobody waits for it any more when the start was given up.
                        let _ = attends.send(());
                    }
                    continue;
                }
                // Dropping `gone` tells.
                _ => return,
            },
        };
        if say(&mut writer, &event).await.is_err() || (finished && !follow) {
            return;
        }
    }
}

/// Characters of a command line that are shown.
const SHOWN: usize = 160;

/// Who has sent a request: `rcompose up -d (pid 123)`.
fn who(client: &UnixStream) -> String {
    let Some(pid) = client.peer_cred().ok().and_then(|client| client.pid()) else {
        return "another command".to_owned();
    };
    let line = fs_err::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = line.split(|byte| *byte == 0).filter(|word| !word.is_empty()).map(String::from_utf8_lossy);
    let mut words: Vec<_> = words.collect();
    if let Some(program) = words.first_mut() {
        *program = program.rsplit('/').next().unwrap_or_default().to_owned().into();
    }
    let line = words.join(" ");
    // As others see it, on a line of their terminals.
    let mut shown: String = line.chars().filter(|letter| !letter.is_control()).take(SHOWN).collect();
    if shown.len() < line.len() {
        shown.push('…');
    }
    if shown.is_empty() { format!("pid {pid}") } else { format!("{shown} (pid {pid})") }
}

pub(super) async fn say(writer: &mut OwnedWriteHalf, event: &Event) -> io::Result<()> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    writer.write_all(&line).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    #[test]
    fn an_end_takes_over_from_a_beginning() {
        let act = |action| Request::Act { project: None, services: Vec::new(), action, at_once: None, timed: false };
        let stop = act(Action::Stop { timeout: None });
        let kill = act(Action::Kill { signal: 9, orphans: false });
        let reload = act(Action::Kill { signal: 1, orphans: false });
        let down = Request::Down { project: None, options: plan::DownOptions::default() };
        assert_eq!(rank(&reload), Rank::Up);
        assert!(Rank::Up < rank(&stop) && rank(&stop) < rank(&kill) && rank(&kill) < rank(&down));
    }
}
