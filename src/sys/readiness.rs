//! Waiting in tokio for a descriptor that tokio has no type for.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Watches `fd` for something to read. Must be called within a tokio runtime with IO.
///
/// # Errors
/// What `epoll_ctl(2)` says; `EPERM` for a regular file.
pub fn readable(fd: BorrowedFd<'_>) -> io::Result<AsyncFd<BorrowedFd<'_>>> {
    // SAFETY: a borrowed descriptor is open and the same for as long as the borrow, which the result holds.
    let registered = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
    registered.map_err(io::Error::from)
}

/// As [`readable`], for a descriptor that the result owns.
///
/// # Errors
/// What `epoll_ctl(2)` says; `EPERM` for a regular file.
pub fn readable_owned(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the result owns the descriptor, so it is open and the same for as long as it is registered.
    let registered = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
    registered.map_err(io::Error::from)
}
