//! Everything else a service says.

use rcompose::compose::model::{Probe, Restart};
use rcompose::compose::to_json;

use crate::{Case, service};

#[test]
fn every_key() {
    let keys = "command: sh -c 'echo $$HOME'\nentrypoint: []\nworking_dir: /w\nuser: 1000:1000\ngroup_add: [audio, 5]\nhostname: h\ndomainname: d\ncontainer_name: c1\ninit: true\nread_only: true\nattach: false\nrestart: on-failure:3\nstop_signal: SIGINT\nstop_grace_period: 1m30s\npull_policy: if_not_present\ndns: 1.1.1.1\ndns_search: a\ndns_opt: [ndots:1]\nextra_hosts: ['h=1.2.3.4', 'g:host-gateway', 'six=[::1]']\ncap_add: [cap_net_admin]\ncap_drop: [ALL]\nsysctls: {net.core.somaxconn: 1024}\nulimits: {nproc: 5, nofile: {soft: 1, hard: -1}}\nshm_size: 1gb\nmem_limit: 64m\ncpus: 0.5\npids_limit: -1\nx-rcompose: {strict_health: true}\nhealthcheck: {test: curl localhost, interval: 5s, retries: 2, start_period: 1m}";
    insta::assert_snapshot!(service(keys), @r#"
    name: shop
    services:
      web:
        attach: false
        cap_add:
          - NET_ADMIN
        cap_drop:
          - ALL
        command:
          - sh
          - "-c"
          - echo $$HOME
        container_name: c1
        cpus: 0.5
        dns:
          - 1.1.1.1
        dns_opt:
          - ndots:1
        dns_search:
          - a
        domainname: d
        entrypoint: []
        extra_hosts:
          g:
            - host-gateway
          h:
            - 1.2.3.4
          six:
            - "::1"
        group_add:
          - audio
          - "5"
        healthcheck:
          interval: 5s
          retries: 2
          start_period: 1m0s
          test:
            - CMD-SHELL
            - curl localhost
        hostname: h
        image: nginx
        init: true
        mem_limit: "67108864"
        networks:
          default: null
        pids_limit: -1
        read_only: true
        restart: on-failure:3
        shm_size: "1073741824"
        stop_grace_period: 1m30s
        stop_signal: SIGINT
        sysctls:
          net.core.somaxconn: "1024"
        ulimits:
          nofile:
            hard: -1
            soft: 1
          nproc:
            hard: 5
            soft: 5
        user: "1000:1000"
        working_dir: /w
        x-rcompose:
          strict_health: true
    networks:
      default:
        name: shop_default
    "#);
}

#[test]
fn the_printed_project_loads_to_itself() {
    let text = "services:\n  a: {image: x, command: ['$$', '- #', \"a\\nb\", '', '1', 'y', ' '], environment: {A: '$$x: y', B: \"'\"}, healthcheck: {test: [CMD, a]}}\n  b: {image: x, depends_on: {a: {condition: service_healthy, restart: true}}, deploy: {replicas: 2, resources: {limits: {cpus: '0.5', memory: 1g, pids: 5}}}, tmpfs: /t, ports: ['127.0.0.1:80:80', '5-6:7'], secrets: [s]}\nsecrets: {s: {file: s}}\n";
    let first = Case::new(text).load().unwrap().project;
    for printed in [rcompose::compose::to_yaml(&first), to_json(&first)] {
        assert_eq!(
            Case::new(&printed).load().map_err(|error| crate::describe(&error)).unwrap().project,
            first,
            "{printed}"
        );
    }
}

#[test]
fn restart_policies() {
    let restart = |keys: &str| {
        let text = format!("services: {{a: {{image: x, {keys}}}}}");
        Case::new(&text).load().unwrap().project.services["a"].restart
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
    insta::assert_snapshot!(service("restart: sometimes"), @r#"
    error: invalid `restart` in service `web`: must be `no`, `always`, `unless-stopped` or `on-failure[:ATTEMPTS]`
     --> compose.yaml:4:14
      |
    4 |     restart: sometimes
      |              ^^^^^^^^^
    "#);
}

#[test]
fn probes() {
    let probe = |check: &str| {
        let text = format!("services: {{a: {{image: x, healthcheck: {check}}}}}");
        Case::new(&text).load().unwrap().project.services["a"].healthcheck.clone().and_then(|check| check.test)
    };
    assert_eq!(probe("{test: curl x}"), Some(Probe::Shell("curl x".into())));
    assert_eq!(probe("{test: [CMD-SHELL, curl x]}"), Some(Probe::Shell("curl x".into())));
    assert_eq!(probe("{test: [CMD, curl, x]}"), Some(Probe::Command(vec!["curl".into(), "x".into()])));
    assert_eq!(probe("{test: [NONE]}"), Some(Probe::None));
    assert_eq!(probe("{disable: true, test: curl x}"), Some(Probe::None));
    assert_eq!(probe("{interval: 1s}"), None);
    insta::assert_snapshot!(service("healthcheck: {test: [curl, x], interval: 10}"), @r#"
    error: invalid `test` in `healthcheck` of service `web`: a list must begin with `CMD`, `CMD-SHELL` or `NONE`
     --> compose.yaml:4:25
      |
    4 |     healthcheck: {test: [curl, x], interval: 10}
      |                         ^^^^^^^^^

    error: `interval` in `healthcheck` of service `web` must be a string, found a number
     --> compose.yaml:4:46
      |
    4 |     healthcheck: {test: [curl, x], interval: 10}
      |                                              ^^
      |
    help: give it a unit: `10s`
    "#);
}
