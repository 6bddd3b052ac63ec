//! A full disk: whoever meets it names it, what runs goes on, and once there is room again everything can be done.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use crate::registry_image as image;
use crate::support::registry::Behaviour;
use crate::support::{Outcome, Sandbox};

/// What the kernel says of it.
const FULL: &str = "No space left on device";

/// A small disk in place of where state is kept.
struct Disk {
    root: PathBuf,
}

impl Disk {
    fn mount(sandbox: &Sandbox) -> Self {
        let root = sandbox.path().join("root");
        fs_err::create_dir(&root).unwrap();
        mount(Some("disk"), &root, Some("tmpfs"), MsFlags::empty(), Some("size=8m,mode=0700")).unwrap();
        Self { root }
    }

    fn ballast(&self) -> PathBuf {
        self.root.join("ballast")
    }

    /// Writes until nothing more fits.
    fn fill(&self) {
        let mut file = fs_err::OpenOptions::new().create(true).append(true).open(self.ballast()).unwrap();
        for size in [64 * 1024, 4096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    /// Leaves so much room.
    fn fill_but_for(&self, bytes: u64) {
        self.fill();
        let file = fs_err::OpenOptions::new().write(true).open(self.ballast()).unwrap();
        let length = file.metadata().unwrap().len();
        file.set_len(length - bytes).unwrap();
    }

    fn empty(&self) {
        fs_err::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = umount2(&self.root, MntFlags::MNT_DETACH);
    }
}

const TALKER: &str = "
services:
  web: {image: 'rootfs:/', init: true, stop_grace_period: 1s, command: [sh, -c, 'echo begun; while :; do echo on; sleep 0.05; done']}
  idle: {image: 'rootfs:/', init: true, command: [sleep, '1000']}
";

fn full(outcome: Outcome) {
    outcome.fails_with(1).says(&[FULL]);
}

#[test]
fn what_runs_goes_on_and_what_cannot_be_done_says_why() {
    let sandbox = Sandbox::new("full-disk");
    let disk = Disk::mount(&sandbox);
    let stack = sandbox.stack("packed", TALKER);
    stack.rcompose(&["up", "-d", "web"]).succeeds();
    stack.logs_show("web", "on\non");
    disk.fill();
    full(stack.rcompose(&["up", "-d"]));
    let web = stack.container("web");
    assert_eq!(web.state, "running");
    stack.rcompose(&["logs", "--tail", "1", "web"]).succeeds().prints(&["on"]);
    let large = sandbox.file("large", &"x".repeat(1 << 20));
    full(stack.rcompose(&["cp", large.to_str().unwrap(), "web:/large"]));
    stack.rcompose(&["exec", "-T", "web", "test", "-e", "/large"]).fails_with(1);
    stack.rcompose(&["cp", "web:/etc/passwd", "passwd"]).succeeds();
    stack.rcompose(&["restart", "-t", "1", "web"]).succeeds();
    assert_eq!(stack.container("web").state, "running");

    disk.empty();
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_eq!(stack.container("web").id, web.id);
    assert_eq!(stack.container("idle").state, "running");
    stack.rcompose(&["cp", large.to_str().unwrap(), "web:/large"]).succeeds();

    // What there is can always be taken down.
    disk.fill();
    stack.rcompose(&["down"]).succeeds();
    assert_eq!(stack.containers(), []);
}

#[test]
fn a_volume_is_filled_whole_or_not_at_all() {
    let sandbox = Sandbox::new("full-volume");
    let disk = Disk::mount(&sandbox);
    let stack = sandbox.stack(
        "filled",
        "
services: {web: {image: 'rootfs:/', init: true, command: [sleep, '1000'], volumes: ['some:/etc']}}
volumes: {some: {}}
",
    );
    let data = sandbox.path().join("root/volumes/filled_some/data");
    disk.fill_but_for(1 << 20);
    full(stack.rcompose(&["up", "-d"]));
    assert_eq!(count(&data), 0, "a part of it would be taken for all of it");
    disk.empty();
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_eq!(count(&data), count(Path::new("/etc")));
    let beside: Vec<_> = fs_err::read_dir(data.parent().unwrap()).unwrap().map(|of| of.unwrap().file_name()).collect();
    assert_eq!(beside.len(), 2, "{beside:?}");

    // As a supervisor leaves it that is killed while it moves things in: they are still to be moved.
    stack.rcompose(&["down"]).succeeds();
    let copied = data.with_file_name("copied");
    fs_err::create_dir(&copied).unwrap();
    fs_err::write(copied.join("left"), "x").unwrap();
    fs_err::write(copied.join("passwd"), "what is there stays").unwrap();
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_eq!(fs_err::read_to_string(data.join("left")).unwrap(), "x");
    assert_eq!(fs_err::read(data.join("passwd")).unwrap(), fs_err::read("/etc/passwd").unwrap());
    assert!(!copied.exists());
}

#[test]
fn an_image_that_does_not_fit_leaves_nothing() {
    let sandbox = Sandbox::new("full-image");
    let _registry = sandbox.hub(image::hub("hello"), Behaviour::default());
    let disk = Disk::mount(&sandbox);
    let stack = sandbox.stack("app", "services: {app: {image: 'app:1', user: root}}");
    disk.fill();
    full(stack.rcompose(&["up", "-d"]));
    disk.empty();
    sandbox.has_no_image();
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    stack.rcompose(&["exec", "-T", "app", "sh", "-c", "echo x > /srv/new"]).succeeds();
    disk.fill();
    full(stack.rcompose(&["commit", "app", "kept:1"]));
    let listed = stack.rcompose(&["up", "--dry-run"]).succeeds();
    assert!(!listed.stdout.contains("kept"), "{listed}");
    disk.empty();
    stack.rcompose(&["commit", "app", "kept:1"]).succeeds();
}

/// How many files are below a directory.
fn count(directory: &Path) -> usize {
    fs_err::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| 1 + if path.is_dir() && !path.is_symlink() { count(&path) } else { 0 })
        .sum()
}
