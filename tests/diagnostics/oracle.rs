//! What docker compose refuses must be refused, with the place of the mistake; what it accepts accepted.

use crate::{Case, service, shown};

#[test]
fn an_environment_value_is_a_list() {
    insta::assert_snapshot!(service("environment: {A: [1]}"), @"
    error: `environment.A` in service `a` must be a string, number or boolean, found a list
     --> compose.yaml:4:22
      |
    4 |     environment: {A: [1]}
      |                      ^^^
    ");
}

#[test]
fn neither_image_nor_build() {
    insta::assert_snapshot!(shown("services:\n  a:\n    command: x\n"), @"
    error: service `a` has neither an image nor a build context
     --> compose.yaml:2:3
      |
    2 |   a:
      |   ^
    ");
}

#[test]
fn scale_and_replicas_differ() {
    insta::assert_snapshot!(service("scale: 3\ndeploy:\n  replicas: 2"), @"
    error: service `a` has different values of `scale` and `deploy.replicas`
     --> compose.yaml:6:17
      |
    4 |     scale: 3
      |            - the other one
    5 |     deploy:
    6 |       replicas: 2
      |                 ^
    ");
}

#[test]
fn dockerfile_twice() {
    insta::assert_snapshot!(service("build:\n  dockerfile: a\n  dockerfile_inline: FROM b"), @"
    error: service `a` has both `dockerfile` and `dockerfile_inline`
     --> compose.yaml:6:7
      |
    5 |       dockerfile: a
      |       ---------- the other one
    6 |       dockerfile_inline: FROM b
      |       ^^^^^^^^^^^^^^^^^
    ");
}

#[test]
fn a_secret_with_two_sources() {
    insta::assert_snapshot!(shown("services: {a: {image: x}}\nsecrets:\n  s:\n    file: f\n    environment: E\n"), @"
    error: secret `s` has both `file` and `environment`
     --> compose.yaml:5:5
      |
    4 |     file: f
      |     ---- the other source
    5 |     environment: E
      |     ^^^^^^^^^^^
    ");
}

#[test]
fn a_secret_of_nothing() {
    insta::assert_snapshot!(shown("services: {a: {image: x}}\nsecrets:\n  s:\n"), @"
    error: secret `s` must be a mapping, found nothing
     --> compose.yaml:3:3
      |
    3 |   s:
      |   ^
    ");
}

#[test]
fn the_network_of_an_unknown_service() {
    insta::assert_snapshot!(service("network_mode: service:z"), @"
    error: service `a` refers to undefined service `z`
     --> compose.yaml:4:27
      |
    4 |     network_mode: service:z
      |                           ^
      |
    help: define it under `services`
    ");
}

#[test]
fn undeclared_things() {
    insta::assert_snapshot!(service("networks: [q]"), @"
    error: service `a` refers to undefined network `q`
     --> compose.yaml:4:16
      |
    4 |     networks: [q]
      |                ^
      |
    help: define it under the top-level `networks`
    ");
    insta::assert_snapshot!(service("volumes: [\"q:/q\"]"), @r#"
    error: service `a` refers to undefined volume `q`
     --> compose.yaml:4:16
      |
    4 |     volumes: ["q:/q"]
      |                ^
      |
    help: define it under the top-level `volumes`
    "#);
    insta::assert_snapshot!(service("configs: [q]"), @"
    error: service `a` refers to undefined config `q`
     --> compose.yaml:4:15
      |
    4 |     configs: [q]
      |               ^
      |
    help: define it under the top-level `configs`
    ");
    insta::assert_snapshot!(service("secrets:\n  - source: q\n    target: t"), @"
    error: service `a` refers to undefined secret `q`
     --> compose.yaml:5:17
      |
    5 |       - source: q
      |                 ^
      |
    help: define it under the top-level `secrets`
    ");
    insta::assert_snapshot!(service("models: [q]"), @"
    error: service `a` refers to undefined model `q`
     --> compose.yaml:4:14
      |
    4 |     models: [q]
      |              ^
      |
    help: define it under the top-level `models`
    ");
}

#[test]
fn a_host_address_that_is_none() {
    insta::assert_snapshot!(service("ports:\n  - target: 80\n    host_ip: zz"), @"
    error: invalid `ports.host_ip` in service `a`: `zz` is not an IP address
     --> compose.yaml:6:18
      |
    6 |         host_ip: zz
      |                  ^^
    ");
    insta::assert_snapshot!(service("ports: [\"zz:80:80\"]"), @r#"
    error: invalid `ports`: `zz` is not an IP address
     --> compose.yaml:4:14
      |
    4 |     ports: ["zz:80:80"]
      |              ^^
    "#);
}

#[test]
fn both_a_count_and_ids_of_devices() {
    insta::assert_snapshot!(service("gpus:\n  - count: 1\n    device_ids: [\"0\"]"), @r#"
    error: a device request of service `a` has both `count` and `device_ids`
     --> compose.yaml:6:9
      |
    5 |       - count: 1
      |         ----- the other one
    6 |         device_ids: ["0"]
      |         ^^^^^^^^^^
    "#);
}

#[test]
fn a_size_with_a_strange_unit() {
    insta::assert_snapshot!(service("mem_limit: 5q"), @"
    error: invalid `mem_limit` in service `a`: `5q` is not a size such as `512m` or `1.5gb`
     --> compose.yaml:4:16
      |
    4 |     mem_limit: 5q
      |                ^^
    ");
}

#[test]
fn a_period_that_is_a_number() {
    insta::assert_snapshot!(service("stop_grace_period: 5"), @"
    error: `stop_grace_period` in service `a` must be a string such as `10s`, found a number
     --> compose.yaml:4:24
      |
    4 |     stop_grace_period: 5
      |                        ^
      |
    help: give it a unit: `5s`
    ");
}

#[test]
fn a_period_with_a_strange_unit() {
    insta::assert_snapshot!(service("stop_grace_period: 5x"), @"
    error: invalid `stop_grace_period` in service `a`: unknown unit `x` in the duration `5x`
     --> compose.yaml:4:24
      |
    4 |     stop_grace_period: 5x
      |                        ^^
    ");
}

#[test]
fn an_env_file_that_is_not_there() {
    insta::assert_snapshot!(service("env_file: no.env"), @"
    error: cannot read env file `no.env`: entity not found
     --> compose.yaml:4:15
      |
    4 |     env_file: no.env
      |               ^^^^^^
      |
    help: create it, or say that it need not be there: `required: false`
    ");
}

#[test]
fn a_port_out_of_range() {
    insta::assert_snapshot!(service("ports: [\"99999:80\"]"), @r#"
    error: invalid `ports`: `99999` is not a port between 1 and 65535
     --> compose.yaml:4:14
      |
    4 |     ports: ["99999:80"]
      |              ^^^^^
    "#);
}

#[test]
fn a_service_that_extends_itself() {
    insta::assert_snapshot!(service("extends: a"), @"
    error: circular reference of `extends`: a -> a
     --> compose.yaml:4:14
      |
    4 |     extends: a
      |              ^
    ");
}

#[test]
fn a_watch_without_target() {
    insta::assert_snapshot!(service("develop:\n  watch:\n    - path: .\n      action: sync"), @"
    error: invalid `develop.watch` in service `a`: `sync` needs a `target`: where in the container?
     --> compose.yaml:7:19
      |
    7 |           action: sync
      |                   ^^^^
    ");
}

#[test]
fn an_unknown_pull_policy() {
    insta::assert_snapshot!(service("pull_policy: foo"), @"
    error: invalid `pull_policy` in service `a`: must be `always`, `build`, `daily`, `if_not_present`, `missing`, `never`, `refresh`, `weekly` or `every_<duration>`
     --> compose.yaml:4:18
      |
    4 |     pull_policy: foo
      |                  ^^^
    ");
}

#[test]
fn services_as_a_list() {
    insta::assert_snapshot!(shown("services: [a]\n"), @"
    error: `services` must be a mapping, found a list
     --> compose.yaml:1:11
      |
    1 | services: [a]
      |           ^^^
    ");
}

#[test]
fn nothing_at_all() {
    insta::assert_snapshot!(shown(""), @"
    error: empty compose file
     --> compose.yaml:1:1
      |
    1 |
      | ^
    ");
    insta::assert_snapshot!(shown("# nothing\n"), @"
    error: empty compose file
     --> compose.yaml:1:1
      |
    1 | # nothing
      | ^
    ");
}

#[test]
fn a_tab_for_indentation() {
    insta::assert_snapshot!(shown("services:\n\ta:\n\t\timage: x\n"), @"
    error: broken YAML: tabs disallowed within this context (block indentation)
     --> compose.yaml:2:1
      |
    2 |     a:
      | ^
      |
    help: indent with blanks: YAML takes no tabs for it
    ");
}

#[test]
fn an_unknown_key() {
    insta::assert_snapshot!(service("foo: 1"), @"
    error: unknown key `foo` in service `a`
     --> compose.yaml:4:5
      |
    4 |     foo: 1
      |     ^^^
    ");
}

/// Accepted without an error, whatever is warned of.
#[test]
fn accepted() {
    for keys in [
        "labels: [a=1, a=2]",
        "volumes: [\"/a:/t\", \"/b:/t\"]",
        "ulimits: {NOFILE: 1}",
        "restart: foo",
        "healthcheck: {test: x, start_interval: 1s}",
        "labels: {com.docker.compose.project: p}",
        "tty: false\nstdin_open: false\nprivileged: false\nplatform: linux/amd64",
        "x-any: [1]\nexpose: [80, 81-82/udp]",
        "init: 'true'\nscale: '2'",
        "restart: no",
    ] {
        let text = format!("services:\n  a:\n    image: x\n    {}\n", keys.replace('\n', "\n    "));
        let (loads, diagnostics) = Case::new(&text).load();
        assert!(loads, "{text}\n{diagnostics:?}");
    }
    for text in ["services: {}", "!reset {}", "\u{feff}services: {a: {image: x}}\r\n"] {
        let (loads, diagnostics) = Case::new(text).load();
        assert!(loads, "{text}\n{diagnostics:?}");
    }
}
