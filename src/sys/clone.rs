//! New processes by `clone3(2)`: in the namespaces they are to live in from their first instruction.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::process::Pid;
use rustix::thread::UnshareFlags;

/// Proof that this process had one thread when it was checked.
///
/// A forked copy of a threaded process holds locks whose owners do not exist in it; asking for this proof is what makes
/// [`clone`] a safe function. Whoever holds it starts no threads.
#[derive(Debug, Clone, Copy)]
pub struct SingleThreaded(());

impl SingleThreaded {
    /// Checks `/proc/self/task`.
    ///
    /// # Errors
    /// `EINVAL` when there are several threads, or what `stat(2)` says.
    pub fn check() -> io::Result<Self> {
        // `.` and `..` and one link for each thread.
        if rustix::fs::stat("/proc/self/task")?.st_nlink == 3 {
            Ok(Self(()))
        } else {
            Err(io::Error::from_raw_os_error(libc::EINVAL))
        }
    }
}

/// On which side of a clone the caller finds itself.
#[derive(Debug)]
pub enum Cloned {
    /// In the new process.
    Child,
    /// In the old one.
    Parent {
        /// The child's pid, as seen from here.
        pid: Pid,
        /// The child, for as long as this is open.
        pidfd: OwnedFd,
    },
}

/// Beyond what the C library's constants, of 32 bits, hold.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Makes a child in new `namespaces`; its end is told by `SIGCHLD`. With a `cgroup` (a directory of version 2) the child
/// is in it from the beginning, without the lock that moving it there would take. See `clone(2)`.
///
/// Falls back to the older call where `clone3` is refused, which is how our own seccomp filter treats it.
///
/// # Errors
/// What the kernel says; `EPERM` without the privilege for a namespace; `ENOSYS` for a cgroup where `clone3` is refused.
pub fn clone(_: SingleThreaded, namespaces: UnshareFlags, cgroup: Option<BorrowedFd<'_>>) -> io::Result<Cloned> {
    clone_with(u64::from(namespaces.bits()), libc::SIGCHLD, cgroup)
}

/// As [`clone`], but the new process is a child of this one's parent, to whom its end is told as that of this one.
///
/// # Errors
/// As [`clone`].
pub fn clone_sibling(
    _: SingleThreaded,
    namespaces: UnshareFlags,
    cgroup: Option<BorrowedFd<'_>>,
) -> io::Result<Cloned> {
    clone_with(u64::from(namespaces.bits()) | libc::CLONE_PARENT as u64, 0, cgroup)
}

fn clone_with(flags: u64, exit_signal: libc::c_int, cgroup: Option<BorrowedFd<'_>>) -> io::Result<Cloned> {
    let flags = flags | libc::CLONE_PIDFD as u64;
    let exit_signal = u64::from(exit_signal.unsigned_abs());
    let mut pidfd: libc::c_int = -1;
    // SAFETY: every field of the plain struct is an integer, for which zero is valid.
    let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
    arguments.flags = flags;
    arguments.pidfd = (&raw mut pidfd) as u64;
    arguments.exit_signal = exit_signal;
    if let Some(cgroup) = cgroup {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = u64::from(cgroup.as_raw_fd().cast_unsigned());
    }
    // SAFETY: the struct is valid and of the given size, `pidfd` outlives the call, no stack is given and memory is
    // not shared, so the child runs on its own copy; the process has one thread.
    let mut result = unsafe { libc::syscall(libc::SYS_clone3, &raw const arguments, size_of::<libc::clone_args>()) };
    if result < 0 && cgroup.is_none() && io::Error::last_os_error().raw_os_error() == Some(libc::ENOSYS) {
        let flags = flags | exit_signal;
        // SAFETY: as above; with CLONE_PIDFD the third argument is where the pidfd is stored.
        result = unsafe { libc::syscall(libc::SYS_clone, flags, 0u64, &raw mut pidfd, 0u64, 0u64) };
    }
    match result {
        0 => Ok(Cloned::Child),
        pid if pid > 0 => {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("the kernel returns a pid");
            // SAFETY: the kernel has just stored a new descriptor there, which nobody else owns.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            Ok(Cloned::Parent { pid, pidfd })
        }
        _ => Err(io::Error::last_os_error()),
    }
}

/// Moves this process into new namespaces of the given kinds. See `unshare(2)`.
///
/// # Errors
/// What the kernel says.
pub fn unshare(_: SingleThreaded, namespaces: UnshareFlags) -> io::Result<()> {
    // SAFETY: only CLONE_FILES is unsafe (descriptors of other threads), and there are no other threads.
    unsafe { rustix::thread::unshare_unsafe(namespaces) }.map_err(Into::into)
}
