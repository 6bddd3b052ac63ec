//! `up` and `down` that are cut short at every step, by the end of the command or of the supervisor: the next ones complete
//! what was begun, and nothing is left.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Background, Sandbox, Stack, eventually};

/// One of everything that is made and has to go again.
const SHOP: &str = "
services:
  db:
    image: rootfs:/
    init: true
    command: [sleep, '1000']
    volumes: ['data:/data', /anonymous]
    healthcheck: {test: [CMD, 'true'], interval: 1s}
  web:
    image: rootfs:/
    init: true
    command: [sleep, '1000']
    depends_on: {db: {condition: service_healthy}}
    networks: [default, back]
    ports: ['127.0.0.1:8080:80']
    configs: [{source: text, uid: '7'}]
volumes: {data: {}}
networks: {back: {enable_ipv6: true}}
configs: {text: {content: written}}
";

/// Begins a command, and returns it when it has said `lines` lines or has ended.
fn begun(stack: &Stack<'_>, arguments: &[&str], lines: usize) -> Background {
    let mut command = stack.spawn(&[&["--progress", "plain"], arguments].concat());
    eventually(&format!("{lines} lines of {arguments:?}"), Duration::from_secs(60), || {
        (command.stderr().lines().count() >= lines || command.has_ended()).then_some(())
    });
    command
}

/// What there is of volumes, whole or not.
fn volumes(sandbox: &Sandbox) -> Vec<String> {
    let Ok(directories) = fs_err::read_dir(sandbox.path().join("root/volumes")) else { return Vec::new() };
    directories.map(|of| of.unwrap().path().display().to_string()).collect()
}

/// Cuts `up` and `down` short at once, after so many lines that they say, and so on until they say no more.
fn cut_short(name: &str, cut: impl Fn(&Stack<'_>, Background)) {
    let sandbox = Sandbox::new(name);
    let stack = sandbox.stack("shop", SHOP);
    for lines in (0..).step_by(2) {
        let mut up = begun(&stack, &["up", "-d"], lines);
        let up_has_ended = up.has_ended();
        cut(&stack, up);
        stack.rcompose(&["up", "-d", "--wait"]).succeeds();
        let states: Vec<_> = stack.containers().into_iter().map(|of| format!("{} {}", of.service, of.state)).collect();
        assert_eq!(states, ["db running", "web running"], "after {lines} lines");
        stack.rcompose(&["exec", "-T", "web", "getent", "hosts", "db"]).succeeds();

        let mut down = begun(&stack, &["down", "-v", "-t", "1"], lines);
        let down_has_ended = down.has_ended();
        cut(&stack, down);
        stack.rcompose(&["down", "-v", "-t", "1"]).succeeds();
        assert_eq!(sandbox.left(), [""; 0], "after {lines} lines");
        let projects = fs_err::read_dir(sandbox.path().join("root/projects"));
        assert_eq!(projects.map_or(0, Iterator::count), 0, "after {lines} lines");
        assert_eq!(volumes(&sandbox), [""; 0], "after {lines} lines");
        if up_has_ended && down_has_ended {
            break;
        }
    }
}

#[test]
fn a_command_can_be_killed_at_every_step() {
    cut_short("killed-client", |_, mut command| {
        command.kill();
        command.wait(Duration::from_secs(30));
    });
}

#[test]
fn a_supervisor_can_be_killed_at_every_step() {
    cut_short("killed-server", |stack, command| {
        // It may be gone already, and its end is no reason for the command to hang.
        let _ = stack.supervisor().map(|pid| kill(Pid::from_raw(pid), Signal::SIGKILL));
        command.wait(Duration::from_secs(30));
    });
}

#[test]
fn a_down_comes_to_its_turn_after_one_that_was_killed() {
    let sandbox = Sandbox::new("down-turns");
    let stack = sandbox.stack(
        "held",
        "
services:
  web:
    image: rootfs:/
    init: true
    command: [sleep, '1000']
    pre_stop: [{command: [sh, -c, 'until test -e /go; do sleep 0.01; done']}]
",
    );
    // Both come to the supervisor in one moment, or one before the other: often enough for each to happen.
    for _ in 0..8 {
        stack.rcompose(&["up", "-d"]).succeeds();
        let supervisor = Pid::from_raw(stack.supervisor().unwrap());
        let first = begun(&stack, &["down", "-t", "5"], 1);
        kill(supervisor, Signal::SIGSTOP).unwrap();
        first.signal(Signal::SIGKILL);
        first.wait(Duration::from_secs(10));
        stack.rcompose(&["exec", "-T", "web", "touch", "/go"]).succeeds();
        let second = stack.spawn(&["down", "-t", "5"]);
        second.opens("socket");
        kill(supervisor, Signal::SIGCONT).unwrap();
        second.wait(Duration::from_secs(30)).succeeds();
        assert_eq!(stack.containers(), []);
    }
}
