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
    let mut lines: Vec<_> = shown.stdout.lines().collect();
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

#[test]
fn one_container_of_several_and_as_objects() {
    let sandbox = Sandbox::new("logs-index");
    let service = "{image: 'rootfs:/', command: [sh, -c, 'hostname; echo problem >&2'], scale: 2}";
    let stack = sandbox.stack("shop", &format!("services: {{web: {service}}}"));
    stack.rcompose(&["up", "-d"]).succeeds();
    eventually("both lines of both", Duration::from_secs(10), || {
        let shown = stack.rcompose(&["logs"]).succeeds();
        (shown.stdout.lines().count() == 4).then_some(())
    });
    let shown = stack.rcompose(&["logs", "--index", "2", "web"]).succeeds();
    assert!(shown.stdout.lines().all(|line| line.starts_with("web-2  | ")), "{shown}");
    // What services write to stderr is to be found by `logs | grep`.
    assert!(shown.stdout.ends_with("web-2  | problem\n") && shown.stderr.is_empty(), "{shown}");
    let shown = stack.rcompose(&["logs", "--format", "json", "--index", "1"]).succeeds();
    let lines: Vec<serde_json::Value> = shown.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [_, problem] = &lines[..] else { panic!("{shown}") };
    for (field, value) in [("container", "shop-web-1"), ("service", "web"), ("stream", "stderr"), ("line", "problem")] {
        assert_eq!(problem[field], value, "{shown}");
    }
    assert!(problem["time"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{shown}");
}

#[test]
fn lines_of_several_services_are_in_order_of_time() {
    let sandbox = Sandbox::new("logs-order");
    // Each writes when the other has: through a volume that both have.
    let turn = |own: &str, first: u32, other: &str| {
        format!(
            "{{image: 'rootfs:/', volumes: ['turns:/turns'], command: [sh, -c, 'for i in 1 2 3 4 5; do \
             until test $(cat /turns/* 2>/dev/null | wc -l) = $$((i * 2 - {first})); do sleep 0.01; done; \
             echo {own} $$i; echo >> /turns/{own}; done; # {other}']}}"
        )
    };
    let compose = format!(
        "services:\n  ping: {}\n  pong: {}\nvolumes: {{turns: {{}}}}\n",
        turn("ping", 2, "pong"),
        turn("pong", 1, "ping")
    );
    let stack = sandbox.stack("shop", &compose);
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.logs_show("pong", "pong 5");
    let shown = stack.rcompose(&["logs", "--no-log-prefix"]).succeeds().stdout;
    let expected: String = (1..=5).map(|i| format!("ping {i}\npong {i}\n")).collect();
    assert_eq!(shown, expected);
}

#[test]
fn following_goes_on_with_a_container_that_takes_the_place_of_another() {
    let sandbox = Sandbox::new("logs-recreated");
    let compose = |word: &str| {
        format!(
            "services:\n  talker: {{image: 'rootfs:/', init: true, command: [sh, -c, 'echo {word}; exec sleep 1000']}}\n  \
             other: {{image: 'rootfs:/', init: true, command: [sleep, '1000']}}\n"
        )
    };
    let stack = sandbox.stack("shop", &compose("first"));
    stack.rcompose(&["up", "-d"]).succeeds();
    let logs = stack.spawn(&["logs", "-f", "talker"]);
    logs.prints("first");
    stack.rewrite(&compose("second"));
    stack.rcompose(&["up", "-d"]).succeeds();
    logs.prints("second");
    assert_eq!(logs.stdout(), "talker-1  | first\ntalker-1  | second\n");
    stack.rcompose(&["down"]).succeeds();
    logs.wait(Duration::from_secs(20)).succeeds();
}
