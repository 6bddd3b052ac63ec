//! `attach` and `exec` at a terminal, and without one.

use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::{Sandbox, Stack, Terminal, eventually};

// What has come of a line when its time is over is kept for the rest of it.
const SHELL: &str = "
services:
  web:
    image: 'rootfs:/'
    tty: true
    stdin_open: true
    command:
      - bash
      - -c
      - |
        trap 'stty size' WINCH
        echo ready
        while :; do
          read -t 0.05 part; ended=$$?; line=$$line$$part
          test $$ended = 0 || continue
          echo \"<$$line>\"
          test \"$$line\" = end && exit 5
          line=
        done
";

const TALKER: &str = "
services:
  web:
    image: 'rootfs:/'
    command: [bash, -c, \"trap 'echo got term; exit 9' TERM; trap 'echo got int' INT; while :; do echo tick; sleep 0.05; done\"]
";

const READER: &str = "
services:
  web: {image: 'rootfs:/', stdin_open: true, init: true, command: [sh, -c, 'while read x; do echo \"<$$x>\"; done; exit 4']}
";

fn command(sandbox: &Sandbox, stack: &Stack<'_>, arguments: &[&str]) -> Command {
    let mut command = sandbox.command();
    command.args(["-p", "plain", "-f"]).arg(stack.file()).args(arguments);
    command
}

#[test]
fn a_terminal_is_joined_and_left_with_its_keys() {
    let sandbox = Sandbox::new("attach");
    let stack = sandbox.stack("plain", SHELL);
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.logs_show("web", "ready");
    let mut terminal = Terminal::spawn(&command(&sandbox, &stack, &["attach", "web"]));
    terminal.types("typed\r");
    terminal.shows("<typed>");
    assert!(terminal.is_raw());
    terminal.resize(33, 77);
    terminal.shows("33 77");
    terminal.types("\x10\x11");
    assert!(terminal.wait().success());
    terminal.shows("read escape sequence");
    assert!(!terminal.is_raw(), "the terminal is as it was");
    assert_eq!(stack.container("web").state, "running");

    let mut terminal = Terminal::spawn(&command(&sandbox, &stack, &["attach", "--detach-keys", "x", "web"]));
    terminal.types("again\r");
    terminal.shows("<again>");
    terminal.signal(Signal::SIGTERM);
    assert_eq!(terminal.wait().code(), Some(143));
    assert!(!terminal.is_raw());
    let mut terminal = Terminal::spawn(&command(&sandbox, &stack, &["attach", "web"]));
    terminal.types("end\r");
    assert_eq!(terminal.wait().code(), Some(5), "its code is the container's: {}", terminal.shown());
    stack.rcompose(&["attach", "web"]).fails_with(1).says(&["web", "not running"]);
}

#[test]
fn signals_are_passed_on_without_a_terminal() {
    let sandbox = Sandbox::new("attach-signals");
    let stack = sandbox.stack("plain", TALKER);
    stack.rcompose(&["up", "-d"]).succeeds();
    let deaf = stack.spawn(&["attach", "--sig-proxy=false", "web"]);
    let attached = stack.spawn(&["attach", "web"]);
    deaf.prints("tick");
    attached.prints("tick");
    deaf.signal(Signal::SIGINT);
    deaf.wait(Duration::from_secs(20)).fails_with(130);
    attached.signal(Signal::SIGINT);
    attached.prints("got int");
    attached.signal(Signal::SIGTERM);
    let outcome = attached.wait(Duration::from_secs(20)).fails_with(9);
    assert!(outcome.stdout.contains("got term"), "{outcome}");
}

#[test]
fn input_from_a_pipe_reaches_the_container_and_leaves_it_open() {
    let sandbox = Sandbox::new("attach-pipe");
    let stack = sandbox.stack("plain", READER);
    stack.rcompose(&["up", "-d"]).succeeds();
    let mut child =
        command(&sandbox, &stack, &["attach", "web"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"one\ntwo\n").unwrap();
    stack.logs_show("web", "<two>");
    assert_eq!(stack.container("web").state, "running", "the end of the pipe is not the end of its input");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(stack.container("web").state, "running");
}

#[test]
fn exec_has_a_terminal_of_the_right_size() {
    let sandbox = Sandbox::new("exec-terminal");
    let stack = sandbox.stack("plain", SHELL);
    stack.rcompose(&["up", "-d"]).succeeds();
    let script = "stty size; echo $TERM; trap 'stty size' WINCH; trap 'echo int' INT; while :; do read -t 0.05 x && exit 6; done";
    let mut terminal = Terminal::spawn(&command(&sandbox, &stack, &["exec", "web", "bash", "-c", script]));
    terminal.shows("24 80\r\nxterm\r\n");
    terminal.resize(30, 90);
    terminal.shows("30 90");
    terminal.types("\x03");
    terminal.shows("int");
    terminal.types("go\r");
    assert_eq!(terminal.wait().code(), Some(6));
    assert!(!terminal.is_raw());
}

#[test]
fn exec_is_left_with_keys_and_goes_on() {
    let sandbox = Sandbox::new("exec-leave");
    let stack = sandbox.stack("plain", SHELL);
    stack.rcompose(&["up", "-d"]).succeeds();
    let script = "echo begun; sleep 0.5; touch /went-on; sleep 100";
    let mut terminal = Terminal::spawn(&command(&sandbox, &stack, &["exec", "web", "bash", "-c", script]));
    terminal.shows("begun");
    terminal.types("\x10\x11");
    assert!(terminal.wait().success(), "{}", terminal.shown());
    assert!(!terminal.is_raw());
    eventually("what the command does later", Duration::from_secs(20), || {
        stack.rcompose(&["exec", "-T", "web", "test", "-e", "/went-on"]).status.success().then_some(())
    });
}
