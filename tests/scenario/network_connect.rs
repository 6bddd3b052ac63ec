//! `rcompose network connect` and `disconnect`: packets that arrive, and packets that do not.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{Sandbox, Stack};

const STACK: &str = "
services:
  a: &a {image: 'rootfs:/', init: true, command: [sleep, '1000'], networks: [x]}
  b: {<<: *a, command: [python3, -u, -m, http.server, '80'], networks: [y]}
networks: {x: , y: }
";

/// Whether `service` is answered at `host` of the HTTP server there.
fn reaches(stack: &Stack<'_>, service: &str, host: &str) -> bool {
    let script = format!("import urllib.request as r; r.urlopen('http://{host}/', timeout=2)");
    stack.rcompose(&["exec", "-T", service, "python3", "-c", &script]).status.success()
}

/// The address of a container on a network, as `network inspect` has it.
fn address(sandbox: &Sandbox, network: &str, container: &str) -> Option<String> {
    let text = sandbox.rcompose(&["network", "inspect", network]).succeeds().stdout;
    let value: Value = serde_json::from_str(&text).unwrap();
    let containers = value[0]["Containers"].as_object().unwrap();
    let found = containers.values().find(|of| of["Name"] == container)?;
    Some(found["IPv4Address"].as_str().unwrap().split_once('/').unwrap().0.to_owned())
}

#[test]
fn a_running_container_is_reached_while_it_is_connected() {
    let sandbox = Sandbox::new("connect");
    let stack = sandbox.stack("live", STACK);
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.logs_show("b", "Serving");
    let links = |service: &str| stack.rcompose(&["exec", "-T", service, "ip", "-o", "link"]).succeeds().stdout;
    assert!(!reaches(&stack, "a", "b"), "nothing connects them");

    sandbox.rcompose(&["network", "connect", "--alias", "bee", "live_x", "live-b-1"]).succeeds();
    let given = address(&sandbox, "live_x", "live-b-1").unwrap();
    for host in ["b", "bee", "live-b-1.live_x", &given] {
        assert!(reaches(&stack, "a", host), "a does not reach {host}");
    }
    stack.rcompose(&["exec", "-T", "b", "getent", "hosts", "a"]).succeeds();
    stack.rcompose(&["exec", "-T", "b", "cat", "/etc/hosts"]).succeeds().prints(&[&given]);
    assert!(links("b").contains("eth1"));
    sandbox
        .rcompose(&["network", "connect", "live_x", "live-b-1"])
        .fails_with(1)
        .says(&["container live-b-1 is on network live_x already"]);

    // A service of the project here is a container too.
    stack.rcompose(&["network", "disconnect", "live_x", "b"]).succeeds();
    assert_eq!(address(&sandbox, "live_x", "live-b-1"), None);
    for host in ["b", "bee", &given] {
        assert!(!reaches(&stack, "a", host), "a reaches {host}");
    }
    assert!(!links("b").contains("eth1"));
    let hosts = stack.rcompose(&["exec", "-T", "b", "cat", "/etc/hosts"]).succeeds().stdout;
    assert!(!hosts.contains(&given), "{hosts}");
    sandbox
        .rcompose(&["network", "disconnect", "live_x", "live-b-1"])
        .fails_with(1)
        .says(&["is not on network live_x"]);
    sandbox.rcompose(&["network", "disconnect", "-f", "live_x", "live-b-1"]).succeeds();
}

#[test]
fn what_is_connected_stays_so_when_the_supervisor_dies_and_the_container_starts_again() {
    let sandbox = Sandbox::new("connect-stays");
    let stack = sandbox.stack("stays", STACK);
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.logs_show("b", "Serving");
    sandbox
        .rcompose(&["network", "connect", "--ip", "10.1.2.3", "stays_x", "stays-b-1"])
        .fails_with(1)
        .says(&["10.1.2.3 is not in"]);
    sandbox.rcompose(&["network", "connect", "stays_x", "stays-b-1"]).succeeds();
    let container = stack.container("b").id;
    let given = address(&sandbox, "stays_x", "stays-b-1");
    let supervisor = Pid::from_raw(stack.supervisor().unwrap()).unwrap();
    kill_process(supervisor, Signal::KILL).unwrap();
    // Starts another one, which has nothing to do: what is connected beside the file stays, as with docker compose.
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_eq!(stack.container("b").id, container);
    assert!(reaches(&stack, "a", "b"));
    stack.rcompose(&["exec", "-T", "b", "sh", "-c", "kill -9 -1"]);
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_eq!((stack.container("b").id, address(&sandbox, "stays_x", "stays-b-1")), (container, given));
}

#[test]
fn up_makes_a_container_anew_that_was_taken_off_its_network() {
    let sandbox = Sandbox::new("disconnect");
    let stack = sandbox.stack("off", STACK);
    stack.rcompose(&["up", "-d"]).succeeds();
    let [a, b] = ["a", "b"].map(|service| stack.container(service).id);
    stack.rcompose(&["network", "disconnect", "off_x", "a"]).succeeds();
    let routes = stack.rcompose(&["exec", "-T", "a", "ip", "route"]).succeeds().stdout;
    assert_eq!(routes, "");
    stack.rcompose(&["up", "-d", "--dry-run"]).succeeds().prints(&["not on network x"]);
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_ne!(stack.container("a").id, a);
    assert_eq!(stack.container("b").id, b);
    assert!(address(&sandbox, "off_x", "off-a-1").is_some());
}

#[test]
fn the_way_out_follows_gw_priority() {
    let sandbox = Sandbox::new("connect-way-out");
    let stack = sandbox.stack("out", STACK);
    stack.rcompose(&["up", "-d"]).succeeds();
    let way_out = || stack.rcompose(&["exec", "-T", "a", "ip", "route", "show", "default"]).succeeds().stdout;
    assert!(way_out().contains("dev eth0"));
    sandbox.rcompose(&["network", "connect", "--gw-priority", "1", "out_y", "out-a-1"]).succeeds();
    assert!(way_out().contains("dev eth1") && way_out().lines().count() == 1, "{}", way_out());
    sandbox.rcompose(&["network", "disconnect", "out_y", "out-a-1"]).succeeds();
    assert!(way_out().contains("dev eth0"), "{}", way_out());
}

#[test]
fn a_container_may_be_on_a_network_of_another_project() {
    let sandbox = Sandbox::new("connect-foreign");
    let one = sandbox.stack("one", STACK);
    let two = sandbox.stack("two", STACK);
    for stack in [&one, &two] {
        stack.rcompose(&["up", "-d"]).succeeds();
    }
    two.logs_show("b", "Serving");
    let given = address(&sandbox, "two_y", "two-b-1").unwrap();
    assert!(!reaches(&one, "a", &given), "nothing connects them");
    sandbox.rcompose(&["network", "connect", "two_y", "one-a-1"]).succeeds();
    assert!(address(&sandbox, "two_y", "one-a-1").is_some_and(|address| address != given));
    assert!(reaches(&one, "a", "two-b-1") && reaches(&one, "a", &given));
    sandbox.rcompose(&["network", "disconnect", "two_y", "one-a-1"]).succeeds();
    assert!(!reaches(&one, "a", &given), "nothing connects them any more");
    assert_eq!(address(&sandbox, "two_y", "one-a-1"), None);
}

#[test]
fn what_belongs_to_no_project_connects_those_that_name_it() {
    let sandbox = Sandbox::new("connect-created");
    sandbox.rcompose(&["network", "create", "common"]).succeeds();
    let file = "
services:
  web: {image: 'rootfs:/', init: true, command: [python3, -u, -m, http.server, '80'], networks: [common]}
networks: {common: {external: true}}
";
    let (one, two) = (sandbox.stack("one", file), sandbox.stack("two", &file.replace("web:", "other:")));
    for stack in [&one, &two] {
        stack.rcompose(&["up", "-d"]).succeeds();
    }
    one.logs_show("web", "Serving");
    assert!(reaches(&two, "other", "web"));
    sandbox.rcompose(&["network", "rm", "common"]).fails_with(1).says(&["in use by", "one-web-1", "two-other-1"]);
    for stack in [&one, &two] {
        stack.rcompose(&["down", "-t", "1"]).succeeds();
    }
    sandbox.rcompose(&["network", "rm", "common"]).succeeds();
}

#[test]
fn what_is_connected_later_has_the_limits_of_the_service() {
    let sandbox = Sandbox::new("connect-rate");
    let stack = sandbox.stack(
        "slow",
        "
services:
  a: {image: 'rootfs:/', init: true, command: [sleep, '1000'], networks: [x], x-rcompose: {network: {rate: 8mbit}}}
  b: {image: 'rootfs:/', init: true, command: [sleep, '1000'], networks: [y]}
networks: {x: , y: }
",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    let queues = || {
        let mut command = std::process::Command::new("tc");
        sandbox.equip(&mut command);
        command.args(["qdisc", "show"]);
        let shown = sandbox.run(command).succeeds().stdout;
        shown.lines().filter(|line| line.contains("qdisc tbf") && line.contains("rate 8Mbit")).count()
    };
    // What it receives, and what it sends.
    assert_eq!(queues(), 2);
    sandbox.rcompose(&["network", "connect", "slow_y", "slow-a-1"]).succeeds();
    assert_eq!(queues(), 4);
    sandbox.rcompose(&["network", "disconnect", "slow_y", "slow-a-1"]).succeeds();
    assert_eq!(queues(), 2);
}
