//! Making and removing the directories of cgroups, and what is in them.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, XattrFlags};
use rustix::io::Errno;
use rustix::process::{Pid, Signal};

use super::CgroupError;
use crate::sys::pidfd::PidFd;

pub(super) const MOUNT: &str = "/sys/fs/cgroup";
/// The cgroup that holds those of all containers, unless they are to be elsewhere.
pub(super) const PARENT: &str = "rcompose";
/// Marks further parents as made by us, to be removed with the last container. Root's are `trusted`, for older kernels.
const MARKS: [&str; 2] = ["user.rcompose", "trusted.rcompose"];
/// How often making a cgroup is tried again when its parent vanishes under it.
const ATTEMPTS: u32 = 16;

/// Makes a cgroup below the root of a hierarchy, and those above it that are missing.
pub(super) fn make_all(root: &Path, path: &Path) -> Result<(), CgroupError> {
    // Usually only the last part is missing.
    if rustix::fs::mkdir(root.join(path), Mode::from(0o755)).is_ok() {
        return Ok(());
    }
    let made = || {
        let mut directory = root.to_owned();
        let mut parts = path.iter().peekable();
        while let Some(part) = parts.next() {
            directory.push(part);
            make(&directory, parts.peek().is_some() && part != OsStr::new(PARENT))?;
        }
        Ok(())
    };
    // Between two of the steps somebody may remove what is empty still.
    let is_gone = |error: &CgroupError| matches!(error, CgroupError::Directory { source, .. } if source.kind() == io::ErrorKind::NotFound);
    (0..ATTEMPTS).find_map(|_| Some(made()).filter(|result| !result.as_ref().is_err_and(is_gone))).unwrap_or_else(made)
}

fn make(directory: &Path, is_parent: bool) -> Result<(), CgroupError> {
    match rustix::fs::mkdir(directory, Mode::from(0o755)) {
        Ok(()) if is_parent => {
            // Without the mark it stays when it is empty: no harm.
            let mark = |name: &&str| rustix::fs::setxattr(directory, *name, b"1", XattrFlags::empty()).is_ok();
            MARKS.iter().any(mark);
            Ok(())
        }
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(CgroupError::Directory { action: "make", path: directory.to_owned(), source: error.into() }),
    }
}

/// A container that shared its cgroup with others would be stopped with them, and they killed with it.
pub(super) fn unoccupied(directory: &Path) -> Result<(), CgroupError> {
    match processes(directory) {
        Ok(pids) if !pids.is_empty() => Err(CgroupError::Occupied(directory.to_owned())),
        _ => Ok(()),
    }
}

/// Removes a cgroup with those below it, and those above it that hold nothing else. Its processes are killed.
pub(super) fn delete(directory: &Path) -> Result<(), CgroupError> {
    let result = match rustix::fs::rmdir(directory) {
        Err(Errno::BUSY | Errno::NOTEMPTY) => kill(directory).and_then(|()| remove(directory)),
        _ => remove(directory),
    };
    remove_parents(directory);
    result
}

/// Removes a cgroup that has had no process: what cannot be removed is not ours.
pub(super) fn undo(directory: &Path) {
    let _ = rustix::fs::rmdir(directory);
    remove_parents(directory);
}

fn remove_parents(directory: &Path) {
    for parent in directory.ancestors().skip(1) {
        let is_marked = || MARKS.iter().any(|mark| rustix::fs::getxattr(parent, *mark, &mut [0; 8]).is_ok());
        // Busy while it holds other containers; whoever removes the last one removes it too.
        if !(parent.ends_with(PARENT) || is_marked()) || rustix::fs::rmdir(parent).is_err() {
            return;
        }
    }
}

fn remove(directory: &Path) -> Result<(), CgroupError> {
    let failed = |source| CgroupError::Directory { action: "remove", path: directory.to_owned(), source };
    for below in below(directory).map_err(failed)?.into_iter().rev() {
        match rustix::fs::rmdir(&below) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(failed(error.into())),
        }
    }
    Ok(())
}

/// A cgroup and all below it, each after the one it is in. Gone ones are left out.
fn below(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all = vec![directory.to_owned()];
    let mut next = 0;
    while let Some(directory) = all.get(next) {
        next += 1;
        let entries = match std::fs::read_dir(directory) {
            Err(error) if is_gone(&error) => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                all.push(entry.path());
            }
        }
    }
    Ok(all)
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENODEV))
}

/// The pids in a cgroup and in those below it; none in one that is gone.
pub(super) fn processes(directory: &Path) -> io::Result<Vec<i32>> {
    let mut pids = Vec::new();
    for directory in below(directory)? {
        match std::fs::read_to_string(directory.join("cgroup.procs")) {
            Err(error) if is_gone(&error) => {}
            list => pids.extend(list?.lines().filter_map(|line| line.parse::<i32>().ok())),
        }
    }
    Ok(pids)
}

/// Kills every process of a cgroup and waits until they have ended. They must not be frozen by version 1.
fn kill(directory: &Path) -> Result<(), CgroupError> {
    let failed = |source| CgroupError::Kill { path: directory.to_owned(), source };
    if super::setting::write(&directory.join("cgroup.kill"), "1").is_ok() {
        return wait_for_event(directory, "populated 0", None).map(drop).map_err(failed);
    }
    // A process may fork while the list is read: until it is empty.
    loop {
        let pids = processes(directory).map_err(failed)?;
        if pids.is_empty() {
            return Ok(());
        }
        for pid in pids.into_iter().filter_map(Pid::from_raw) {
            let Ok(start_time) = crate::sys::pidfd::start_time(pid) else { continue };
            if let Some(process) = PidFd::open(pid, start_time).map_err(failed)? {
                process.signal(Signal::KILL).map_err(failed)?;
                process.wait_exited().map_err(failed)?;
            }
        }
    }
}

/// Waits until a line of `cgroup.events` (version 2) is there: `false` when it took longer than that.
pub(super) fn wait_for_event(directory: &Path, line: &str, limit: Option<&Timespec>) -> io::Result<bool> {
    let path = directory.join("cgroup.events");
    let mut file = match std::fs::File::open(&path) {
        Err(error) if is_gone(&error) => return Ok(true),
        file => file?,
    };
    loop {
        let mut text = String::new();
        io::Seek::rewind(&mut file)?;
        match io::Read::read_to_string(&mut file, &mut text) {
            Err(error) if is_gone(&error) => return Ok(true),
            result => result?,
        };
        if text.lines().any(|other| other == line) {
            return Ok(true);
        }
        match poll(&mut [PollFd::new(&file, PollFlags::PRI)], limit) {
            Ok(0) => return Ok(false),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
