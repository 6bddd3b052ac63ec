//! Units of systemd: what becomes of a stack that one of them brought up.

use std::process::Command;

use crate::inspect::NAME;
use crate::support::Sandbox;

/// A unit that runs `up -d` and is done, as one that starts a stack with the machine.
#[test]
fn a_stack_outlives_the_unit_that_brought_it_up() {
    if !std::path::Path::new("/run/systemd/system").exists() {
        eprintln!("skipped: this machine does not run systemd");
        return;
    }
    let sandbox = Sandbox::new("unit");
    let keys = "{image: 'rootfs:/', init: true, command: [sleep, '1000'], network_mode: none, mem_limit: 64m}";
    let stack = sandbox.stack(NAME, &format!("services: {{web: {keys}}}"));
    let inner = sandbox.command();
    let mut unit = Command::new("systemd-run");
    unit.args(["--quiet", "--wait", "--collect", "--service-type=oneshot"]);
    for (name, value) in inner.get_envs() {
        let value = value.unwrap_or_default().to_string_lossy();
        unit.arg(format!("--setenv={}={value}", name.to_string_lossy()));
    }
    unit.arg(inner.get_program()).args(["-p", NAME, "-f"]);
    unit.arg(sandbox.path().join(NAME).join("compose.yaml")).args(["up", "-d"]);
    sandbox.run(unit).succeeds();
    assert_eq!(stack.container("web").state, "running");
    let cgroup = fs_err::read_to_string(format!("/proc/{}/cgroup", stack.supervisor().unwrap())).unwrap();
    assert!(cgroup.starts_with("0::/rcompose/monitor-"), "{cgroup}");
    stack.rcompose(&["exec", "-T", "web", "true"]).succeeds();
}
