//! The running binary as a sealed file in memory: what shims and execs are started from.
//!
//! A container's process can reach the file its parent was executed from (`/proc/PID/exe`, CVE-2019-5736). This one
//! cannot be written to, by anyone, and it is not the file on disk. All processes of a project share its pages.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::fs::{CWD, MemfdFlags, Mode, OFlags, SealFlags, Stat};

const SEALS: SealFlags = SealFlags::SEAL.union(SealFlags::SHRINK).union(SealFlags::GROW).union(SealFlags::WRITE);

static COPY: OnceLock<OwnedFd> = OnceLock::new();

/// Held while it is made.
static MAKING: Mutex<()> = Mutex::new(());

/// The sealed copy: made once, or this process's own file when that is one already.
///
/// # Errors
/// What the kernel says while it is made.
pub fn sealed() -> io::Result<BorrowedFd<'static>> {
    seal(Path::new("/proc/self/exe"))
}

/// Begins to make the copy, on a thread of its own: that takes as long as all else that comes before a container is started,
/// and more. What goes wrong is told to whoever needs the copy.
pub fn prepare() {
    if !has_copy() {
        // Without a thread, it is made by whoever needs it.
        let _ = std::thread::Builder::new().name("copy".to_owned()).spawn(|| drop(sealed()));
    }
}

/// Makes the copy, if there is none yet, from another file than the running one.
///
/// # Errors
/// What the kernel says while it is made.
pub fn seal(path: &Path) -> io::Result<BorrowedFd<'static>> {
    if let Some(copy) = COPY.get() {
        return Ok(copy.as_fd());
    }
    // Who waits here finds the copy made, or makes it if that has failed.
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(copy) = COPY.get() {
        return Ok(copy.as_fd());
    }
    let copy = make(path)?;
    Ok(COPY.get_or_init(|| copy).as_fd())
}

/// Whether there is a copy already.
#[must_use]
pub fn has_copy() -> bool {
    COPY.get().is_some()
}

/// Takes the copy that another process was started from, `executable` being its `/proc/PID/exe`, for that of this process,
/// if it was made from the same file: a command that starts one process need not copy the whole program for that.
/// Anything else is left alone, and so is a copy that `is_trusted` does not confirm after it was opened.
pub fn share(executable: &Path, is_trusted: impl FnOnce() -> bool) {
    let open = || -> io::Result<Option<OwnedFd>> {
        let name = name(&rustix::fs::stat("/proc/self/exe")?);
        let copy = rustix::fs::openat(CWD, executable, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        let link = rustix::fs::readlink(format!("/proc/self/fd/{}", copy.as_raw_fd()), Vec::new())?;
        let is_ours = link.to_bytes() == format!("/memfd:{name} (deleted)").as_bytes();
        let is_sealed = rustix::fs::fcntl_get_seals(&copy).is_ok_and(|seals| seals.contains(SEALS));
        if is_ours && is_sealed && is_trusted() { above_standard(copy).map(Some) } else { Ok(None) }
    };
    if let Ok(Some(copy)) = open() {
        COPY.get_or_init(|| copy);
    }
}

/// What a copy of the program with this status is called: another build has another name.
fn name(status: &Stat) -> String {
    let Stat { st_dev, st_ino, st_size, st_mtime, st_mtime_nsec, .. } = status;
    format!("rcompose-{st_dev:x}-{st_ino:x}-{st_size:x}-{st_mtime:x}-{st_mtime_nsec:x}")
}

fn make(path: &Path) -> io::Result<OwnedFd> {
    let this = rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    // A file that is not in memory has no seals: EINVAL.
    if rustix::fs::fcntl_get_seals(&this).is_ok_and(|seals| seals.contains(SEALS)) {
        return above_standard(this);
    }
    // MFD_EXEC is refused before Linux 6.3, where it is also not needed.
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let status = rustix::fs::fstat(&this)?;
    let name = name(&status);
    let copy = rustix::fs::memfd_create(&name, flags | MemfdFlags::from_bits_retain(libc::MFD_EXEC))
        .or_else(|_| rustix::fs::memfd_create(&name, flags))?;
    let size = usize::try_from(status.st_size).unwrap_or(usize::MAX);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_who_ask_at_once_have_the_same_copy() {
        prepare();
        let ask = || sealed().unwrap().as_raw_fd();
        let found: Vec<_> = std::thread::scope(|scope| {
            let asking = [(); 4].map(|()| scope.spawn(ask));
            asking.map(|thread| thread.join().unwrap()).into()
        });
        assert_eq!(found, [found[0]; 4]);
        let name = format!("/memfd:{} (deleted)", name(&rustix::fs::stat("/proc/self/exe").unwrap()));
        let open = fs_err::read_dir("/proc/self/fd").unwrap().flatten();
        let copies = open.filter(|fd| fs_err::read_link(fd.path()).is_ok_and(|link| link.as_os_str() == name.as_str()));
        assert_eq!(copies.count(), 1);
    }
}
