//! What a container has sent and received.

use super::Handle;
use crate::runtime::RuntimeError;

/// Bytes over all interfaces but the loopback, since the container began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// That came in.
    pub received: u64,
    /// That went out.
    pub sent: u64,
}

impl Handle {
    /// What the container's network namespace has sent and received: nothing, as with Docker, where that is the host's.
    ///
    /// # Errors
    /// [`RuntimeError::NotRunning`], [`RuntimeError::Record`].
    pub fn traffic(&self) -> Result<Traffic, RuntimeError> {
        // Fails for a container that has ended, whose pid may be another's.
        self.config()?;
        let namespace = |process: &str| fs_err::read_link(format!("/proc/{process}/ns/net")).ok();
        if namespace(&self.pid.to_string()) == namespace("thread-self") {
            return Ok(Traffic::default());
        }
        Ok(parse(&fs_err::read_to_string(format!("/proc/{}/net/dev", self.pid)).unwrap_or_default()))
    }
}

/// See `proc_pid_net(5)`: of each interface, the first number is what was received, the ninth what was sent.
fn parse(text: &str) -> Traffic {
    let mut traffic = Traffic::default();
    for (name, numbers) in text.lines().filter_map(|line| line.split_once(':')) {
        if name.trim() != "lo" {
            let numbers: Vec<u64> = numbers.split_whitespace().map(|text| text.parse().unwrap_or_default()).collect();
            traffic.received += numbers.first().copied().unwrap_or_default();
            traffic.sent += numbers.get(8).copied().unwrap_or_default();
        }
    }
    traffic
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_interfaces_but_the_loopback() {
        let text = "Inter-|   Receive |  Transmit\n face |bytes packets |bytes\n\
            lo: 9 1 0 0 0 0 0 0 9 1 0 0 0 0 0 0\n\
            eth0: 1000 2 0 0 0 0 0 0 70 1 0 0 0 0 0 0\n\
            eth1:5 2 0 0 0 0 0 0 6 1 0 0 0 0 0 0\n";
        assert_eq!(parse(text), Traffic { received: 1005, sent: 76 });
    }
}
