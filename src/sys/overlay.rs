//! Directories one over the other: overlayfs, mounted nowhere.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_fd, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen,
};

/// Mounts `layers`, two or more of them, lowest first, read-only and nowhere: only the descriptor leads there.
///
/// # Errors
/// What `fsconfig(2)` or `fsmount(2)` say.
pub fn read_only(layers: &[OwnedFd]) -> io::Result<OwnedFd> {
    let fs = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    set_lower(&fs, layers)?;
    fsconfig_set_string(&fs, "source", "overlay")?;
    fsconfig_create(&fs)?;
    Ok(fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::MOUNT_ATTR_RDONLY)?)
}

/// Mounts `layers`, lowest first, under the directory `upper`, which gets what is changed as a layer of an image is: whiteouts
/// and opaque directories, nothing that needs other layers to be understood. `work` is an empty directory on the file system of
/// `upper`. Nothing is synced when it is unmounted.
///
/// # Errors
/// What `fsconfig(2)` or `fsmount(2)` say; `ELOOP` where `upper` is below one of the layers.
pub fn writable(layers: &[OwnedFd], upper: &OwnedFd, work: &OwnedFd) -> io::Result<OwnedFd> {
    let fs = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    set_lower(&fs, layers)?;
    fsconfig_set_string(&fs, "upperdir", path(upper))?;
    fsconfig_set_string(&fs, "workdir", path(work))?;
    // Whatever the machine's defaults are.
    for option in ["redirect_dir", "metacopy", "index"] {
        fsconfig_set_string(&fs, option, "off")?;
    }
    // Before 5.10 it is not known.
    let _ = fsconfig_set_flag(&fs, "volatile");
    fsconfig_set_string(&fs, "source", "overlay")?;
    fsconfig_create(&fs)?;
    Ok(fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())?)
}

fn set_lower(fs: &OwnedFd, layers: &[OwnedFd]) -> io::Result<()> {
    // The first one given is the topmost.
    for (index, layer) in layers.iter().rev().enumerate() {
        match fsconfig_set_fd(fs, "lowerdir+", layer) {
            // Before 6.13 layers are given by path, in a text that is to be short.
            Err(Errno::INVAL | Errno::BADF | Errno::OPNOTSUPP) if index == 0 => {
                let paths: Vec<_> = layers.iter().rev().map(path).collect();
                fsconfig_set_string(fs, "lowerdir", paths.join(":"))?;
                break;
            }
            result => result?,
        }
    }
    Ok(())
}

fn path(directory: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", directory.as_raw_fd())
}
