//! A root without `pivot_root(2)`: moved over the host's, which stays below it, as init of an initramfs does.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::CWD;
use rustix::io::Errno;
use rustix::mount::{MountFlags, MoveMountFlags, UnmountFlags, mount, move_mount, unmount};

use super::InitError;
use crate::sys::RootDir;

/// Makes the mounted root, which is at `place`, the root directory. Of the host's, which stays below, it takes away what
/// the kernel shows of itself: nothing in there is masked. Returns the new root.
pub(super) fn cover(root: RootDir, place: &Path) -> Result<RootDir, InitError> {
    let mounts = fs_err::read("/proc/self/mountinfo").map_err(InitError::Pivot)?;
    for path in kernel_files(&mounts, place).into_iter().rev() {
        take_away(&path).map_err(|source| InitError::HostFiles { path, source })?;
    }
    let cover = || -> rustix::io::Result<()> {
        rustix::process::fchdir(root.as_fd())?;
        move_mount(&root, "", CWD, "/", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
        rustix::process::chroot(".")?;
        rustix::process::chdir("/")
    };
    cover().map_err(|error| InitError::Pivot(error.into()))?;
    RootDir::open(Path::new("/")).map_err(InitError::Pivot)
}

fn take_away(path: &Path) -> io::Result<()> {
    match unmount(path, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW) {
        // In a user namespace what the host has mounted stays, but can be covered.
        Err(Errno::INVAL | Errno::PERM) => {
            let none: Option<&std::ffi::CStr> = None;
            Ok(mount("tmpfs", path, "tmpfs", MountFlags::empty(), none)?)
        }
        result => Ok(result?),
    }
}

/// Where `mountinfo` has a proc or a sysfs outside of `place`, in its order. See `proc_pid_mountinfo(5)`.
fn kernel_files(mountinfo: &[u8], place: &Path) -> Vec<PathBuf> {
    let of_line = |line: &[u8]| -> Option<PathBuf> {
        let mut fields = line.split(|&byte| byte == b' ');
        let path = PathBuf::from(unescape(fields.nth(4)?));
        let kind = fields.skip_while(|field| *field != b"-").nth(1)?;
        (matches!(kind, b"proc" | b"sysfs") && !path.starts_with(place)).then_some(path)
    };
    mountinfo.split(|&byte| byte == b'\n').filter_map(of_line).collect()
}

/// Blanks and backslashes are written as three octal digits.
fn unescape(field: &[u8]) -> OsString {
    let mut parts = field.split(|&byte| byte == b'\\');
    let mut text = parts.next().unwrap_or_default().to_vec();
    for part in parts {
        let digits = part.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                text.push(byte);
                text.extend_from_slice(&part[3..]);
            }
            None => {
                text.push(b'\\');
                text.extend_from_slice(part);
            }
        }
    }
    OsString::from_vec(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_proc_and_sysfs() {
        let mountinfo = b"22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/root rw\n\
            23 22 0:5 / /proc rw shared:2 - proc proc rw\n\
            24 22 0:6 / /sys\\040x rw shared:3 master:1 - sysfs sysfs rw\n\
            25 22 0:7 / /run/c/rootfs rw - overlay overlay rw\n\
            26 25 0:8 / /run/c/rootfs/proc rw - proc proc rw\n\
            27 22 0:9 / /tmp rw - tmpfs proc rw\n";
        let expected = ["/proc", "/sys x"].map(PathBuf::from);
        assert_eq!(kernel_files(mountinfo, Path::new("/run/c/rootfs")), expected);
        assert_eq!(unescape(b"a\\134b\\9"), "a\\b\\9");
    }
}
