//! Services that do not exist: every command that names some says so, with the one that was probably meant.

use crate::support::Sandbox;

const PAIR: &str = "
services:
  web: {image: 'rootfs:/', init: true, command: [sleep, '1000']}
  worker: {image: 'rootfs:/', init: true, command: [sleep, '1000']}
";

/// Each with a service that does not exist.
const COMMANDS: [&str; 41] = [
    "attach wbe",
    "commit wbe image",
    "config wbe",
    "config --hash wbe",
    "cp hosts wbe:/",
    "cp wbe:/etc/hostname .",
    "create wbe",
    "create --scale wbe=2",
    "down wbe",
    "events --until 0s wbe",
    "exec wbe true",
    "exec --index 2 wbe true",
    "export wbe",
    "images wbe",
    "kill wbe",
    "logs wbe",
    "logs -f wbe",
    "pause wbe",
    "port wbe 80",
    "ps wbe",
    "ps -a --services wbe",
    "pull wbe",
    "push wbe",
    "restart wbe",
    "rm -f wbe",
    "run --rm wbe true",
    "scale wbe=2",
    "start wbe",
    "stats --no-stream wbe",
    "stop wbe",
    "top wbe",
    "unpause wbe",
    "up -d wbe",
    "up -d web wbe",
    "up -d --scale wbe=2",
    "up --attach wbe",
    "up --exit-code-from wbe",
    "up --no-attach wbe",
    "volumes wbe",
    "wait wbe",
    "watch wbe",
];

#[test]
fn every_command_says_which_service_was_meant() {
    let sandbox = Sandbox::new("unknown");
    let stack = sandbox.stack("pair", PAIR);
    stack.rcompose(&["up", "-d"]).succeeds();
    let before = stack.containers();
    for command in COMMANDS {
        let arguments: Vec<&str> = command.split(' ').collect();
        let outcome = stack.rcompose(&arguments).fails_with(1);
        outcome.says(&["error: no such service: wbe", "hint: did you mean `web`?"]);
    }
    assert_eq!(stack.containers(), before, "nothing has been done");
    stack.rcompose(&["net", "web", "wroker"]).fails_with(1).says(&["wroker not found", "did you mean `worker`?"]);
}

#[test]
fn services_of_containers_are_known_without_a_file() {
    let sandbox = Sandbox::new("unknown-fileless");
    let stack = sandbox.stack("pair", PAIR);
    stack.rcompose(&["up", "-d"]).succeeds();
    for command in ["stop wbe", "logs wbe", "exec wbe true", "attach wbe", "down wbe"] {
        let arguments: Vec<&str> = ["-p", "pair"].into_iter().chain(command.split(' ')).collect();
        sandbox.rcompose(&arguments).fails_with(1).says(&["no such service: wbe", "did you mean `web`?"]);
    }
}
