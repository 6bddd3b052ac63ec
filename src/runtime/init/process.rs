//! The last steps, for a container's program and for an exec alike: limits, directory, identity, `execve`.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use oci_spec::runtime::{PosixRlimit, PosixRlimitType, Process};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Gid, Resource, Rlimit, Uid};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::InitError;
use super::user::{Accounts, User};
use crate::runtime::capability::{Sets, missing, not_inheritable};
use crate::runtime::channel::{Channel, Message};
use crate::runtime::seccomp::{Filter, filter};
use crate::runtime::{Config, capability};
use crate::sys::RootDir;

const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program about to be executed: nothing of it needs to be looked up or allocated any more.
pub(in crate::runtime) struct Program {
    name: String,
    /// Where it may be, in the order to try.
    candidates: Vec<CString>,
    arguments: Vec<CString>,
    environment: Vec<CString>,
    user: User,
    capabilities: Sets,
    no_new_privileges: bool,
    filter: Option<Filter>,
}

/// What becomes of a process when its parent ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Orphaned {
    LivesOn,
    Dies,
}

/// What becomes of a working directory that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::runtime) enum MissingDirectory {
    /// It is made: a container starts.
    Make,
    /// It is an error: a further process was asked to run there.
    Refuse,
}

/// Prepares this process, which is inside the container already, to execute `process`, and says what could not be done
/// as asked.
pub(in crate::runtime) fn prepare(
    config: &Config,
    process: &Process,
    root: &RootDir,
    devices_restricted: bool,
    missing_directory: MissingDirectory,
) -> Result<(Program, Vec<String>), InitError> {
    let accounts = Accounts::read(root)?;
    let user = match &config.user {
        Some(request) => accounts.resolve(request, &config.group_add)?,
        None => {
            let user = process.user();
            let mut groups = user.additional_gids().clone().unwrap_or_default();
            for group in &config.group_add {
                groups.push(accounts.group(group)?);
            }
            User { uid: user.uid(), gid: user.gid(), groups, home: accounts.home(user.uid()) }
        }
    };
    let mut warnings = limit(process.rlimits().as_deref().unwrap_or_default())?;
    super::scheduling::apply(&config.spec, process)?;
    super::security_module::apply(process)?;
    enter_directory(root, process.cwd(), missing_directory)?;
    own_streams(&user)?;
    crate::sys::process::close_on_exec_from(3).map_err(InitError::Descriptors)?;

    let available =
        rustix::thread::capabilities(None).map_err(|error| InitError::Capabilities(error.into()))?.permitted;
    let wanted = process.capabilities().as_ref();
    let lacking = missing(wanted, available);
    if !lacking.is_empty() {
        let lacking = lacking.into_iter().collect::<Vec<_>>().join(", ");
        warnings.push(format!("not available on this machine: {lacking}"));
    }
    for name in not_inheritable(wanted) {
        warnings.push(format!("can't raise ambient capability {name}: it is not both permitted and inheritable"));
    }
    let mut capabilities = Sets::of(wanted).within(available);
    if !devices_restricted {
        // Where nothing else stops a node of one's own from being the host's disk.
        capabilities = capabilities.within(available - CapabilitySet::MKNOD);
    }
    let environment = environment(process.env().as_deref().unwrap_or_default(), &user.home);
    let arguments = process.args().as_deref().unwrap_or_default();
    let name = arguments.first().filter(|name| !name.is_empty()).ok_or(InitError::NoProgram)?;
    let path = environment.iter().find_map(|entry| entry.strip_prefix("PATH=")).unwrap_or(DEFAULT_PATH);
    let program = Program {
        name: name.clone(),
        candidates: texts(&candidates(name, path))?,
        arguments: texts(arguments)?,
        environment: texts(&environment)?,
        user,
        capabilities,
        no_new_privileges: process.no_new_privileges() == Some(true),
        filter: filter(config)?,
    };
    Ok((program, warnings))
}

impl Program {
    /// What it will have in its environment.
    pub(super) fn environment(&self) -> Vec<String> {
        self.environment.iter().map(|entry| entry.to_string_lossy().into_owned()).collect()
    }

    /// Takes its identity and executes it. Returns only on failure.
    pub(in crate::runtime) fn execute(self, parent: &Channel) -> InitError {
        match self.become_user(parent, Orphaned::LivesOn) {
            Ok(program) => program.execve(),
            Err(error) => error,
        }
    }

    /// As [`Self::execute`], for a process that is to end with the one that waits for it.
    pub(in crate::runtime) fn execute_with_parent(self, parent: &Channel) -> InitError {
        match self.become_user(parent, Orphaned::Dies) {
            Ok(program) => program.execve(),
            Err(error) => error,
        }
    }

    /// From here on the process has no more rights than the program will have.
    ///
    /// The filter comes as late as it can, so that it need not allow what is done here: after it comes `execve` alone, or,
    /// since without `no_new_privs` it takes CAP_SYS_ADMIN, first the setting of the capabilities.
    pub(super) fn become_user(self, parent: &Channel, orphaned: Orphaned) -> Result<Self, InitError> {
        let failed = |error: Errno| InitError::Capabilities(error.into());
        for capability in (0..=last_capability()).map(|bit| CapabilitySet::from_bits_retain(1 << bit)) {
            if !self.capabilities.bounding.contains(capability) {
                rustix::thread::remove_capability_from_bounding_set(capability).map_err(failed)?;
            }
        }
        if self.no_new_privileges {
            rustix::thread::set_no_new_privs(true).map_err(failed)?;
        }
        rustix::thread::set_keep_capabilities(true).map_err(failed)?;
        self.take_identity().map_err(|error| match error {
            // Which of them, the kernel does not say.
            Errno::INVAL => InitError::Unmapped { user: self.user.clone() },
            error => InitError::Identity { uid: self.user.uid, source: error.into() },
        })?;
        if orphaned == Orphaned::Dies {
            // After the change of identity, which forgets it.
            let signal = Some(rustix::process::Signal::KILL);
            rustix::process::set_parent_process_death_signal(signal)
                .map_err(|error| InitError::Descriptors(error.into()))?;
        }
        if self.no_new_privileges {
            self.take_capabilities().map_err(failed)?;
            self.install_filter(parent)?;
        } else {
            capability::raise_permitted().map_err(failed)?;
            self.install_filter(parent)?;
            self.take_capabilities().map_err(failed)?;
        }
        Ok(self)
    }

    /// Gives up what `execve` would have taken from the user of the program: for a process that stays as it is.
    pub(super) fn stay_behind(&self) -> Result<(), InitError> {
        if self.user.uid == 0 {
            // Its rights are needed to pass signals on to a program that has changed its user.
            return Ok(());
        }
        let none = CapabilitySet::empty();
        let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
        rustix::thread::set_capabilities(None, sets).map_err(|error| InitError::Capabilities(error.into()))
    }

    fn install_filter(&self, parent: &Channel) -> Result<(), InitError> {
        let Some(filter) = &self.filter else { return Ok(()) };
        let Some(listener) = crate::sys::seccomp::install(&filter.program, filter.flags).map_err(InitError::Seccomp)?
        else {
            return Ok(());
        };
        // Until the parent has taken it, nobody answers for calls of this process.
        let hand_over = || match parent.write(&Message::Listener { number: listener.number() }) {
            Ok(()) => parent.receive(),
            Err(error) => Err(error),
        };
        match hand_over() {
            Ok(Some((Message::Taken, _))) => Ok(()),
            Ok(_) => Err(InitError::Seccomp(io::ErrorKind::ConnectionAborted.into())),
            Err(error) => Err(InitError::Seccomp(error)),
        }
    }

    fn take_capabilities(&self) -> rustix::io::Result<()> {
        let Sets { effective, permitted, inheritable, ambient, .. } = self.capabilities;
        rustix::thread::set_capabilities(None, CapabilitySets { effective, permitted, inheritable })?;
        ambient.iter().try_for_each(|capability| rustix::thread::configure_capability_in_ambient_set(capability, true))
    }

    fn take_identity(&self) -> rustix::io::Result<()> {
        let groups: Vec<Gid> = self.user.groups.iter().map(|&gid| Gid::from_raw(gid)).collect();
        let (uid, gid) = (Uid::from_raw(self.user.uid), Gid::from_raw(self.user.gid));
        rustix::thread::set_thread_groups(&groups)?;
        rustix::thread::set_thread_res_gid(gid, gid, gid)?;
        rustix::thread::set_thread_res_uid(uid, uid, uid)
    }

    /// Executes the first candidate that can be. Returns only on failure.
    pub(super) fn execve(&self) -> InitError {
        let mut failure = None;
        for candidate in &self.candidates {
            let error = crate::sys::process::execve(candidate, &self.arguments, &self.environment);
            match Errno::from_io_error(&error) {
                // As execvp(3): a later directory may have it.
                Some(Errno::NOENT | Errno::NOTDIR) if self.candidates.len() > 1 => {}
                Some(Errno::ACCESS) if self.candidates.len() > 1 => failure = Some(error),
                _ => return InitError::Execute { program: self.name.clone(), source: error },
            }
        }
        match failure {
            Some(source) => InitError::Execute { program: self.name.clone(), source },
            None => InitError::NotFound(self.name.clone()),
        }
    }
}

/// The highest capability that this kernel knows: asking for one that it does not is an error.
fn last_capability() -> u32 {
    let known =
        |bit: u32| rustix::thread::capability_is_in_bounding_set(CapabilitySet::from_bits_retain(1 << bit)).is_ok();
    // CAP_CHECKPOINT_RESTORE, since Linux 5.9, is the youngest known to this program.
    (40..63).take_while(|&bit| known(bit)).last().unwrap_or(39)
}

fn candidates(name: &str, path: &str) -> Vec<String> {
    if name.contains('/') {
        return vec![name.to_owned()];
    }
    // An empty entry is the working directory. One entry more than there is keeps "not found" apart from "no such file".
    let mut candidates: Vec<String> = path
        .split(':')
        .map(|directory| format!("{}/{name}", if directory.is_empty() { "." } else { directory }))
        .collect();
    if let [only] = candidates.as_slice() {
        candidates.push(only.clone());
    }
    candidates
}

/// Each variable once, as it is set last; `HOME` as the accounts have it unless it is set to something.
fn environment(entries: &[String], home: &str) -> Vec<String> {
    let name = |entry: &str| entry.split_once('=').map_or(entry, |(name, _)| name).to_owned();
    let mut seen = BTreeSet::new();
    let mut environment: Vec<String> =
        entries.iter().rev().filter(|entry| seen.insert(name(entry)) && *entry != "HOME=").cloned().collect();
    environment.reverse();
    if !environment.iter().any(|entry| entry.starts_with("HOME=")) {
        environment.push(format!("HOME={home}"));
    }
    environment
}

fn texts(texts: &[String]) -> Result<Vec<CString>, InitError> {
    texts.iter().map(|text| CString::new(text.as_str()).map_err(|_| InitError::ZeroByte(text.clone()))).collect()
}

/// Sets resource limits; one above what this process may have is lowered to that, with a warning.
fn limit(rlimits: &[PosixRlimit]) -> Result<Vec<String>, InitError> {
    let mut warnings = Vec::new();
    for rlimit in rlimits {
        let (resource, wanted) = (resource(rlimit.typ()), self::rlimit(rlimit));
        match rustix::process::setrlimit(resource, wanted) {
            Ok(()) => {}
            Err(Errno::PERM) => {
                let most = rustix::process::getrlimit(resource).maximum;
                let clamp = |value: Option<u64>| [value, most].into_iter().flatten().min();
                let clamped = Rlimit { current: clamp(wanted.current), maximum: clamp(wanted.maximum) };
                rustix::process::setrlimit(resource, clamped)
                    .map_err(|error| InitError::Rlimit { name: rlimit.typ().to_string(), source: error.into() })?;
                let most = most.map_or_else(|| "unlimited".to_owned(), |most| most.to_string());
                warnings.push(format!("{} is limited to {most} on this machine", rlimit.typ()));
            }
            Err(error) => {
                return Err(InitError::Rlimit { name: rlimit.typ().to_string(), source: error.into() });
            }
        }
    }
    Ok(warnings)
}

/// In the words of the kernel.
pub(super) fn rlimit(rlimit: &PosixRlimit) -> Rlimit {
    let infinite = |value: u64| (value != u64::MAX).then_some(value);
    Rlimit { current: infinite(rlimit.soft()), maximum: infinite(rlimit.hard()) }
}

/// In the words of the kernel.
pub(super) fn resource(kind: PosixRlimitType) -> Resource {
    match kind {
        PosixRlimitType::RlimitCpu => Resource::Cpu,
        PosixRlimitType::RlimitFsize => Resource::Fsize,
        PosixRlimitType::RlimitData => Resource::Data,
        PosixRlimitType::RlimitStack => Resource::Stack,
        PosixRlimitType::RlimitCore => Resource::Core,
        PosixRlimitType::RlimitRss => Resource::Rss,
        PosixRlimitType::RlimitNproc => Resource::Nproc,
        PosixRlimitType::RlimitNofile => Resource::Nofile,
        PosixRlimitType::RlimitMemlock => Resource::Memlock,
        PosixRlimitType::RlimitAs => Resource::As,
        PosixRlimitType::RlimitLocks => Resource::Locks,
        PosixRlimitType::RlimitSigpending => Resource::Sigpending,
        PosixRlimitType::RlimitMsgqueue => Resource::Msgqueue,
        PosixRlimitType::RlimitNice => Resource::Nice,
        PosixRlimitType::RlimitRtprio => Resource::Rtprio,
        PosixRlimitType::RlimitRttime => Resource::Rttime,
    }
}

/// Changes to the working directory: by descriptor, never through a magic link such as
/// `/proc/self/fd/7`, which may lead out (CVE-2024-21626).
fn enter_directory(root: &RootDir, path: &Path, missing: MissingDirectory) -> Result<(), InitError> {
    let enter = || -> io::Result<()> {
        let directory = match missing {
            MissingDirectory::Make => root.ensure_dir(path, Mode::from(0o755))?,
            MissingDirectory::Refuse => root.open_at(path, OFlags::PATH | OFlags::DIRECTORY)?,
        };
        rustix::process::fchdir(&directory)?;
        // "(unreachable)…" is how the kernel says that a directory is outside of the root.
        if rustix::process::getcwd(Vec::new())?.as_bytes().starts_with(b"/") {
            Ok(())
        } else {
            Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is outside of the container"))
        }
    };
    enter().map_err(|source| InitError::WorkingDirectory { path: path.to_owned(), source })
}

/// Gives the pipes or the terminal to the user, who could not open `/dev/stdout` otherwise.
fn own_streams(user: &User) -> Result<(), InitError> {
    let own = || -> rustix::io::Result<()> {
        for stream in [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()] {
            let status = rustix::fs::fstat(stream.as_fd())?;
            let kind = FileType::from_raw_mode(status.st_mode);
            let is_terminal = rustix::termios::isatty(stream);
            if status.st_uid != user.uid && (kind.is_fifo() || is_terminal) {
                match rustix::fs::fchown(stream, Some(Uid::from_raw(user.uid)), None) {
                    // What belongs to an id of the host's that nobody is inside, or is no file to change: it stays as
                    // it is, and may be used by descriptor.
                    Err(Errno::PERM | Errno::INVAL | Errno::ROFS) => {}
                    result => result?,
                }
            }
        }
        Ok(())
    };
    own().map_err(|error| InitError::Streams(error.into()))
}
