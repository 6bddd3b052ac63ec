//! Places to mount at that no layer has: in a layer of their own, so that they are in nothing that is kept.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, Timespec, Timestamps, XattrFlags};

use super::WorkspaceError;
use super::workspace::prepare;
use crate::sys::{RootDir, path_of};

/// Something to mount at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stub {
    /// Where, in the container.
    pub path: PathBuf,
    /// Whether it is a directory.
    pub directory: bool,
}

/// Makes what is missing of `wanted` in `root` in the new directory `layer`, which is to go over the others. False when
/// nothing is.
pub(super) fn make(root: &RootDir, wanted: &[Stub], layer: &Path) -> Result<bool, WorkspaceError> {
    let mut stubs: Option<RootDir> = None;
    for stub in wanted {
        let failed = || prepare(&stub.path);
        // What is behind a file or a dangling link is told by whoever mounts there.
        let Ok(Some((place, rest))) = missing(root, &stub.path) else { continue };
        let layer = match &stubs {
            Some(layer) => layer,
            None => {
                rustix::fs::mkdir(layer, Mode::from(0o755)).map_err(|error| prepare(layer)(error.into()))?;
                let made = RootDir::open(layer).map_err(prepare(layer))?;
                copy_directory(root, &made, Path::new("")).map_err(prepare(layer))?;
                stubs.insert(made)
            }
        };
        let mut path = PathBuf::new();
        for name in &place {
            path.push(name);
            if layer.stat(&path).map_err(failed())?.is_none() {
                layer.mkdir(&path, 0o755).map_err(failed())?;
                copy_directory(root, layer, &path).map_err(failed())?;
            }
        }
        let (last, between) = rest.split_last().expect("something is missing");
        for name in between {
            path.push(name);
            if layer.stat(&path).map_err(failed())?.is_none() {
                layer.mkdir_all(&path, 0o755).map_err(failed())?;
            }
        }
        path.push(last);
        if layer.stat(&path).map_err(failed())?.is_none() {
            match stub.directory {
                true => layer.mkdir_all(&path, 0o755).map_err(failed())?,
                false => {
                    layer.create_file(&path, 0o644).map_err(failed())?;
                    layer.chmod(&path, 0o644).map_err(failed())?;
                }
            }
        }
        restore(root, layer, &place).map_err(failed())?;
    }
    Ok(stubs.is_some())
}

/// The directory that `path` begins with, by what it is called in `root` without links, and the rest of `path`, of which
/// nothing is there; `None` when all of it is.
fn missing(root: &RootDir, path: &Path) -> io::Result<Option<(Vec<OsString>, Vec<OsString>)>> {
    let names: Vec<OsString> = path
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            _ => None,
        })
        .collect();
    for length in (0..=names.len()).rev() {
        let begin: PathBuf = names[..length].iter().collect();
        match root.open_at(&begin, OFlags::PATH) {
            Ok(_) if length == names.len() => return Ok(None),
            Ok(found) => {
                // A dangling link is there, and nothing can be made in its place.
                let next = begin.join(&names[length]);
                if root.stat(&next)?.is_some() || !is_directory(&found)? {
                    return Err(io::ErrorKind::NotADirectory.into());
                }
                return Ok(Some((place(root, &found)?, names[length..].to_vec())));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

fn is_directory(fd: &OwnedFd) -> io::Result<bool> {
    Ok(FileType::from_raw_mode(rustix::fs::fstat(fd)?.st_mode).is_dir())
}

/// What an open directory of `root` is called in it. Of a mount that is attached nowhere, paths begin at its root.
fn place(root: &RootDir, directory: &OwnedFd) -> io::Result<Vec<OsString>> {
    let path =
        PathBuf::from(OsString::from_vec(rustix::fs::readlinkat(CWD, path_of(directory), Vec::new())?.into_bytes()));
    let names: Vec<OsString> = path.components().skip(1).map(|part| part.as_os_str().to_owned()).collect();
    let again = root.open_at(&names.iter().collect::<PathBuf>(), OFlags::PATH)?;
    let (one, other) = (rustix::fs::fstat(directory)?, rustix::fs::fstat(&again)?);
    match (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino) {
        true => Ok(names),
        false => Err(io::ErrorKind::NotFound.into()),
    }
}

/// Gives the directory `path` of `layer` what the one of `root` has: it is going to be seen in its place.
fn copy_directory(root: &RootDir, layer: &RootDir, path: &Path) -> io::Result<()> {
    let from = root.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
    let to = layer.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
    let status = rustix::fs::fstat(&from)?;
    let (uid, gid) = (rustix::fs::Uid::from_raw(status.st_uid), rustix::fs::Gid::from_raw(status.st_gid));
    rustix::fs::fchown(&to, Some(uid), Some(gid))?;
    rustix::fs::fchmod(&to, Mode::from_raw_mode(status.st_mode))?;
    copy_xattrs(&from, &to)
}

/// The times of the directories on the way, which making something in them has changed.
fn restore(root: &RootDir, layer: &RootDir, place: &[OsString]) -> io::Result<()> {
    for length in (0..=place.len()).rev() {
        let path: PathBuf = place[..length].iter().collect();
        let status = rustix::fs::fstat(root.open_at(&path, OFlags::PATH)?)?;
        let time = |seconds: i64, nanoseconds: u64| Timespec {
            tv_sec: seconds,
            tv_nsec: i64::try_from(nanoseconds).unwrap_or_default(),
        };
        let times = Timestamps {
            last_access: time(status.st_atime, status.st_atime_nsec),
            last_modification: time(status.st_mtime, status.st_mtime_nsec),
        };
        let directory = layer.open_at(&path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        rustix::fs::futimens(&directory, &times)?;
    }
    Ok(())
}

fn copy_xattrs(from: &OwnedFd, to: &OwnedFd) -> io::Result<()> {
    // The kernel's limits of a list of names and of a value, both 64 KiB (xattr(7)).
    let mut names = vec![0; 65536];
    let length = match rustix::fs::flistxattr(from, &mut names[..]) {
        Err(rustix::io::Errno::NOTSUP) => return Ok(()),
        length => length?,
    };
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        // An overlay shows none of its own.
        let mut value = vec![0; 65536];
        let length = rustix::fs::fgetxattr(from, name, &mut value[..])?;
        rustix::fs::fsetxattr(to, name, &value[..length], XattrFlags::empty())?;
    }
    Ok(())
}
