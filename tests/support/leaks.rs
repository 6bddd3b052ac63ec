//! What a sandbox has left on the machine.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::processes;

/// Describes everything that is left of the sandbox in `directory`, whose processes have been seen in `cgroups`.
pub(crate) fn of(directory: &Path, cgroups: &BTreeSet<PathBuf>, links_before: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    found.extend(processes::of(directory).iter().map(|process| format!("process {} {}", process.pid, process.command)));
    found.extend(mounts(directory));
    found.extend(cgroups.iter().filter(|path| path.exists()).map(|path| format!("cgroup {}", path.display())));
    found.extend(links().difference(links_before).map(|link| format!("link {link}")));
    found.extend(rules());
    found.extend(files(&directory.join("run")));
    found
}

/// Mounts of the sandbox, in its own mount namespace and in the machine's.
fn mounts(directory: &Path) -> Vec<String> {
    let needle = directory.to_str().unwrap();
    ["/proc/self/mountinfo", "/proc/thread-self/mountinfo"]
        .iter()
        .flat_map(|file| {
            let text = fs_err::read_to_string(file).unwrap();
            let lines = text.lines().filter(|line| line.contains(needle));
            lines.map(|line| format!("mount {line}")).collect::<Vec<_>>()
        })
        .collect()
}

/// The network links of the calling thread's namespace.
pub(crate) fn links() -> BTreeSet<String> {
    let text = fs_err::read_to_string("/proc/thread-self/net/dev").unwrap();
    text.lines().filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned())).collect()
}

/// The nftables rules of the sandbox's network namespace, which began without any.
fn rules() -> Vec<String> {
    let output = Command::new("nft").args(["list", "ruleset"]).output().expect("`make test` installs nft");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter(|line| line.starts_with("table"))
        .map(|line| format!("nftables {line}"))
        .collect()
}

/// Whatever is in the run directory, which should be empty when nothing runs, but for the memory of what has happened.
fn files(run: &Path) -> Vec<String> {
    let Ok(entries) = fs_err::read_dir(run) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| !path.ends_with(".events"));
    paths.map(|path| format!("file {}", path.display())).collect()
}
