//! Which processes belong to a sandbox.

use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A process of a sandbox.
#[derive(Debug)]
pub(crate) struct Process {
    /// Its id.
    pub(crate) pid: i32,
    /// Its command line, with spaces.
    pub(crate) command: String,
    /// Its cgroups, below the root of each hierarchy, without the root itself.
    pub(crate) cgroups: Vec<PathBuf>,
}

/// Lists the processes, other than the test itself, that belong to the sandbox in `directory`.
///
/// They are told by its path: the supervisor and the shims have it in their environment or arguments, and whatever
/// runs in a container has it in the options of the overlay that is its root.
pub(crate) fn of(directory: &Path) -> Vec<Process> {
    let own = i32::try_from(std::process::id()).unwrap();
    fs_err::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != own)
        .filter_map(|pid| look(pid, directory))
        .collect()
}

/// Describes `pid` when it is of the sandbox; `None` also when it has ended meanwhile.
fn look(pid: i32, directory: &Path) -> Option<Process> {
    let read = |file: &str| fs_err::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let needle = directory.as_os_str().as_encoded_bytes();
    ["environ", "cmdline", "mountinfo"]
        .iter()
        .any(|file| read(file).windows(needle.len()).any(|window| window == needle))
        .then(|| Process {
            pid,
            command: String::from_utf8_lossy(&read("cmdline")).replace('\0', " "),
            cgroups: cgroups(&String::from_utf8_lossy(&read("cgroup"))),
        })
}

/// Reads the paths of `/proc/PID/cgroup`: lines of `hierarchy:controllers:path`.
fn cgroups(text: &str) -> Vec<PathBuf> {
    let mounted = |controllers: &str| match controllers {
        "" if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() => PathBuf::from("/sys/fs/cgroup"),
        "" => PathBuf::from("/sys/fs/cgroup/unified"),
        named => Path::new("/sys/fs/cgroup").join(named.trim_start_matches("name=")),
    };
    text.lines()
        .filter_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            let (controllers, path) = (fields.next()?, fields.next()?);
            path.contains("/rcompose").then(|| mounted(controllers).join(path.trim_start_matches('/')))
        })
        .collect()
}

/// Kills `process`.
pub(crate) fn end(process: &Process) {
    // It may have ended meanwhile, which is as good.
    let _ = kill(Pid::from_raw(process.pid), Signal::SIGKILL);
}
