//! An SSH agent of this machine, or one of some keys, with a socket of its own for a container: whose it is, is said of that one.

use std::io;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread::JoinHandle;

use super::{SshAgent, keys};
use crate::sys::path_of;

/// Passes on what comes to a socket, until it is dropped.
#[derive(Debug)]
pub(super) struct AgentRelay {
    listener: UnixListener,
    thread: Option<JoinHandle<()>>,
}

impl AgentRelay {
    /// Passes what comes to the new socket at `path` on to `agent`.
    pub(super) fn listen(path: &Path, agent: &SshAgent) -> io::Result<Self> {
        // By a short way: the path of a socket has room for a hundred bytes.
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let directory = fs_err::File::open(directory)?;
        let listener = UnixListener::bind(path_of(&directory).join(name))?;
        let (accepting, agent) = (listener.try_clone()?, agent.clone());
        let thread =
            std::thread::Builder::new().name("ssh-agent".to_owned()).spawn(move || accept(&accepting, &agent))?;
        Ok(Self { listener, thread: Some(thread) })
    }
}

impl Drop for AgentRelay {
    fn drop(&mut self) {
        // Whoever waits for a connection is told that there will be none.
        let _ = rustix::net::shutdown(self.listener.as_fd(), rustix::net::Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &UnixListener, agent: &SshAgent) {
    while let Ok((client, _)) = listener.accept() {
        let agent = agent.clone();
        let answer = move || match &agent {
            SshAgent::Socket(agent) => relay(&client, agent),
            SshAgent::Keys(keys) => drop(keys::serve(&client, keys)),
        };
        // One that cannot be served sees its connection closed.
        let _ = std::thread::Builder::new().name("ssh-agent".to_owned()).spawn(answer);
    }
}

fn relay(client: &UnixStream, agent: &Path) {
    let Ok(agent) = UnixStream::connect(agent) else { return };
    std::thread::scope(|scope| {
        scope.spawn(|| copy(client, &agent));
        copy(&agent, client);
    });
}

/// Passes on all that comes, and that nothing more does.
fn copy(mut from: &UnixStream, mut to: &UnixStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}
