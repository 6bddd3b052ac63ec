//! Installing a compiled seccomp filter.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// One instruction of a filter: `struct sock_filter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    /// What to do.
    pub code: u16,
    /// How many instructions to skip when a comparison holds.
    pub jump_true: u8,
    /// How many when it does not.
    pub jump_false: u8,
    /// The operand.
    pub operand: u32,
}

bitflags::bitflags! {
    /// `SECCOMP_FILTER_FLAG_*`: see `seccomp(2)`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct FilterFlags: u32 {
        /// Of all threads of the process.
        const TSYNC = 1;
        /// What is not allowed is logged.
        const LOG = 1 << 1;
        /// Without the mitigation of speculative store bypass.
        const SPEC_ALLOW = 1 << 2;
        /// Somebody answers for calls with the action `SECCOMP_RET_USER_NOTIF`.
        const NEW_LISTENER = 1 << 3;
        /// A process that waits for an answer, once its call was received, can only be killed.
        const WAIT_KILLABLE_RECV = 1 << 5;
    }
}

/// By which calls are answered for. Close-on-exec.
#[derive(Debug)]
pub struct Listener(OwnedFd);

impl Listener {
    /// Its number in this process, by which the parent takes it: see [`super::pidfd::PidFd::take`].
    #[must_use]
    pub fn number(&self) -> i32 {
        self.0.as_raw_fd()
    }
}

/// Puts `program` between this thread and the kernel, for good. With [`FilterFlags::NEW_LISTENER`] returns the
/// listener.
///
/// # Errors
/// `EACCES` without both CAP_SYS_ADMIN and `no_new_privs`; `EINVAL` for a program or a flag the kernel does not know.
pub fn install(program: &[Instruction], flags: FilterFlags) -> io::Result<Option<Listener>> {
    let length = u16::try_from(program.len()).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    let program = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut().cast() };
    let flags = flags.bits();
    // SAFETY: `Instruction` has the layout of `sock_filter`, the array has `length` of them, the kernel only reads it.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program) };
    match i32::try_from(result) {
        Ok(fd) if fd >= 0 && flags & FilterFlags::NEW_LISTENER.bits() != 0 => {
            // SAFETY: with this flag the result is a new descriptor, which nobody else knows of.
            Ok(Some(Listener(unsafe { OwnedFd::from_raw_fd(fd) })))
        }
        Ok(0) => Ok(None),
        // With TSYNC, a thread that could not be synchronised.
        Ok(1..) => Err(io::Error::from_raw_os_error(libc::ESRCH)),
        _ => Err(io::Error::last_os_error()),
    }
}
