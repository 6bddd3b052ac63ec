//! `kill`: a signal to a container's init, or to all that is in its cgroup.

use oci_spec::runtime::{LinuxNamespace, LinuxNamespaceType};
use rustix::process::{Pid, Signal};

use super::{Container, OciError, Status};
use crate::runtime::cgroup::CgroupError;
use crate::runtime::handle::failed;
use crate::sys::pidfd::{PidFd, start_time};
use crate::sys::signal;

impl Container {
    /// Sends `signal` to its init, or to `all` its processes; `None` only asks whether there is one. What outlives init, in a
    /// pid namespace that is not the container's own, gets a SIGKILL too.
    ///
    /// # Errors
    /// [`OciError::NotRunning`] when init has ended, and nothing has outlived it.
    pub fn kill(&self, signal: Option<Signal>, all: bool) -> Result<(), OciError> {
        let init = match (self.status()?, self.init()?) {
            (Status::Creating, _) => return Err(OciError::Creating("kill")),
            (_, init) => init,
        };
        let Some(signal) = signal else {
            return init.map(drop).ok_or(OciError::NotRunning);
        };
        let mut others = Vec::new();
        if all || (signal == Signal::KILL && self.shares_pids()?) {
            others = self.cgroup()?.processes().map_err(CgroupError::Read)?;
        }
        if init.is_none() && (signal != Signal::KILL || others.is_empty()) {
            return Err(OciError::NotRunning);
        }
        for pid in others {
            // One that has ended meanwhile needs no signal.
            if let Some(process) = Pid::from_raw(pid)
                && let Ok(start_time) = start_time(process)
                && let Some(process) = PidFd::open(process, start_time).map_err(failed("find", pid))?
            {
                process.signal(signal).map_err(failed("signal", pid))?;
            }
        }
        if let Some(init) = init {
            init.signal(signal).map_err(failed("signal", self.pid()))?;
        }
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

/// A signal by number, those of real time too, or by name with or without `SIG`, in either case. 0 is none.
///
/// # Errors
/// [`OciError::UnknownSignal`].
pub fn parse_signal(text: &str) -> Result<Option<Signal>, OciError> {
    let unknown = || OciError::UnknownSignal(text.to_owned());
    match text.parse::<i32>() {
        Ok(0) => return Ok(None),
        Ok(number) => return signal::numbered(number).map(Some).ok_or_else(unknown),
        Err(_) => {}
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
    Signal::from_named_raw(signal as i32).map(Some).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_by_name_and_number() {
        for text in ["TERM", "SIGTERM", "term", "SigTerm", "15"] {
            assert_eq!(parse_signal(text).unwrap(), Some(Signal::TERM), "{text}");
        }
        assert_eq!(parse_signal("SIGIOT").unwrap(), Some(Signal::ABORT));
        assert_eq!(parse_signal("37").unwrap().map(Signal::as_raw), Some(37));
        assert_eq!(parse_signal("0").unwrap(), None);
        for text in ["", "SIG", "TERMINATE", "0x9", "-9", "999", "9 ", "32", "65"] {
            assert_eq!(parse_signal(text).unwrap_err().to_string(), format!("unknown signal \"{text}\""));
        }
    }
}
