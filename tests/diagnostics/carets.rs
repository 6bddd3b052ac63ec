//! Where carets point, whatever the form of a value and the way it came.

use crate::{Case, service, shown};

#[test]
fn short_forms() {
    insta::assert_snapshot!(service("ports: [\"8080:0\", \"8080-8081:80-82\", \"80/tpc\", \"127.0.0.300:80:80\"]"), @r#"
    error: invalid `ports`: `0` is not a port between 1 and 65535
     --> compose.yaml:4:19
      |
    4 |     ports: ["8080:0", "8080-8081:80-82", "80/tpc", "127.0.0.300:80:80"]
      |                   ^

    error: invalid `ports`: the host range `8080-8081` and the container range `80-82` differ in length
     --> compose.yaml:4:24
      |
    4 |     ports: ["8080:0", "8080-8081:80-82", "80/tpc", "127.0.0.300:80:80"]
      |                        ^^^^^^^^^

    error: invalid `ports`: `tpc` is not `tcp`, `udp` or `sctp`
     --> compose.yaml:4:46
      |
    4 |     ports: ["8080:0", "8080-8081:80-82", "80/tpc", "127.0.0.300:80:80"]
      |                                              ^^^

    error: invalid `ports`: `127.0.0.300` is not an IP address
     --> compose.yaml:4:53
      |
    4 |     ports: ["8080:0", "8080-8081:80-82", "80/tpc", "127.0.0.300:80:80"]
      |                                                     ^^^^^^^^^^^
    "#);
    insta::assert_snapshot!(service("volumes: [\"/a:/b:rw,nocpoy\", \"/a:/b:ro:x\"]"), @r#"
    warning[ignored-option]: unknown option `nocpoy` of a mount is ignored
     --> compose.yaml:4:25
      |
    4 |     volumes: ["/a:/b:rw,nocpoy", "/a:/b:ro:x"]
      |                         ^^^^^^

    error: invalid `volumes`: expected `[SOURCE:]TARGET[:OPTIONS]`
     --> compose.yaml:4:34
      |
    4 |     volumes: ["/a:/b:rw,nocpoy", "/a:/b:ro:x"]
      |                                  ^^^^^^^^^^^^
    "#);
    insta::assert_snapshot!(service("depends_on: [a2, a3]\nenvironment: [\"A=1\", \"A=2\"]"), @r#"
    error: service `a` refers to undefined service `a2`
     --> compose.yaml:4:18
      |
    4 |     depends_on: [a2, a3]
      |                  ^^
      |
    help: did you mean `a`?

    error: service `a` refers to undefined service `a3`
     --> compose.yaml:4:22
      |
    4 |     depends_on: [a2, a3]
      |                      ^^
      |
    help: did you mean `a`?

    warning[duplicate-variable]: `A` is given twice: the last one holds
     --> compose.yaml:5:27
      |
    5 |     environment: ["A=1", "A=2"]
      |                    -      ^
      |                    |
      |                    first given here
    "#);
    insta::assert_snapshot!(service("extra_hosts: [\"h:1.2.3.4\", \"nohost\"]\ndevices: [\"/a:/b:rwm:x\"]"), @r#"
    error: invalid `extra_hosts`: expected `HOST=ADDRESS`
     --> compose.yaml:4:32
      |
    4 |     extra_hosts: ["h:1.2.3.4", "nohost"]
      |                                ^^^^^^^^

    error: invalid `devices`: expected `SOURCE[:TARGET[:PERMISSIONS]]`
     --> compose.yaml:5:15
      |
    5 |     devices: ["/a:/b:rwm:x"]
      |               ^^^^^^^^^^^^^
    "#);
}

#[test]
fn values_of_several_lines() {
    insta::assert_snapshot!(service("mem_limit: |\n  64\n  mb\ncpus: >-\n  a\n  lot\nuser: [\n  a,\n  b\n]"), @r"
    error: invalid `mem_limit` in service `a`: `64\nmb\n` is not a size such as `512m` or `1.5gb`
     --> compose.yaml:5:7
      |
    5 |       64
      |       ^^

    error: invalid `cpus` in service `a`: `a lot` is not a number
     --> compose.yaml:8:7
      |
    8 |       a
      |       ^

    error: `user` in service `a` must be a string, found a list
      --> compose.yaml:10:11
       |
    10 |     user: [
       |           ^
    ");
}

#[test]
fn flow_mappings() {
    insta::assert_snapshot!(shown("services: {a: {image: x, init: maybe, deploy: {resources: {limits: {cpus: x}}}}}\n"), @"
    error: invalid `init` in service `a`: `maybe` is neither `true` nor `false`
     --> compose.yaml:1:32
      |
    1 | services: {a: {image: x, init: maybe, deploy: {resources: {limits: {cpus: x}}}}}
      |                                ^^^^^

    error: invalid `deploy.resources.limits.cpus` in service `a`: `x` is not a number
     --> compose.yaml:1:75
      |
    1 | services: {a: {image: x, init: maybe, deploy: {resources: {limits: {cpus: x}}}}}
      |                                                                           ^
    ");
}

#[test]
fn an_alias() {
    insta::assert_snapshot!(shown(
        "x-common:\n  limits: &limits {cpus: many}\n  web: &web\n    image: x\n    restrat: always\nservices:\n  a:\n    <<: *web\n    deploy: {resources: {limits: *limits}}\n  b:\n    <<: *web\n"
    ), @"
    error: invalid `deploy.resources.limits.cpus` in service `a`: `many` is not a number
     --> compose.yaml:2:26
      |
    2 |   limits: &limits {cpus: many}
      |                          ^^^^
    ...
    9 |     deploy: {resources: {limits: *limits}}
      |                                  ------- used here through its alias

    error: unknown key `restrat` in service `a`
     --> compose.yaml:5:5
      |
    5 |     restrat: always
      |     ^^^^^^^
    ...
    8 |     <<: *web
      |         ---- used here through its alias
      |
    help: did you mean `restart`?
    ");
}

#[test]
fn an_extended_service_of_another_file() {
    insta::assert_snapshot!(Case::new("services:\n  a:\n    extends: {file: base.yaml, service: web}\n  b:\n    extends: {file: base.yaml, service: web}\n")
        .file("base.yaml", "services:\n  web:\n    image: x\n    prots: [80]\n    networks: [frnt]\n").shown(), @"
    error: unknown key `prots` in service `web`
     --> base.yaml:4:5
      |
    4 |     prots: [80]
      |     ^^^^^
      |
     ::: compose.yaml:3:41
      |
    3 |     extends: {file: base.yaml, service: web}
      |                                         --- extended here
      |
    help: did you mean `ports`?

    error: service `a` refers to undefined network `frnt`
     --> base.yaml:5:16
      |
    5 |     networks: [frnt]
      |                ^^^^
      |
     ::: compose.yaml:3:41
      |
    3 |     extends: {file: base.yaml, service: web}
      |                                         --- extended here
      |
    help: define it under the top-level `networks`
    ");
}

#[test]
fn a_service_that_is_not_in_the_extended_file() {
    insta::assert_snapshot!(Case::new("services:\n  a:\n    extends: {file: base.yaml, service: wbe}\n")
        .file("base.yaml", "services:\n  web:\n    image: x\n").shown(), @"
    error: service `a` extends `wbe`, which is not a service in `base.yaml`
     --> compose.yaml:3:41
      |
    3 |     extends: {file: base.yaml, service: wbe}
      |                                         ^^^
      |
    help: did you mean `web`?
    ");
}

#[test]
fn an_included_file() {
    insta::assert_snapshot!(Case::new("include: [one.yaml]\nservices: {a: {image: x}}\n")
        .file("one.yaml", "include: [two.yaml]\n").file("two.yaml", "services:\n  web:\n    image: x\n    scale: some\n").shown(), @"
    error: invalid `scale` in service `web`: `some` is not a whole number
     --> two.yaml:4:12
      |
    4 |     scale: some
      |            ^^^^
      |
     ::: one.yaml:1:11
      |
    1 | include: [two.yaml]
      |           -------- included here
      |
     ::: compose.yaml:1:11
      |
    1 | include: [one.yaml]
      |           -------- included here
    ");
}

#[test]
fn a_value_of_a_variable() {
    let case = Case::new("services:\n  a:\n    image: x\n    ports: [\"${PORT}:80\", \"${PORT:-1}:99999\"]\n    scale: $N\n    mem_limit: ${A}${B}\n    cpus: ${C-x}\n")
        .file(".env", "# ports\nX=1\nPORT=80a\n").variable("N", "three").variable("A", "1").variable("B", "q");
    insta::assert_snapshot!(case.shown(), @r#"
    error: invalid `ports`: `80a` is not a port between 1 and 65535
     --> compose.yaml:4:14
      |
    4 |     ports: ["${PORT}:80", "${PORT:-1}:99999"]
      |              ^^^^^^^ `PORT` is `80a`, from .env:3
      |
     ::: .env:3:1
      |
    3 | PORT=80a
      | -------- set here

    error: invalid `ports`: `99999` is not a port between 1 and 65535
     --> compose.yaml:4:39
      |
    4 |     ports: ["${PORT}:80", "${PORT:-1}:99999"]
      |                                       ^^^^^

    error: invalid `scale` in service `a`: `three` is not a whole number
     --> compose.yaml:5:12
      |
    5 |     scale: $N
      |            ^^ `N` is `three`, from the environment

    error: invalid `mem_limit` in service `a`: `1q` is not a size such as `512m` or `1.5gb`
     --> compose.yaml:6:16
      |
    6 |     mem_limit: ${A}${B}
      |                ^^^^^^^^ `A` is `1`, from the environment; `B` is `q`, from the environment

    error: invalid `cpus` in service `a`: `x` is not a number
     --> compose.yaml:7:15
      |
    7 |     cpus: ${C-x}
      |               ^
    "#);
}

#[test]
fn a_value_of_another_file() {
    insta::assert_snapshot!(Case::new("services:\n  a:\n    image: x\n    scale: 2\n    network_mode: host\n")
        .file("compose.override.yaml", "services:\n  a:\n    deploy: {replicas: 3}\n    networks: [default]\n    ports: {a: b}\n").shown(), @"
    error: service `a` has different values of `scale` and `deploy.replicas`
     --> compose.override.yaml:3:24
      |
    3 |     deploy: {replicas: 3}
      |                        ^
      |
     ::: compose.yaml:4:12
      |
    4 |     scale: 2
      |            - the other one

    error: service `a` has both `network_mode` and `networks`
     --> compose.override.yaml:4:5
      |
    4 |     networks: [default]
      |     ^^^^^^^^
      |
     ::: compose.yaml:5:5
      |
    5 |     network_mode: host
      |     ------------ the other one

    error: service `a` refers to undefined network `default`
     --> compose.override.yaml:4:16
      |
    4 |     networks: [default]
      |                ^^^^^^^
      |
    help: define it under the top-level `networks`

    error: `ports` in service `a` must be a list, found a mapping
     --> compose.override.yaml:5:12
      |
    5 |     ports: {a: b}
      |            ^^^^^^
    ");
}

#[test]
fn tabs_and_wide_characters() {
    insta::assert_snapshot!(service("init:\t\tmaybe\nlabels: {日本語: [1]}\nenvironment: {e\u{301}\u{301}: [1]}"), @"
    error: invalid `init` in service `a`: `maybe` is neither `true` nor `false`
     --> compose.yaml:4:12
      |
    4 |     init:        maybe
      |                  ^^^^^

    error: `labels.日本語` in service `a` must be a string, number or boolean, found a list
     --> compose.yaml:5:19
      |
    5 |     labels: {日本語: [1]}
      |                      ^^^

    error: `environment.é́` in service `a` must be a string, number or boolean, found a list
     --> compose.yaml:6:24
      |
    6 |     environment: {é́: [1]}
      |                      ^^^
    ");
}

#[test]
fn lines_that_end_as_on_windows() {
    insta::assert_snapshot!(shown("services:\r\n  a:\r\n    image: x\r\n    init: maybe\r\n    scale:\r\n      some\r\n").replace(" \n", "\n"), @"
    error: invalid `init` in service `a`: `maybe` is neither `true` nor `false`
     --> compose.yaml:4:11
      |
    4 |     init: maybe
      |           ^^^^^

    error: invalid `scale` in service `a`: `some` is not a whole number
     --> compose.yaml:6:7
      |
    6 |       some
      |       ^^^^
    ");
}

#[test]
fn long_lines() {
    insta::assert_snapshot!(service(&format!("labels: {{a: {}, b: [1]}}", "x".repeat(500))), @"
    error: `labels.b` in service `a` must be a string, number or boolean, found a list
     --> compose.yaml:4:522
      |
    4 | ...xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx, b: [1]}
      |                                                                   ^^^
    ");
    let shown = service(&format!("labels: {{a: {}, b: [1]}}", "x".repeat(200_000)));
    assert!(shown.contains("compose.yaml:4:200022\n") && shown.len() < 1000, "{shown}");
}

#[test]
fn names_that_are_nearly_right() {
    insta::assert_snapshot!(shown(
        "services:\n  web: {image: x, networks: [frnt], volumes: ['dta:/d'], depends_on: [dbb], pull_policy: x, deploy: {endpoint_mode: vipp}}\n  db: {image: x, depends_on: {web2: {condition: service_helthy}}}\nnetworks: {front: , back: }\nvolumes: {data: }\nsecrets: {s: {fil: x}}\n"
    ), @"
    error: service `web` refers to undefined network `frnt`
     --> compose.yaml:2:30
      |
    2 |   web: {image: x, networks: [frnt], volumes: ['dta:/d'], depends_on: [dbb], pull_policy: x, deploy: {endpoint_mode: vipp}}
      |                              ^^^^
      |
    help: did you mean `front`?

    error: service `web` refers to undefined volume `dta`
     --> compose.yaml:2:48
      |
    2 |   web: {image: x, networks: [frnt], volumes: ['dta:/d'], depends_on: [dbb], pull_policy: x, deploy: {endpoint_mode: vipp}}
      |                                                ^^^
      |
    help: did you mean `data`?

    error: service `web` refers to undefined service `dbb`
     --> compose.yaml:2:71
      |
    2 |   web: {image: x, networks: [frnt], volumes: ['dta:/d'], depends_on: [dbb], pull_policy: x, deploy: {endpoint_mode: vipp}}
      |                                                                       ^^^
      |
    help: did you mean `db`?

    error: invalid `pull_policy` in service `web`: must be `always`, `build`, `daily`, `if_not_present`, `missing`, `never`, `refresh`, `weekly` or `every_<duration>`
     --> compose.yaml:2:90
      |
    2 |   web: {image: x, networks: [frnt], volumes: ['dta:/d'], depends_on: [dbb], pull_policy: x, deploy: {endpoint_mode: vipp}}
      |                                                                                          ^

    error: service `db` refers to undefined service `web2`
     --> compose.yaml:3:31
      |
    3 |   db: {image: x, depends_on: {web2: {condition: service_helthy}}}
      |                               ^^^^
      |
    help: did you mean `web`?

    error: invalid `depends_on.web2.condition` in service `db`: must be `service_started`, `service_healthy` or `service_completed_successfully`
     --> compose.yaml:3:49
      |
    3 |   db: {image: x, depends_on: {web2: {condition: service_helthy}}}
      |                                                 ^^^^^^^^^^^^^^
      |
    help: did you mean `service_healthy`?

    error: secret `s` needs one of `file`, `environment`
     --> compose.yaml:6:11
      |
    6 | secrets: {s: {fil: x}}
      |           ^

    error: unknown key `fil` in secret `s`
     --> compose.yaml:6:15
      |
    6 | secrets: {s: {fil: x}}
      |               ^^^
      |
    help: did you mean `file`?
    ");
}
