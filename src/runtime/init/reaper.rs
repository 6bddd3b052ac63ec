//! PID 1 of a container with `init: true`: passes signals on to the program, its child, and reaps what is orphaned.

use std::ffi::CString;
use std::os::unix::ffi::OsStringExt as _;
use std::process::ExitCode;

use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::InitError;
use super::process::{Orphaned, Program};
use crate::runtime::channel::Channel;
use crate::runtime::oci::Attended;
use crate::sys::clone::{Cloned, SingleThreaded, clone};
use crate::sys::process;

/// Executes `program` in a child. Returns only on failure, in the child.
pub(super) fn execute(
    program: Program,
    single: SingleThreaded,
    parent: &Channel,
    hooks: Option<Attended<'_>>,
) -> InitError {
    let program = match program.become_user(parent, Orphaned::LivesOn) {
        Ok(program) => program,
        Err(error) => return error,
    };
    // Before there is a child whose end could be missed. Blocked signals reach PID 1 even without a handler.
    if let Err(error) = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None) {
        return InitError::Signals(error.into());
    }
    match clone(single, rustix::thread::UnshareFlags::empty(), None) {
        Err(error) => InitError::Fork(error),
        Ok(Cloned::Child) => match sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None) {
            Ok(()) => match hooks.map_or(Ok(()), |hooks| hooks.before_exec(&program.environment())) {
                Ok(()) => program.execve(),
                Err(error) => error.into(),
            },
            Err(error) => InitError::Signals(error.into()),
        },
        // Without the standard streams: whoever reads them sees the end of the program, not of its reaper.
        Ok(Cloned::Parent { pid, .. }) => {
            if let Err(error) = program.stay_behind() {
                return error;
            }
            let error = process::shed_descriptors(0, Pid::from_raw(pid.as_raw_pid()), reap);
            InitError::Descriptors(error)
        }
    }
}

/// `rcompose __reap PROGRAM ARGUMENTS`: the same as the first program of a container that another runtime has made.
pub(in crate::runtime) fn main() -> ExitCode {
    let arguments: Vec<CString> =
        std::env::args_os().skip(2).filter_map(|text| CString::new(text.into_vec()).ok()).collect();
    let (Some(program), Ok(single)) = (arguments.first(), SingleThreaded::check()) else { return ExitCode::FAILURE };
    if sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None).is_err() {
        return ExitCode::FAILURE;
    }
    match clone(single, rustix::thread::UnshareFlags::empty(), None) {
        Err(_) => ExitCode::FAILURE,
        Ok(Cloned::Child) => {
            let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None);
            let error = nix::unistd::execvp(program, &arguments).unwrap_err();
            // There is nobody but the log to be told.
            let text = format!("cannot execute `{}`: {}\n", program.to_string_lossy(), error.desc());
            let _ = rustix::io::write(rustix::stdio::stderr(), text.as_bytes());
            ExitCode::from(if error == nix::errno::Errno::ENOENT { 127 } else { 126 })
        }
        Ok(Cloned::Parent { pid, .. }) => {
            process::shed_descriptors(0, Pid::from_raw(pid.as_raw_pid()), reap);
            ExitCode::FAILURE
        }
    }
}

/// Exits with the code of `child` when that ends: everything else in the container ends with this process.
///
/// Signals are read from a descriptor, so that they stay blocked all the time. `sigwait(3)` unblocks them while it waits:
/// to who looks from outside, this process would then neither handle nor block any, as one that drops them all.
fn reap(child: Pid) -> ! {
    let Ok(signals) = SignalFd::with_flags(&SigSet::all(), SfdFlags::SFD_CLOEXEC) else {
        // All descriptors have just been closed, so that only a kernel out of memory gets here.
        process::end(125)
    };
    loop {
        let received = signals.read_signal().ok().flatten();
        let number = received.and_then(|received| i32::try_from(received.ssi_signo).ok());
        // A real-time signal has no name to be passed on by.
        match number.and_then(|number| Signal::try_from(number).ok()) {
            Some(Signal::SIGCHLD) => {
                while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                    match status {
                        WaitStatus::Exited(pid, code) if pid == child => process::end(code),
                        WaitStatus::Signaled(pid, signal, _) if pid == child => process::end(128 + signal as i32),
                        WaitStatus::StillAlive => break,
                        _ => {}
                    }
                }
            }
            // A child that has just ended is about to be reaped.
            Some(signal) => drop(kill(child, signal)),
            None => {}
        }
    }
}
