//! `up --menu`: keys while the output is shown.

use crate::support::{Sandbox, Stack, Terminal, eventually};
use std::time::Duration;

const STACK: &str = "
services:
  web:
    image: rootfs:/
    init: true
    command: [sh, -c, 'until test -e /site/said; do sleep 0.01; done; echo \"it says\"; exec sleep 1000']
    develop: {watch: [{path: ./site, action: sync, target: /site}]}
";

fn up(sandbox: &Sandbox, stack: &Stack<'_>, arguments: &[&str], variable: Option<&str>) -> Terminal {
    sandbox.file("menu/site/index", "");
    let mut command = sandbox.command();
    command.args(["-p", "menu", "-f", stack.file().to_str().unwrap(), "up"]).args(arguments);
    command.env("TERM", "xterm").envs(variable.map(|value| ("COMPOSE_MENU", value)));
    Terminal::spawn(&command)
}

#[test]
fn keys_watch_and_detach() {
    let sandbox = Sandbox::new("menu");
    let stack = sandbox.stack("menu", STACK);
    let mut up = up(&sandbox, &stack, &["--menu"], None);
    up.shows("w Enable Watch   d Detach");
    assert!(up.is_raw());
    up.types("w");
    up.shows("Watch enabled");
    up.shows("w Disable Watch   d Detach");
    sandbox.file("menu/site/said", "");
    // What is written takes the place of the line.
    up.shows("\r\x1b[2K");
    up.shows("it says");
    eventually("the line below all else", Duration::from_secs(20), || {
        let shown = up.shown();
        let end = &shown[shown.rfind("it says").unwrap()..];
        (end.contains("w Disable Watch") && end.contains("\n")).then_some(())
    });
    up.types("w");
    up.shows("files are watched no longer");
    up.types("d");
    assert!(up.wait().success());
    assert!(!up.is_raw(), "the terminal is as before");
    up.shows("the containers run on");
    assert_eq!(stack.container("web").state, "running");
}

#[test]
fn ctrl_c_is_what_it_was() {
    let sandbox = Sandbox::new("menu-interrupt");
    let stack = sandbox.stack("menu", STACK);
    let mut up = up(&sandbox, &stack, &[], Some("1"));
    up.shows("w Enable Watch");
    up.types("\x03");
    up.shows("Gracefully Stopping");
    up.wait();
    assert!(!up.is_raw());
    assert_eq!(stack.container("web").state, "exited");
}

#[test]
fn nobody_is_asked_who_has_no_keys() {
    let sandbox = Sandbox::new("menu-none");
    let stack = sandbox.stack("menu", "services: {web: {image: 'rootfs:/', command: [echo, hello]}}");
    let outcome = stack.rcompose(&["up", "--menu"]).succeeds();
    assert!(!outcome.stdout.contains("Watch") && !outcome.stderr.contains("Watch"), "{outcome}");
    // Nor who does not want to be.
    let mut up = up(&sandbox, &stack, &["--menu=false"], Some("true"));
    up.wait();
    assert!(!up.shown().contains("Watch"), "{}", up.shown());
}
