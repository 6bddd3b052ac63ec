//! Work in another network namespace: a socket belongs for ever to the namespace its thread was in when it was made.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};

/// A way back into the namespace a thread came from, taken when dropped: on every path out, a panic too.
struct Return(OwnedFd);

impl Drop for Return {
    fn drop(&mut self) {
        move_into_link_name_space(self.0.as_fd(), Some(LinkNameSpaceType::Network))
            .expect("going back takes the same privilege as going away did");
    }
}

/// A new network namespace, which lives as long as somebody has it; the calling thread stays where it is.
///
/// # Errors
/// What the kernel says: `unshare(2)`, `setns(2)`.
pub fn create() -> io::Result<OwnedFd> {
    let _return = Return(current()?);
    // SAFETY: only CLONE_FILES is unsafe, which takes descriptors from other threads.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET) }?;
    current()
}

/// Moves the calling thread to `netns` for good: what it executes runs there.
///
/// # Errors
/// `setns(2)`.
pub fn enter(netns: BorrowedFd<'_>) -> io::Result<()> {
    Ok(move_into_link_name_space(netns, Some(LinkNameSpaceType::Network))?)
}

/// The namespace of the calling thread.
fn current() -> io::Result<OwnedFd> {
    Ok(rustix::fs::open("/proc/thread-self/ns/net", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

/// Calls `work` with the calling thread, and no other, moved to `netns`; afterwards the thread is back where it was.
///
/// `work` must not await or hand anything to another thread: only what this very thread does happens in `netns`.
///
/// # Errors
/// When the namespace of the thread cannot be opened, or `netns` cannot be entered: `setns(2)`.
pub fn in_netns<T>(netns: BorrowedFd<'_>, work: impl FnOnce() -> T) -> io::Result<T> {
    let home = current()?;
    move_into_link_name_space(netns, Some(LinkNameSpaceType::Network))?;
    let _return = Return(home);
    Ok(work())
}
