//! Configs and secrets of every source, with the owner and mode that were asked for.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, umount2};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::Sandbox;

const GUARDED: &str = "
services:
  web:
    image: rootfs:/
    init: true
    network_mode: none
    entrypoint: /start
    secrets: [of-variable, {source: of-file, uid: '7'}]
    configs: [{source: start, mode: 0555}]
secrets:
  of-variable: {environment: TOKEN}
  of-file: {file: ./key}
configs:
  start: {content: \"#!/bin/sh\\ncat /run/secrets/*; echo; exec sleep 1000\"}
";

/// The files below `directory`, on its own disk, that hold `text`; but for what a container has written itself.
fn files_with(text: &str, directory: &Path) -> Vec<PathBuf> {
    let disk = fs_err::metadata(directory).unwrap().dev();
    let (mut found, mut left) = (Vec::new(), vec![directory.to_owned()]);
    while let Some(directory) = left.pop() {
        for entry in fs_err::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs_err::symlink_metadata(&path).unwrap();
            if metadata.is_dir() && metadata.dev() == disk {
                left.push(path);
            } else if metadata.is_file()
                && !path.ends_with("container.log")
                && String::from_utf8_lossy(&fs_err::read(&path).unwrap()).contains(text)
            {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn what_is_in_them_is_on_no_disk() {
    let sandbox = Sandbox::new("grants-memory");
    let stack = sandbox.stack("guarded", GUARDED);
    sandbox.file("guarded/key", "of-the-file.");
    let variables = sandbox.file("guarded/.env", "TOKEN=of-the-variable.\n");
    stack.rcompose(&["up", "-d"]).succeeds();
    // The one that is a config is a program, too.
    stack.logs_show("web", "of-the-file.of-the-variable.");
    assert_eq!(files_with("of-the-variable.", sandbox.path()), [variables]);
    assert_eq!(files_with("of-the-file.", sandbox.path()), [sandbox.path().join("guarded/key")]);
    let id = stack.container("web").id;
    let inside = || {
        stack.rcompose(&[
            "exec",
            "-T",
            "web",
            "sh",
            "-c",
            "cat /run/secrets/*; echo; grep /run/secrets/ /proc/self/mountinfo",
        ])
    };
    let told = inside().succeeds().stdout;
    let (_, mounts) = told.split_once('\n').unwrap();
    assert!(mounts.lines().all(|mount| mount.contains("nosuid,nodev") && mount.contains(" - tmpfs ")), "{told}");

    // A supervisor that dies takes nothing with it.
    kill(Pid::from_raw(stack.supervisor().unwrap()), Signal::SIGKILL).unwrap();
    stack.rcompose(&["restart", "-t", "0"]).succeeds();
    assert!(inside().succeeds().stdout.starts_with("of-the-file.of-the-variable."));
    assert_eq!(stack.container("web").id, id);
}

#[test]
fn a_boot_takes_them_and_up_brings_them_back() {
    let sandbox = Sandbox::new("grants-boot");
    let stack = sandbox.stack("guarded", GUARDED);
    sandbox.file("guarded/key", "of-the-file.");
    sandbox.file("guarded/.env", "TOKEN=of-the-variable.\n");
    stack.rcompose(&["up", "-d"]).succeeds();
    let id = stack.container("web").id;
    stack.rcompose(&["stop", "-t", "0"]).succeeds();
    umount2(&sandbox.path().join("run/guarded/grants"), MntFlags::MNT_DETACH).unwrap();
    let mut start = sandbox.command();
    start.args(["-p", "guarded", "start"]);
    sandbox
        .run(start)
        .fails()
        .says(&["content of config or secret `start` is gone since the last boot: `up` brings it back"]);
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.logs_show("web", "of-the-file.of-the-variable.");
    assert_eq!(stack.container("web").id, id, "nothing is made anew for that");
}

#[test]
fn they_are_of_whom_the_service_says_wherever_they_come_from() {
    let sandbox = Sandbox::new("secrets");
    let stack = sandbox.stack(
        "guarded",
        "
services:
  web:
    image: rootfs:/
    init: true
    read_only: true
    user: '1234:1235'
    command: [sleep, '1000']
    secrets:
      - {source: of-file, uid: '1234', gid: '1235', mode: 0400}
      - {source: of-variable, uid: '1234', gid: '1235', mode: 0440}
      - {source: of-root, mode: 0400}
    configs: [{source: of-text, target: /etc/app/conf, uid: '1234', mode: 0600}]
secrets:
  of-file: {file: ./key}
  of-variable: {environment: TOKEN}
  of-root: {environment: TOKEN}
configs:
  of-text: {content: 'port=${PORT:-80}'}
",
    );
    let key = sandbox.file("guarded/key", "from a file");
    fs_err::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    sandbox.file("guarded/.env", "TOKEN=from a variable\n");
    stack.rcompose(&["up", "-d"]).succeeds();
    let inside = |script: &str| stack.rcompose(&["exec", "-T", "web", "sh", "-c", script]);
    let read = "cd /run/secrets; cat of-file; echo; cat of-variable; echo; cat /etc/app/conf";
    assert_eq!(inside(read).succeeds().stdout, "from a file\nfrom a variable\nport=80");
    let owners = inside("cd /run/secrets; stat -c '%n %u:%g %a' of-file of-variable of-root /etc/app/conf");
    assert_eq!(
        owners.succeeds().stdout,
        "of-file 1234:1235 400\nof-variable 1234:1235 440\nof-root 0:0 400\n/etc/app/conf 1234:0 600\n"
    );
    inside("cat /run/secrets/of-root").fails().says(&["Permission denied"]);
    inside("echo x > /etc/app/conf").fails().says(&["Read-only file system"]);
    // What is a secret here is none of anybody else's: neither of others on this machine nor of other containers.
    let mounted = inside("grep -c /run/secrets /proc/self/mountinfo").succeeds().stdout;
    assert_eq!(mounted, "3\n");
    // Other content is another container.
    let before = stack.container("web").id;
    sandbox.file("guarded/.env", "TOKEN=renewed\n");
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_ne!(stack.container("web").id, before);
    assert_eq!(inside("cat /run/secrets/of-variable").succeeds().stdout, "renewed");
}
