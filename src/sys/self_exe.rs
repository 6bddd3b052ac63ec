//! The running binary as a sealed file in memory: what shims and execs are started from.
//!
//! A container's process can reach the file its parent was executed from (`/proc/PID/exe`, CVE-2019-5736). This one
//! cannot be written to, by anyone, and it is not the file on disk. All processes of a project share its pages.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::OnceLock;

use rustix::fs::{CWD, MemfdFlags, Mode, OFlags, SealFlags};

const SEALS: SealFlags = SealFlags::SEAL.union(SealFlags::SHRINK).union(SealFlags::GROW).union(SealFlags::WRITE);

static COPY: OnceLock<OwnedFd> = OnceLock::new();

/// The sealed copy: made once, or this process's own file when that is one already.
///
/// # Errors
/// What the kernel says while it is made.
pub fn sealed() -> io::Result<BorrowedFd<'static>> {
    seal(Path::new("/proc/self/exe"))
}

/// Makes the copy, if there is none yet, from another file than the running one.
///
/// # Errors
/// What the kernel says while it is made.
pub fn seal(path: &Path) -> io::Result<BorrowedFd<'static>> {
    if let Some(copy) = COPY.get() {
        return Ok(copy.as_fd());
    }
    let copy = make(path)?;
    Ok(COPY.get_or_init(|| copy).as_fd())
}

fn make(path: &Path) -> io::Result<OwnedFd> {
    let this = rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    // A file that is not in memory has no seals: EINVAL.
    if rustix::fs::fcntl_get_seals(&this).is_ok_and(|seals| seals.contains(SEALS)) {
        return above_standard(this);
    }
    // MFD_EXEC is refused before Linux 6.3, where it is also not needed.
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let copy = rustix::fs::memfd_create("rcompose", flags | MemfdFlags::from_bits_retain(libc::MFD_EXEC))
        .or_else(|_| rustix::fs::memfd_create("rcompose", flags))?;
    let size = usize::try_from(rustix::fs::fstat(&this)?.st_size).unwrap_or(usize::MAX);
    let mut copied = 0;
    while copied < size {
        match rustix::fs::sendfile(&copy, &this, None, size - copied)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => copied += count,
        }
    }
    rustix::fs::fcntl_add_seals(&copy, SEALS)?;
    above_standard(copy)
}

/// Moves a descriptor out of the way of those that `spawn` hands to the child by number.
fn above_standard(fd: OwnedFd) -> io::Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(fd, 64)?)
}
