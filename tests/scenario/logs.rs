//! What containers wrote, afterwards and meanwhile.

use std::time::Duration;

use crate::support::{Sandbox, eventually};

const COUNTERS: &str = "
services:
  one: {image: 'rootfs:/', command: [sh, -c, 'for i in 1 2 3 4 5; do echo one $$i; done; echo problem >&2']}
  two: {image: 'rootfs:/', command: [sh, -c, 'for i in 1 2 3 4 5; do echo two $$i; done']}
";

#[test]
fn tail_counts_for_each_container() {
    let sandbox = Sandbox::new("tail");
    let stack = sandbox.stack("counters", COUNTERS);
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.logs_show("one", "one 5");
    stack.logs_show("two", "two 5");
    eventually("the end of both", Duration::from_secs(10), || {
        stack.containers().iter().all(|container| container.state == "exited").then_some(())
    });
    let shown = stack.rcompose(&["logs", "--tail", "2"]).succeeds();
    let mut lines: Vec<_> = shown.stdout.lines().chain(shown.stderr.lines()).collect();
    lines.sort_unstable();
    assert_eq!(lines, ["one-1  | one 5", "one-1  | problem", "two-1  | two 4", "two-1  | two 5"]);
    let shown = stack.rcompose(&["logs", "--no-log-prefix", "--tail", "1", "two"]).succeeds();
    assert_eq!(shown.stdout, "two 5\n");
    assert_eq!(stack.rcompose(&["logs", "--tail", "0"]).succeeds().stdout, "");
    stack.rcompose(&["logs", "--tail", "some"]).fails_with(1).says(&["--tail", "some"]);
}

#[test]
fn following_ends_with_the_containers() {
    let sandbox = Sandbox::new("follow");
    let stack = sandbox.stack(
        "talker",
        "
services:
  talker:
    image: rootfs:/
    init: true
    command: [sh, -c, 'echo begin; until test -e /go; do sleep 0.05; done; echo end']
",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    let logs = stack.spawn(&["logs", "-f"]);
    logs.prints("begin");
    stack.rcompose(&["exec", "-T", "talker", "touch", "/go"]).succeeds();
    let outcome = logs.wait(Duration::from_secs(20)).succeeds();
    assert_eq!(outcome.stdout, "talker-1  | begin\ntalker-1  | end\n");
    let outcome = stack.rcompose(&["logs", "-f"]).succeeds();
    assert!(outcome.stdout.contains("end"), "what has ended already is only shown: {outcome}");
}

#[test]
fn following_ends_when_the_project_goes_down() {
    let sandbox = Sandbox::new("follow-down");
    let stack = sandbox.stack(
        "talker",
        "services: {talker: {image: 'rootfs:/', init: true, command: [sh, -c, 'echo begin; exec sleep 1000']}}",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    let logs = stack.spawn(&["logs", "-f"]);
    logs.prints("begin");
    stack.rcompose(&["down"]).succeeds();
    logs.wait(Duration::from_secs(20)).succeeds();
}

#[test]
fn whatever_was_written_is_shown() {
    let sandbox = Sandbox::new("odd-output");
    let stack = sandbox.stack(
        "odd",
        "
services:
  odd:
    image: rootfs:/
    command: [sh, -c, 'head -c 100000 /dev/zero | tr \"\\0\" x; echo; printf \"\\377\\n\"; printf unended']
",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    let log = stack.logs_show("odd", "unended");
    let lines: Vec<_> = log.lines().collect();
    assert_eq!((lines.len(), lines[0].len()), (3, 100_000), "a long line stays one");
    assert_eq!(lines[1..], ["\u{fffd}", "unended"]);
}
