//! Directories one over the other: overlayfs, mounted nowhere.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::AtFlags;
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
    over_lowest(layers, |lower| {
        let fs = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
        set_lower(&fs, lower)?;
        fsconfig_set_string(&fs, "source", "overlay")?;
        fsconfig_create(&fs)?;
        Ok(fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::MOUNT_ATTR_RDONLY)?)
    })
}

/// Mounts `layers`, lowest first, under the directory `upper`, which gets what is changed as a layer of an image is: whiteouts
/// and opaque directories, nothing that needs other layers to be understood. `work` is an empty directory on the file system of
/// `upper`. Nothing is synced when it is unmounted.
///
/// # Errors
/// What `fsconfig(2)` or `fsmount(2)` say.
pub fn writable(layers: &[OwnedFd], upper: &OwnedFd, work: &OwnedFd) -> io::Result<OwnedFd> {
    over_lowest(layers, |lower| {
        let fs = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
        set_lower(&fs, lower)?;
        fsconfig_set_string(&fs, "upperdir", path(upper))?;
        fsconfig_set_string(&fs, "workdir", path(work))?;
        // Whatever the machine's defaults are.
        for option in ["redirect_dir", "metacopy", "index"] {
            fsconfig_set_string(&fs, option, "off")?;
        }
        // The mark that an earlier try has left, by which the kernel knows what was not synced.
        let _ = rustix::fs::unlinkat(work, "work/incompat/volatile/dirty", AtFlags::empty());
        let _ = rustix::fs::unlinkat(work, "work/incompat/volatile", AtFlags::REMOVEDIR);
        // Before 5.10 it is not known.
        let _ = fsconfig_set_flag(&fs, "volatile");
        fsconfig_set_string(&fs, "source", "overlay")?;
        fsconfig_create(&fs)?;
        Ok(fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())?)
    })
}

/// What `mount` makes of the layers. The kernel refuses directories of which one is below another, as all are below `/`: then
/// the lowest one is lifted.
fn over_lowest(layers: &[OwnedFd], mount: impl Fn(&[BorrowedFd<'_>]) -> io::Result<OwnedFd>) -> io::Result<OwnedFd> {
    let mut lower: Vec<BorrowedFd<'_>> = layers.iter().map(AsFd::as_fd).collect();
    match (mount(&lower), lower.first().copied()) {
        (Err(error), Some(lowest)) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            // The error that led here says more than why that could not be.
            let Ok(lifted) = lifted(lowest) else { return Err(error) };
            lower[0] = lifted.as_fd();
            mount(&lower)
        }
        (mounted, _) => mounted,
    }
}

/// The directory `layer` as a file system of its own, of which nothing else is a part: an overlay of it over nothing. Before Linux
/// 6.15 it cannot be a layer of another one.
///
/// # Errors
/// What `fsconfig(2)` or `fsmount(2)` say.
pub fn lifted(layer: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let fs = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&fs)?;
    let nothing = fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::MOUNT_ATTR_RDONLY)?;
    let fs = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    set_lower(&fs, &[nothing.as_fd(), layer])?;
    fsconfig_set_string(&fs, "source", "overlay")?;
    fsconfig_create(&fs)?;
    Ok(fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::MOUNT_ATTR_RDONLY)?)
}

fn set_lower(fs: &OwnedFd, layers: &[BorrowedFd<'_>]) -> io::Result<()> {
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

fn path(directory: impl AsFd) -> String {
    format!("/proc/self/fd/{}", directory.as_fd().as_raw_fd())
}
