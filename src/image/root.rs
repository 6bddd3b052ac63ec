//! An image's layers as one tree to read from, mounted nowhere: only the descriptor leads to it.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags};

use super::Image;
use crate::sys::{RootDir, overlay};

impl Image {
    /// The image's file tree, read-only by use: nothing is written through it. Unmounted when dropped.
    ///
    /// # Errors
    /// What `open(2)`, `fsconfig(2)` or `fsmount(2)` say.
    pub fn open_root(&self) -> io::Result<RootDir> {
        match &self.layers[..] {
            // The kernel makes no overlay of one directory.
            [layer] => RootDir::open(layer),
            layers => {
                let layers: Vec<_> = layers.iter().map(|layer| open(layer)).collect::<io::Result<_>>()?;
                Ok(RootDir::from(overlay::read_only(&layers)?))
            }
        }
    }
}

fn open(path: &Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}
