//! Commands that ask for what is not there: a clear word, and nothing made.

use crate::support::{Sandbox, Stack};

const WEB: &str = "services: {web: {image: 'rootfs:/', init: true, command: [sleep, '1000']}}";

/// Runs each of `commands`, which names the service `nginx`, and expects to hear that there is none.
#[track_caller]
fn no_such_service(stack: &Stack<'_>, commands: &[&[&str]]) {
    for command in commands {
        stack.rcompose(command).fails_with(1).says(&["no such service: nginx"]);
    }
}

#[test]
fn a_flag_that_does_not_exist() {
    let sandbox = Sandbox::new("flags");
    for (line, said) in [
        (&["up", "--detatch"][..], "--detach"),
        (&["upp"], "'up'"),
        (&["up", "--scale", "web"], "--scale"),
        (&["up", "--scale", "web=many"], "--scale"),
        (&["-p", "Not A Name", "ps"], "Not A Name"),
        (&["up", "-d", "--abort-on-container-exit"], "cannot be used with"),
    ] {
        sandbox.rcompose(line).fails_with(1).says(&[said]);
    }
}

#[test]
fn a_service_that_does_not_exist() {
    let sandbox = Sandbox::new("no-service");
    let stack = sandbox.stack("small", WEB);
    no_such_service(
        &stack,
        &[
            &["up", "-d", "nginx"],
            &["up", "-d", "--scale", "nginx=2"],
            &["up", "--exit-code-from", "nginx"],
            &["up", "--attach", "nginx"],
            &["pull", "nginx"],
            &["down", "nginx"],
            &["ps", "nginx"],
            &["logs", "nginx"],
        ],
    );
    assert!(!sandbox.path().join("run/small").exists(), "nothing has been started");

    stack.rcompose(&["up", "-d"]).succeeds();
    no_such_service(&stack, &[&["up", "-d", "nginx"], &["down", "nginx"], &["ps", "nginx"], &["logs", "nginx"]]);
    assert_eq!(stack.container("web").state, "running");
}

#[test]
fn a_project_that_never_was() {
    let sandbox = Sandbox::new("no-project");
    sandbox.rcompose(&["-p", "ghost", "logs"]).succeeds();
    let shown = sandbox.rcompose(&["-p", "ghost", "ps"]).succeeds();
    assert_eq!(shown.stdout.lines().count(), 1, "only the heads of the columns: {shown}");
    sandbox.rcompose(&["-p", "ghost", "down"]).succeeds().says(&["no resource found", "ghost"]);
    sandbox.rcompose(&["-p", "ghost", "exec", "-T", "web", "true"]).fails_with(1).says(&["no such service: web"]);
    assert!(!sandbox.path().join("run/ghost").exists());
    assert!(!sandbox.path().join("root/projects/ghost").exists());
}

#[test]
fn the_name_is_enough_for_a_project_that_runs() {
    let sandbox = Sandbox::new("name-only");
    let stack = sandbox.stack("small", WEB);
    stack.rcompose(&["up", "-d"]).succeeds();
    fs_err::remove_file(stack.file()).unwrap();

    sandbox.rcompose(&["-p", "small", "ps"]).succeeds().prints(&["small-web-1"]);
    sandbox.rcompose(&["-p", "small", "logs", "web"]).succeeds();
    sandbox.rcompose(&["-p", "small", "logs", "nginx"]).fails_with(1).says(&["no such service: nginx", "web"]);
    sandbox.rcompose(&["-p", "small", "exec", "-T", "web", "true"]).succeeds();
    sandbox.rcompose(&["-p", "small", "down"]).succeeds();
    sandbox.rcompose(&["-p", "small", "ps", "-aq"]).succeeds();
    stack.rewrite(WEB);
    assert_eq!(stack.containers(), []);
}
