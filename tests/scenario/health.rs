//! Health checks, and waiting for them.

use std::time::{Duration, Instant};

use crate::support::Sandbox;

#[test]
fn wait_ends_as_soon_as_the_service_is_ready() {
    let sandbox = Sandbox::new("ready");
    let stack = sandbox.stack(
        "ready",
        "
services:
  web:
    image: rootfs:/
    init: true
    command: [sleep, '1000']
    healthcheck: {test: [CMD, 'true'], interval: 1h}
",
    );
    let begin = Instant::now();
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    assert!(begin.elapsed() < Duration::from_secs(10), "the first probe does not wait for the interval");
    assert_eq!(stack.container("web").health, "healthy");
}

#[test]
fn a_check_that_never_passes_fails_the_wait_and_is_named() {
    let sandbox = Sandbox::new("never-ready");
    let stack = sandbox.stack(
        "sick",
        "
services:
  well: {image: 'rootfs:/', init: true, command: [sleep, '1000']}
  sick:
    image: rootfs:/
    init: true
    command: [sleep, '1000']
    healthcheck: {test: [CMD-SHELL, 'echo cannot breathe; exit 1'], interval: 50ms, retries: 3}
",
    );
    stack.rcompose(&["up", "-d", "--wait"]).fails_with(1).says(&["sick", "unhealthy"]);
    assert_eq!(stack.container("sick").health, "unhealthy");
    assert_eq!(stack.container("well").state, "running", "the others have been left as they are");
}

#[test]
fn a_container_that_ends_fails_the_wait_at_once() {
    let sandbox = Sandbox::new("ended");
    let stack = sandbox.stack(
        "ended",
        "
services:
  ended:
    image: rootfs:/
    command: [sh, -c, exit 3]
    healthcheck: {test: [CMD, 'true'], interval: 1h}
",
    );
    stack.rcompose(&["up", "-d", "--wait"]).fails_with(1).says(&["ended", "3"]);
}

#[test]
fn a_check_that_is_not_there_is_named() {
    let sandbox = Sandbox::new("no-check");
    let stack = sandbox.stack(
        "unchecked",
        "
services:
  web:
    image: rootfs:/
    init: true
    command: [sleep, '1000']
    healthcheck: {test: [CMD, no-such-check], interval: 50ms, retries: 1}
",
    );
    stack.rcompose(&["up", "-d", "--wait"]).fails_with(1).says(&["web", "unhealthy", "no-such-check"]);
}
