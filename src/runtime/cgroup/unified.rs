//! Version 2: one hierarchy, one directory for each container, and controllers that are handed down to it by every cgroup
//! above. The devices are restricted by a program.

use std::path::{Path, PathBuf};

use super::devices::Policy;
use super::directory::{self, MOUNT};
use super::setting::{Setting, write, write_all};
use super::{CgroupError, device_program};
use crate::sys::bpf;

/// What every container has, limits or not: what it uses is told, and whether it ran out of memory.
const USUAL: [&str; 4] = ["cpu", "io", "memory", "pids"];

/// The directory of a cgroup.
pub(super) fn of(path: &Path) -> PathBuf {
    Path::new(MOUNT).join(path)
}

/// Makes the cgroup with its limits and its device policy. Says whether the kernel took the latter; `directory` is where
/// it was made, even after an error.
pub(super) fn create(
    path: &Path,
    settings: &[Setting],
    policy: &Policy,
    directory: &mut Option<PathBuf>,
) -> Result<bool, CgroupError> {
    let own = of(path);
    directory::make_all(Path::new(MOUNT), path)?;
    directory::unoccupied(&own)?;
    *directory = Some(own.clone());
    hand_down(path, settings)?;
    write_all(settings, |_| Ok(own.clone()))?;
    Ok(restrict_devices(&own, policy).is_ok())
}

/// Makes the controllers of the settings, and the usual ones, available to a cgroup that exists.
pub(super) fn hand_down(path: &Path, settings: &[Setting]) -> Result<(), CgroupError> {
    let needed: Vec<&'static str> = settings.iter().map(|setting| setting.controller).collect();
    let has_all = |text: &str| {
        let has = |controller: &str| controller == "cgroup" || words(text).any(|word| word == controller);
        USUAL.into_iter().chain(needed.iter().copied()).all(has)
    };
    // Mostly an earlier container has had it all handed down.
    if has_all(&read(&of(path), "cgroup.controllers")) {
        return Ok(());
    }
    let mut parent = PathBuf::from(MOUNT);
    for part in path {
        enable(&parent, &needed)?;
        parent.push(part);
    }
    Ok(())
}

/// Has a cgroup hand controllers down: those that are needed, and of the usual ones what it can.
fn enable(parent: &Path, needed: &[&'static str]) -> Result<(), CgroupError> {
    let (available, handed_down) = (read(parent, "cgroup.controllers"), read(parent, "cgroup.subtree_control"));
    let is_missing =
        |controller: &&str| *controller != "cgroup" && !words(&handed_down).any(|word| word == *controller);
    for controller in needed.iter().filter(|controller| is_missing(controller)) {
        if !words(&available).any(|word| word == *controller) {
            if parent == Path::new(MOUNT) {
                return Err(CgroupError::NoController(controller));
            }
            let reason = "start rcompose where it is delegated";
            return Err(CgroupError::NotDelegated { controller, path: parent.to_owned(), reason });
        }
    }
    let usual = USUAL.into_iter().filter(|controller| words(&available).any(|word| word == *controller));
    let file = parent.join("cgroup.subtree_control");
    for controller in usual.chain(needed.iter().copied()).filter(is_missing) {
        let Err(error) = write(&file, &format!("+{controller}")) else { continue };
        if let Some(controller) = needed.iter().find(|needed| **needed == controller) {
            // A cgroup with processes of its own, but for the root of all, does not hand down anything.
            let reason = match error.raw_os_error() {
                Some(libc::EBUSY) => "it has processes of its own: start rcompose in another cgroup",
                _ => {
                    "start rcompose as a user with more rights, or where a cgroup is delegated (`systemd-run --user --scope -p Delegate=yes`)"
                }
            };
            return Err(CgroupError::NotDelegated { controller, path: parent.to_owned(), reason });
        }
    }
    Ok(())
}

/// Replaces the device policy of a cgroup.
pub(super) fn restrict_devices(directory: &Path, policy: &Policy) -> std::io::Result<()> {
    bpf::restrict_devices(std::fs::File::open(directory)?, &device_program::compile(policy))
}

/// Whether a program restricts the devices of a cgroup.
pub(super) fn restricts_devices(directory: &Path) -> bool {
    let programs = std::fs::File::open(directory).and_then(bpf::device_programs);
    programs.is_ok_and(|programs| !programs.is_empty())
}

fn read(directory: &Path, file: &str) -> String {
    std::fs::read_to_string(directory.join(file)).unwrap_or_default()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
}
