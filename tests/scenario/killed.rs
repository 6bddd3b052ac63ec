//! Parts of rcompose that are killed, and commands that meet one another.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::{Sandbox, eventually};

#[test]
fn a_container_comes_back_when_its_shim_is_killed() {
    let sandbox = Sandbox::new("killed-shim");
    let stack = sandbox.stack(
        "hardy",
        "services: {web: {image: 'rootfs:/', init: true, restart: always, command: [sh, -c, 'echo begun; exec sleep 1000']}}",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.logs_show("web", "begun");
    let before = stack.container("web");
    kill(shim(&sandbox), Signal::SIGKILL).unwrap();
    eventually("a second start", Duration::from_secs(20), || {
        (stack.rcompose(&["logs", "--no-log-prefix", "web"]).stdout.matches("begun").count() == 2).then_some(())
    });
    assert_eq!(stack.container("web"), before, "the same container runs again");
    stack.rcompose(&["exec", "-T", "web", "true"]).succeeds();
}

#[test]
fn a_container_that_nobody_watches_any_more_has_ended() {
    let sandbox = Sandbox::new("killed-both");
    let stack = sandbox.stack("hardy", "services: {web: {image: 'rootfs:/', init: true, command: [sleep, '1000']}}");
    stack.rcompose(&["up", "-d"]).succeeds();
    let init = process(&sandbox, "init");
    // At once, as systemd does it with a unit: neither sees the end of the other.
    let supervisor = Pid::from_raw(stack.supervisor().unwrap());
    kill(supervisor, Signal::SIGSTOP).unwrap();
    kill(shim(&sandbox), Signal::SIGKILL).unwrap();
    kill(supervisor, Signal::SIGKILL).unwrap();
    let web = stack.container("web");
    assert_eq!((web.state.as_str(), web.exit_code), ("exited", 137));
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_eq!(stack.container("web").state, "running");
    assert_ne!(process(&sandbox, "init"), init);
    // One that has ended may wait for the first process of the machine to notice.
    let goes_on = fs_err::read(format!("/proc/{init}/cmdline")).is_ok_and(|text| !text.is_empty());
    assert!(!goes_on, "what was left of it goes on");
}

/// The shim of the sandbox's only container.
fn shim(sandbox: &Sandbox) -> Pid {
    process(sandbox, "shim")
}

/// A process of the sandbox's only container, by the record that its shim leaves.
fn process(sandbox: &Sandbox, name: &str) -> Pid {
    let containers = fs_err::read_dir(sandbox.path().join("run/hardy/containers")).unwrap();
    let directory = containers.map(|entry| entry.unwrap().path()).next().unwrap();
    let status: Value = serde_json::from_str(&fs_err::read_to_string(directory.join("status.json")).unwrap()).unwrap();
    Pid::from_raw(i32::try_from(status[name]["pid"].as_i64().unwrap()).unwrap())
}

/// `late` starts when `gate` is healthy, which it is when `/gate/open` exists.
const GATED: &str = "
services:
  gate:
    image: rootfs:/
    init: true
    command: [sleep, '1000']
    volumes: ['gate:/gate']
    healthcheck: {test: [CMD, test, -e, /gate/open], interval: 50ms, retries: 100000}
  late: {image: 'rootfs:/', init: true, command: [sleep, '1000'], depends_on: {gate: {condition: service_healthy}}}
volumes: {gate: {}}
";

#[test]
fn the_next_up_completes_one_that_was_killed() {
    let sandbox = Sandbox::new("killed-up");
    let stack = sandbox.stack("gated", GATED);
    let up = stack.spawn(&["up", "-d"]);
    eventually("the gate runs", Duration::from_secs(20), || {
        stack.containers().iter().any(|c| c.service == "gate" && c.state == "running").then_some(())
    });
    up.signal(Signal::SIGKILL);
    up.wait(Duration::from_secs(10));
    let gate = stack.container("gate");

    stack.rcompose(&["exec", "-T", "gate", "touch", "/gate/open"]).succeeds();
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    assert_eq!(stack.container("gate").id, gate.id, "what was made has been kept");
    assert_eq!(stack.container("late").state, "running");
}

#[test]
fn down_takes_over_from_an_up_that_waits() {
    let sandbox = Sandbox::new("down-during-up");
    let stack = sandbox.stack("gated", GATED);
    let up = stack.spawn(&["up", "-d", "--wait"]);
    eventually("the gate runs", Duration::from_secs(20), || {
        stack.containers().iter().any(|c| c.service == "gate" && c.state == "running").then_some(())
    });
    stack.rcompose(&["down"]).succeeds();
    let outcome = up.wait(Duration::from_secs(10)).fails();
    assert!(outcome.stderr.contains("error:"), "it says that it did not come up: {outcome}");
    assert_eq!(stack.containers(), []);
}

#[test]
fn an_up_that_is_out_of_time_leaves_what_there_is() {
    let sandbox = Sandbox::new("wait-timeout");
    let stack = sandbox.stack("gated", GATED);
    // Before the clock runs: on a slow machine nothing might have been started by then.
    stack.rcompose(&["up", "-d", "gate"]).succeeds();
    stack.rcompose(&["up", "-d", "--wait", "--wait-timeout", "1"]).fails_with(1).says(&["not healthy after 1s"]);
    assert_eq!(stack.container("gate").state, "running");
    stack.rcompose(&["exec", "-T", "gate", "touch", "/gate/open"]).succeeds();
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    assert_eq!(stack.container("late").state, "running");
}

#[test]
fn two_ups_at_once_make_one_stack() {
    let sandbox = Sandbox::new("two-ups");
    let stack = sandbox.stack("gated", &GATED.replace("/gate/open", "/gate"));
    let ups = [stack.spawn(&["up", "-d", "--wait"]), stack.spawn(&["up", "-d", "--wait"])];
    for up in ups {
        up.wait(Duration::from_secs(30)).succeeds();
    }
    let services: Vec<_> = stack.containers().into_iter().map(|container| container.service).collect();
    assert_eq!(services, ["gate", "late"]);
}

#[test]
fn who_waits_for_another_command_is_told_for_which() {
    let sandbox = Sandbox::new("second-up");
    let stack = sandbox.stack("gated", GATED);
    let first = stack.spawn(&["up", "-d", "--wait"]);
    eventually("a gate that runs", Duration::from_secs(20), || {
        stack
            .containers()
            .iter()
            .any(|container| container.service == "gate" && container.state == "running")
            .then_some(())
    });
    let second = stack.spawn(&["--progress", "json", "up", "-d"]);
    let told = eventually("who holds the project", Duration::from_secs(20), || {
        let said = second.stderr();
        said.lines().find(|line| line.contains("Project gated") && line.contains("Waiting")).map(ToOwned::to_owned)
    });
    assert!(told.contains("for rcompose -p gated") && told.contains("up -d --wait (pid "), "{told}");
    stack.rcompose(&["exec", "-T", "gate", "touch", "/gate/open"]).succeeds();
    first.wait(Duration::from_secs(30)).succeeds();
    second.wait(Duration::from_secs(30)).succeeds().says(&[r#""id":"Project gated","status":"Done","text":"Ready""#]);
}

#[test]
fn two_downs_at_once_both_succeed() {
    let sandbox = Sandbox::new("two-downs");
    let stack = sandbox.stack("gated", &GATED.replace("/gate/open", "/gate"));
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    let downs = [stack.spawn(&["down"]), stack.spawn(&["down", "-v"])];
    for down in downs {
        down.wait(Duration::from_secs(30)).succeeds();
    }
    assert_eq!(stack.containers(), []);
}

#[test]
fn an_attached_up_ends_when_another_terminal_takes_the_stack_down() {
    let sandbox = Sandbox::new("attached-down");
    let stack = sandbox.stack(
        "shown",
        "services: {web: {image: 'rootfs:/', init: true, command: [sh, -c, 'echo begun; exec sleep 1000']}}",
    );
    let up = stack.spawn(&["up"]);
    up.prints("begun");
    stack.rcompose(&["down"]).succeeds();
    let outcome = up.wait(Duration::from_secs(20));
    assert!(outcome.status.code().is_some(), "{outcome}");
    assert_eq!(stack.containers(), []);
}

#[test]
fn an_attached_up_says_that_its_supervisor_is_gone() {
    let sandbox = Sandbox::new("attached-bereaved");
    let stack = sandbox.stack(
        "shown",
        "services: {web: {image: 'rootfs:/', init: true, command: [sh, -c, 'echo begun; exec sleep 1000']}}",
    );
    let up = stack.spawn(&["up"]);
    up.prints("begun");
    kill(Pid::from_raw(stack.supervisor().unwrap()), Signal::SIGKILL).unwrap();
    up.wait(Duration::from_secs(20)).fails_with(1).says(&["supervisor"]);
    assert_eq!(stack.container("web").state, "running");
}

#[test]
fn an_attached_up_that_still_waits_says_so_too() {
    let sandbox = Sandbox::new("waiting-bereaved");
    let stack = sandbox.stack("gated", GATED);
    let up = stack.spawn(&["up"]);
    eventually("the gate runs", Duration::from_secs(20), || {
        stack.containers().iter().any(|c| c.service == "gate" && c.state == "running").then_some(())
    });
    kill(Pid::from_raw(stack.supervisor().unwrap()), Signal::SIGKILL).unwrap();
    up.wait(Duration::from_secs(20)).fails_with(1).says(&["supervisor"]);
}

#[test]
fn an_interrupted_up_leaves_what_it_made() {
    let sandbox = Sandbox::new("interrupted-up");
    let stack = sandbox.stack("gated", GATED);
    let up = stack.spawn(&["up", "-d"]);
    eventually("the gate runs", Duration::from_secs(20), || {
        stack.containers().iter().any(|c| c.service == "gate" && c.state == "running").then_some(())
    });
    up.signal(Signal::SIGINT);
    let outcome = up.wait(Duration::from_secs(10));
    assert!(!outcome.status.success(), "{outcome}");
    assert_eq!(stack.container("gate").state, "running");
}
