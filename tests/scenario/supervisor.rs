//! A killed supervisor loses nothing: containers, ports and logs go on, and the next command that needs one starts it.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Sandbox, Stack, eventually, holds_for, http};

const SERVED: &str = "
services:
  web:
    image: rootfs:/
    init: true
    restart: always
    command: [sh, -c, 'mkdir -p /www && echo here > /www/file && touch /www/ok && echo $$$$ > /pid && echo serving && exec busybox httpd -f -p 80 -h /www']
    ports: ['127.0.0.1:8080:80']
    healthcheck: {test: [CMD, test, -e, /www/ok], interval: 100ms, retries: 1}
";

/// Brings `stack` up and kills its supervisor, whose pid is returned.
fn up_and_bereave(stack: &Stack<'_>) -> i32 {
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    let pid = stack.supervisor().expect("a running stack has a supervisor");
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    eventually("the end of the supervisor", Duration::from_secs(5), || kill(Pid::from_raw(pid), None).err());
    pid
}

#[test]
fn containers_and_ports_go_on_without_it() {
    let sandbox = Sandbox::new("bereaved");
    let stack = sandbox.stack("served", SERVED);
    up_and_bereave(&stack);
    assert_eq!(http::get(8080, "/file").trim(), "here");
    assert_eq!(stack.container("web").state, "running");
    stack.logs_show("web", "serving");
    stack.rcompose(&["exec", "-T", "web", "cat", "/www/file"]).succeeds().prints(&["here"]);
    stack.rcompose(&["down"]).succeeds();
    assert_eq!(stack.containers(), []);
}

#[test]
fn up_adopts_what_runs() {
    let sandbox = Sandbox::new("adopted");
    let stack = sandbox.stack("served", SERVED);
    up_and_bereave(&stack);
    let before = stack.container("web").id;
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    assert_eq!(stack.container("web").id, before, "the container has been taken over as it is");
    assert_eq!(http::get(8080, "/file").trim(), "here");
}

#[test]
fn health_and_restarts_resume() {
    let sandbox = Sandbox::new("resumed");
    let stack = sandbox.stack("served", SERVED);
    up_and_bereave(&stack);
    stack.rcompose(&["up", "-d"]).succeeds();

    stack.rcompose(&["exec", "-T", "web", "rm", "/www/ok"]).succeeds();
    eventually("web is unhealthy", Duration::from_secs(10), || {
        (stack.container("web").health == "unhealthy").then_some(())
    });
    stack.rcompose(&["exec", "-T", "web", "touch", "/www/ok"]).succeeds();
    eventually("web is healthy", Duration::from_secs(10), || {
        (stack.container("web").health == "healthy").then_some(())
    });

    // How it ends is open: the container's end may end it too.
    stack.rcompose(&["exec", "-T", "web", "sh", "-c", "kill $(cat /pid)"]);
    eventually("web has been restarted", Duration::from_secs(10), || {
        (stack.rcompose(&["logs", "--no-log-prefix", "web"]).stdout.matches("serving").count() == 2).then_some(())
    });
}

#[test]
fn a_down_takes_over_from_an_up_that_waits() {
    let sandbox = Sandbox::new("overtaken");
    let never = SERVED.replace("touch /www/ok", "true").replace("retries: 1", "retries: 100000");
    let stack = sandbox.stack("served", &never);
    let up = stack.spawn(&["up", "-d", "--wait"]);
    eventually("web runs", Duration::from_secs(10), || {
        stack.containers().iter().any(|container| container.state == "running").then_some(())
    });
    stack.rcompose(&["down"]).succeeds();
    up.wait(Duration::from_secs(10)).fails_with(1).says(&["interrupted"]);
    assert_eq!(stack.containers(), []);
}

#[test]
fn a_shim_brings_it_back() {
    let sandbox = Sandbox::new("revived");
    let stack = sandbox.stack("served", SERVED);
    let mut dead = up_and_bereave(&stack);
    for round in ["the first", "the second"] {
        // No command is run meanwhile that would start one.
        let alive = eventually(&format!("{round} supervisor is replaced"), Duration::from_secs(10), || {
            stack.supervisor().filter(|pid| *pid != dead && kill(Pid::from_raw(*pid), None).is_ok())
        });
        eventually("names resolve", Duration::from_secs(10), || {
            (stack.rcompose(&["exec", "-T", "web", "getent", "hosts", "web"]).status.code() == Some(0)).then_some(())
        });
        kill(Pid::from_raw(alive), Signal::SIGKILL).unwrap();
        dead = alive;
    }
    stack.rcompose(&["down"]).succeeds();
}

#[test]
fn a_shim_brings_it_back_although_the_dead_one_still_has_its_lock() {
    let sandbox = Sandbox::new("revived-late");
    let stack = sandbox.stack("served", SERVED);
    stack.rcompose(&["up", "-d"]).succeeds();
    let dead = stack.supervisor().unwrap();
    // As a child does that it has not quite begun: the lock is free when the last who has it lets go.
    let lock = fs_err::File::open(sandbox.path().join("run/served/lock")).unwrap();
    kill(Pid::from_raw(dead), Signal::SIGKILL).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let is_dead = |pid: i32| kill(Pid::from_raw(pid), None).is_err();
    holds_for("nobody has the project", Duration::from_millis(400), || {
        stack.supervisor().is_none_or(|pid| pid == dead)
    });
    drop(lock);
    eventually("another supervisor", Duration::from_secs(10), || {
        stack.supervisor().filter(|pid| *pid != dead && !is_dead(*pid))
    });
    stack.rcompose(&["down"]).succeeds();
}
