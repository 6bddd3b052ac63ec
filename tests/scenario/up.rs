//! `up` makes what is missing, recreates what changed, and leaves the rest alone.

use std::process::Command;

use crate::support::Sandbox;

const PAIR: &str = "
services:
  one: {image: 'rootfs:/', init: true, command: [sleep, '1000'], environment: {COLOUR: red}}
  two: {image: 'rootfs:/', init: true, command: [sleep, '1000']}
";

#[test]
fn a_second_up_changes_nothing() {
    let sandbox = Sandbox::new("up-twice");
    let stack = sandbox.stack("pair", PAIR);
    stack.rcompose(&["up", "-d"]).succeeds();
    let before = stack.containers();
    assert!(matches!(&*before, [one, two] if one.state == "running" && two.state == "running"), "{before:?}");

    stack.rcompose(&["up", "-d"]).succeeds();
    assert_eq!(stack.containers(), before);
}

#[test]
fn only_the_changed_service_is_recreated() {
    let sandbox = Sandbox::new("up-changed");
    let stack = sandbox.stack("pair", PAIR);
    stack.rcompose(&["up", "-d"]).succeeds();
    let (one, two) = (stack.container("one"), stack.container("two"));

    stack.rewrite(&PAIR.replace("red", "blue"));
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_ne!(stack.container("one").id, one.id, "the changed service is a new container");
    assert_eq!(stack.container("two"), two, "the other one has not been touched");
    stack.rcompose(&["exec", "-T", "one", "printenv", "COLOUR"]).succeeds().prints(&["blue"]);
}

#[test]
fn a_dry_run_says_what_it_would_do_and_does_nothing() {
    let sandbox = Sandbox::new("up-dry");
    let stack = sandbox.stack("pair", PAIR);
    let outcome = stack.rcompose(&["up", "-d", "--dry-run"]).succeeds();
    let said = outcome.stdout + &outcome.stderr;
    assert!(said.contains("one") && said.contains("two"), "{said}");
    assert_eq!(stack.containers(), []);
    assert!(!sandbox.path().join("run/pair").exists(), "not even a supervisor has been started");
}

#[test]
fn containers_of_a_project_reach_one_another_by_name() {
    let sandbox = Sandbox::new("up-names");
    let stack = sandbox.stack("pair", PAIR);
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rcompose(&["exec", "-T", "one", "getent", "hosts", "two"]).succeeds().prints(&["two"]);
    let unknown = stack.rcompose(&["exec", "-T", "one", "getent", "hosts", "three"]);
    assert_eq!(unknown.status.code(), Some(2), "getent says that there is no such key: {unknown}");
}

#[test]
fn a_container_name_belongs_to_one_project() {
    let sandbox = Sandbox::new("names");
    let service = "services: {web: {image: 'rootfs:/', init: true, container_name: only, command: [sleep, '1000']}}";
    sandbox.stack("first", service).rcompose(&["up", "-d"]).succeeds();
    let second = sandbox.stack("second", service);
    second.rcompose(&["up", "-d"]).fails_with(1).says(&["only", "project first"]);
    assert_eq!(second.containers(), []);
}

#[test]
fn an_init_is_not_taken_for_deaf() {
    let sandbox = Sandbox::new("init-stop");
    let stack = sandbox.stack(
        "stopped",
        "services: {web: {image: 'rootfs:/', init: true, command: [sleep, '1000'], stop_grace_period: 1m}}",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    let down = stack.rcompose(&["down"]).succeeds();
    assert!(!down.stderr.contains("no handler"), "{}", down.stderr);
}

#[test]
fn no_link_is_left_when_down_returns() {
    let sandbox = Sandbox::new("links-gone");
    let compose = "services: {web: {image: 'rootfs:/', init: true, command: [sleep, '1000'], scale: 4}}";
    let stack = sandbox.stack("linked", compose);
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rcompose(&["down"]).succeeds();
    let mut links = Command::new("ip");
    sandbox.equip(&mut links);
    links.args(["-o", "link"]);
    let links = sandbox.run(links).succeeds().stdout;
    assert!(!links.contains(": rv") && !links.contains(": rc-"), "{links}");
}
