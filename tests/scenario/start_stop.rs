//! `start`, `stop` and `restart`: containers stay what they are.

use std::time::Duration;

use crate::support::{Sandbox, Stack, eventually, holds_for};

/// The services write to one directory, so that its file tells the order in which they ran and stopped.
const ORDERED: &str = "
services:
  app:
    image: rootfs:/
    volumes: ['./order:/order']
    command: [sh, -c, 'echo +app >> /order/file; trap \"echo -app >> /order/file; exit\" TERM; while :; do sleep 0.01; done']
    depends_on: {db: {condition: service_healthy, restart: true}}
  db:
    image: rootfs:/
    volumes: ['./order:/order']
    command: [sh, -c, 'echo +db >> /order/file; trap \"echo -db >> /order/file; exit\" TERM; sleep 0.2; echo ready >> /order/file; while :; do sleep 0.01; done']
    healthcheck: {test: [CMD-SHELL, 'tail -n 1 /order/file | grep -q -e ready -e app']}
  other: {image: 'rootfs:/', init: true, command: [sleep, '1000']}
";

/// Waits until the services have written as much as is expected after the first `skip` lines, and compares.
#[track_caller]
fn writes(stack: &Stack<'_>, skip: usize, expected: &[&str]) {
    let file = stack.file().parent().unwrap().join("order/file");
    let written = || fs_err::read_to_string(&file).unwrap_or_default().lines().skip(skip).map(str::to_owned).collect();
    // What was started may not have come to write yet.
    let lines: Vec<String> = eventually("what the services write", Duration::from_secs(20), || {
        Some(written()).filter(|lines: &Vec<String>| lines.len() >= expected.len())
    });
    assert_eq!(lines, expected);
}

fn states(stack: &Stack<'_>) -> Vec<String> {
    stack.containers().into_iter().map(|container| format!("{} {}", container.service, container.state)).collect()
}

#[test]
fn stop_and_start_go_by_depends_on_and_keep_every_container() {
    let sandbox = Sandbox::new("stop-start");
    let stack = sandbox.stack("ordered", ORDERED);
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    writes(&stack, 0, &["+db", "ready", "+app"]);
    let ids = |stack: &Stack<'_>| stack.containers().into_iter().map(|container| container.id).collect::<Vec<_>>();
    let before = ids(&stack);
    stack.rcompose(&["exec", "-T", "app", "touch", "/kept"]).succeeds();

    stack.rcompose(&["stop"]).succeeds();
    assert_eq!(states(&stack), ["app exited", "db exited", "other exited"]);
    // Dependents stop first.
    writes(&stack, 3, &["-app", "-db"]);
    stack.rcompose(&["stop"]).succeeds();

    // Only what is named and what it depends on, which is healthy before.
    stack.rcompose(&["start", "--wait", "--wait-timeout", "60", "app"]).succeeds();
    assert_eq!(states(&stack), ["app running", "db running", "other exited"]);
    writes(&stack, 5, &["+db", "ready", "+app"]);
    assert_eq!(ids(&stack), before, "nothing was made anew");
    stack.rcompose(&["exec", "-T", "app", "test", "-e", "/kept"]).succeeds();
    stack.rcompose(&["exec", "-T", "app", "getent", "hosts", "db"]).succeeds();
    stack.rcompose(&["start"]).succeeds();
    assert_eq!(states(&stack), ["app running", "db running", "other running"]);
    stack.rcompose(&["down", "-v"]).succeeds();
}

#[test]
fn restart_waits_for_health_and_takes_dependents_along_that_ask_for_it() {
    let sandbox = Sandbox::new("restart");
    let stack = sandbox.stack("ordered", ORDERED);
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    writes(&stack, 0, &["+db", "ready", "+app"]);
    let before = stack.containers();
    stack.rcompose(&["restart", "db"]).succeeds();
    writes(&stack, 3, &["-app", "-db", "+db", "ready", "+app"]);
    assert_eq!(
        stack.containers().into_iter().map(|container| container.id).collect::<Vec<_>>(),
        before.into_iter().map(|container| container.id).collect::<Vec<_>>()
    );
    stack.rcompose(&["restart", "--no-deps", "-t", "20", "db"]).succeeds();
    // `app` was left alone.
    writes(&stack, 8, &["-db", "+db", "ready"]);
    // One that was stopped is started.
    stack.rcompose(&["stop", "other"]).succeeds();
    stack.rcompose(&["restart", "other"]).succeeds();
    assert_eq!(stack.container("other").state, "running");
    stack.rcompose(&["down", "-v"]).succeeds();
}

#[test]
fn stop_gives_the_time_that_is_asked_for() {
    let sandbox = Sandbox::new("stop-timeout");
    let stack = sandbox.stack(
        "stubborn",
        "services: {web: {image: 'rootfs:/', stop_grace_period: 1h, command: [sh, -c, \"trap 'echo no' TERM; echo up; while :; do sleep 0.01; done\"]}}",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.logs_show("web", "up");
    stack.rcompose(&["stop", "-t", "1"]).succeeds();
    assert_eq!(stack.container("web").exit_code, 137);
    assert!(stack.logs_show("web", "no").contains("no"), "it was asked first");
}

#[test]
fn what_was_stopped_by_hand_is_not_restarted_by_its_policy() {
    let sandbox = Sandbox::new("stop-always");
    let stack = sandbox.stack(
        "forever",
        "
services:
  forever: {image: 'rootfs:/', init: true, restart: always, command: [sleep, '1000']}
  beside: {image: 'rootfs:/', init: true, command: [sleep, '1000']}
",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rcompose(&["stop", "forever"]).succeeds();
    holds_for("it stays stopped", Duration::from_millis(500), || stack.container("forever").state == "exited");
    // Not even by a supervisor that was not told.
    stack.rcompose(&["stop"]).succeeds();
    stack.rcompose(&["start", "beside"]).succeeds();
    holds_for("it stays stopped", Duration::from_millis(500), || stack.container("forever").state == "exited");
    stack.rcompose(&["start", "forever"]).succeeds();
    assert_eq!(stack.container("forever").state, "running");
}

#[test]
fn who_is_in_a_namespace_of_what_restarts_restarts_with_it() {
    let sandbox = Sandbox::new("restart-joined");
    let stack = sandbox.stack(
        "joined",
        "
services:
  owner: {image: 'rootfs:/', init: true, command: [sleep, '1000']}
  guest: {image: 'rootfs:/', init: true, command: [sleep, '1000'], network_mode: 'service:owner'}
",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rcompose(&["restart", "owner"]).succeeds();
    let address = |service| stack.rcompose(&["exec", "-T", service, "cat", "/proc/net/fib_trie"]).succeeds().stdout;
    assert_eq!(address("guest"), address("owner"));
}

#[test]
fn what_does_not_exist_is_named() {
    let sandbox = Sandbox::new("start-nothing");
    let stack = sandbox.stack("nothing", "services: {web: {image: 'rootfs:/', command: ['true']}}");
    stack.rcompose(&["start"]).fails_with(1).says(&["service `web` has no container to start"]);
    stack.rcompose(&["start", "web"]).fails_with(1).says(&["service `web` has no container to start"]);
    for command in ["start", "stop", "restart", "kill", "pause", "unpause", "rm", "wait", "port"] {
        let mut line = vec![command, "wbe"];
        line.extend((command == "port").then_some("80"));
        stack.rcompose(&line).fails_with(1).says(&["no such service: wbe", "did you mean `web`?"]);
    }
    for command in ["stop", "restart", "pause", "unpause"] {
        stack.rcompose(&[command]).succeeds();
    }
    stack.rcompose(&["kill"]).succeeds().says(&["no container to kill"]);
    stack.rcompose(&["rm", "-f"]).succeeds().says(&["no stopped containers"]);
    stack.rcompose(&["wait", "web"]).fails_with(1).says(&["no containers for project \"nothing\""]);
}

#[test]
fn a_dry_run_says_what_would_be_done() {
    let sandbox = Sandbox::new("act-dry");
    let stack = sandbox.stack("dry", "services: {web: {image: 'rootfs:/', init: true, command: [sleep, '1000']}}");
    stack.rcompose(&["up", "-d"]).succeeds();
    let before = stack.containers();
    stack.rcompose(&["--dry-run", "restart"]).succeeds().prints(&["stop container dry-web-1", "start container web-1"]);
    stack.rcompose(&["kill", "--dry-run"]).succeeds().prints(&["send signal 9 to container dry-web-1"]);
    stack.rcompose(&["rm", "-s", "--dry-run"]).succeeds().prints(&["remove container dry-web-1"]);
    assert_eq!(stack.containers(), before);
}

#[test]
fn the_file_is_not_needed() {
    let sandbox = Sandbox::new("act-named");
    let stack = sandbox.stack("named", "services: {web: {image: 'rootfs:/', init: true, command: [sleep, '1000']}}");
    stack.rcompose(&["up", "-d"]).succeeds();
    fs_err::remove_file(stack.file()).unwrap();
    sandbox.rcompose(&["-p", "named", "stop"]).succeeds();
    sandbox.rcompose(&["-p", "named", "start"]).succeeds();
    sandbox.rcompose(&["-p", "named", "restart", "web"]).succeeds();
    sandbox.rcompose(&["-p", "named", "rm", "-fs"]).succeeds();
    sandbox.rcompose(&["-p", "named", "down"]).succeeds();
}
