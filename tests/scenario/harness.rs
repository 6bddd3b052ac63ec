//! The harness itself: a check for leaks that sees none would let every other test pass.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::mount::{MsFlags, mount, umount};

use crate::support::Sandbox;

/// Runs a shell command in the sandbox's namespaces.
#[track_caller]
fn shell(text: &str) {
    assert!(Command::new("sh").args(["-c", text]).status().unwrap().success(), "{text}");
}

/// A path for a cgroup of this test, on machines with cgroups v2 and v1.
fn cgroup() -> PathBuf {
    let v2 = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
    let root = if v2 { "/sys/fs/cgroup" } else { "/sys/fs/cgroup/pids" };
    Path::new(root).join(format!("rcompose-leak-{}", std::process::id()))
}

#[test]
fn every_kind_of_leak_is_seen() {
    let sandbox = Sandbox::new("leaks");
    assert_eq!(sandbox.left(), [""; 0], "a new sandbox is clean");

    let target = sandbox.path().join("target");
    fs_err::create_dir(&target).unwrap();
    mount(Some("leak"), &target, Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
    sandbox.file("run/leak.sock", "");
    shell("nft add table ip leak && ip link add leak type bridge");
    let mut command = Command::new("sleep");
    sandbox.equip(&mut command);
    let mut process = command.arg("1000").stdout(Stdio::null()).spawn().unwrap();
    let cgroup = cgroup();
    fs_err::create_dir(&cgroup).unwrap();
    fs_err::write(cgroup.join("cgroup.procs"), process.id().to_string()).unwrap();
    // Cgroups are noted whenever a command has run.
    sandbox.run(Command::new("true")).succeeds();

    let mut kinds: Vec<_> =
        sandbox.left().iter().map(|leak| leak.split(' ').next().unwrap_or_default().to_owned()).collect();
    kinds.sort();
    kinds.dedup();
    assert_eq!(kinds, ["cgroup", "file", "link", "mount", "nftables", "process"]);

    process.kill().unwrap();
    process.wait().unwrap();
    fs_err::remove_dir(&cgroup).unwrap();
    umount(&target).unwrap();
    fs_err::remove_file(sandbox.path().join("run/leak.sock")).unwrap();
    shell("nft delete table ip leak && ip link delete leak");
}
