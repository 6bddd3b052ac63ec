//! `post_start` and `pre_stop`.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Sandbox, eventually, holds_for};

/// The hooks write to a volume, so that what they were can be read when the container is gone.
const HOOKED: &str = "
services:
  web:
    image: rootfs:/
    init: true
    user: daemon
    command: [sleep, '1000']
    environment: {A: service, B: service}
    volumes: ['seen:/seen']
    post_start:
      - {command: [sh, -c, 'chmod 777 /seen; echo started as $$(id -un) in $$(pwd) $$A $$B >> /seen/file; chmod 666 /seen/file'], user: root, working_dir: /usr, environment: {A: hook}}
      - {command: [sh, -c, 'echo second as $$(id -un) >> /seen/file; echo to be shown']}
    pre_stop:
      - {command: [sh, -c, 'echo stopping >> /seen/file; grep CapEff /proc/self/status >> /seen/file'], user: root, privileged: true}
  reader: {image: 'rootfs:/', init: true, command: [sleep, '1000'], volumes: ['seen:/seen']}
volumes: {seen: {}}
";

#[test]
fn they_run_in_the_container_as_they_say() {
    let sandbox = Sandbox::new("hooks");
    let stack = sandbox.stack("hooked", HOOKED);
    // The second one says something.
    stack.rcompose(&["up", "-d"]).succeeds().says(&["web-1 -> | to be shown"]);
    let seen = || stack.rcompose(&["exec", "-T", "reader", "cat", "/seen/file"]).succeeds().stdout;
    assert_eq!(seen(), "started as root in /usr hook service\nsecond as daemon\n");
    stack.rcompose(&["up", "-d", "--scale", "web=0"]).succeeds();
    let seen = seen();
    let (_, stopping) = seen.split_once("stopping\n").unwrap();
    let rights = u64::from_str_radix(stopping.trim().trim_start_matches("CapEff:").trim(), 16).unwrap();
    assert!(rights & (1 << 21) != 0, "privileged has CAP_SYS_ADMIN: {rights:x}");
}

#[test]
fn one_that_fails_fails_the_start_of_what_depends_on_it() {
    let sandbox = Sandbox::new("hook-failed");
    let stack = sandbox.stack(
        "failing",
        "
services:
  web:
    image: rootfs:/
    init: true
    command: [sleep, '1000']
    post_start: [{command: [sh, -c, 'echo cannot migrate; exit 3']}, {command: [touch, /never]}]
  app: {image: 'rootfs:/', init: true, command: [sleep, '1000'], depends_on: [web]}
",
    );
    stack.rcompose(&["up", "-d"]).fails_with(1).says(&["web hook exited with status 3", "| cannot migrate"]);
    assert_eq!(stack.container("app").state, "created");
    stack.rcompose(&["exec", "-T", "web", "test", "-e", "/never"]).fails_with(1);
}

#[test]
fn an_attached_up_shows_what_they_write() {
    let sandbox = Sandbox::new("hook-lines");
    let stack = sandbox.stack(
        "talking",
        "
services:
  web:
    image: rootfs:/
    command: [sh, -c, 'until [ -e /go ]; do sleep 0.05; done']
    post_start: [{command: [sh, -c, 'echo one; printf two; touch /go']}]
",
    );
    stack.rcompose(&["up"]).succeeds().prints(&["web-1 ->  | one\n", "web-1 ->  | two\n"]);
}

#[test]
fn what_a_policy_starts_again_runs_none() {
    let sandbox = Sandbox::new("hook-policy");
    let stack = sandbox.stack(
        "again",
        "
services:
  web:
    image: rootfs:/
    restart: always
    command: [sh, -c, 'echo run >> /seen/runs; exec sleep 1000']
    volumes: ['seen:/seen']
    post_start: [{command: [sh, -c, 'echo hook >> /seen/hooks']}]
volumes: {seen: {}}
",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    let count = |file: &str| {
        let output = stack.rcompose(&["exec", "-T", "web", "cat", file]).stdout;
        output.lines().count()
    };
    assert_eq!(count("/seen/hooks"), 1);
    // PID 1 of a container hears no signal from inside, so that it is killed from outside.
    let outside = sandbox.processes().into_iter().find(|process| process.command.starts_with("sleep 1000")).unwrap();
    kill(Pid::from_raw(outside.pid), Signal::SIGKILL).unwrap();
    eventually("the second run", Duration::from_secs(10), || (count("/seen/runs") == 2).then_some(()));
    holds_for("no second hook", Duration::from_millis(300), || count("/seen/hooks") == 1);
}

#[test]
fn one_that_fails_before_the_stop_does_not_keep_it() {
    let sandbox = Sandbox::new("hook-stop");
    let stack = sandbox.stack(
        "leaving",
        "
services:
  web: {image: 'rootfs:/', init: true, command: [sleep, '1000'], pre_stop: [{command: ['false']}]}
",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rcompose(&["down"]).succeeds().says(&["web hook exited with status 1"]);
    assert_eq!(stack.containers(), []);
}

const PREPARED: &str = "
services:
  web:
    image: rootfs:/
    init: true
    command: [sh, -c, 'echo web >> /seen/order; exec sleep 1000']
    volumes: ['seen:/seen']
    scale: 2
    pre_start:
      - {command: [sh, -c, 'echo once $$A >> /seen/order; echo preparing'], environment: {A: hook}}
      - {command: [sh, -c, 'echo each >> /seen/order'], per_replica: true}
volumes: {seen: {}}
";

#[test]
fn containers_of_their_own_prepare_a_service() {
    let sandbox = Sandbox::new("pre-start");
    let stack = sandbox.stack("prepared", PREPARED);
    stack.rcompose(&["up", "-d"]).succeeds().says(&["web-1 -> | preparing"]);
    let order = |lines: usize| {
        eventually("what was run", Duration::from_secs(10), || {
            let order = stack.rcompose(&["exec", "-T", "web", "cat", "/seen/order"]).succeeds().stdout;
            (order.lines().count() >= lines).then_some(order)
        })
    };
    let first = order(5);
    let mut lines: Vec<&str> = first.lines().collect();
    assert_eq!(lines.remove(0), "once hook", "{first}");
    lines.sort_unstable();
    assert_eq!(lines, ["each", "each", "web", "web"], "{first}");
    assert_eq!(stack.containers().len(), 2, "they are gone: {:?}", stack.containers());
    // With one that runs, only what is for each is run for another.
    stack.rcompose(&["up", "-d", "--scale", "web=3"]).succeeds();
    assert_eq!(order(7)[first.len()..], *"each\nweb\n");
}

#[test]
fn a_preparation_that_fails_keeps_the_service_from_starting() {
    let sandbox = Sandbox::new("pre-start-failed");
    let stack = sandbox.stack("unprepared", &PREPARED.replace("echo preparing", "echo no disk; exit 4"));
    stack
        .rcompose(&["up", "-d"])
        .fails_with(1)
        .says(&["pre_start hook of service web exited with status 4", "| no disk"]);
    assert!(stack.containers().iter().all(|container| container.state == "created"), "{:?}", stack.containers());
    assert_eq!(stack.containers().len(), 2);
}
