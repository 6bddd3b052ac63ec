//! What the networks of a container carry.

use crate::inspect::{Running, up};
use crate::support::Sandbox;

const KEYS: &str = "image: 'rootfs:/', init: true, command: [sleep, '1000'], cap_add: [NET_ADMIN]";

fn compose(limits: &str) -> String {
    format!("services: {{web: {{{KEYS}, x-rcompose: {{network: {limits}}}}}}}")
}

/// The queues of the interfaces whose names begin with `prefix`, on the machine of the test.
fn queues(web: &Running, prefix: &str) -> String {
    let mut command = std::process::Command::new("tc");
    web.sandbox().equip(&mut command);
    let shown = web.sandbox().run(with(command, &["qdisc", "show"])).succeeds().stdout;
    shown.lines().filter(|line| line.contains(&format!(" dev {prefix}"))).collect::<Vec<_>>().join("\n")
}

fn with(mut command: std::process::Command, arguments: &[&str]) -> std::process::Command {
    command.args(arguments);
    command
}

/// Its own interface is free, with nothing there to be taken off; the queues are at the ends on the host, and `up` changes
/// them with the container running on.
#[test]
fn rates() {
    let web = Running::of(Sandbox::new("rates"), &compose("{rate: {in: 10mbit}}"));
    assert!(
        queues(&web, "rv").contains("tbf 3:") && queues(&web, "rv").contains("rate 10Mbit"),
        "{}",
        queues(&web, "rv")
    );
    assert_eq!(queues(&web, "ru"), "");
    assert!(!web.inside("tc qdisc show dev eth0").contains("tbf"));

    web.write(&compose("{rate: {in: 20mbit, out: 1mbit}}"));
    let plan = web.rcompose(&["--dry-run", "up", "-d"]).succeeds();
    plan.prints(&["update container attributes-web-1 (network limits changed)"]);
    let pid = web.pid_of("web");
    web.rcompose(&["up", "-d"]).succeeds().says(&["Container attributes-web-1  Updated"]);
    assert_eq!(web.pid_of("web"), pid, "it runs on");
    assert!(queues(&web, "rv").contains("rate 20Mbit"), "{}", queues(&web, "rv"));
    assert!(queues(&web, "ru").contains("rate 1Mbit"), "{}", queues(&web, "ru"));
    web.rcompose(&["--dry-run", "up", "-d"]).succeeds().prints(&[""]);

    // One that is made anew, or starts again, has them too.
    web.rcompose(&["up", "-d", "--force-recreate"]).succeeds();
    assert!(queues(&web, "ru").contains("rate 1Mbit"), "{}", queues(&web, "ru"));
    web.write(&format!("services: {{web: {{{KEYS}}}}}"));
    web.rcompose(&["up", "-d"]).succeeds().says(&["Updated"]);
    assert_eq!(queues(&web, "ru"), "");
    assert!(!queues(&web, "rv").contains("tbf"), "{}", queues(&web, "rv"));
}

#[test]
fn what_is_no_limit_is_refused_at_its_place() {
    let refused = |keys: &str, words: &[&str]| drop(up(keys).fails().says(&[&["compose.yaml:6:"], words].concat()));
    refused("x-rcompose: {network: {rate: 10m}}", &["`10m` is not a rate"]);
    refused("x-rcompose: {network: {rate: {up: 1mbit}}}", &["up", "`in` or `out`"]);
    refused("x-rcompose: {network: {loss: 1}}", &["`1%`"]);
    refused("x-rcompose: {network: {loss: 101%}}", &["`101%` is not a percentage"]);
    refused("x-rcompose: {network: {jitter: 5ms}}", &["`delay`"]);
    refused("x-rcompose: {network: {rate: 1mbit}}\nnetwork_mode: none", &["network_mode"]);
}

/// What a kernel lacks is said before anything begins.
#[test]
fn delay_takes_netem() {
    let outcome = up("x-rcompose: {network: {delay: 5ms, jitter: 1ms, loss: 0.5%}}");
    if rcompose::network::Queue::Netem.is_missing() {
        outcome.fails().says(&[
            "compose.yaml:6:",
            "x-rcompose.network.delay: 5ms",
            "this kernel has no netem (CONFIG_NET_SCH_NETEM)",
        ]);
    } else {
        outcome.succeeds();
    }
}
