//! `rcompose __exec`: enters a container and stays outside of it as the parent of a process inside.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::ExitCode;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal};
use rustix::thread::{ThreadNameSpaceType, move_into_thread_name_spaces};

use super::{ExecOptions, Request};
use crate::runtime::cgroup::{Cgroup, Entrance};
use crate::runtime::channel::{Channel, Failure, Message};
use crate::runtime::init;
use crate::runtime::record::{self, StatusRecord};
use crate::runtime::seccomp::{Agent, AgentError};
use crate::runtime::{Config, RuntimeError, Seccomp, external, handle};
use crate::sys::clone::{Cloned, SingleThreaded, clone};
use crate::sys::pidfd::PidFd;
use crate::sys::spawn;

/// Why there is no process in the container.
#[derive(Debug, thiserror::Error)]
enum ExecError {
    #[error("cannot set up the exec")]
    Setup(#[from] io::Error),
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    #[error(transparent)]
    Cgroup(#[from] crate::runtime::cgroup::CgroupError),
    #[error(transparent)]
    Affinity(#[from] init::InitError),
    #[error(transparent)]
    Agent(#[from] AgentError),
    #[error("cannot enter the container's namespaces")]
    Enter(#[source] io::Error),
    #[error("cannot clone a process into the container")]
    Clone(#[source] io::Error),
    #[error("{}", .0.error)]
    Process(Failure),
    #[error("the process ended before it was ready")]
    Died,
}

/// Runs what the channel asks for; its exit code is that of the process.
pub(in crate::runtime) fn main() -> ExitCode {
    let Ok(channel) = spawn::inherited_channel().map(Channel::from) else { return ExitCode::FAILURE };
    match run(&channel) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let failure = match &error {
                ExecError::Process(failure) => failure.clone(),
                error => Failure { code: 125, error: init::text(error) },
            };
            let code = failure.code;
            let _ = channel.send(&Message::Failed(failure), &[]);
            ExitCode::from(code)
        }
    }
}

fn run(channel: &Channel) -> Result<u8, ExecError> {
    let single = SingleThreaded::check()?;
    // The caller's terminal is not ours to be signalled by.
    rustix::process::setsid().map_err(io::Error::from)?;
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable).map_err(io::Error::from)?;
    let mut preserved = Vec::new();
    let Request { directory, options } = loop {
        match channel.receive()? {
            Some((Message::Hold, descriptors)) => preserved.extend(descriptors),
            Some((Message::Exec(request), _)) => break *request,
            _ => return Err(ExecError::Died),
        }
    };
    if let Some((mut process, terminal)) = start_elsewhere(&directory, &options)? {
        return follow(&mut process, terminal, channel, &options);
    }
    let mut entered = enter(&directory, &options)?;
    let agent = entered.agent.take();

    let (ours, theirs) = Channel::pair()?;
    match clone(single, rustix::thread::UnshareFlags::empty(), None).map_err(ExecError::Clone)? {
        Cloned::Child => {
            drop(ours);
            inside(&entered, &options, theirs, &preserved)
        }
        Cloned::Parent { pid, pidfd } => {
            drop(theirs);
            let mut process = Running { pid, pidfd: pidfd.into(), terminal: None };
            process.terminal = start(channel, &ours, &process, agent).inspect_err(|_| {
                process.kill();
                // Left as a zombie, it would keep the container's pid namespace from ending.
                let _ = process.pidfd.wait(true);
            })?;
            if options.orphan {
                return Ok(0);
            }
            process.wait(channel, options.detach)
        }
    }
}

/// Has the runtime of a container start the process; `None` when that is our own.
fn start_elsewhere(directory: &Path, options: &ExecOptions) -> Result<Option<(Running, Option<OwnedFd>)>, ExecError> {
    let config: Config = record::read(directory, record::CONFIG)?.ok_or(RuntimeError::NotRunning)?;
    let Some(runtime) = &config.external else { return Ok(None) };
    let status: StatusRecord = record::read(directory, record::STATUS)?.ok_or(RuntimeError::NotRunning)?;
    let init = handle::open(status.init)?.ok_or(RuntimeError::NotRunning)?;
    if init.has_exited()? {
        return Err(RuntimeError::NotRunning.into());
    }
    if Cgroup::existing(&config.cgroup()).is_frozen() {
        return Err(RuntimeError::Paused.into());
    }
    let (pidfd, process, terminal) = external::exec(&config, runtime, &status, options)
        .map_err(|error| ExecError::Process(Failure { code: error.code(), error: init::text(&error) }))?;
    let pid = Pid::from_raw(process.pid).ok_or(ExecError::Died)?;
    Ok(Some((Running { pid, pidfd, terminal: None }, terminal)))
}

/// Tells the caller of a process that runs, and waits for its end.
fn follow(
    process: &mut Running,
    terminal: Option<OwnedFd>,
    caller: &Channel,
    options: &ExecOptions,
) -> Result<u8, ExecError> {
    let master: Vec<_> = terminal.iter().map(AsFd::as_fd).collect();
    let told = caller.send(&Message::Started { pid: process.pid.as_raw_pid(), start_time: 0 }, &master);
    if let Err(error) = told {
        process.kill();
        let _ = process.pidfd.wait(true);
        return Err(error.into());
    }
    process.terminal = terminal;
    process.wait(caller, options.detach)
}

/// A container whose namespaces this process is in.
struct Entered {
    /// With the user of the exec.
    config: Config,
    /// For the process in it to join: this one stays outside, neither counted nor frozen with the container.
    entrance: Entrance,
    restricted: bool,
    in_user_namespace: bool,
    /// Who answers for system calls, if anybody.
    agent: Option<Agent>,
}

/// Moves this process into the container's namespaces.
fn enter(directory: &Path, options: &ExecOptions) -> Result<Entered, ExecError> {
    let status: StatusRecord = record::read(directory, record::STATUS)?.ok_or(RuntimeError::NotRunning)?;
    let mut config: Config = record::read(directory, record::CONFIG)?.ok_or(RuntimeError::NotRunning)?;
    let init = handle::open(status.init)?.ok_or(RuntimeError::NotRunning)?;
    if init.has_exited()? {
        return Err(RuntimeError::NotRunning.into());
    }
    config.user.clone_from(&options.user);
    if options.privileged {
        config.seccomp = Seccomp::Specified;
        if let Some(linux) = config.spec.linux_mut() {
            linux.set_seccomp(None);
        }
    }
    // Its socket is one of the host's.
    let agent = Agent::connect(&config)?.map(|agent| agent.of_running(status.init.pid));
    let cgroup = Cgroup::existing(&config.cgroup());
    if cgroup.is_frozen() && !options.ignore_paused {
        return Err(RuntimeError::Paused.into());
    }
    // From inside, these files cannot be reached.
    let entrance = cgroup.entrance(&options.cgroups)?;
    let affinity = options.process.exec_cpu_affinity().as_ref();
    affinity.and_then(|affinity| affinity.initial().as_deref()).map_or(Ok(()), init::set_affinity)?;
    if let Some(score) = options.process.oom_score_adj() {
        fs_err::write("/proc/self/oom_score_adj", score.to_string())?;
    }
    // All at once: either we are in the container, or we are not.
    let mut all = ThreadNameSpaceType::MOUNT
        | ThreadNameSpaceType::CONTROL_GROUP
        | ThreadNameSpaceType::HOST_NAME_AND_NIS_DOMAIN_NAME
        | ThreadNameSpaceType::INTER_PROCESS_COMMUNICATION
        | ThreadNameSpaceType::PROCESS_ID
        | ThreadNameSpaceType::NETWORK
        | ThreadNameSpaceType::TIME;
    let in_user_namespace = has_own_users(status.init.pid)?;
    if in_user_namespace {
        // To the one that it is in already, a process cannot move.
        all |= ThreadNameSpaceType::USER;
        let pid = Pid::from_raw(status.init.pid).ok_or(RuntimeError::NotRunning)?;
        let streams = [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()];
        init::user_namespace::own_pipes(&streams, &init::user_namespace::Mappings::read(pid)?)?;
    }
    move_into_thread_name_spaces(init.as_fd(), all).map_err(|error| ExecError::Enter(error.into()))?;
    Ok(Entered { config, entrance, restricted: cgroup.restricts_devices(), in_user_namespace, agent })
}

/// Whether a process is in another user namespace than this one.
fn has_own_users(pid: i32) -> Result<bool, ExecError> {
    let namespace = |process: &str| fs_err::read_link(format!("/proc/{process}/ns/user"));
    Ok(namespace(&pid.to_string())? != namespace("self")?)
}

/// In the pid namespace: becomes the process.
fn inside(entered: &Entered, options: &ExecOptions, mut channel: Channel, preserved: &[OwnedFd]) -> ! {
    let error = match prepare(entered, options) {
        Ok((program, warnings, terminal)) => {
            if let Some(terminal) = terminal.as_ref().filter(|_| options.plain_newlines) {
                init::pass_newlines(terminal);
            }
            let master: Vec<_> = terminal.iter().map(AsFd::as_fd).collect();
            let told = channel.send(&Message::Ready { warnings }, &master);
            match told.and_then(|()| channel.receive()) {
                Ok(Some((Message::Start, _))) => {
                    drop(terminal);
                    match channel.above_passed(preserved) {
                        Ok(moved) => channel = moved,
                        Err(_) => crate::sys::process::end(1),
                    }
                    if options.orphan { program.execute(&channel) } else { program.execute_with_parent(&channel) }
                }
                _ => crate::sys::process::end(1),
            }
        }
        Err(error) => error,
    };
    let _ = channel.send(&Message::Failed(Failure { code: error.code(), error: init::text(&error) }), &[]);
    crate::sys::process::end(i32::from(error.code()))
}

fn prepare(entered: &Entered, options: &ExecOptions) -> Result<init::Prepared, init::InitError> {
    entered.entrance.enter()?;
    // Only now: a cgroup of other processors undoes what was set before.
    let affinity = options.process.exec_cpu_affinity().as_ref();
    match affinity {
        Some(affinity) => affinity.cpu_affinity_final().as_deref().map_or(Ok(()), init::set_affinity)?,
        None => init::reset_affinity(),
    }
    init::prepare_exec(&entered.config, &options.process, entered.restricted, entered.in_user_namespace)
}

/// Tells the caller when the program has been executed. Returns the master of its terminal, if it has one.
fn start(
    caller: &Channel,
    child: &Channel,
    process: &Running,
    agent: Option<Agent>,
) -> Result<Option<OwnedFd>, ExecError> {
    let terminal = match child.receive()? {
        Some((Message::Ready { .. }, terminal)) => terminal,
        Some((Message::Failed(failure), _)) => return Err(ExecError::Process(failure)),
        _ => return Err(ExecError::Died),
    };
    child.send(&Message::Start, &[]).map_err(|_| ExecError::Died)?;
    let mut message = child.receive()?;
    if let (Some((Message::Listener { number }, _)), Some(agent)) = (&message, agent) {
        agent.hand_over((&process.pidfd, process.pid.as_raw_pid()), *number, child)?;
        message = child.receive()?;
    }
    match message {
        None => {}
        Some((Message::Failed(failure), _)) => return Err(ExecError::Process(failure)),
        Some(_) => return Err(ExecError::Died),
    }
    let master: Vec<_> = terminal.iter().map(AsFd::as_fd).collect();
    let message = Message::Started { pid: process.pid.as_raw_pid(), start_time: 0 };
    caller.send(&message, &master)?;
    Ok(terminal.into_iter().next())
}

/// The process in the container, a child of this one.
struct Running {
    pid: Pid,
    pidfd: PidFd,
    /// Its terminal's master, for when the caller leaves it.
    terminal: Option<OwnedFd>,
}

impl Running {
    /// Waits for its end, passing on what the caller says; without a caller, ends it unless `detached`.
    fn wait(&mut self, caller: &Channel, mut detached: bool) -> Result<u8, ExecError> {
        let mut listening = true;
        loop {
            let mut watched = vec![PollFd::new(&self.pidfd, PollFlags::IN)];
            if listening {
                watched.push(PollFd::new(caller, PollFlags::IN));
            }
            // What it writes when nobody looks any more must not fill its terminal.
            watched.extend(self.terminal.iter().filter(|_| !listening).map(|fd| PollFd::new(fd, PollFlags::IN)));
            match poll(&mut watched, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(io::Error::from(error).into()),
            }
            let ended = !watched[0].revents().is_empty();
            let second = watched.get(1).is_some_and(|second| !second.revents().is_empty());
            if ended {
                break;
            }
            if second && listening {
                listening = self.listen(caller, &mut detached)?;
            } else if second {
                self.forget_output();
            }
        }
        let status = self.pidfd.wait(true)?;
        let code = status.exit_status().or(status.terminating_signal().map(|signal| 128 + signal));
        Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(255))
    }

    /// Does what the caller says; false when it has left.
    fn listen(&mut self, caller: &Channel, detached: &mut bool) -> Result<bool, ExecError> {
        match caller.receive() {
            Ok(Some((Message::Signal(signal), _))) => {
                if let Some(signal) = crate::sys::signal::numbered(signal) {
                    self.pidfd.signal(signal)?;
                }
            }
            Ok(Some((Message::Detach, _))) => *detached = true,
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => {
                // A terminal goes with whoever sat at it: the kernel tells those who are in its session.
                if !*detached && self.terminal.take().is_none() {
                    self.kill();
                }
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn forget_output(&mut self) {
        let read = self.terminal.as_ref().map(|terminal| rustix::io::read(terminal, &mut [0; 4096]));
        // EIO when nobody has its other end.
        if !matches!(read, Some(Ok(1..) | Err(rustix::io::Errno::INTR))) {
            self.terminal = None;
        }
    }

    /// With everything in its process group. It has not been reaped, so the pid is still its own.
    fn kill(&self) {
        let _ = self.pidfd.signal(Signal::KILL);
        let _ = rustix::process::kill_process_group(self.pid, Signal::KILL);
    }
}
