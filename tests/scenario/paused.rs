//! A paused container can be ended as any other.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rcompose::runtime::Handle;

use crate::support::{Sandbox, Stack};

/// The run directory of the one container of a stack.
fn run_directory(sandbox: &Sandbox, stack: &str) -> PathBuf {
    let containers = sandbox.path().join("run").join(stack).join("containers");
    fs_err::read_dir(containers).unwrap().next().unwrap().unwrap().path()
}

fn pause(sandbox: &Sandbox, stack: &Stack<'_>) {
    stack.rcompose(&["up", "-d"]).succeeds();
    let handle = Handle::adopt(&run_directory(sandbox, "plain")).unwrap().unwrap();
    handle.pause().unwrap();
    assert!(handle.is_paused().unwrap());
}

#[test]
fn it_gets_its_signal_and_ends_in_time() {
    let sandbox = Sandbox::new("paused");
    let script = "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done";
    let compose =
        format!("services: {{web: {{image: 'rootfs:/', command: [sh, -c, \"{script}\"], stop_grace_period: 50s}}}}\n");
    let stack = sandbox.stack("plain", &compose);
    pause(&sandbox, &stack);
    stack.rcompose(&["exec", "-T", "web", "true"]).fails().says(&["paused"]);
    let begun = Instant::now();
    stack.rcompose(&["down"]).succeeds();
    assert!(begun.elapsed() < Duration::from_secs(20), "it was not left to wait for its grace period");
}
