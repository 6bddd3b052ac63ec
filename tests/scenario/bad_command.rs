//! Commands that cannot be run: 127 is not found, 126 is not executable, as everywhere.

use crate::support::Sandbox;

#[test]
fn up_names_the_command_and_its_service() {
    for (command, code) in [("/no/such/command", 127), ("/etc/hostname", 126), ("no-such-command", 127)] {
        let sandbox = Sandbox::new("bad-command");
        let stack = sandbox.stack("bad", &format!("services: {{web: {{image: 'rootfs:/', command: [{command}]}}}}"));
        stack.rcompose(&["up", "-d"]).fails().says(&[command, "web"]);
        assert_eq!(stack.container("web").exit_code, code, "{command}");
    }
}

#[test]
fn exec_ends_with_the_code() {
    let sandbox = Sandbox::new("bad-exec");
    let stack = sandbox.stack("plain", "services: {web: {image: 'rootfs:/', init: true, command: [sleep, '1000']}}");
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rcompose(&["exec", "-T", "web", "no-such-command"]).fails_with(127).says(&["no-such-command"]);
    stack.rcompose(&["exec", "-T", "web", "/etc/hostname"]).fails_with(126).says(&["/etc/hostname"]);
}
