//! What the container's first process does before it becomes the container's program.
//!
//! It runs in a copy of the shim, single-threaded, already in its namespaces ([`run`] has the steps in order). Until
//! `pivot_root` it sees the host's file tree, in a mount namespace of its own; it reaches into the container's tree only
//! through a [`RootDir`].

mod bind;
mod copy_up;
mod devices;
mod error;
mod file_system;
mod masks;
mod mount_options;
mod mounts;
mod namespaces;
mod old_root;
pub(super) mod outside;
mod proc;
pub(super) mod process;
mod reaper;
pub(super) mod rootfs;
mod scheduling;
mod security_module;
mod terminal;
mod user;
pub(super) mod user_namespace;

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use oci_spec::runtime::{Mount, Process, Spec};
use rustix::fs::Mode;
use rustix::thread::UnshareFlags;

pub(super) use error::{InitError, text};
pub(super) use mount_options::propagation;
pub(super) use namespaces::Namespaces;
pub(super) use reaper::main as reap;
pub(super) use scheduling::{number_list, reset_affinity, set_affinity};
pub(super) use terminal::pass_newlines;
pub use user::{Accounts, User, UserError};

use self::outside::Outside;
use super::Config;
use super::cgroup::Cgroup;
use super::channel::{Channel, Failure, Message};
use super::oci::{Attended, Solitary};
use crate::sys::RootDir;
use crate::sys::clone::{SingleThreaded, unshare};
use crate::sys::signal;

/// The first argument with which this program is the init of a container that another runtime makes.
pub(super) const REAPER: &str = "__reap";

/// What init is given by the shim it is a copy of.
pub(super) struct Setup<'a> {
    pub(super) config: &'a Config,
    pub(super) cgroup: &'a Cgroup,
    pub(super) namespaces: Namespaces,
    /// To the shim.
    pub(super) channel: Channel,
    /// Standard input, output and error.
    pub(super) streams: [OwnedFd; 3],
    pub(super) single: SingleThreaded,
    /// Of a container that no shim stays with.
    pub(super) solitary: Option<Solitary>,
    /// What was made for it beforehand, until it is taken.
    pub(super) given: Cell<Option<Outside>>,
    /// Whether it ends when its parent does.
    pub(super) is_transient: bool,
}

/// Becomes the container's program, or says why not and exits.
pub(super) fn run(setup: Setup<'_>) -> ! {
    let mut starter = None;
    let failure = match prepare(&setup) {
        Ok((program, warnings, terminal)) => {
            let master: Vec<_> = terminal.iter().map(AsFd::as_fd).collect();
            let told = setup.channel.send(&Message::Ready { warnings }, &master);
            // A second master here would keep the terminal from hanging up.
            drop(terminal);
            match told.and_then(|()| await_start(&setup)) {
                Ok(channel) => starter = channel,
                Err(_) => crate::sys::process::end(1),
            }
            execute(&setup, program, &mut starter)
        }
        Err(error) => error,
    };
    let channel = starter.as_ref().unwrap_or(&setup.channel);
    // If the other side is gone, there is nobody to tell.
    let _ = channel.send(&Message::Failed(Failure { code: failure.code(), error: text(&failure) }), &[]);
    crate::sys::process::end(1)
}

/// Waits for the word to go on: from the shim, or from whoever comes for a container without one, whose channel is
/// returned.
fn await_start(setup: &Setup<'_>) -> io::Result<Option<Channel>> {
    match &setup.solitary {
        Some(solitary) => solitary.await_start().map(Some),
        None => match setup.channel.receive()? {
            Some((Message::Start, _)) => Ok(None),
            _ => Err(io::ErrorKind::ConnectionAborted.into()),
        },
    }
}

/// Returns only on failure, which `starter` is to be told.
fn execute(setup: &Setup<'_>, program: process::Program, starter: &mut Option<Channel>) -> InitError {
    let (Some(solitary), Some(channel)) = (&setup.solitary, starter.as_ref()) else {
        let parent = &setup.channel;
        return match setup.config.init {
            true => reaper::execute(program, setup.single, parent, Attended::of(setup.config)),
            false => attended(setup, program),
        };
    };
    let last_steps = || -> Result<(process::Program, Channel), InitError> {
        let program = program.become_user(channel, process::Orphaned::LivesOn)?;
        solitary.before_exec(&setup.config.spec, &program.environment())?;
        Ok((program, solitary.pass_descriptors(channel).map_err(InitError::Descriptors)?))
    };
    match last_steps() {
        Ok((program, channel)) => {
            *starter = Some(channel);
            program.execve()
        }
        Err(error) => error,
    }
}

/// Executes the program after the hooks that come right before it. Returns only on failure.
fn attended(setup: &Setup<'_>, program: process::Program) -> InitError {
    let orphaned = if setup.is_transient { process::Orphaned::Dies } else { process::Orphaned::LivesOn };
    let last_steps = || -> Result<process::Program, InitError> {
        let program = program.become_user(&setup.channel, orphaned)?;
        Attended::of(setup.config).map_or(Ok(()), |hooks| hooks.before_exec(&program.environment()))?;
        Ok(program)
    };
    match last_steps() {
        Ok(program) => program.execve(),
        Err(error) => error,
    }
}

/// What is left to execute, what could not be done as asked, and the terminal's master.
pub(super) type Prepared = (process::Program, Vec<String>, Option<OwnedFd>);

/// The steps up to the point where only `execve` is left.
fn prepare(setup: &Setup<'_>) -> Result<Prepared, InitError> {
    let config = setup.config;
    let spec = &config.spec;
    let process = spec.process().as_ref().ok_or(InitError::Missing("process"))?;

    signal::reset().map_err(|error| InitError::Signals(error.into()))?;
    // Modes are meant as they are written.
    rustix::process::umask(Mode::empty());
    // In a user namespace this is the time: the process has the host's root's ids still.
    setup.cgroup.join()?;
    reset_affinity();
    let mut outside = match setup.given.take() {
        Some(given) => given,
        None if outside::is_needed(spec, &setup.namespaces) => Outside::receive(&setup.channel)?,
        None => Outside::default(),
    };
    join_namespaces(setup)?;

    let mut root = rootfs::mount(config, setup.cgroup.restricts_devices(), outside.root.take())?;
    if setup.namespaces.has_user() {
        user_namespace::become_root()?;
    }
    rootfs::hide(config, &root)?;
    let proc = proc::Proc::mount()?;
    proc.set_sysctls(spec)?;
    if !setup.namespaces.has_user() {
        proc.set_oom_score_adj(process)?;
    }
    set_host_name(spec)?;
    let later = mounts::mount_all(spec, &root, proc, setup.cgroup, &mut outside)?;
    devices::create(spec, &root, &mut outside)?;
    let terminal = attach_streams(setup, process, &root)?;
    later.into_iter().try_for_each(mounts::ReadOnlyLater::now)?;
    if let Some(solitary) = &setup.solitary {
        solitary.before_pivot(spec, &setup.channel)?;
    } else if let Some(hooks) = Attended::of(config) {
        hooks.before_pivot(&setup.channel)?;
    }
    masks::apply(spec, &root)?;
    rootfs::make_readonly(spec, &root)?;
    root = match setup.solitary.as_ref().is_some_and(Solitary::keeps_old_root) {
        true => old_root::cover(root, &config.mountpoint())?,
        false => rootfs::pivot(root)?,
    };
    rootfs::set_propagation(spec, &root)?;

    let restricted = setup.cgroup.restricts_devices();
    let (program, warnings) = process::prepare(config, process, &root, restricted, process::MissingDirectory::Make)?;
    set_umask(process);
    Ok((program, warnings, terminal))
}

/// As the process asks for, or what a shell would start it with.
fn set_umask(process: &Process) {
    rustix::process::umask(Mode::from(process.user().umask().unwrap_or(0o022)));
}

fn join_namespaces(setup: &Setup<'_>) -> Result<(), InitError> {
    setup.namespaces.enter()?;
    if setup.namespaces.new_cgroup {
        // Not by clone: the root of the new namespace is the cgroup that the process is in at this moment.
        unshare(setup.single, UnshareFlags::NEWCGROUP).map_err(InitError::CgroupNamespace)?;
    }
    Ok(())
}

fn set_host_name(spec: &Spec) -> Result<(), InitError> {
    if let Some(name) = spec.hostname() {
        rustix::system::sethostname(name.as_bytes()).map_err(|error| InitError::HostName(error.into()))?;
    }
    if let Some(name) = spec.domainname() {
        rustix::system::setdomainname(name.as_bytes()).map_err(|error| InitError::HostName(error.into()))?;
    }
    Ok(())
}

/// The steps of a process that joins a running container: it is in its namespaces and has its standard streams.
pub(super) fn prepare_exec(
    config: &Config,
    process: &Process,
    devices_restricted: bool,
    in_user_namespace: bool,
) -> Result<Prepared, InitError> {
    if in_user_namespace {
        user_namespace::become_root()?;
    }
    signal::reset().map_err(|error| InitError::Signals(error.into()))?;
    set_umask(process);
    let root = RootDir::open(std::path::Path::new("/")).map_err(InitError::Pivot)?;
    let terminal = if process.terminal() == Some(true) {
        let terminal = terminal::open(&root, process.console_size())?;
        terminal::attach(&terminal.slave)?;
        Some(terminal.master)
    } else {
        rustix::process::setsid().map_err(|error| InitError::Streams(error.into()))?;
        None
    };
    let (program, warnings) =
        process::prepare(config, process, &root, devices_restricted, process::MissingDirectory::Refuse)?;
    Ok((program, warnings, terminal))
}

/// Mounts the root file system of a container in the mount namespace of this process, for a runtime that is not ours.
pub(super) fn mount_root(config: &Config) -> Result<RootDir, InitError> {
    let root = rootfs::mount(config, true, None)?;
    rootfs::hide(config, &root)?;
    Ok(root)
}

/// Whether a mount has options that only this runtime knows.
pub(super) fn is_special(mount: &Mount) -> bool {
    mount.options().iter().flatten().any(|option| mount_options::is_private(option))
}

/// What such a mount shows, mounted nowhere; the options are taken from it.
pub(super) fn take_source(mount: &mut Mount) -> Result<OwnedFd, InitError> {
    let options = mount_options::parse(mount.options().as_deref().unwrap_or_default());
    if let Some(options) = mount.options_mut() {
        options.retain(|option| !mount_options::is_private(option));
    }
    bind::source(mount, &options, None)
}

/// Puts the standard streams in place; with a terminal, returns its master.
fn attach_streams(setup: &Setup<'_>, process: &Process, root: &RootDir) -> Result<Option<OwnedFd>, InitError> {
    if process.terminal() == Some(true) {
        let terminal = terminal::open(root, process.console_size())?;
        terminal::bind_console(&terminal, root)?;
        terminal::attach(&terminal.slave)?;
        return Ok(Some(terminal.master));
    }
    // A session of its own, as a program that is started at boot has.
    rustix::process::setsid().map_err(|error| InitError::Streams(error.into()))?;
    let [stdin, stdout, stderr] = &setup.streams;
    let attach = || -> rustix::io::Result<()> {
        rustix::stdio::dup2_stdin(stdin)?;
        rustix::stdio::dup2_stdout(stdout)?;
        rustix::stdio::dup2_stderr(stderr)
    };
    attach().map_err(|error: rustix::io::Errno| InitError::Streams(io::Error::from(error)))?;
    Ok(None)
}
