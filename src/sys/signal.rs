//! Signal dispositions, which outlive a clone and (when ignored) an exec.

use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal};

/// Ignores `signals` in this process.
///
/// # Errors
/// What the kernel says.
pub fn ignore(signals: &[Signal]) -> nix::Result<()> {
    for &signal in signals {
        // SAFETY: no handler is installed, so none can do anything unsafe.
        unsafe { nix::sys::signal::signal(signal, SigHandler::SigIgn) }?;
    }
    Ok(())
}

/// Gives every signal its default effect and lets all through, as a program expects to be started.
///
/// # Errors
/// What the kernel says.
pub fn reset() -> nix::Result<()> {
    for signal in Signal::iterator().filter(|signal| !matches!(signal, Signal::SIGKILL | Signal::SIGSTOP)) {
        // SAFETY: no handler is installed, so none can do anything unsafe.
        unsafe { nix::sys::signal::signal(signal, SigHandler::SigDfl) }?;
    }
    nix::sys::signal::sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)
}
