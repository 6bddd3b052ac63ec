//! Who answers for calls with the action `SCMP_ACT_NOTIFY`: a program of the user's that listens on a socket.
//!
//! See <https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#containerprocessstate>.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde_json::{Value, json};

use super::SeccompError;
use crate::runtime::channel::{Channel, Message};
use crate::runtime::{Config, Seccomp};
use crate::sys::pidfd::PidFd;

/// Why a process cannot run under the eyes of its agent.
#[derive(Debug, thiserror::Error)]
pub(in crate::runtime) enum AgentError {
    #[error(transparent)]
    Seccomp(#[from] SeccompError),
    #[error("cannot connect to the seccomp agent at `{}`", path.display())]
    Connect { path: PathBuf, source: io::Error },
    #[error("cannot hand the seccomp listener over to the agent at `{}`", path.display())]
    HandOver { path: PathBuf, source: io::Error },
}

/// A connection to the agent.
#[derive(Debug)]
pub(in crate::runtime) struct Agent {
    path: PathBuf,
    stream: UnixStream,
    /// What it is told of the process but for its pid: `ContainerProcessState`.
    about: Value,
}

impl Agent {
    /// Connects to the agent of a container, if it needs one.
    pub(in crate::runtime) fn connect(config: &Config) -> Result<Option<Self>, AgentError> {
        let seccomp = config.spec.linux().as_ref().and_then(|linux| linux.seccomp().as_ref());
        let Some(seccomp) = seccomp.filter(|_| config.seccomp == Seccomp::Specified) else { return Ok(None) };
        let Some(path) = super::listener(seccomp)? else { return Ok(None) };
        let stream =
            UnixStream::connect(path).map_err(|source| AgentError::Connect { path: path.to_owned(), source })?;
        let version = config.spec.version();
        let about = json!({
            "ociVersion": version,
            "fds": ["seccompFd"],
            "metadata": seccomp.listener_metadata().as_deref().unwrap_or_default(),
            "state": {
                "ociVersion": version,
                "id": config.id.as_str(),
                "status": "creating",
                "bundle": config.directory,
                "annotations": config.spec.annotations().clone().unwrap_or_default(),
            },
        });
        Ok(Some(Self { path: path.to_owned(), stream, about }))
    }

    /// Of a container that runs, by its init.
    pub(in crate::runtime) fn of_running(mut self, init: i32) -> Self {
        self.about["state"]["status"] = json!("running");
        self.about["state"]["pid"] = json!(init);
        self
    }

    /// Of a container that is not known by what its configuration says.
    pub(in crate::runtime) fn of_container(mut self, state: Value) -> Self {
        self.about["state"] = state;
        self
    }

    /// Passes on the listener that `process` has just made, and lets it go on.
    pub(in crate::runtime) fn hand_over(
        mut self,
        process: (&PidFd, i32),
        number: i32,
        channel: &Channel,
    ) -> Result<(), AgentError> {
        self.about["pid"] = json!(process.1);
        let state = &mut self.about["state"];
        if state.get("pid").is_none() {
            state["pid"] = json!(process.1);
        }
        let send = || -> io::Result<()> {
            let listener = process.0.take(number)?;
            self.send(&listener)?;
            channel.send(&Message::Taken, &[])
        };
        send().map_err(|source| AgentError::HandOver { path: self.path.clone(), source })
    }

    fn send(&self, listener: &OwnedFd) -> io::Result<()> {
        let text = self.about.to_string();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let descriptors = [listener.as_fd()];
        ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
        let sent = sendmsg(&self.stream, &[IoSlice::new(text.as_bytes())], &mut ancillary, SendFlags::NOSIGNAL)?;
        // The rest without the descriptor, which came with the first byte.
        io::Write::write_all(&mut &self.stream, &text.as_bytes()[sent..])
    }
}
