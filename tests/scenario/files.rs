//! Which files make the project: several, standard input, `.env`, profiles.

use std::process::Command;

use crate::support::{Sandbox, Stack};

const WEB: &str = "
services:
  web: {image: 'rootfs:/', init: true, command: [sleep, '1000'], environment: {COLOUR: '${COLOUR:-red}'}}
  tool: {image: 'rootfs:/', init: true, command: [sleep, '1000'], profiles: [debug]}
";

/// The value of `name` in the service `web`.
#[track_caller]
fn variable(stack: &Stack<'_>, name: &str) -> String {
    stack.rcompose(&["exec", "-T", "web", "printenv", name]).succeeds().stdout.trim_end().to_owned()
}

fn services(stack: &Stack<'_>) -> Vec<String> {
    stack.containers().into_iter().map(|container| container.service).collect()
}

#[test]
fn a_later_file_overrides_an_earlier_one() {
    let sandbox = Sandbox::new("two-files");
    let files = [
        sandbox.file("two/compose.yaml", WEB),
        sandbox.file("two/more.yaml", "services: {web: {environment: {COLOUR: green, SIZE: small}}}"),
    ];
    let stack = sandbox.stack_of("two", &files);
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_eq!((&*variable(&stack, "COLOUR"), &*variable(&stack, "SIZE")), ("green", "small"));
}

#[test]
fn the_file_may_come_on_standard_input() {
    let sandbox = Sandbox::new("stdin");
    let stack = sandbox.stack("piped", WEB);
    let mut command = Command::new("sh");
    sandbox.equip(&mut command);
    command.args(["-c", "exec \"$0\" -p piped -f - up -d < \"$1\"", env!("CARGO_BIN_EXE_rcompose")]).arg(stack.file());
    sandbox.run(command).succeeds();
    assert_eq!(services(&stack), ["web"]);
}

#[test]
fn variables_come_from_env_files() {
    let sandbox = Sandbox::new("env-file");
    let stack = sandbox.stack("coloured", WEB);
    sandbox.file("coloured/.env", "COLOUR=blue\n");
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_eq!(variable(&stack, "COLOUR"), "blue");

    let other = sandbox.file("other.env", "COLOUR='dark green'\n");
    stack.rcompose(&["--env-file", other.to_str().unwrap(), "up", "-d"]).succeeds();
    assert_eq!(variable(&stack, "COLOUR"), "dark green");
    stack.rcompose(&["--env-file", "missing.env", "up", "-d"]).fails_with(1).says(&["missing.env"]);
}

#[test]
fn a_profile_adds_its_services() {
    let sandbox = Sandbox::new("profile");
    let stack = sandbox.stack("profiled", WEB);
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_eq!(services(&stack), ["web"]);
    stack.rcompose(&["--profile", "debug", "up", "-d"]).succeeds();
    assert_eq!(services(&stack), ["tool", "web"]);
    // A service that is switched off is no orphan, and goes down with the rest.
    stack.rcompose(&["up", "-d", "--remove-orphans"]).succeeds();
    assert_eq!(services(&stack), ["tool", "web"]);
    stack.rcompose(&["down"]).succeeds();
    assert_eq!(services(&stack), [""; 0]);
}

#[test]
fn a_service_that_is_named_needs_no_profile() {
    let sandbox = Sandbox::new("profile-named");
    let stack = sandbox.stack("profiled", WEB);
    stack.rcompose(&["up", "-d", "tool"]).succeeds();
    assert_eq!(services(&stack), ["tool"]);
}
