//! Restart policies.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Sandbox, Stack, eventually, holds_for};

#[test]
fn on_failure_restarts_up_to_its_limit() {
    let sandbox = Sandbox::new("on-failure");
    let stack = sandbox.stack(
        "failing",
        "
services:
  failing:
    image: rootfs:/
    restart: on-failure:3
    command: [sh, -c, 'echo started; exit 7']
",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    let starts = || {
        let log = stack.rcompose(&["logs", "--no-log-prefix", "failing"]).succeeds().stdout;
        log.lines().filter(|line| *line == "started").count()
    };
    // The first start and three restarts. How long it waits before each is the policy's own test.
    eventually("four starts", Duration::from_secs(20), || (starts() == 4).then_some(()));
    holds_for("three restarts and no more", Duration::from_secs(1), || starts() == 4);
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

/// How often the command of `service` was run: it writes `run` each time.
fn runs(stack: &Stack<'_>, service: &str) -> usize {
    stack.rcompose(&["logs", "--no-log-prefix", service]).stdout.lines().filter(|line| *line == "run").count()
}

#[test]
fn what_was_stopped_stays_stopped() {
    let sandbox = Sandbox::new("always-stopped");
    let stack = sandbox.stack(
        "stopped",
        "
services:
  always: {image: 'rootfs:/', init: true, restart: always, command: [sh, -c, 'echo run; exec sleep 1000']}
  other: {image: 'rootfs:/', init: true, restart: unless-stopped, command: [sh, -c, 'echo run; exec sleep 1000']}
",
    );
    let up = stack.spawn(&["up"]);
    eventually("both run", Duration::from_secs(10), || {
        (runs(&stack, "always") + runs(&stack, "other") == 2).then_some(())
    });
    up.signal(Signal::SIGINT);
    up.wait(Duration::from_secs(20));
    holds_for("nothing runs", Duration::from_millis(500), || {
        stack.containers().iter().all(|container| container.state == "exited")
    });
    assert_eq!((runs(&stack, "always"), runs(&stack, "other")), (1, 1));
}

#[test]
fn deploy_says_how_long_to_wait() {
    let sandbox = Sandbox::new("restart-delay");
    let stack = sandbox.stack(
        "patient",
        "
services:
  web:
    image: rootfs:/
    command: [sh, -c, 'echo run; exit 1']
    deploy: {restart_policy: {condition: any, delay: 1h}}
",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    eventually("the end of web", Duration::from_secs(10), || {
        (stack.container("web").state == "restarting").then_some(())
    });
    holds_for("it waits", Duration::from_millis(700), || runs(&stack, "web") == 1);
}

#[test]
fn deploy_says_how_often() {
    let sandbox = Sandbox::new("restart-attempts");
    let stack = sandbox.stack(
        "limited",
        "
services:
  web:
    image: rootfs:/
    command: [sh, -c, 'echo run']
    deploy: {restart_policy: {condition: any, delay: 1ms, max_attempts: 2, window: 1h}}
",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    eventually("the last end of web", Duration::from_secs(10), || {
        (stack.container("web").state == "exited").then_some(())
    });
    assert_eq!(runs(&stack, "web"), 3, "the first and two attempts");
}

#[test]
fn a_restart_that_is_due_survives_the_supervisor() {
    let sandbox = Sandbox::new("restart-owed");
    let stack = sandbox.stack(
        "owed",
        "
services:
  witness: {image: 'rootfs:/', init: true, command: [sleep, '1000']}
  web:
    image: rootfs:/
    command: [sh, -c, 'echo run; exit 1']
    deploy: {restart_policy: {condition: on-failure, delay: 2s, max_attempts: 1}}
",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    eventually("the first end of web", Duration::from_secs(10), || {
        (stack.container("web").state == "restarting").then_some(())
    });
    let supervisor = Pid::from_raw(stack.supervisor().unwrap());
    kill(supervisor, Signal::SIGKILL).unwrap();
    // The shim of `witness` starts another one, which owes `web` the one attempt, and no more.
    eventually("the second end of web", Duration::from_secs(20), || {
        (stack.container("web").state == "exited").then_some(())
    });
    assert_eq!(runs(&stack, "web"), 2);
}

#[test]
fn the_unhealthy_are_started_again_where_that_is_wanted() {
    let sandbox = Sandbox::new("unhealthy");
    let compose = "
services:
  web:
    image: rootfs:/
    init: true
    command: [sh, -c, 'echo run | tee -a /data/runs; exec sleep 1000']
    volumes: ['data:/data']
    healthcheck: {test: '[ $$(wc -l < /data/runs) -ge 2 ]', interval: 50ms, retries: 2}
    x-rcompose: {restart_unhealthy: true}
volumes: {data: {}}
";
    let stack = sandbox.stack("healed", compose);
    // Who waits for its health waits for the run that is healthy.
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    let container = stack.container("web");
    assert_eq!((&*container.state, &*container.health), ("running", "healthy"));
    assert_eq!(runs(&stack, "web"), 2);
}
