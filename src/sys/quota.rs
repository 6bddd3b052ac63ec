//! Project quotas: how much of a file system everything below a directory may take. See `quotactl(2)`, and
//! `FS_IOC_FSSETXATTR` in `ioctl_xfs_fsgetxattr(2)`.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// `PRJQUOTA`.
const PROJECT: libc::c_int = 2;
/// `Q_XGETQSTATV`, the version of its answer, and `FS_QUOTA_PDQ_ENFD` in that.
const GET_STATE: libc::c_int = ((b'X' as libc::c_int) << 8) + 8;
const STATE_VERSION: u16 = 1;
const IS_ENFORCED: u16 = 1 << 5;
/// `FS_XFLAG_PROJINHERIT`: what is made in the directory belongs to its project.
const INHERITED: u32 = 0x200;
/// `QIF_BLIMITS`, and the unit of these limits in bytes.
const SPACE: u32 = 1;
const UNIT: u64 = 1024;

/// `FS_IOC_FSGETXATTR` and `FS_IOC_FSSETXATTR`.
const GET_ATTRIBUTES: libc::Ioctl = 0x801c_581f;
const SET_ATTRIBUTES: libc::Ioctl = 0x401c_5820;

/// `struct fs_quota_statv`: only the flags are looked at.
#[repr(C, align(8))]
struct State {
    /// A byte and padding.
    version: u16,
    flags: u16,
    rest: [u8; 188],
}

/// `struct fsxattr`.
#[repr(C)]
#[derive(Default)]
struct Attributes {
    flags: u32,
    extent: u32,
    extents: u32,
    project: u32,
    cow_extent: u32,
    padding: [u8; 8],
}

/// Whether the file system of `directory` keeps projects within their quotas.
#[must_use]
pub fn is_enforced(directory: impl AsFd) -> bool {
    let mut state = State { version: STATE_VERSION, flags: 0, rest: [0; 188] };
    call(&directory, GET_STATE, 0, &mut state).is_ok() && state.flags & IS_ENFORCED != 0
}

/// Gives empty `directories` of one file system a project of their own, to which whatever is made in them will belong, and
/// which may take up `bytes`.
///
/// # Errors
/// `EOPNOTSUPP` or `ENOTTY` from a file system without projects, `ESRCH` from one without quotas.
pub fn limit<F: AsFd>(directories: &[F; 2], bytes: u64) -> io::Result<()> {
    let project = free_project(&directories[0])?;
    let mut quota = no_quota();
    (quota.dqb_bhardlimit, quota.dqb_valid) = (bytes.div_ceil(UNIT), SPACE);
    call(&directories[0], libc::Q_SETQUOTA, project, &mut quota)?;
    for directory in directories {
        let mut attributes = attributes(directory)?;
        (attributes.project, attributes.flags) = (project, attributes.flags | INHERITED);
        // SAFETY: the descriptor is open, and the kernel reads one structure of this type.
        of_call(unsafe { libc::ioctl(directory.as_fd().as_raw_fd(), SET_ATTRIBUTES, &raw const attributes) }.into())?;
    }
    Ok(())
}

/// Lets go of the quota of a directory that [`limit`] was called for, before it is removed. The project that it may have
/// from `parent`, the directory that it is in, is left alone.
///
/// # Errors
/// As [`limit`].
pub fn lift(directory: impl AsFd, parent: impl AsFd) -> io::Result<()> {
    let project = attributes(&directory)?.project;
    if project == attributes(&parent)?.project {
        return Ok(());
    }
    let mut quota = no_quota();
    quota.dqb_valid = SPACE;
    call(&directory, libc::Q_SETQUOTA, project, &mut quota)
}

/// A project that has nothing and that nobody has limited. Nothing hands them out: a random one of two thousand million
/// is as good as one's own.
fn free_project(directory: &impl AsFd) -> io::Result<u32> {
    loop {
        let mut bytes = [0; 4];
        rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
        let project = u32::from_ne_bytes(bytes) >> 1;
        let mut quota = no_quota();
        match call(directory, libc::Q_GETQUOTA, project, &mut quota) {
            // XFS knows nothing of projects that were never used.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {}
            result => result?,
        }
        if project > 0 && quota.dqb_curspace == 0 && quota.dqb_curinodes == 0 && quota.dqb_bhardlimit == 0 {
            return Ok(project);
        }
    }
}

fn attributes(directory: &impl AsFd) -> io::Result<Attributes> {
    let mut attributes = Attributes::default();
    // SAFETY: the descriptor is open, and the kernel writes one structure of this type.
    of_call(unsafe { libc::ioctl(directory.as_fd().as_raw_fd(), GET_ATTRIBUTES, &raw mut attributes) }.into())?;
    Ok(attributes)
}

fn no_quota() -> libc::dqblk {
    // SAFETY: zeros are a valid value of this plain structure.
    unsafe { std::mem::zeroed() }
}

/// `quotactl_fd(2)`, of Linux 5.14, for projects.
fn call<T>(directory: &impl AsFd, command: libc::c_int, project: u32, argument: &mut T) -> io::Result<()> {
    let fd = directory.as_fd().as_raw_fd();
    let command = (command << 8) | PROJECT;
    // SAFETY: the descriptor is open, and the kernel reads or writes the structure that goes with the command.
    of_call(unsafe { libc::syscall(libc::SYS_quotactl_fd, fd, command, project, &raw mut *argument) })
}

fn of_call(result: libc::c_long) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
