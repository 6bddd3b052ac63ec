//! `mount_setattr(2)`, which no crate wraps; the rest of the new mount API is rustix's.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

pub use rustix::mount::MountAttrFlags;

/// Gives the calling thread, and what it executes, a copy of the mounts that it sees. See `unshare(2)`.
///
/// # Errors
/// What the kernel says.
pub fn copy_mounts() -> io::Result<()> {
    // SAFETY: only CLONE_FILES is unsafe, which takes descriptors from other threads.
    unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNS) }.map_err(Into::into)
}

/// How mounts and unmounts propagate to and from other mounts of the same peer group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagation {
    /// Neither way.
    Private,
    /// From the peers to here.
    Slave,
    /// Both ways.
    Shared,
    /// Neither way, nor can it be bound elsewhere.
    Unbindable,
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
            Some(Propagation::Unbindable) => libc::MS_UNBINDABLE,
        },
        userns_fd: 0,
    };
    set_all(mount.as_fd(), recursive, &attributes)
}

/// Has the owners of files in `mount` (or, `recursive`, in its mount tree), which is attached nowhere yet, mapped as
/// `user_namespace` maps ids: a file of id 0 on disk belongs to whoever is 0 in there.
///
/// # Errors
/// What the kernel says; `EINVAL` for a file system that cannot do that, or for a mount that is mapped already.
pub fn map_ids(mount: impl AsFd, recursive: bool, user_namespace: BorrowedFd<'_>) -> io::Result<()> {
    let descriptor = u64::try_from(user_namespace.as_raw_fd()).expect("an open descriptor is not negative");
    let attributes =
        libc::mount_attr { attr_set: libc::MOUNT_ATTR_IDMAP, attr_clr: 0, propagation: 0, userns_fd: descriptor };
    set_all(mount.as_fd(), recursive, &attributes)
}

fn set_all(mount: BorrowedFd<'_>, recursive: bool, attributes: &libc::mount_attr) -> io::Result<()> {
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is a terminated string, the struct is valid and of the given size; the kernel writes to neither.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            std::ptr::from_ref(attributes),
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
