//! Paths of /proc and /sys that a container must not read, or not write.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use oci_spec::runtime::Spec;
use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::mount::{OpenTreeFlags, open_tree};

use super::InitError;
use super::file_system::file_system;
use super::mount_options::parse;
use super::mounts::attach;
use crate::sys::RootDir;
use crate::sys::mount::{MountAttrFlags, set_attributes};

/// Per CPU, so in no list: power readings that tell what other tenants compute (GHSA-jq35-85cj-fj4p).
const CPUS: &str = "sys/devices/system/cpu";
const THROTTLE: &str = "thermal_throttle";

/// Applies `linux.maskedPaths` and `linux.readonlyPaths`. What the kernel does not have needs no mask.
pub(super) fn apply(spec: &Spec, root: &RootDir) -> Result<(), InitError> {
    let Some(linux) = spec.linux() else { return Ok(()) };
    let masked = linux.masked_paths().as_deref().unwrap_or_default();
    if !masked.is_empty() {
        let mut mask = Mask::new(root)?;
        masked.iter().try_for_each(|path| mask.cover(path))?;
        cpus(root).iter().try_for_each(|path| mask.cover(path))?;
    }
    for path in linux.readonly_paths().iter().flatten() {
        make_readonly(root, Path::new(path)).map_err(|source| InitError::ReadOnly { path: path.clone(), source })?;
    }
    Ok(())
}

/// What masked paths are covered with.
struct Mask<'a> {
    root: &'a RootDir,
    null: OwnedFd,
    /// Attached with the first directory that is masked, cloned for the others.
    empty: Option<OwnedFd>,
}

impl<'a> Mask<'a> {
    fn new(root: &'a RootDir) -> Result<Self, InitError> {
        let null = host_null().map_err(|source| InitError::Mask { path: "/dev/null".to_owned(), source })?;
        Ok(Self { root, null, empty: None })
    }

    fn cover(&mut self, path: &str) -> Result<(), InitError> {
        self.try_cover(Path::new(path)).map_err(|source| InitError::Mask { path: path.to_owned(), source })
    }

    fn try_cover(&mut self, path: &Path) -> io::Result<()> {
        let Some(target) = existing(self.root, path)? else { return Ok(()) };
        let is_directory = FileType::from_raw_mode(rustix::fs::fstat(&target)?.st_mode).is_dir();
        if !is_directory {
            return attach(clone_mount(&self.null)?, target);
        }
        match &self.empty {
            Some(empty) => attach(clone_mount(empty)?, target),
            None => {
                let empty = empty_directory()?;
                attach(&empty, target)?;
                self.empty = Some(empty);
                Ok(())
            }
        }
    }
}

/// The host's null device, for certain: the image's could be anything (CVE-2025-31133).
fn host_null() -> io::Result<OwnedFd> {
    let null = rustix::fs::openat(CWD, "/dev/null", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let status = rustix::fs::fstat(&null)?;
    let is_null =
        FileType::from_raw_mode(status.st_mode).is_char_device() && status.st_rdev == rustix::fs::makedev(1, 3);
    if is_null { Ok(null) } else { Err(io::Error::new(io::ErrorKind::InvalidData, "not the null device")) }
}

/// An empty directory that cannot be written to, mounted nowhere.
pub(super) fn empty_directory() -> io::Result<OwnedFd> {
    let options = parse(&["ro", "nosuid", "nodev", "noexec", "size=0", "nr_inodes=2", "mode=755"]);
    file_system("tmpfs", None, &options).map_err(|(error, _)| error)
}

fn existing(root: &RootDir, path: &Path) -> io::Result<Option<OwnedFd>> {
    match root.open_at(path, OFlags::PATH) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        result => result.map(Some),
    }
}

fn clone_mount(fd: &OwnedFd) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH
        | OpenTreeFlags::AT_RECURSIVE;
    Ok(open_tree(fd, "", flags)?)
}

/// Mounts a path over itself, read-only.
fn make_readonly(root: &RootDir, path: &Path) -> io::Result<()> {
    let Some(target) = existing(root, path)? else { return Ok(()) };
    let tree = clone_mount(&target)?;
    set_attributes(&tree, true, MountAttrFlags::MOUNT_ATTR_RDONLY, MountAttrFlags::empty(), None)?;
    attach(tree, target)
}

fn cpus(root: &RootDir) -> Vec<String> {
    let Ok(directory) = root.open_at(Path::new(CPUS), OFlags::RDONLY | OFlags::DIRECTORY) else { return Vec::new() };
    let Ok(entries) = rustix::fs::Dir::read_from(&directory) else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str().ok().map(str::to_owned))
        .filter(|name| name.strip_prefix("cpu").is_some_and(|digits| digits.parse::<u32>().is_ok()))
        .map(|name| format!("{CPUS}/{name}/{THROTTLE}"))
        .collect()
}
