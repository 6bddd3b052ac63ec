//! Everything else a service says.

use rcompose::compose::model::{Probe, Restart};

use crate::{Case, describe, indented, messages};

/// One value for most keys.
const KEYS: &str = "\
command: sh -c 'echo $$HOME'\n\
entrypoint: []\n\
working_dir: /w\n\
user: 1000:1000\n\
group_add: [audio, 5]\n\
hostname: h\n\
domainname: d\n\
container_name: c1\n\
init: true\n\
read_only: true\n\
attach: false\n\
restart: on-failure:3\n\
stop_signal: SIGINT\n\
stop_grace_period: 1m30s\n\
pull_policy: if_not_present\n\
dns: 1.1.1.1\n\
dns_search: a\n\
dns_opt: [ndots:1]\n\
extra_hosts: ['h=1.2.3.4', 'g:host-gateway', 'six=[::1]']\n\
cap_add: [cap_net_admin]\n\
cap_drop: [ALL]\n\
sysctls: {net.core.somaxconn: 1024}\n\
ulimits: {nproc: 5, nofile: {soft: 1, hard: -1}}\n\
shm_size: 1gb\n\
mem_limit: 64m\n\
cpus: 0.5\n\
pids_limit: -1\n\
x-rcompose: {strict_health: true, restart_unhealthy: true, dns: {corp.example: [10.0.0.53, 'fd00::53']}, network: {rate: 1mbit, delay: 5ms, jitter: 1ms, loss: 0.5%}}\n\
healthcheck: {test: curl localhost, interval: 5s, retries: 2, start_period: 1m}\n\
";

#[test]
fn every_key_survives_printing() {
    let text = format!("services:\n  web:\n    image: nginx\n{}", indented(KEYS));
    survives_printing(&text);
}

/// What is printed loads to what prints the same.
fn survives_printing(text: &str) {
    let loaded = Case::new(text).load().map_err(|error| describe(&error)).unwrap();
    for printed in [loaded.resolved.to_yaml(), loaded.resolved.to_json()] {
        let again = Case::new(&printed).load().map_err(|error| describe(&error)).unwrap();
        assert_eq!(again.resolved.to_json(), loaded.resolved.to_json(), "{printed}");
    }
}

#[test]
fn the_printed_project_loads_to_itself() {
    let text = "services:\n  a: {image: x, command: ['$$', '- #', \"a\\nb\", '', '1', 'y', ' '], environment: {A: '$$x: y', B: \"'\"}, healthcheck: {test: [CMD, a]}}\n  b: {image: x, depends_on: {a: {condition: service_healthy, restart: true}}, deploy: {replicas: 2, resources: {limits: {cpus: '0.5', memory: 1g, pids: 5}}}, tmpfs: /t, ports: ['127.0.0.1:80:80', '5-6:7'], secrets: [s]}\nsecrets: {s: {file: s}}\n";
    survives_printing(text);
}

#[test]
fn restart_policies() {
    let restart = |keys: &str| {
        let text = format!("services: {{a: {{image: x, {keys}}}}}");
        Case::new(&text).load().unwrap().project.services["a"].restart()
    };
    for (keys, expected) in [
        ("user: a", Restart::No),
        ("restart: always", Restart::Always),
        ("restart: unless-stopped", Restart::UnlessStopped),
        ("restart: on-failure", Restart::OnFailure { max_attempts: None }),
        ("restart: always, deploy: {restart_policy: {condition: none}}", Restart::No),
        ("deploy: {restart_policy: {}}", Restart::Always),
        (
            "deploy: {restart_policy: {condition: on-failure, max_attempts: 2}}",
            Restart::OnFailure { max_attempts: Some(2) },
        ),
    ] {
        assert_eq!(restart(keys), expected, "{keys}");
    }
    insta::assert_snapshot!(messages("services: {a: {image: x, restart: sometimes}}").join("\n"), @"invalid `restart` in service `a`: must be `no`, `always`, `unless-stopped` or `on-failure[:ATTEMPTS]`");
}

#[test]
fn probes() {
    let probe = |check: &str| {
        let text = format!("services: {{a: {{image: x, healthcheck: {check}}}}}");
        Case::new(&text).load().unwrap().project.services["a"].probe().cloned()
    };
    assert_eq!(probe("{test: curl x}"), Some(Probe::Shell("curl x".into())));
    assert_eq!(probe("{test: [CMD-SHELL, curl x]}"), Some(Probe::Shell("curl x".into())));
    assert_eq!(probe("{test: [CMD, curl, x]}"), Some(Probe::Command(vec!["curl".into(), "x".into()])));
    assert_eq!(probe("{test: [NONE]}"), Some(Probe::None));
    assert_eq!(probe("{disable: true, test: curl x}"), Some(Probe::None));
    assert_eq!(probe("{interval: 1s}"), None);
    insta::assert_snapshot!(messages("services: {a: {image: x, healthcheck: {test: [curl, x], interval: 10}}}").join("\n"), @"
    invalid `healthcheck.test` in service `a`: the list begins with `curl`, must begin with `CMD`, `CMD-SHELL` or `NONE`
    `healthcheck.interval` in service `a` must be a string such as `10s`, found a number
    ");
}
