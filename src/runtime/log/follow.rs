//! Waiting for a log to grow, without looking again and again.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::task::{Context, Poll};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::unix::AsyncFd;

use crate::sys::readiness::readable_owned;

/// Becomes readable when a log has grown or been rotated: to be made before the [`super::Reader`] first reaches the end,
/// or what is written in between is told only with the next line.
///
/// With tokio, see [`Follower::watch`].
#[derive(Debug)]
pub struct Follower(OwnedFd);

impl Follower {
    /// Watches the log at `path`, which need not exist yet; its directory does.
    ///
    /// # Errors
    /// What `inotify_add_watch(2)` says.
    pub fn open(path: &Path) -> io::Result<Self> {
        let fd = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let directory = path.parent().unwrap_or(Path::new("."));
        let events = WatchFlags::MODIFY | WatchFlags::CREATE | WatchFlags::MOVED_TO;
        inotify::add_watch(&fd, directory, events)?;
        Ok(Self(fd))
    }

    /// The follower in a tokio runtime with IO.
    ///
    /// # Errors
    /// What `epoll_ctl(2)` says.
    pub fn watch(self) -> io::Result<Watch> {
        readable_owned(self.0).map(Watch)
    }

    /// Waits until the log has grown, or `timeout` has passed.
    ///
    /// # Errors
    /// What `poll(2)` says.
    pub fn wait(&self, timeout: std::time::Duration) -> io::Result<()> {
        let timeout = Timespec::try_from(timeout).map_err(|_| io::ErrorKind::InvalidInput)?;
        match poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        clear(&self.0);
        Ok(())
    }
}

/// Forgets what has been told, so that only what happens from now on is.
fn clear(fd: &OwnedFd) {
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut events = inotify::Reader::new(fd, &mut buffer);
    while events.next().is_ok() {}
}

/// A [`Follower`] in a tokio runtime.
#[derive(Debug)]
pub struct Watch(AsyncFd<OwnedFd>);

impl Watch {
    /// Ready once the log has grown since it was ready last.
    ///
    /// # Errors
    /// What `epoll(7)` says.
    pub fn poll_grown(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut grown = false;
        while let Poll::Ready(ready) = self.0.poll_read_ready(context) {
            clear(self.0.get_ref());
            ready?.clear_ready();
            grown = true;
        }
        if grown { Poll::Ready(Ok(())) } else { Poll::Pending }
    }
}

impl AsFd for Follower {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Follower {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
