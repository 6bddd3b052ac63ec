//! Waiting for a project's supervisor without starting one.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::unix::AsyncFd;

use crate::name::ProjectName;
use crate::state::Layout;
use crate::sys::create_private_dir_all;
use crate::sys::readiness::readable_owned;

/// A look at where a supervisor's socket will be. Nothing is polled.
#[derive(Debug)]
pub struct Arrival(AsyncFd<OwnedFd>);

impl Arrival {
    /// Watches from now on: who finds no supervisor afterwards does not miss one that comes.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn watch(layout: &Layout, project: &ProjectName) -> io::Result<Self> {
        create_private_dir_all(layout.run())?;
        let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        // First the project's directory, which comes and goes, then what it comes and goes in.
        inotify::add_watch(&watch, layout.run(), WatchFlags::CREATE)?;
        let socket = layout.project(project).socket();
        let directory = socket.parent().unwrap_or(layout.run());
        match inotify::add_watch(&watch, directory, WatchFlags::CREATE) {
            Ok(_) | Err(rustix::io::Errno::NOENT) => {}
            Err(errno) => return Err(errno.into()),
        }
        Ok(Self(readable_owned(watch)?))
    }

    /// Returns when something has come: perhaps the supervisor. Safe to cancel.
    ///
    /// # Errors
    /// What the kernel says.
    pub async fn wait(&self) -> io::Result<()> {
        self.0.readable().await.map(drop)
    }
}
