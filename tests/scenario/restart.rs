//! Restart policies.

use std::time::Duration;

use crate::support::{Sandbox, eventually, holds_for};

#[test]
fn on_failure_restarts_with_a_growing_pause_up_to_its_limit() {
    let sandbox = Sandbox::new("on-failure");
    let stack = sandbox.stack(
        "failing",
        "
services:
  failing:
    image: rootfs:/
    restart: on-failure:3
    command: [sh, -c, 'date +started:%s%3N; exit 7']
",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    let starts = || -> Vec<u64> {
        let log = stack.rcompose(&["logs", "--no-log-prefix", "failing"]).succeeds().stdout;
        log.lines().filter_map(|line| line.strip_prefix("started:")?.parse().ok()).collect()
    };
    // The first start and three restarts.
    let times = eventually("four starts", Duration::from_secs(20), || Some(starts()).filter(|times| times.len() == 4));
    let pauses: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses[2] > pauses[0], "each pause is longer than the one before: {pauses:?}");

    holds_for("three restarts and no more", Duration::from_secs(1), || starts().len() == 4);
    let container = stack.container("failing");
    assert_eq!((&*container.state, container.exit_code), ("exited", 7));
}

#[test]
fn on_failure_leaves_success_alone() {
    let sandbox = Sandbox::new("on-success");
    let stack =
        sandbox.stack("fine", "services: {fine: {image: 'rootfs:/', restart: on-failure, command: [echo, once]}}");
    stack.rcompose(&["up", "-d"]).succeeds();
    eventually("the end of fine", Duration::from_secs(10), || {
        (stack.container("fine").state == "exited").then_some(())
    });
    holds_for("one run", Duration::from_secs(1), || {
        stack.rcompose(&["logs", "--no-log-prefix", "fine"]).stdout.matches("once").count() == 1
    });
}

#[test]
fn always_does_not_restart_what_was_taken_down() {
    let sandbox = Sandbox::new("always-down");
    let stack = sandbox.stack(
        "forever",
        "services: {forever: {image: 'rootfs:/', init: true, restart: always, command: [sleep, '1000']}}",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_eq!(stack.container("forever").state, "running");
    stack.rcompose(&["down"]).succeeds();
    holds_for("nothing runs", Duration::from_millis(500), || stack.containers().is_empty());
}
