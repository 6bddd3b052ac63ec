//! Signals by number, and their dispositions, which outlive a clone and (when ignored) an exec.

use nix::sys::signal::{SigSet, SigmaskHow};
use rustix::process::Signal;

/// Blocks every signal, real-time ones too: what has no handler and is not waited for is as good as ignored.
///
/// # Errors
/// What the kernel says.
pub fn block_all() -> nix::Result<()> {
    nix::sys::signal::sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None)
}

/// Gives every signal its default effect and lets all through, as a program expects to be started.
///
/// # Errors
/// What the kernel says.
pub fn reset() -> nix::Result<()> {
    // Not by the library, which keeps two for itself, and ignores them in what it spawns.
    for signal in (1..=64).filter(|signal| ![libc::SIGKILL, libc::SIGSTOP].contains(signal)) {
        let default = [0_u64; 4];
        let size_of_set: libc::c_long = 8;
        let none = std::ptr::null_mut::<libc::c_void>();
        // SAFETY: the kernel's `sigaction` is four words on 64-bit machines; all zero, it is valid and names no handler.
        let result = unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), none, size_of_set) };
        nix::errno::Errno::result(result)?;
    }
    nix::sys::signal::sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)
}

/// The numbers that the C library leaves to programs: `SIGRTMIN` to `SIGRTMAX`. See `signal(7)`.
const REAL_TIME: std::ops::RangeInclusive<i32> = 34..=64;

/// The signal of this number, which may be one of real time.
#[must_use]
pub fn numbered(number: i32) -> Option<Signal> {
    if REAL_TIME.contains(&number) {
        // SAFETY: it is a signal's number, and none that the C library keeps for itself.
        return Some(unsafe { Signal::from_raw_unchecked(number) });
    }
    Signal::from_named_raw(number)
}
