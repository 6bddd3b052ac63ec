//! `up` in the foreground: it shows the logs, and ends with the stack.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::Sandbox;

#[test]
fn the_first_interrupt_stops_gracefully() {
    let sandbox = Sandbox::new("interrupt");
    let stack = sandbox.stack(
        "polite",
        "
services:
  polite:
    image: rootfs:/
    command: [sh, -c, 'trap \"echo goodbye; exit 0\" TERM; echo hello; while :; do sleep 0.05; done']
",
    );
    let up = stack.spawn(&["up"]);
    up.prints("hello");
    assert!(
        up.stdout().lines().any(|line| line.starts_with("polite-1") && line.ends_with("| hello")),
        "{}",
        up.stdout()
    );

    up.signal(Signal::SIGINT);
    let outcome = up.wait(Duration::from_secs(10)).prints(&["goodbye"]);
    assert!(matches!(outcome.status.code(), Some(0 | 130)), "{outcome}");
    let container = stack.container("polite");
    assert_eq!((&*container.state, container.exit_code), ("exited", 0), "stopped, not removed");
}

#[test]
fn the_second_interrupt_kills() {
    let sandbox = Sandbox::new("interrupt-twice");
    let stack = sandbox.stack(
        "stubborn",
        "
services:
  stubborn:
    image: rootfs:/
    stop_grace_period: 1h
    command: [sh, -c, 'trap \"echo never\" TERM; echo hello; while :; do sleep 0.05; done']
",
    );
    let up = stack.spawn(&["up"]);
    up.prints("hello");
    up.signal(Signal::SIGINT);
    up.prints("never");
    up.signal(Signal::SIGINT);
    up.wait(Duration::from_secs(10));
    let container = stack.container("stubborn");
    assert_eq!((&*container.state, container.exit_code), ("exited", 137));
}

#[test]
fn it_ends_when_every_container_has() {
    let sandbox = Sandbox::new("all-ended");
    let stack = sandbox.stack("brief", "services: {brief: {image: 'rootfs:/', command: [echo, done]}}");
    stack.rcompose(&["up"]).succeeds().prints(&["brief-1", "| done"]);
    assert_eq!(stack.container("brief").state, "exited");
}

#[test]
fn the_code_is_that_of_the_chosen_service_whoever_ends_first() {
    let sandbox = Sandbox::new("code-from");
    let stack = sandbox.stack(
        "judged",
        "
services:
  chosen: {image: 'rootfs:/', command: [sh, -c, 'trap \"exit 7\" TERM; while :; do sleep 0.05; done']}
  brief: {image: 'rootfs:/', command: [sh, -c, 'sleep 0.5'], depends_on: [chosen]}
",
    );
    stack.rcompose(&["up", "--exit-code-from", "chosen"]).fails_with(7);
    assert_eq!(stack.container("chosen").state, "exited");
}

/// `first` ends by itself, with `FIRST`; `second` ends with 4 when it is stopped.
const TWO_ENDS: &str = "
services:
  first: {image: 'rootfs:/', depends_on: [second], command: [sh, -c, 'exit FIRST']}
  second:
    image: rootfs:/
    command: [sh, -c, 'trap \"exit 4\" TERM; : > /ready; while :; do sleep 0.05; done']
    healthcheck: {test: [CMD, test, -e, /ready], interval: 100ms}
";

/// Runs an attached `up` with `arguments` and expects `code`, and nothing that runs.
#[track_caller]
fn ends(first: &str, arguments: &[&str], code: i32) {
    let sandbox = Sandbox::new("up-ends");
    let compose = TWO_ENDS.replace("FIRST", first).replace("[second]", "{second: {condition: service_healthy}}");
    let stack = sandbox.stack("ends", &compose);
    stack.rcompose(&[&["up"], arguments].concat()).fails_with(code);
    assert_eq!(stack.container("second").state, "exited", "{arguments:?}");
}

#[test]
fn the_first_exit_ends_everything_with_its_code() {
    ends("7", &["--abort-on-container-exit"], 7);
    ends("0", &["--abort-on-container-exit"], 0);
}

#[test]
fn the_first_failure_ends_everything_with_its_code() {
    ends("7", &["--abort-on-container-failure"], 7);
}

#[test]
fn the_code_is_the_chosen_services_when_it_ends() {
    ends("7", &["--exit-code-from", "first"], 7);
}

#[test]
fn the_code_is_the_chosen_services_when_another_ends() {
    ends("7", &["--exit-code-from", "second"], 4);
}
