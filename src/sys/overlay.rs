//! Directories one over the other, to be read: overlayfs without an upper directory.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_fd, fsconfig_set_string, fsmount, fsopen,
};

/// Mounts `layers`, two or more of them, lowest first, read-only and nowhere: only the descriptor leads there.
///
/// # Errors
/// What `fsconfig(2)` or `fsmount(2)` say.
pub fn read_only(layers: &[OwnedFd]) -> io::Result<OwnedFd> {
    let fs = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    // The first one given is the topmost.
    for (index, layer) in layers.iter().rev().enumerate() {
        match fsconfig_set_fd(&fs, "lowerdir+", layer) {
            // Before 6.13 layers are given by path, in a text that is to be short.
            Err(Errno::INVAL | Errno::BADF | Errno::OPNOTSUPP) if index == 0 => {
                let path = |layer: &OwnedFd| format!("/proc/self/fd/{}", layer.as_raw_fd());
                let paths: Vec<_> = layers.iter().rev().map(path).collect();
                fsconfig_set_string(&fs, "lowerdir", paths.join(":"))?;
                break;
            }
            result => result?,
        }
    }
    fsconfig_set_string(&fs, "source", "overlay")?;
    fsconfig_create(&fs)?;
    Ok(fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::MOUNT_ATTR_RDONLY)?)
}
