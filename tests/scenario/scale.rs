//! More and fewer: replicas, orphans, and services that go down alone.

use std::time::Duration;

use crate::support::{Sandbox, Stack, eventually};

const PAIR: &str = "
services:
  web: {image: 'rootfs:/', init: true, command: [sleep, '1000']}
  db: {image: 'rootfs:/', init: true, command: [sleep, '1000']}
";

/// The services of the running containers.
fn running(stack: &Stack<'_>) -> Vec<String> {
    let containers = stack.containers().into_iter();
    containers.filter(|container| container.state == "running").map(|container| container.service).collect()
}

#[test]
fn every_replica_has_an_address_under_the_one_name() {
    let sandbox = Sandbox::new("scale");
    let stack = sandbox.stack("scaled", PAIR);
    stack.rcompose(&["up", "-d"]).succeeds();
    let first = stack.container("web");
    stack.rcompose(&["up", "-d", "--scale", "web=3"]).succeeds();
    assert_eq!(running(&stack), ["db", "web", "web", "web"]);
    assert!(stack.containers().contains(&first), "the first one has not been touched");
    let found = stack.rcompose(&["exec", "-T", "db", "getent", "ahostsv4", "web"]).succeeds().stdout;
    let addresses: std::collections::BTreeSet<_> = found.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(addresses.len(), 3, "{found}");

    stack.rcompose(&["up", "-d", "--scale", "web=1"]).succeeds();
    assert_eq!(running(&stack), ["db", "web"]);
    assert!(stack.containers().contains(&first), "the highest numbers go first");
    let found = stack.rcompose(&["exec", "-T", "db", "getent", "hosts", "web"]).succeeds().stdout;
    assert_eq!(found.lines().count(), 1, "{found}");
}

#[test]
fn replicas_cannot_share_a_port() {
    let sandbox = Sandbox::new("scale-port");
    let file = |ports: &str, scale: u32| {
        let web =
            format!("image: 'rootfs:/', init: true, command: [sleep, '1000'], ports: ['{ports}'], scale: {scale}");
        format!("services: {{web: {{{web}}}}}")
    };
    let stack = sandbox.stack("scaled", &file("8080:80", 2));
    stack.rcompose(&["up", "-d"]).fails_with(1).says(&["`web` cannot have 2 containers on the one port 8080", "hint:"]);
    assert_eq!(stack.containers(), [], "nothing has been made");
    stack.rewrite(&file("8080:80", 1));
    stack.rcompose(&["up", "-d"]).succeeds();
    let first = stack.container("web");
    for command in [&["scale", "web=2"][..], &["up", "-d", "--scale", "web=2"]] {
        stack.rcompose(command).fails_with(1).says(&["cannot have 2 containers on the one port 8080"]);
        assert_eq!(stack.containers(), std::slice::from_ref(&first), "{command:?}");
    }
    stack.rewrite(&file("8080-8081:80", 3));
    stack.rcompose(&["up", "-d"]).fails_with(1).says(&["cannot have 3 containers on the ports 8080-8081"]);
    stack.rcompose(&["up", "-d", "--scale", "web=2"]).succeeds();
    assert_eq!(running(&stack), ["web", "web"]);
}

#[test]
fn orphans_are_named_and_removed_when_asked() {
    let sandbox = Sandbox::new("orphans");
    let stack = sandbox.stack("shrunk", PAIR);
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rewrite("services: {web: {image: 'rootfs:/', init: true, command: [sleep, '1000']}}");
    stack.rcompose(&["up", "-d"]).succeeds().says(&["shrunk-db-1", "--remove-orphans"]);
    assert_eq!(running(&stack), ["db", "web"]);
    stack.rcompose(&["up", "-d", "--remove-orphans"]).succeeds();
    assert_eq!(running(&stack), ["web"]);
}

#[test]
fn one_service_goes_down_alone() {
    let sandbox = Sandbox::new("down-one");
    let stack = sandbox.stack("pair", PAIR);
    stack.rcompose(&["up", "-d"]).succeeds();
    let db = stack.container("db");
    stack.rcompose(&["down", "web"]).succeeds();
    assert_eq!(stack.containers(), std::slice::from_ref(&db));
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_eq!(running(&stack), ["db", "web"]);
    assert_eq!(stack.container("db"), db);
    stack.rcompose(&["exec", "-T", "db", "getent", "hosts", "web"]).succeeds();
}

#[test]
fn exec_takes_a_replica_that_runs() {
    let sandbox = Sandbox::new("exec-replica");
    let stack = sandbox.stack(
        "replicas",
        "
services:
  web:
    image: rootfs:/
    init: true
    scale: 2
    command: [sh, -c, 'until test -e /end; do sleep 0.05; done']
",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    // It may itself be ended with the container.
    let _ = stack.rcompose(&["exec", "-T", "--index", "1", "web", "touch", "/end"]);
    eventually("the end of the first", Duration::from_secs(10), || (running(&stack).len() == 1).then_some(()));
    stack.rcompose(&["exec", "-T", "web", "true"]).succeeds();
    stack.rcompose(&["exec", "-T", "--index", "2", "web", "true"]).succeeds();
    stack.rcompose(&["exec", "-T", "--index", "1", "web", "true"]).fails_with(1).says(&["web", "not running"]);
    stack.rcompose(&["exec", "-T", "--index", "3", "web", "true"]).fails_with(1).says(&["web", "3"]);
}

#[test]
fn a_network_has_room_for_hundreds_of_containers() {
    let sandbox = Sandbox::new("scale-hundreds");
    // Addresses are given out when containers are made: none has to be started for that.
    let stack = sandbox.stack("many", "services: {web: {image: 'rootfs:/', command: [sleep, '1000'], scale: 300}}");
    stack.rcompose(&["create"]).succeeds();
    let listed = stack.rcompose(&["ps", "-a", "-q"]).succeeds().stdout;
    assert_eq!(listed.lines().count(), 300);
    stack.rcompose(&["up", "-d", "--scale", "web=2"]).succeeds();
    assert_eq!(running(&stack), ["web", "web"]);
}
