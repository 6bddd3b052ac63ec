//! New file systems, configured by `fsconfig(2)` and mounted nowhere yet.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::mount::{
    FsMountFlags, FsOpenFlags, FsPickFlags, fsconfig_create, fsconfig_reconfigure, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen, fspick,
};

use super::mount_options::Options;
use crate::sys::mount::MountAttrFlags;

/// An error, and what the kernel had to say about it: for the end of the error's text.
pub(super) type Failed = (io::Error, String);

/// A new file system of this type.
pub(super) fn file_system(kind: &str, source: Option<&Path>, options: &Options) -> Result<OwnedFd, Failed> {
    let fs = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC).map_err(|error| (error.into(), String::new()))?;
    let attributes = options.attributes.set | options.recursive.set;
    let configure = || -> rustix::io::Result<OwnedFd> {
        if let Some(source) = source.filter(|source| !source.as_os_str().is_empty()) {
            fsconfig_set_string(&fs, "source", source)?;
            // A device may be one that cannot be written to.
            if source.is_absolute() && attributes.contains(MountAttrFlags::MOUNT_ATTR_RDONLY) {
                fsconfig_set_flag(&fs, "ro")?;
            }
        }
        set(&fs, options)?;
        fsconfig_create(&fs)?;
        fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
    };
    configure().map_err(|error| (error.into(), kernel_log(&fs)))
}

/// Changes the options of the file system that `mount` shows.
pub(super) fn reconfigure(mount: &OwnedFd, options: &Options) -> Result<(), Failed> {
    let flags = FsPickFlags::FSPICK_CLOEXEC | FsPickFlags::FSPICK_EMPTY_PATH;
    let fs = fspick(mount, "", flags).map_err(|error| (error.into(), String::new()))?;
    set(&fs, options).and_then(|()| fsconfig_reconfigure(&fs)).map_err(|error| (error.into(), kernel_log(&fs)))
}

fn set(fs: &OwnedFd, options: &Options) -> rustix::io::Result<()> {
    options.data.iter().try_for_each(|(key, value)| match value {
        Some(value) => fsconfig_set_string(fs, key.as_str(), value.as_str()),
        None => fsconfig_set_flag(fs, key.as_str()),
    })
}

/// What the kernel has to say about a file system that could not be made, for the end of an error's text.
pub(super) fn kernel_log(fs: &OwnedFd) -> String {
    let mut buffer = [0; 1024];
    let mut log = String::new();
    while let Ok(count @ 1..) = rustix::io::read(fs, &mut buffer) {
        let line = String::from_utf8_lossy(&buffer[..count]);
        // "e overlay: …": the first letter is the severity.
        log.push_str(": ");
        log.push_str(line.trim_end().get(2..).unwrap_or_default());
    }
    log
}
