//! `mount_setattr(2)`, which no crate wraps; the rest of the new mount API is rustix's.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

pub use rustix::mount::MountAttrFlags;

/// How mounts and unmounts propagate to and from other mounts of the same peer group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagation {
    /// Neither way.
    Private,
    /// From the peers to here.
    Slave,
    /// Both ways.
    Shared,
}

/// Changes the attributes of the mount (or, `recursive`, of the mount tree) that `mount` refers to.
///
/// # Errors
/// What the kernel says; `ENOSYS` before Linux 5.12.
pub fn set_attributes(
    mount: impl AsFd,
    recursive: bool,
    set: MountAttrFlags,
    clear: MountAttrFlags,
    propagation: Option<Propagation>,
) -> io::Result<()> {
    let attributes = libc::mount_attr {
        attr_set: u64::from(set.bits()),
        attr_clr: u64::from(clear.bits()),
        propagation: match propagation {
            None => 0,
            Some(Propagation::Private) => libc::MS_PRIVATE,
            Some(Propagation::Slave) => libc::MS_SLAVE,
            Some(Propagation::Shared) => libc::MS_SHARED,
        },
        userns_fd: 0,
    };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is a terminated string, the struct is valid and of the given size; the kernel writes to neither.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_fd().as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
