//! Signal dispositions, which outlive a clone and (when ignored) an exec.

use nix::sys::signal::{SigSet, SigmaskHow};

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
