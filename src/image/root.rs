//! An image's layers as one tree to read from, mounted nowhere: only the descriptor leads to it.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_fd, fsconfig_set_string, fsmount, fsopen,
};

use super::Image;
use crate::sys::RootDir;

impl Image {
    /// The image's file tree, read-only by use: nothing is written through it. Unmounted when dropped.
    ///
    /// # Errors
    /// What `open(2)`, `fsconfig(2)` or `fsmount(2)` say.
    pub fn open_root(&self) -> io::Result<RootDir> {
        match &self.layers[..] {
            // The kernel makes no overlay of one directory.
            [layer] => RootDir::open(layer),
            layers => Ok(RootDir::from(overlay(layers)?)),
        }
    }
}

fn overlay(layers: &[PathBuf]) -> io::Result<OwnedFd> {
    let fs = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    // The first one given is the topmost.
    for (index, layer) in layers.iter().rev().enumerate() {
        match fsconfig_set_fd(&fs, "lowerdir+", open(layer)?) {
            // Before 6.13 layers are given by path; the store's have neither commas nor colons in their names.
            Err(Errno::INVAL | Errno::BADF) if index == 0 => {
                let paths: Vec<_> = layers.iter().rev().map(|layer| layer.to_string_lossy()).collect();
                fsconfig_set_string(&fs, "lowerdir", paths.join(":"))?;
                break;
            }
            result => result?,
        }
    }
    fsconfig_set_string(&fs, "source", "overlay")?;
    fsconfig_create(&fs)?;
    let mount = fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::MOUNT_ATTR_RDONLY)?;
    Ok(mount)
}

fn open(path: &Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}
