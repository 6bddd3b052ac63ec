//! Starting this binary again in one of its internal roles.
//!
//! `posix_spawn` suspends the parent instead of copying its page tables, so it costs the same in a large process as in
//! a small one, and it is safe with threads. The child's descriptors are its standard streams, and 3.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::sys::signal::SigSet;
use rustix::process::{Pid, PidfdFlags};

use super::descriptors::under_inherited_limit;
use super::pidfd::PidFd;

/// The descriptor at which a role finds its channel.
pub const CHANNEL: u32 = 3;

/// What a spawned role has as its standard streams.
#[derive(Debug, Clone, Copy)]
pub struct Streams<'a> {
    /// Standard input.
    pub stdin: BorrowedFd<'a>,
    /// Standard output.
    pub stdout: BorrowedFd<'a>,
    /// Standard error.
    pub stderr: BorrowedFd<'a>,
}

/// A child and its identity.
#[derive(Debug)]
pub struct Spawned {
    /// Its pid.
    pub pid: Pid,
    /// The process.
    pub pidfd: PidFd,
}

/// Starts `executable` with `arguments` and an empty environment, `channel` as descriptor 3, no signal ignored or
/// blocked.
///
/// # Errors
/// What the kernel says.
pub fn spawn(
    executable: BorrowedFd<'_>,
    arguments: &[CString],
    streams: Streams<'_>,
    channel: BorrowedFd<'_>,
) -> io::Result<Spawned> {
    let path = CString::new(format!("/proc/self/fd/{}", executable.as_raw_fd())).expect("digits hold no zero byte");
    let environment: [&CStr; 0] = [];
    spawn_at(&path, arguments, &environment, &[streams.stdin, streams.stdout, streams.stderr, channel])
}

/// Starts the program at `path`, which is none of ours, with its standard streams alone, no signal ignored or blocked.
///
/// # Errors
/// What the kernel says.
pub fn spawn_program(
    path: &CStr,
    arguments: &[CString],
    environment: &[CString],
    streams: Streams<'_>,
) -> io::Result<Spawned> {
    spawn_at(path, arguments, environment, &[streams.stdin, streams.stdout, streams.stderr])
}

fn spawn_at<T: AsRef<CStr>>(
    path: &CStr,
    arguments: &[CString],
    environment: &[T],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<Spawned> {
    use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};

    // Copies out of the way of the first numbers, so that no dup2 below overwrites the source of a later one.
    let mut actions = PosixSpawnFileActions::init()?;
    let mut held = Vec::with_capacity(descriptors.len());
    for (target, source) in (0..).zip(descriptors) {
        let source = rustix::io::fcntl_dupfd_cloexec(source, 64)?;
        actions.add_dup2(source.as_raw_fd(), target)?;
        held.push(source);
    }
    let mut attributes = PosixSpawnAttr::init()?;
    attributes.set_flags(PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK)?;
    attributes.set_sigdefault(&SigSet::all())?;
    attributes.set_sigmask(&SigSet::empty())?;
    let pid = under_inherited_limit(|| posix_spawn(path, &actions, &attributes, arguments, environment))?;
    let pid = Pid::from_raw(pid.as_raw()).expect("a child has a pid");
    // Nobody reaps the child before us, so the pid is still its own.
    let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
    Ok(Spawned { pid, pidfd: PidFd::from(pidfd) })
}

/// The channel that [`spawn`] left at descriptor 3, for the role's main function to take once.
///
/// # Errors
/// When there is none.
pub fn inherited_channel() -> io::Result<std::os::fd::OwnedFd> {
    let fd = i32::try_from(CHANNEL).expect("a small number");
    // SAFETY: borrowed only for the copy; if nothing is open there, the copy fails.
    let inherited = unsafe { BorrowedFd::borrow_raw(fd) };
    let copy = rustix::io::fcntl_dupfd_cloexec(inherited.as_fd(), 4)?;
    // SAFETY: 3 is ours by contract with `spawn`, and nothing else in this new process owns it.
    unsafe { rustix::io::close(fd) };
    Ok(copy)
}

/// Copies of the `count` descriptors from `first` up that whoever started this process has left open for it.
///
/// # Errors
/// `EBADF` when one is not open.
pub fn inherited(first: i32, count: u32) -> io::Result<Vec<std::os::fd::OwnedFd>> {
    let end =
        i32::try_from(count).ok().and_then(|count| first.checked_add(count)).ok_or(io::ErrorKind::InvalidInput)?;
    (first..end)
        .map(|fd| {
            // SAFETY: borrowed only for the copy; if nothing is open there, the copy fails.
            let inherited = unsafe { BorrowedFd::borrow_raw(fd) };
            Ok(rustix::io::fcntl_dupfd_cloexec(inherited, end)?)
        })
        .collect()
}
