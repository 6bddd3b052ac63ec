//! The nodes and links of `/dev`, for a container that has one of its own.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use oci_spec::runtime::{LinuxDeviceType, Spec};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, makedev};
use rustix::io::Errno;
use rustix::process::{Gid, Uid};

use super::InitError;
use crate::sys::RootDir;

/// See the runtime specification, "Default Devices".
const NODES: [(&str, u32, u32); 6] =
    [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];
/// See the runtime specification, "Default Devices" and "/dev symbolic links".
const LINKS: [(&str, &str); 6] = [
    ("/proc/self/fd", "fd"),
    ("/proc/self/fd/0", "stdin"),
    ("/proc/self/fd/1", "stdout"),
    ("/proc/self/fd/2", "stderr"),
    ("pts/ptmx", "ptmx"),
    ("/proc/kcore", "core"),
];

/// Fills `/dev` if the specification mounts a file system there: an image's own directory is never written to.
pub(super) fn create(spec: &Spec, root: &RootDir) -> Result<(), InitError> {
    let own = spec
        .mounts()
        .iter()
        .flatten()
        .any(|mount| mount.destination() == Path::new("/dev") && mount.typ().as_deref() == Some("tmpfs"));
    if own {
        let directory = root.open_plain(Path::new("dev"), OFlags::PATH | OFlags::DIRECTORY);
        let directory = directory.map_err(failed("/dev"))?;
        for (name, major, minor) in NODES {
            node(&directory, name, FileType::CharacterDevice, 0o666, makedev(major, minor)).map_err(failed(name))?;
        }
        for (target, name) in LINKS {
            match rustix::fs::symlinkat(target, &directory, name) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(failed(name)(error.into())),
            }
        }
    }
    spec.linux().iter().filter_map(|linux| linux.devices().as_ref()).flatten().try_for_each(|device| {
        let make = || -> io::Result<()> {
            let kind = match device.typ() {
                LinuxDeviceType::B => FileType::BlockDevice,
                LinuxDeviceType::P => FileType::Fifo,
                _ => FileType::CharacterDevice,
            };
            // A fifo has no number.
            let part = |number: i64| u32::try_from(if kind == FileType::Fifo { 0 } else { number });
            let number = makedev(
                part(device.major()).map_err(|_| Errno::INVAL)?,
                part(device.minor()).map_err(|_| Errno::INVAL)?,
            );
            let name = device.path().file_name().ok_or(Errno::INVAL)?;
            let parent = device.path().parent().unwrap_or(Path::new(""));
            let parent = root.ensure_dir(parent, Mode::from(0o755))?;
            let name = Path::new(name);
            node(&parent, name, kind, device.file_mode().unwrap_or(0o666), number)?;
            let owner = (device.uid().map(Uid::from_raw), device.gid().map(Gid::from_raw));
            Ok(rustix::fs::chownat(&parent, name, owner.0, owner.1, AtFlags::SYMLINK_NOFOLLOW)?)
        };
        make().map_err(failed(device.path()))
    })
}

/// Makes a node, whatever its parent's default permissions. One that is there already must be the same.
fn node(
    directory: &OwnedFd,
    name: impl AsRef<Path>,
    kind: FileType,
    mode: u32,
    number: rustix::fs::Dev,
) -> io::Result<()> {
    let name = name.as_ref();
    match rustix::fs::mknodat(directory, name, kind, Mode::from(mode & 0o777), number) {
        Err(Errno::EXIST) => {
            let status = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
            if FileType::from_raw_mode(status.st_mode) == kind && (kind == FileType::Fifo || status.st_rdev == number) {
                Ok(())
            } else {
                Err(io::Error::new(io::ErrorKind::AlreadyExists, "something else is there"))
            }
        }
        result => Ok(result?),
    }
}

fn failed(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> InitError {
    move |source| InitError::Device { path: path.into(), source }
}
