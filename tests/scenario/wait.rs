//! `wait`: until containers have ended.

use std::time::Duration;

use crate::support::Sandbox;

const PAIR: &str = "
services:
  job:
    image: rootfs:/
    init: true
    command: [sh, -c, 'until test -e /given/end; do sleep 0.01; done; exit 7']
    volumes: ['./given:/given']
  web: {image: 'rootfs:/', init: true, command: [sleep, '1000']}
";

#[test]
fn it_ends_with_the_code_of_what_ended() {
    let sandbox = Sandbox::new("wait");
    let stack = sandbox.stack("waited", PAIR);
    stack.rcompose(&["up", "-d"]).succeeds();
    let wait = stack.spawn(&["wait", "job"]);
    wait.opens("pidfd");
    // From outside: a command in the container would end with it.
    sandbox.file("waited/given/end", "");
    wait.wait(Duration::from_secs(30)).fails_with(7).prints(&["container \"waited-job-1\" exited with status code 7"]);
    assert_eq!(stack.container("web").state, "running");
    stack.rcompose(&["wait", "job"]).fails_with(1).says(&["no containers"]);
}

#[test]
fn the_project_goes_down_when_asked() {
    let sandbox = Sandbox::new("wait-down");
    let stack = sandbox.stack("waited", PAIR);
    stack.rcompose(&["up", "-d"]).succeeds();
    let wait = stack.spawn(&["wait", "--down-project", "job"]);
    wait.opens("pidfd");
    // From outside: a command in the container would end with it.
    sandbox.file("waited/given/end", "");
    wait.wait(Duration::from_secs(30)).fails_with(7);
    assert!(stack.containers().is_empty());
}
