//! `kill`: a signal to a container's init, or to all that is in its cgroup.

use oci_spec::runtime::{LinuxNamespace, LinuxNamespaceType};
use rustix::process::{Pid, Signal};

use super::{Container, OciError, Status};
use crate::runtime::handle::failed;
use crate::sys::pidfd::{PidFd, start_time};

impl Container {
    /// Sends `signal` to its init, or to `all` its processes. What would otherwise outlive init, in a pid namespace that is
    /// not the container's own, gets a SIGKILL too.
    ///
    /// # Errors
    /// [`OciError::NotRunning`] when init has ended.
    pub fn kill(&self, signal: Signal, all: bool) -> Result<(), OciError> {
        let init = match (self.status()?, self.init()?) {
            (Status::Creating, _) => return Err(OciError::Creating("kill")),
            (_, None) => return Err(OciError::NotRunning),
            (_, Some(init)) => init,
        };
        if all || (signal == Signal::KILL && self.shares_pids()?) {
            for pid in self.processes()? {
                // One that has ended meanwhile needs no signal.
                if let Some(process) = Pid::from_raw(pid)
                    && let Ok(start_time) = start_time(process)
                    && let Some(process) = PidFd::open(process, start_time).map_err(failed("find", pid))?
                {
                    process.signal(signal).map_err(failed("signal", pid))?;
                }
            }
        }
        init.signal(signal).map_err(failed("signal", self.pid()))?;
        if signal == Signal::KILL {
            // With cgroups of version 1, what is frozen does not even die.
            self.cgroup()?.thaw()?;
        }
        Ok(())
    }

    /// Whether its processes outlive its init.
    fn shares_pids(&self) -> Result<bool, OciError> {
        let config = self.config()?;
        let namespaces = config.spec.linux().as_ref().and_then(|linux| linux.namespaces().as_deref());
        let own = |namespace: &LinuxNamespace| namespace.typ() == LinuxNamespaceType::Pid && namespace.path().is_none();
        Ok(!namespaces.unwrap_or_default().iter().any(own))
    }
}

/// A signal by number, or by name with or without `SIG`, in either case.
///
/// # Errors
/// [`OciError::UnknownSignal`].
pub fn parse_signal(text: &str) -> Result<Signal, OciError> {
    let unknown = || OciError::UnknownSignal(text.to_owned());
    if let Ok(number) = text.parse::<i32>() {
        return Signal::from_named_raw(number).ok_or_else(unknown);
    }
    let name = text.to_ascii_uppercase();
    let name = if name.starts_with("SIG") { name } else { format!("SIG{name}") };
    let name = match name.as_str() {
        "SIGIOT" => "SIGABRT",
        "SIGPOLL" => "SIGIO",
        "SIGCLD" => "SIGCHLD",
        name => name,
    };
    let signal: nix::sys::signal::Signal = name.parse().map_err(|_| unknown())?;
    Signal::from_named_raw(signal as i32).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_by_name_and_number() {
        for text in ["TERM", "SIGTERM", "term", "SigTerm", "15"] {
            assert_eq!(parse_signal(text).unwrap(), Signal::TERM, "{text}");
        }
        assert_eq!(parse_signal("SIGIOT").unwrap(), Signal::ABORT);
        for text in ["", "SIG", "TERMINATE", "0x9", "-9", "999", "9 "] {
            assert_eq!(parse_signal(text).unwrap_err().to_string(), format!("unknown signal \"{text}\""));
        }
    }
}
