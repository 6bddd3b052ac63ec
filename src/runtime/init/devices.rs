//! The nodes and links of `/dev`, for a container that has one of its own.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use oci_spec::runtime::{LinuxDeviceType, Spec};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, makedev};
use rustix::io::Errno;
use rustix::mount::{MoveMountFlags, UnmountFlags, move_mount};
use rustix::process::{Gid, Uid};

use super::InitError;
use super::file_system::file_system;
use super::mount_options::parse;
use super::mounts::attach;
use super::outside::{self, Outside};
use super::user_namespace::Mappings;
use crate::runtime::Config;
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

/// Fills `/dev` if the specification mounts a file system there: an image's own directory is never written to. Nodes that
/// were made outside are shown, all others made.
pub(super) fn create(spec: &Spec, root: &RootDir, outside: &mut Outside) -> Result<(), InitError> {
    if has_own_dev(spec) {
        let directory = root.open_plain(Path::new("dev"), OFlags::PATH | OFlags::DIRECTORY);
        let directory = directory.map_err(failed("/dev"))?;
        for (target, name) in LINKS {
            match rustix::fs::symlinkat(target, &directory, name) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(failed(name)(error.into())),
            }
        }
    }
    for node in wanted(spec)? {
        let made = outside.nodes.remove(&node.path);
        let make = || match made {
            Some(made) => root.ensure_file(&node.path).and_then(|target| attach(made, target)),
            None => {
                let parent = root.ensure_dir(node.path.parent().unwrap_or(Path::new("")), Mode::from(0o755))?;
                node.make(&parent, Path::new(node.path.file_name().ok_or(Errno::INVAL)?))
            }
        };
        make().map_err(failed(&node.path))?;
    }
    Ok(())
}

/// The nodes, made by who may: mounted nowhere, each on its own.
pub(super) fn nodes(config: &Config, mappings: &Mappings) -> Result<BTreeMap<PathBuf, OwnedFd>, InitError> {
    let directory = file_system("tmpfs", None, &parse(&["mode=755", "nosuid", "noexec"]));
    let directory = directory.map_err(|(error, _)| failed("/dev")(error))?;
    // Modes are meant as they are written.
    let umask = rustix::process::umask(Mode::empty());
    let nodes = match nodes_in(&directory, &config.spec, mappings) {
        // Before Linux 6.15 nothing can be copied of what is mounted nowhere.
        Err(InitError::Device { source, .. }) if source.raw_os_error() == Some(libc::EINVAL) => {
            mounted_for_a_moment(&directory, &config.directory.join("rootfs"), || {
                nodes_in(&directory, &config.spec, mappings)
            })
        }
        nodes => nodes,
    };
    rustix::process::umask(umask);
    nodes
}

/// Does `work` while `mount`, which is mounted nowhere else, is at `target`, in the directory of the container.
fn mounted_for_a_moment<T>(
    mount: &OwnedFd,
    target: &Path,
    work: impl FnOnce() -> Result<T, InitError>,
) -> Result<T, InitError> {
    match rustix::fs::mkdir(target, Mode::from(0o700)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(failed("/dev")(error.into())),
    }
    move_mount(mount, "", CWD, target, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
        .map_err(|error| failed("/dev")(error.into()))?;
    let result = work();
    rustix::mount::unmount(target, UnmountFlags::DETACH).map_err(|error| failed("/dev")(error.into()))?;
    result
}

fn nodes_in(directory: &OwnedFd, spec: &Spec, mappings: &Mappings) -> Result<BTreeMap<PathBuf, OwnedFd>, InitError> {
    let mut nodes = BTreeMap::new();
    for (index, mut node) in wanted(spec)?.into_iter().enumerate() {
        let (uid, gid) = (node.uid.unwrap_or(0), node.gid.unwrap_or(0));
        let unmapped = || InitError::UnmappedDevice { path: node.path.clone(), uid, gid };
        let (uid, gid) = mappings.to_host(uid, gid).ok_or_else(unmapped)?;
        (node.uid, node.gid) = (Some(uid.as_raw()), Some(gid.as_raw()));
        let name = PathBuf::from(index.to_string());
        let made = node.make(directory, &name).and_then(|()| outside::node(directory, &name));
        nodes.insert(node.path.clone(), made.map_err(failed(&node.path))?);
    }
    Ok(nodes)
}

fn has_own_dev(spec: &Spec) -> bool {
    let mut mounts = spec.mounts().iter().flatten();
    mounts.any(|mount| mount.destination() == Path::new("/dev") && mount.typ().as_deref() == Some("tmpfs"))
}

/// A node as it shall be.
#[derive(Debug)]
struct Node {
    path: PathBuf,
    kind: FileType,
    mode: u32,
    number: rustix::fs::Dev,
    uid: Option<u32>,
    gid: Option<u32>,
}

/// The default ones and those of the specification.
fn wanted(spec: &Spec) -> Result<Vec<Node>, InitError> {
    let mut wanted = Vec::new();
    if has_own_dev(spec) {
        wanted.extend(NODES.map(|(name, major, minor)| Node {
            path: Path::new("/dev").join(name),
            kind: FileType::CharacterDevice,
            mode: 0o666,
            number: makedev(major, minor),
            uid: None,
            gid: None,
        }));
    }
    // In a /dev of the container's own that one is a link to the one of its own terminals.
    let is_link = |path: &Path| has_own_dev(spec) && path == Path::new("/dev/ptmx");
    let devices = spec.linux().iter().filter_map(|linux| linux.devices().as_ref()).flatten();
    for device in devices.filter(|device| !is_link(device.path())) {
        let kind = match device.typ() {
            LinuxDeviceType::B => FileType::BlockDevice,
            LinuxDeviceType::P => FileType::Fifo,
            _ => FileType::CharacterDevice,
        };
        // A fifo has no number.
        let part = |number: i64| u32::try_from(if kind == FileType::Fifo { 0 } else { number });
        let invalid = |_| failed(device.path())(Errno::INVAL.into());
        let number = makedev(part(device.major()).map_err(invalid)?, part(device.minor()).map_err(invalid)?);
        let (mode, path) = (device.file_mode().unwrap_or(0o666), device.path().clone());
        let is_same = |earlier: &Node| earlier.path == path && earlier.kind == kind && earlier.number == number;
        // One of the default ones, with a mode or an owner of its own.
        wanted.retain(|earlier| !is_same(earlier));
        wanted.push(Node { path, kind, mode, number, uid: device.uid(), gid: device.gid() });
    }
    Ok(wanted)
}

impl Node {
    fn make(&self, directory: &OwnedFd, name: &Path) -> io::Result<()> {
        node(directory, name, self.kind, self.mode, self.number)?;
        if self.uid.is_none() && self.gid.is_none() {
            return Ok(());
        }
        let owner = (self.uid.map(Uid::from_raw), self.gid.map(Gid::from_raw));
        Ok(rustix::fs::chownat(directory, name, owner.0, owner.1, AtFlags::SYMLINK_NOFOLLOW)?)
    }
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
