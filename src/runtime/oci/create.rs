//! `create`: from a bundle to a container that waits for `start`.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::bundle::Bundle;
use super::hook::{self, Point};
use super::state::{Phase, StateRecord};
use super::{Container, Id, OciError, Root, Status};
use crate::runtime::channel::{Channel, Message};
use crate::runtime::record::{self, ProcessRecord, StatusRecord};
use crate::runtime::spawn::{spawn_role, supported, unexpected};
use crate::runtime::{Config, Rootfs, Seccomp};
use crate::sys::process::close_on_exec_from;
use crate::sys::spawn::{self, Spawned, Streams};

const SOCKET: &str = "start.sock";

/// What to make.
#[derive(Debug)]
pub struct Create<'a> {
    /// How it is called.
    pub id: &'a Id,
    /// Where its configuration is.
    pub bundle: &'a Path,
    /// Whether `linux.cgroupsPath` is systemd's `SLICE:PREFIX:NAME`.
    pub systemd_cgroup: bool,
    /// How many of this process's descriptors, from 3 up, its program has too.
    pub preserve_fds: u32,
    /// For its environment, after what the configuration says.
    pub environment: Vec<String>,
    /// Whether its caller stays with it, and serves its terminal unless somebody else takes that.
    pub attached: bool,
    /// Whether somebody else takes its terminal.
    pub has_console: bool,
    /// Whether its root is moved over the host's, which stays below it: where the host's root is an initramfs, which
    /// `pivot_root(2)` does not move.
    pub no_pivot: bool,
}

/// A container that has just been made.
#[derive(Debug)]
pub struct Created {
    /// The container.
    pub container: Container,
    /// The master of its terminal, if it has one.
    pub terminal: Option<OwnedFd>,
    /// What could not be done as asked and does not prevent it from running.
    pub warnings: Vec<String>,
}

impl Root {
    /// Makes a container. Its standard streams are this process's, unless it has a terminal.
    ///
    /// # Errors
    /// Any; then nothing is left of it.
    pub fn create(&self, request: &Create<'_>) -> Result<Created, OciError> {
        let mut bundle = Bundle::read(request.bundle, request.id, request.systemd_cgroup)?;
        let process = bundle.spec.process_mut().as_mut();
        let has_terminal = process.as_ref().is_some_and(|process| process.terminal() == Some(true));
        match (has_terminal, request.has_console) {
            (true, false) if !request.attached => {
                return Err(OciError::Terminal(
                    "cannot allocate tty if the container is detached without setting console socket",
                ));
            }
            (false, true) => return Err(OciError::Terminal("cannot use console socket if the container has no tty")),
            _ => {}
        }
        if let Some(process) = process.filter(|_| !request.environment.is_empty()) {
            process.env_mut().get_or_insert_default().extend(request.environment.iter().cloned());
        }
        let preserved = spawn::inherited(3, request.preserve_fds).map_err(OciError::Preserve)?;
        // What else the caller has left open is neither for hooks nor for an init that waits.
        close_on_exec_from(3).map_err(OciError::Preserve)?;
        let directory = self.claim(request.id)?;
        let made = Nursery { directory: &directory, bundle: &bundle }.make(request, &preserved);
        if made.is_err() {
            // The error that led here is the one to tell.
            let _ = fs_err::remove_dir_all(&directory);
        }
        made.map(|mut created| {
            created.warnings.splice(0..0, bundle.warnings);
            created
        })
    }
}

/// Where a container is made.
struct Nursery<'a> {
    directory: &'a Path,
    bundle: &'a Bundle,
}

impl Nursery<'_> {
    fn make(&self, request: &Create<'_>, preserved: &[OwnedFd]) -> Result<Created, OciError> {
        // Held to the end: others see by it that somebody is at work.
        let _lock = Container::lock(self.directory)?;
        let mut container = Container::new(self.directory.to_owned(), StateRecord::new(request.id, self.bundle));
        container.record.no_pivot = request.no_pivot;
        container.write()?;
        let config = self.config(request.id);
        supported(&config)?;
        record::write(self.directory, record::CONFIG, &config)?;
        let listener = listen(self.directory).map_err(OciError::directory("listen in", self.directory))?;
        let cradle = Cradle::spawn(self.directory, request, &listener, preserved)?;
        let made = self.bring_up(&mut container, &cradle);
        if made.is_err() {
            drop(cradle);
            self.mourn(&container);
        }
        made
    }

    fn config(&self, id: &Id) -> Config {
        Config {
            id: id.internal(),
            spec: self.bundle.spec.clone(),
            rootfs: Rootfs::Directory(self.bundle.rootfs.clone()),
            directory: self.directory.to_owned(),
            log: PathBuf::new(),
            log_options: crate::runtime::log::Options::default(),
            stdin: crate::runtime::Stdin::Null,
            init: false,
            user: None,
            group_add: Vec::new(),
            seccomp: Seccomp::Specified,
            external: None,
            guardian: None,
        }
    }

    /// From the cloned init to the one that waits.
    fn bring_up(&self, container: &mut Container, cradle: &Cradle) -> Result<Created, OciError> {
        let (process, init) = cradle.created()?;
        container.record.init = Some(process);
        container.write()?;
        record::write(self.directory, record::STATUS, &StatusRecord::new(process, process))?;
        let (warnings, terminal) = loop {
            match init.receive()? {
                Some((Message::Hooks, _)) => {
                    self.run_hooks(container)?;
                    init.send(&Message::Start, &[]).map_err(|_| OciError::InitGone)?;
                }
                Some((Message::Ready { warnings }, terminal)) => break (warnings, terminal.into_iter().next()),
                Some((message, _)) => return Err(unexpected(message).into()),
                None => return Err(OciError::InitGone),
            }
        };
        container.record.phase = Phase::Created;
        container.write()?;
        cradle.leave()?;
        let container = Container::new(container.directory.clone(), container.record.clone());
        Ok(Created { container, terminal, warnings })
    }

    fn run_hooks(&self, container: &Container) -> Result<(), OciError> {
        // What the specification calls created: the environment is there, the program has not been executed.
        let state = container.hook_state(Status::Created);
        for point in [Point::Prestart, Point::CreateRuntime] {
            hook::run(point, self.bundle.spec.hooks().as_ref(), &state, Some(&self.bundle.directory))?;
        }
        Ok(())
    }

    /// What follows on the end of a container also follows on that of one which did not come to be.
    fn mourn(&self, container: &Container) {
        let state = container.hook_state(Status::Stopped);
        let hooks = self.bundle.spec.hooks().as_ref();
        // The error that led here is the one to tell.
        hook::run_each(Point::Poststop, hooks, &state, Some(&self.bundle.directory)).into_iter().for_each(drop);
    }
}

/// The process that clones init, seen by the creator. Dropping it undoes what it has made.
struct Cradle {
    process: Spawned,
    channel: Option<Channel>,
}

impl Cradle {
    fn spawn(
        directory: &Path,
        request: &Create<'_>,
        listener: &OwnedFd,
        preserved: &[OwnedFd],
    ) -> Result<Self, OciError> {
        let (ours, theirs) = Channel::pair()?;
        let streams =
            Streams { stdin: rustix::stdio::stdin(), stdout: rustix::stdio::stdout(), stderr: rustix::stdio::stderr() };
        let process = spawn_role(super::ROLE, Some(request.id.as_str()), streams, theirs.as_fd())?;
        let mut descriptors = vec![listener.as_fd()];
        descriptors.extend(preserved.iter().map(AsFd::as_fd));
        ours.send_all(&Message::Create { directory: directory.to_owned() }, &descriptors)?;
        Ok(Self { process, channel: Some(ours) })
    }

    fn channel(&self) -> &Channel {
        self.channel.as_ref().expect("taken only when dropped")
    }

    /// The init it has cloned, and the channel to that.
    fn created(&self) -> Result<(ProcessRecord, Channel), OciError> {
        match self.channel().receive()? {
            Some((Message::Created { pid, start_time, .. }, channel)) => {
                let channel = channel.into_iter().next().ok_or(OciError::InitGone)?;
                Ok((ProcessRecord { pid, start_time }, Channel::from(channel)))
            }
            Some((message, _)) => Err(unexpected(message).into()),
            None => Err(OciError::InitGone),
        }
    }

    /// Lets it end, and with it the bond to the container.
    fn leave(&self) -> Result<(), OciError> {
        self.channel().send(&Message::Start, &[])?;
        Ok(())
    }
}

impl Drop for Cradle {
    fn drop(&mut self) {
        drop(self.channel.take());
        let _ = self.process.pidfd.wait(true);
    }
}

/// The socket at which a container's init waits for `start`.
fn listen(directory: &Path) -> std::io::Result<OwnedFd> {
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    let (_held, address) = address(directory)?;
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, 1)?;
    Ok(socket)
}

/// Connects to it.
pub(super) fn connect(directory: &Path) -> std::io::Result<Channel> {
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    let (_held, address) = address(directory)?;
    rustix::net::connect(&socket, &address)?;
    Ok(Channel::from(socket))
}

/// An address by descriptor: one by path is at most 107 bytes long, and state directories are deep.
fn address(directory: &Path) -> std::io::Result<(OwnedFd, SocketAddrUnix)> {
    let directory =
        rustix::fs::openat(CWD, directory, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let address = SocketAddrUnix::new(format!("/proc/self/fd/{}/{SOCKET}", directory.as_raw_fd()))?;
    Ok((directory, address))
}
