//! `kill`, `pause` and `unpause`.

use std::path::PathBuf;
use std::time::Duration;

use rcompose::runtime::Handle;

use crate::support::{Sandbox, eventually};

const PAIR: &str = "
services:
  web: {image: 'rootfs:/', restart: always, command: [sh, -c, 'trap \"echo again\" HUP; echo up; while :; do sleep 0.01; done']}
  db: {image: 'rootfs:/', init: true, command: [sleep, '1000']}
";

#[test]
fn kill_ends_at_once_and_for_good() {
    let sandbox = Sandbox::new("kill");
    let stack = sandbox.stack("killed", PAIR);
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rcompose(&["kill", "web"]).succeeds().says(&["killed-web-1", "Killed"]);
    // Although its policy is `always`.
    assert_eq!((&*stack.container("web").state, stack.container("web").exit_code), ("exited", 137));
    assert_eq!(stack.container("db").state, "running");
    stack.rcompose(&["kill"]).succeeds();
    assert_eq!(stack.container("db").exit_code, 137);
    stack.rcompose(&["kill"]).succeeds().says(&["no container to kill"]);
}

#[test]
fn another_signal_is_no_end() {
    let sandbox = Sandbox::new("kill-hup");
    let stack = sandbox.stack("told", PAIR);
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.logs_show("web", "up");
    let before = stack.container("web");
    stack.rcompose(&["kill", "-s", "HUP", "web"]).succeeds();
    stack.logs_show("web", "again");
    assert_eq!(stack.container("web"), before);
}

#[test]
fn orphans_are_killed_when_asked() {
    let sandbox = Sandbox::new("kill-orphans");
    let stack = sandbox.stack("shrunk", PAIR);
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rewrite("services: {web: {image: 'rootfs:/', command: ['true']}}");
    stack.rcompose(&["kill"]).succeeds();
    assert_eq!((&*stack.container("web").state, &*stack.container("db").state), ("exited", "running"));
    stack.rcompose(&["kill", "--remove-orphans"]).succeeds();
    assert_eq!(stack.container("db").state, "exited");
    stack.rcompose(&["down", "--remove-orphans"]).succeeds();
}

/// The run directory of the one container of a stack.
fn run_directory(sandbox: &Sandbox, stack: &str) -> PathBuf {
    let containers = sandbox.path().join("run").join(stack).join("containers");
    fs_err::read_dir(containers).unwrap().next().unwrap().unwrap().path()
}

#[test]
fn what_is_paused_does_nothing_until_it_goes_on() {
    let sandbox = Sandbox::new("pause");
    let stack = sandbox.stack(
        "still",
        "services: {web: {image: 'rootfs:/', init: true, volumes: ['./beat:/beat'], command: [sh, -c, 'while :; do echo >> /beat/file; sleep 0.01; done']}}",
    );
    let file = stack.file().parent().unwrap().join("beat/file");
    let beats = || fs_err::read(&file).map_or(0, |bytes| bytes.len());
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rcompose(&["pause"]).succeeds().says(&["still-web-1", "Paused"]);
    let handle = Handle::adopt(&run_directory(&sandbox, "still")).unwrap().unwrap();
    assert!(handle.is_paused().unwrap());
    let before = beats();
    stack.rcompose(&["pause", "web"]).fails_with(1).says(&["container still-web-1 is already paused"]);
    assert_eq!(beats(), before);
    stack.rcompose(&["unpause"]).succeeds().says(&["still-web-1", "Unpaused"]);
    eventually("it goes on", Duration::from_secs(20), || (beats() > before).then_some(()));
    stack.rcompose(&["unpause", "web"]).fails_with(1).says(&["container still-web-1 is not paused"]);
    stack.rcompose(&["pause"]).succeeds();
    stack.rcompose(&["kill"]).succeeds();
    assert_eq!(stack.container("web").exit_code, 137);
}
