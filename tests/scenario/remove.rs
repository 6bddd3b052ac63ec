//! `rm`: containers go, and the rest stays.

use std::process::{Command, Stdio};

use crate::support::Sandbox;

const PAIR: &str = "
services:
  web: {image: 'rootfs:/', init: true, command: [sleep, '1000'], volumes: [/data]}
  db: {image: 'rootfs:/', init: true, command: [sleep, '1000']}
";

/// The names of the volumes in a sandbox.
fn volumes(sandbox: &Sandbox) -> usize {
    fs_err::read_dir(sandbox.path().join("root/volumes")).map_or(0, Iterator::count)
}

#[test]
fn only_what_is_stopped_goes() {
    let sandbox = Sandbox::new("rm");
    let stack = sandbox.stack("gone", PAIR);
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rcompose(&["rm", "-f"]).succeeds().says(&["no stopped containers"]);
    stack.rcompose(&["stop", "web"]).succeeds();
    stack.rcompose(&["rm", "-f"]).succeeds().says(&["gone-web-1", "Removed"]);
    assert_eq!(stack.containers().len(), 1);
    assert_eq!(volumes(&sandbox), 1, "anonymous volumes stay unless asked for");
    stack.rcompose(&["rm", "-f", "-s", "db"]).succeeds().says(&["gone-db-1", "Stopped", "Removed"]);
    assert!(stack.containers().is_empty());
    stack.rcompose(&["down", "-v"]).succeeds();
}

#[test]
fn anonymous_volumes_go_when_asked() {
    let sandbox = Sandbox::new("rm-volumes");
    let stack = sandbox.stack("gone", PAIR);
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_eq!(volumes(&sandbox), 1);
    stack.rcompose(&["rm", "-fsv"]).succeeds();
    assert_eq!(volumes(&sandbox), 0);
    stack.rcompose(&["down"]).succeeds();
}

#[test]
fn it_asks_first() {
    let sandbox = Sandbox::new("rm-asks");
    let stack = sandbox.stack("asked", PAIR);
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rcompose(&["stop", "db"]).succeeds();
    for (answer, left) in [("n", 2), ("", 2), ("y", 1)] {
        let script = format!("echo {answer} | \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_rcompose"), "-p", "asked", "-f"]);
        command.arg(stack.file()).arg("rm").stdin(Stdio::null());
        sandbox.equip(&mut command);
        sandbox.run(command).succeeds().says(&["Going to remove asked-db-1", "Are you sure?"]);
        assert_eq!(stack.containers().len(), left, "{answer:?}");
    }
}
