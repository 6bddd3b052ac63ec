//! What happens to containers, as it is told.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::Sandbox;

const SHOP: &str = "
services:
  web:
    image: rootfs:/
    init: true
    command: [sleep, '1000']
    labels: {tier: front}
    healthcheck: {test: [CMD, 'true'], interval: 1h}
  once: {image: 'rootfs:/', command: [sh, -c, exit 3]}
";

/// `service action` of each event.
fn actions(output: &str, service: &str) -> Vec<String> {
    let values = output.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    values
        .filter(|value| value["service"] == service)
        .map(|value| value["action"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_whole_life_is_told_as_it_happens_and_afterwards() {
    let sandbox = Sandbox::new("events");
    let stack = sandbox.stack("shop", SHOP);
    // Nothing runs, and nothing is started for who only listens.
    let events = stack.spawn(&["events", "--json"]);
    stack.rcompose(&["up", "-d", "--wait", "web"]).succeeds();
    events.prints("health_status: healthy");
    stack.rcompose(&["up", "-d", "once"]).succeeds();
    events.prints("\"exitCode\":\"3\"");
    let history = ["events", "--json", "--since", "1h", "--until", "0s"];
    let told = stack.rcompose(&history).succeeds().stdout;
    assert_eq!(actions(&told, "web"), ["create", "start", "health_status: healthy"]);
    assert_eq!(actions(&told, "once"), ["create", "start", "die"]);
    let told = stack.rcompose(&[&history[..], &["once"]].concat()).succeeds().stdout;
    assert_eq!(actions(&told, "web"), [""; 0]);
    let text = stack.rcompose(&["events", "--since", "1h", "--until", "0s", "web"]).succeeds().stdout;
    let first = text.lines().next().unwrap();
    assert!(
        first.contains(" container create ") && first.ends_with("(image=rootfs:/, name=shop-web-1, tier=front)"),
        "{text}"
    );

    stack.rcompose(&["down"]).succeeds();
    events.prints("\"action\":\"destroy\"");
    stack.rcompose(&["up", "-d", "web"]).succeeds();
    crate::support::eventually("the second life", Duration::from_secs(20), || {
        (actions(&events.stdout(), "web").iter().filter(|action| *action == "start").count() == 2).then_some(())
    });
    let lives = actions(&events.stdout(), "web");
    let first: Vec<&str> = lives.iter().map(String::as_str).take(7).collect();
    assert_eq!(first, ["create", "start", "health_status: healthy", "kill", "die", "stop", "destroy"]);
    events.signal(Signal::SIGINT);
    events.wait(Duration::from_secs(20)).fails_with(130);
}

#[test]
fn who_listens_keeps_no_supervisor() {
    let sandbox = Sandbox::new("events-alone");
    let stack = sandbox.stack("shop", SHOP);
    stack.rcompose(&["up", "-d", "web"]).succeeds();
    let events = stack.spawn(&["events"]);
    events.prints(""); // It may or may not listen yet: both are fine.
    stack.rcompose(&["down"]).succeeds();
    crate::support::eventually("the end of the supervisor", Duration::from_secs(20), || {
        (!sandbox.path().join("run/shop").exists()).then_some(())
    });
    events.signal(Signal::SIGTERM);
    events.wait(Duration::from_secs(20)).fails_with(130);
}

#[test]
fn what_is_done_to_a_container_by_hand_is_told_in_dockers_words() {
    let sandbox = Sandbox::new("events-by-hand");
    let stack = sandbox.stack("shop", "services: {web: {image: 'rootfs:/', init: true, command: [sleep, '1000']}}");
    for command in [&["up", "-d"][..], &["pause"], &["unpause"], &["kill", "-s", "WINCH"], &["restart", "-t", "5"]] {
        stack.rcompose(command).succeeds();
    }
    let told = stack.rcompose(&["events", "--json", "--since", "1h", "--until", "0s"]).succeeds().stdout;
    assert_eq!(
        actions(&told, "web"),
        ["create", "start", "pause", "unpause", "kill", "kill", "die", "stop", "start", "restart"]
    );
}

#[test]
fn what_has_happened_is_remembered_without_a_supervisor() {
    let sandbox = Sandbox::new("events-memory");
    let stack = sandbox.stack("shop", SHOP);
    stack.rcompose(&["up", "-d", "--wait", "web"]).succeeds();
    let told = || {
        let told = stack.rcompose(&["events", "--json", "--since", "1h", "--until", "0s"]).succeeds().stdout;
        actions(&told, "web")
    };
    let first = ["create", "start", "health_status: healthy"];
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(stack.supervisor().unwrap()), Signal::SIGKILL).unwrap();
    assert_eq!(told(), first);
    // The next one goes on where that ended.
    stack.rcompose(&["kill", "-s", "WINCH", "web"]).succeeds();
    assert_eq!(told(), [&first[..], &["kill"]].concat());
    stack.rcompose(&["down"]).succeeds();
    let life = [&first[..], &["kill", "kill", "die", "stop", "destroy"]].concat();
    assert_eq!(told(), life);
    // Who begins to listen now hears of that first, and then of what comes.
    let events = stack.spawn(&["events", "--json", "--since", "1h"]);
    events.prints("\"action\":\"destroy\"");
    stack.rcompose(&["up", "-d", "web"]).succeeds();
    crate::support::eventually("the second life", Duration::from_secs(20), || {
        (actions(&events.stdout(), "web").len() >= life.len() + 2).then_some(())
    });
    assert_eq!(actions(&events.stdout(), "web")[..life.len() + 2], [&life[..], &["create", "start"]].concat());
    events.signal(Signal::SIGINT);
    events.wait(Duration::from_secs(20)).fails_with(130);
}
