//! PID 1 of a container with `init: true`: passes signals on to the program, its child, and reaps what is orphaned.

use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::InitError;
use super::process::Program;
use crate::sys::clone::{Cloned, SingleThreaded, clone};
use crate::sys::process;

/// Executes `program` in a child. Returns only on failure, in the child.
pub(super) fn execute(program: Program, single: SingleThreaded) -> InitError {
    let program = match program.become_user() {
        Ok(program) => program,
        Err(error) => return error,
    };
    // Before there is a child whose end could be missed. Blocked signals reach PID 1 even without a handler.
    if let Err(error) = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None) {
        return InitError::Signals(error.into());
    }
    match clone(single, rustix::thread::UnshareFlags::empty()) {
        Err(error) => InitError::Fork(error),
        Ok(Cloned::Child) => match sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None) {
            Ok(()) => program.execve(),
            Err(error) => InitError::Signals(error.into()),
        },
        // Without the standard streams: whoever reads them sees the end of the program, not of its reaper.
        Ok(Cloned::Parent { pid, .. }) => {
            let error = process::shed_descriptors(0, Pid::from_raw(pid.as_raw_pid()), reap);
            InitError::Descriptors(error)
        }
    }
}

/// Exits with the code of `child` when that ends: everything else in the container ends with this process.
fn reap(child: Pid) -> ! {
    loop {
        match SigSet::all().wait() {
            Ok(Signal::SIGCHLD) => {
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
            Ok(signal) => drop(kill(child, signal)),
            // A real-time signal, which has no name to be passed on by.
            Err(_) => {}
        }
    }
}
