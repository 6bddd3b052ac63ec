//! `rcompose net`: what it says of who reaches whom is what packets say.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Background, Sandbox, Stack};

/// `shut` is internal, and keeps its gateway; `icc` keeps its containers apart.
const STACK: &str = "
services:
  web: &service
    image: 'rootfs:/'
    init: true
    command: [python3, -u, -m, http.server, '80', --bind, '0.0.0.0']
    networks: [open]
  both: {<<: *service, networks: [open, shut]}
  db: {<<: *service, networks: [shut]}
  far: {<<: *service, networks: [other], ports: ['8081:80']}
  one: {<<: *service, networks: [icc]}
  two: {<<: *service, networks: [icc], ports: ['127.0.0.1:8082:80']}
  lone: {<<: *service, networks: !reset , network_mode: none}
networks:
  open:
  other:
  shut: {internal: true}
  icc: {driver_opts: {com.docker.network.bridge.enable_icc: 'false'}}
";
const SERVICES: [&str; 7] = ["web", "both", "db", "far", "one", "two", "lone"];

/// What `net --format json` says, and how it ended.
fn said(stack: &Stack<'_>) -> (Value, Option<i32>) {
    let outcome = stack.rcompose(&["net", "--format", "json"]);
    (serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {outcome}")), outcome.status.code())
}

/// Says which of its arguments answer: connections for `ADDRESS:PORT`, addresses for names. All are asked at once, for what
/// does not answer to take its time only once.
const ASK: &str = "
import socket, sys, threading
def ask(host):
    try:
        if ':' in host:
            address, port = host.rsplit(':', 1)
            socket.create_connection((address, int(port)), timeout=2).close()
        else:
            socket.getaddrinfo(host, None, socket.AF_INET)
        print(host)
    except OSError:
        pass
threads = [threading.Thread(target=ask, args=(host,)) for host in sys.argv[1:]]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
";

/// Begins to ask `hosts` from a container.
fn ask(stack: &Stack<'_>, service: &str, hosts: &[String]) -> Background {
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    stack.spawn(&[&["exec", "-T", service, "python3", "-c", ASK][..], &hosts].concat())
}

/// Those that answer.
fn answers(asked: Background) -> Vec<String> {
    asked.wait(Duration::from_secs(60)).succeeds().stdout.lines().map(str::to_owned).collect()
}

/// What a program says on the machine of the test.
fn system(sandbox: &Sandbox, line: &str) -> String {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().unwrap());
    sandbox.equip(&mut command);
    command.args(words);
    sandbox.run(command).succeeds().stdout
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[test]
fn verdicts_agree_with_packets() {
    let sandbox = Sandbox::new("net-verdicts");
    let stack = sandbox.stack("seen", STACK);
    stack.rcompose(&["up", "-d"]).succeeds();
    for service in SERVICES {
        stack.logs_show(service, "Serving");
    }
    let (facts, code) = said(&stack);
    assert_eq!((&facts["problems"], code), (&Value::Array(Vec::new()), Some(0)));
    let container = |service: &str| {
        let containers = facts["containers"].as_array().unwrap();
        containers.iter().find(|container| container["service"] == service).unwrap().clone()
    };
    // Every port of every address of every container, and where its ports are published.
    let gateways = ["open", "other", "shut", "icc"].map(|network| {
        let shown = sandbox.rcompose(&["network", "inspect", &format!("seen_{network}")]).succeeds().stdout;
        let shown: Value = serde_json::from_str(&shown).unwrap();
        shown[0]["IPAM"]["Config"][0]["Gateway"].as_str().unwrap().to_owned()
    });
    let hosts = |service: &str| {
        let container = container(service);
        let endpoints = container["endpoints"].as_array().unwrap();
        let direct: Vec<String> =
            endpoints.iter().flat_map(|of| texts(&of["addresses"])).map(|of| of + ":80").collect();
        let ports = container["ports"].as_array().unwrap().iter();
        let published = ports.flat_map(|port| gateways.iter().map(move |host| format!("{host}:{}", port["host_port"])));
        (direct, published.collect::<Vec<_>>())
    };
    let names = SERVICES.map(|service| format!("seen-{service}-1"));
    let asked = SERVICES.map(|from| {
        let others = SERVICES.into_iter().filter(|to| *to != from).map(hosts);
        let all: Vec<String> = others.flat_map(|(direct, published)| [direct, published].concat()).collect();
        ask(&stack, from, &[all, names.to_vec()].concat())
    });
    let mut seen = BTreeSet::new();
    for (from, asked) in SERVICES.into_iter().zip(asked) {
        let answers = answers(asked);
        for to in SERVICES.into_iter().filter(|to| *to != from) {
            let pairs = facts["reach"].as_array().unwrap();
            let names = [from, to].map(|service| format!("seen-{service}-1"));
            let verdict = pairs.iter().find(|pair| pair["from"] == names[0] && pair["to"] == names[1]).unwrap();
            let (direct, published) = hosts(to);
            let expected = match [direct, published].map(|hosts| hosts.iter().any(|host| answers.contains(host))) {
                [true, _] => "yes",
                [false, true] => "ports",
                [false, false] => "no",
            };
            seen.insert(expected);
            assert_eq!(verdict["reaches"], expected, "{from} to {to}: {answers:?} answered, {verdict:#}");
            let ways = verdict["ways"].as_array().unwrap();
            for host in ways.iter().flat_map(|way| texts(&way["at"])) {
                let host = if host.contains(':') { host } else { host + ":80" };
                assert!(answers.contains(&host), "{from} to {to}: {host} does not answer: {verdict:#}");
            }
        }
        let container = container(from);
        let known = container["resolves"].as_object().unwrap();
        // Its own name a container without a network knows from its own file.
        for name in names.iter().filter(|name| **name != "seen-lone-1") {
            assert_eq!(
                answers.contains(name),
                known.contains_key(name),
                "{from} resolves {name}: {answers:?}, {known:?}"
            );
        }
    }
    assert_eq!(seen.len(), 3, "{seen:?}");

    stack.rcompose(&["net", "web", "both"]).succeeds().prints(&["seen-web-1 reaches seen-both-1", "both, seen-both-1"]);
    stack.rcompose(&["net", "web", "db"]).fails_with(1).prints(&[
        "no network in common: seen-web-1 is on seen_open, seen-db-1 on seen_shut (internal)",
        "rcompose network connect seen_shut seen-web-1",
    ]);
    // The remedy is one.
    sandbox.rcompose(&["network", "connect", "seen_shut", "seen-web-1"]).succeeds();
    stack.rcompose(&["net", "web", "db"]).succeeds();
    stack.rcompose(&["net", "web", "nobody"]).fails_with(1).says(&["container nobody not found"]);
    stack.rcompose(&["net", "--dot"]).succeeds().prints(&["\"container seen-db-1\" -> \"network seen_shut\""]);
}

#[test]
fn who_shares_a_network_or_has_the_machines_is_reached_there() {
    let sandbox = Sandbox::new("net-shared");
    let stack = sandbox.stack(
        "kin",
        "
services:
  web: {image: 'rootfs:/', init: true, command: [python3, -u, -m, http.server, '80']}
  side: {image: 'rootfs:/', init: true, command: [sleep, '1000'], network_mode: 'service:web', depends_on: [web]}
  host: {image: 'rootfs:/', init: true, command: [python3, -u, -m, http.server, '81'], network_mode: host}
  old: {image: 'rootfs:/', command: ['true']}
",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.logs_show("web", "Serving");
    stack.logs_show("host", "Serving");
    let way = |from: &str, to: &str| {
        let said = stack.rcompose(&["net", "--format", "json", from, to]).succeeds().stdout;
        let said: Value = serde_json::from_str(&said).unwrap();
        texts(&said["verdict"]["ways"][0]["at"]).remove(0)
    };
    for (from, to, port) in
        [("side", "web", 80), ("host", "web", 80), ("host", "side", 80), ("web", "host", 81), ("side", "host", 81)]
    {
        let host = format!("{}:{port}", way(from, to));
        assert_eq!(answers(ask(&stack, from, std::slice::from_ref(&host))), [host], "{from} to {to}");
    }
    stack.rcompose(&["net", "web", "old"]).fails_with(1).prints(&["kin-old-1 does not run", "rcompose up -d old"]);
}

#[test]
fn projects_meet_on_a_network_of_both() {
    let sandbox = Sandbox::new("net-met");
    sandbox.rcompose(&["network", "create", "meet"]).succeeds();
    let service = "{image: 'rootfs:/', init: true, command: [python3, -u, -m, http.server, '80']";
    let [near, far] = ["near", "far"].map(|name| {
        let compose = format!(
            "services:\n  {name}: {service}, networks: [own, meet]}}\n  {name}2: {service}, networks: [own]}}\n\
             networks: {{own: , meet: {{external: true}}}}\n"
        );
        let stack = sandbox.stack(name, &compose);
        stack.rcompose(&["up", "-d"]).succeeds();
        for service in [name.to_owned(), format!("{name}2")] {
            stack.logs_show(&service, "Serving");
        }
        stack
    });
    for (stack, from, to) in [(&near, "near", "far"), (&far, "far", "near")] {
        let (facts, code) = said(stack);
        assert_eq!((&facts["problems"], code), (&Value::Array(Vec::new()), Some(0)), "{facts:#}");
        let name = format!("{to}-{to}-1");
        let container =
            facts["containers"].as_array().unwrap().iter().find(|of| of["service"] == from).unwrap().clone();
        assert!(container["resolves"].as_object().unwrap().contains_key(&name), "{container:#}");
        stack.rcompose(&["net", from, &name]).succeeds().prints(&["network meet: at"]);
        assert_eq!(answers(ask(stack, from, &[format!("{name}:80")])), [format!("{name}:80")]);
        let unmet = format!("{to}-{to}2-1");
        stack.rcompose(&["net", from, &unmet]).fails_with(1).prints(&["no network in common", "as external"]);
    }
    for stack in [near, far] {
        stack.rcompose(&["down", "-t", "1"]).succeeds();
    }
    sandbox.rcompose(&["network", "rm", "meet"]).succeeds();
}

#[test]
fn what_the_kernel_lacks_is_told_with_its_remedy() {
    let sandbox = Sandbox::new("net-damage");
    let stack = sandbox.stack("hurt", &STACK.replace("8082", "8083"));
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rcompose(&["net"]).succeeds();
    let id = stack.container("web").id;
    let cable = format!("rv{}-0", &id[..8]);
    let (facts, _) = said(&stack);
    let network = facts["networks"].as_array().unwrap().iter().find(|network| network["key"] == "open").unwrap();
    let bridge = network["bridge"].as_str().unwrap();
    let remedied = |what: &str| {
        let (facts, code) = said(&stack);
        let problems = facts["problems"].as_array().unwrap();
        let problem = problems.iter().find(|problem| problem["what"].as_str().unwrap().contains(what));
        let problem = problem.unwrap_or_else(|| panic!("nothing says `{what}`: {problems:#?}"));
        assert_eq!((problems.len(), code), (1, Some(1)), "{problems:#?}");
        for command in texts(&problem["remedy"]) {
            match command.strip_prefix("rcompose ") {
                Some(arguments) => drop(stack.rcompose(&arguments.split(' ').collect::<Vec<_>>()).succeeds()),
                None => drop(system(&sandbox, &command)),
            }
        }
        stack.rcompose(&["net"]).succeeds();
    };
    system(&sandbox, &format!("ip link set {cable} nomaster"));
    remedied("is not on bridge");
    system(&sandbox, &format!("ip link set {cable} down"));
    remedied("is down");
    let shown = system(&sandbox, &format!("ip -o -4 addr show dev {bridge}"));
    let gateway = shown.split_whitespace().nth(3).unwrap();
    system(&sandbox, &format!("ip address del {gateway} dev {bridge}"));
    remedied("has lost its address");
    system(&sandbox, "sysctl -w net.ipv4.ip_forward=0");
    remedied("does not forward IPv4");
    // Another program's firewall.
    system(&sandbox, "nft add table inet other");
    system(&sandbox, "nft add chain inet other forward { type filter hook forward priority 0 ; policy drop ; }");
    stack.rcompose(&["net", "web", "both"]).fails_with(1).prints(&[
        "chain `forward`",
        "table `inet other`",
        "nft insert rule",
    ]);
    system(&sandbox, "nft delete table inet other");
    system(&sandbox, &format!("ip link delete {cable}"));
    stack
        .rcompose(&["net", "web", "both"])
        .fails_with(1)
        .prints(&[&format!("cable `{cable}` to bridge `{bridge}` is gone: that of hurt-web-1 on network hurt_open")]);
    remedied("is gone");
}

#[test]
fn what_keeps_containers_from_this_machine_is_told_to_those_who_name_it() {
    let sandbox = Sandbox::new("net-input");
    system(&sandbox, "nft add table inet mine");
    system(&sandbox, "nft add chain inet mine input { type filter hook input priority 0 ; policy drop ; }");
    system(&sandbox, "nft add rule inet mine input iifname lo accept");
    let compose = |hosts: &str| {
        format!(
            "services: {{web: {{image: 'rootfs:/', init: true, command: [sleep, '1000'], extra_hosts: {{{hosts}}}}}}}"
        )
    };
    let stack = sandbox.stack("input", &compose("machine: host-gateway"));
    let told =
        "chain `input` of the firewall table `inet mine`, which is another program's, drops what this machine receives";
    stack.rcompose(&["up", "-d"]).succeeds().says(&[told]);
    stack.rcompose(&["net"]).fails_with(1).prints(&[told, "nft insert rule inet mine input iifname"]);
    stack.rewrite(&compose(""));
    assert!(!stack.rcompose(&["up", "-d"]).succeeds().stderr.contains("drops what"), "nobody minds");
    stack.rcompose(&["net"]).succeeds();
    system(&sandbox, "nft delete table inet mine");
}
