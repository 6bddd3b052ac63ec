//! `kill`: a signal to a container's init, or to all that is in its cgroup.

use rustix::process::Signal;

use super::{Container, OciError, Status};

impl Container {
    /// Sends `signal` to its init.
    ///
    /// # Errors
    /// [`OciError::NotRunning`] when that has ended.
    pub fn kill(&self, signal: Signal) -> Result<(), OciError> {
        match (self.status()?, self.init()?) {
            (Status::Creating, _) => Err(OciError::Creating("kill")),
            (_, None) => Err(OciError::NotRunning),
            (_, Some(init)) => init.signal(signal).map_err(|source| {
                let pid = self.record.init.map_or(0, |init| init.pid);
                crate::runtime::RuntimeError::Process { action: "signal", pid, source }.into()
            }),
        }
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
