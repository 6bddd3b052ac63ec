//! Ending this process or turning it into another program.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// Ends the process at once: no destructors, no `atexit`, which would belong to the process it was cloned from.
pub fn end(code: i32) -> ! {
    // SAFETY: the call has no precondition and does not return.
    unsafe { libc::_exit(code) }
}

/// Replaces this process by `program`. Returns only on failure. See `execve(2)`.
pub fn execve(program: &CStr, arguments: &[CString], environment: &[CString]) -> io::Error {
    let pointers = |list: &[CString]| -> Vec<*const libc::c_char> {
        list.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (arguments, environment) = (pointers(arguments), pointers(environment));
    // SAFETY: all three are valid for the call: a terminated string and null-terminated arrays of terminated strings.
    unsafe { libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}

/// Marks every descriptor from `first` up as closed by the next `execve`. See `close_range(2)`.
///
/// # Errors
/// `ENOSYS` before Linux 5.11.
pub fn close_on_exec_from(first: u32) -> io::Result<()> {
    // SAFETY: with CLOEXEC the call closes nothing now, it sets a flag.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Closes every descriptor from `first` up and goes on in `then`, which gets nothing but `argument`: for a process that
/// will only wait from here on.
///
/// # Errors
/// `ENOSYS` before Linux 5.9.
pub fn shed_descriptors<T: Copy>(first: u32, argument: T, then: fn(T) -> !) -> io::Error {
    // SAFETY: on success `then` never returns to any owner of a descriptor, and a plain function captures none.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) };
    if result == 0 { then(argument) } else { io::Error::last_os_error() }
}

/// Makes copies of `descriptors`, open across `execve`, at `first` and up, in place of what is there: for a process about to
/// be replaced, which lets go of every other descriptor it owns.
///
/// # Errors
/// What the kernel says.
pub fn place_descriptors(first: i32, descriptors: &[OwnedFd]) -> io::Result<()> {
    let above = first + i32::try_from(descriptors.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // Out of the way first: a target may be the source of a later one.
    let copies: Vec<OwnedFd> = descriptors
        .iter()
        .map(|descriptor| rustix::io::fcntl_dupfd_cloexec(descriptor, above))
        .collect::<Result<_, _>>()?;
    for (target, copy) in (first..).zip(&copies) {
        // SAFETY: whatever owned the target is never used again, as the caller promises.
        let result = unsafe { libc::dup2(copy.as_raw_fd(), target) };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}
