//! Warnings: what is given when, and how it is silenced.

use rcompose::compose::lint::{Given, LINTS};

use crate::{Case, service, shown};

/// The names of what is warned of.
fn names(case: &Case) -> String {
    let (loads, diagnostics) = case.load();
    assert!(loads, "{diagnostics:?}");
    diagnostics.iter().map(rcompose::compose::Diagnostic::name).collect::<Vec<_>>().join(" ")
}

fn config(text: &str) -> Case {
    Case::new(text).with(|options| options.lint = true)
}

const GOOD: &str = "\
name: shop
services:
  web:
    build: .
    ports: [\"8080:80\", \"127.0.0.1:5432:5432\"]
    environment:
      DEBUG: \"yes\"
      PORT: 8080
      RATE: 0.5
      ENABLED: true
      DATABASE_URL: postgres://db/shop
      DB_PASSWORD_FILE: /run/secrets/db
    command: [\"sh\", \"-c\", \"echo $$HOME\"]
    healthcheck: {test: \"curl -f localhost || exit 1\", interval: 10s}
    depends_on: [db]
  db:
    image: postgres:17
    volumes: [\"data:/var/lib/postgresql/data\"]
    restart: unless-stopped
  host:
    image: rootfs:/
  archive:
    image: oci-archive:app.tar
volumes: {data: }
";

#[test]
fn a_good_file_is_not_warned_of() {
    assert_eq!(names(&Case::new(GOOD)), "");
    assert_eq!(names(&config(GOOD)), "");
}

#[test]
fn missing_quotes() {
    insta::assert_snapshot!(service("environment:\n  A: 1.10\n  B: 0777\n  C: yes\n  D: True\n  E: 1_000\n  F: 22:22\n  G: 5432\n  H: true\nlabels: {on: off}\nports:\n  - 22:22\n  - 8080:80"), @r#"
    warning[number-changed]: `1.10` is read as a number and becomes the text `1.1`
     --> compose.yaml:5:10
      |
    5 |       A: 1.10
      |          ^^^^
      |
    help: write it in quotes: "1.10"

    warning[number-changed]: `0777` is read as a number and becomes the text `511`
     --> compose.yaml:6:10
      |
    6 |       B: 0777
      |          ^^^^
      |
    help: write it in quotes: "0777"

    warning[yaml-boolean]: `yes` is a text here and a boolean to other YAML readers
     --> compose.yaml:7:10
      |
    7 |       C: yes
      |          ^^^
      |
    help: write it in quotes: "yes"

    warning[number-changed]: `True` is read as a boolean and becomes the text `true`
     --> compose.yaml:8:10
      |
    8 |       D: True
      |          ^^^^
      |
    help: write it in quotes: "True"

    warning[number-changed]: `1_000` is read as a number and becomes the text `1000`
     --> compose.yaml:9:10
      |
    9 |       E: 1_000
      |          ^^^^^
      |
    help: write it in quotes: "1_000"

    warning[yaml-boolean]: `off` is a text here and a boolean to other YAML readers
      --> compose.yaml:13:18
       |
    13 |     labels: {on: off}
       |                  ^^^
       |
    help: write it in quotes: "off"

    warning[port-as-number]: `22:22` is a port here and a number of base 60 to other YAML readers
      --> compose.yaml:15:9
       |
    15 |       - 22:22
       |         ^^^^^
       |
    help: write it in quotes: "22:22"
    "#);
}

#[test]
fn dollars() {
    insta::assert_snapshot!(service("command: echo $HOME\nhealthcheck: {test: [CMD-SHELL, \"test -n ${TOKEN}\"]}\nuser: $WHO"), @r#"
    warning[vanishing-dollar]: `$HOME` vanishes here: the variable is not set, and the container sees a blank in its place
     --> compose.yaml:4:19
      |
    4 |     command: echo $HOME
      |                   ^^^^^
      |
    help: write `$$HOME` for the variable of the container

    warning[vanishing-dollar]: `$TOKEN` vanishes here: the variable is not set, and the container sees a blank in its place
     --> compose.yaml:5:46
      |
    5 |     healthcheck: {test: [CMD-SHELL, "test -n ${TOKEN}"]}
      |                                              ^^^^^^^^
      |
    help: write `$$TOKEN` for the variable of the container

    warning[unset-variable]: the variable `WHO` is not set, defaulting to a blank string
     --> compose.yaml:6:11
      |
    6 |     user: $WHO
      |           ^^^^
    "#);
}

#[test]
fn names_that_stand_twice() {
    insta::assert_snapshot!(service("environment:\n  - A=1\n  - B=2\n  - A=3\nlabels: [a=1, a=1]"), @"
    warning[duplicate-variable]: `A` is given twice: the last one holds
     --> compose.yaml:7:9
      |
    5 |       - A=1
      |         - first given here
    6 |       - B=2
    7 |       - A=3
      |         ^

    warning[duplicate-variable]: `a` is given twice: the last one holds
     --> compose.yaml:8:19
      |
    8 |     labels: [a=1, a=1]
      |              -    ^
      |              |
      |              first given here
    ");
}

#[test]
fn mounts_at_one_place() {
    insta::assert_snapshot!(service("volumes:\n  - /a:/t\n  - type: bind\n    source: /b\n    target: /t"), @"
    warning[duplicate-mount]: this mount takes the place of another one at `/t`
     --> compose.yaml:6:9
      |
    5 |       - /a:/t
      |         ----- this one is dropped
    6 |       - type: bind
      |         ^^^^^^^^^^
    ");
}

#[test]
fn operators_of_a_shell() {
    insta::assert_snapshot!(service("command: make && make install"), @"
    warning[command-operator]: `&` ends the command: what follows is dropped, for no shell runs it
     --> compose.yaml:4:19
      |
    4 |     command: make && make install
      |                   ^^^^^^^^^^^^^^^
    ");
}

#[test]
fn old_forms() {
    insta::assert_snapshot!(Case::new("version: '3'\nservices: {a: {image: x, init: yes, volumes: ['/a:/b:cached']}}\nnetworks: {n: {external: {name: m}}}\n")
        .file("docker-compose.yml", "").shown(), @"
    warning[ignored-files]: several compose files found, ignoring docker-compose.yml
     --> compose.yaml:1:1
      |
    1 | version: '3'
      | ^

    warning[obsolete-version]: `version` is obsolete and ignored
     --> compose.yaml:1:10
      |
    1 | version: '3'
      |          ^^^

    warning[old-boolean]: `yes` is read as `true`: only `true` and `false` are booleans in YAML 1.2
     --> compose.yaml:2:32
      |
    2 | services: {a: {image: x, init: yes, volumes: ['/a:/b:cached']}}
      |                                ^^^

    warning[ignored-option]: unknown option `cached` of a mount is ignored
     --> compose.yaml:2:54
      |
    2 | services: {a: {image: x, init: yes, volumes: ['/a:/b:cached']}}
      |                                                      ^^^^^^

    warning[deprecated-form]: `external.name` is deprecated, use `name` beside `external: true`
     --> compose.yaml:3:27
      |
    3 | networks: {n: {external: {name: m}}}
      |                           ^^^^
    ");
}

#[test]
fn by_config_alone() {
    let text = "services:\n  db:\n    image: postgres\n    ports: [\"5432:5432\", \"127.0.0.1:6379:6379\", 3306, \"8080:80\"]\n    environment:\n      POSTGRES_PASSWORD: hunter2\n      MYSQL_ALLOW_EMPTY_PASSWORD: 'yes'\n      OTHER_PASSWORD: ${X-}\n  app:\n    build: {context: ., args: [\"NPM_TOKEN=abc\"]}\n    image: app\n";
    assert_eq!(names(&Case::new(text)), "");
    insta::assert_snapshot!(config(text).shown(), @r#"
    warning[unpinned-image]: image `postgres` is another one tomorrow: it has no tag but `latest`
     --> compose.yaml:3:12
      |
    3 |     image: postgres
      |            ^^^^^^^^
      |
    help: name a version, `IMAGE:1.2`, or a digest, `IMAGE@sha256:…`

    warning[open-port]: port 5432 (PostgreSQL) is open to the network: it is published on every address of this machine
     --> compose.yaml:4:13
      |
    4 |     ports: ["5432:5432", "127.0.0.1:6379:6379", 3306, "8080:80"]
      |             ^^^^^^^^^^^
      |
    help: publish it on one address: `127.0.0.1:5432:5432`

    warning[secret-in-environment]: `POSTGRES_PASSWORD` looks like a secret, and stands in the file as plain text
     --> compose.yaml:6:26
      |
    6 |       POSTGRES_PASSWORD: hunter2
      |                          ^^^^^^^
      |
    help: take it from an env file that is not shared, `${POSTGRES_PASSWORD:?}`, or from a file under `secrets`

    warning[secret-in-environment]: `NPM_TOKEN` looks like a secret, and stands in the file as plain text
      --> compose.yaml:10:43
       |
    10 |     build: {context: ., args: ["NPM_TOKEN=abc"]}
       |                                           ^^^
       |
    help: take it from an env file that is not shared, `${NPM_TOKEN:?}`, or from a file under `secrets`
    "#);
}

#[test]
fn a_profile_that_no_service_has() {
    let case = Case::new("services: {a: {image: x, profiles: [debug]}}\n")
        .with(|options| options.profiles = vec!["debgu".into()]);
    insta::assert_snapshot!(case.shown(), @"
    warning[unknown-profile]: no service has the profile `debgu`
     --> compose.yaml:1:1
      |
    1 | services: {a: {image: x, profiles: [debug]}}
      | ^
      |
    help: did you mean `debug`?
    ");
}

#[test]
fn silenced() {
    let text = |top: &str, a: &str| {
        format!(
            "{top}\nservices:\n  a:\n    image: x:1\n    user: $U\n    init: yes{a}\n  b:\n    image: x:1\n    user: $U\n"
        )
    };
    let allow = |names: &str| format!("x-rcompose: {{allow: [{names}]}}");
    assert_eq!(names(&Case::new(&text("", ""))), "unset-variable old-boolean unset-variable");
    assert_eq!(names(&Case::new(&text(&allow("unset-variable"), ""))), "old-boolean");
    assert_eq!(names(&Case::new(&text(&allow("all"), ""))), "");
    assert_eq!(
        names(&Case::new(&text("", &format!("\n    {}", allow("unset-variable, old-boolean"))))),
        "unset-variable"
    );
    assert_eq!(
        names(&Case::new(&text("", "")).with(|options| options.allow = vec!["old-boolean".into()])),
        "unset-variable unset-variable"
    );
    // The file that allows need not be the one that is warned of.
    let over = Case::new("services: {a: {image: x:1, x-rcompose: {allow: [unset-variable]}}}\n")
        .file("compose.override.yaml", "services: {a: {user: $U}}\n");
    assert_eq!(names(&over), "");
    let over = Case::new("services: {a: {image: x:1, user: $U}}\n")
        .file("compose.override.yaml", "x-rcompose: {allow: [all]}\n");
    assert_eq!(names(&over), "");
    // An included file speaks for itself.
    let included = |own: &str| {
        Case::new("include: [in.yaml]\nservices: {a: {image: x:1, user: $U}}\n")
            .file("in.yaml", &format!("{own}\nservices: {{b: {{image: x:1, user: $U}}}}\n"))
    };
    assert_eq!(names(&included("")), "unset-variable unset-variable");
    assert_eq!(names(&included(&allow("unset-variable"))), "unset-variable");
}

#[test]
fn an_unknown_name() {
    insta::assert_snapshot!(Case::new("x-rcompose: {allow: [unset-varible]}\nservices: {}\n").shown(), @"
    warning[unknown-lint]: there is no warning called `unset-varible`
     --> compose.yaml:1:22
      |
    1 | x-rcompose: {allow: [unset-varible]}
      |                      ^^^^^^^^^^^^^
      |
    help: did you mean `unset-variable`?
    ");
}

#[test]
fn the_table_is_sorted_and_names_what_config_alone_gives() {
    assert!(LINTS.is_sorted_by_key(|lint| lint.name));
    let by_config: Vec<_> = LINTS.iter().filter(|lint| lint.given == Given::ByConfig).map(|lint| lint.name).collect();
    assert_eq!(by_config, ["open-port", "secret-in-environment", "unpinned-image"]);
}

#[test]
fn ports_that_two_services_publish() {
    let compose = "services:\n  web:\n    image: a:1\n    ports: ['8080:80', '127.0.0.1:9000:90', '9000:90/udp']\n  api:\n    image: a:1\n    \
                   ports:\n      - 127.0.0.1:8080:81\n      - 127.0.0.2:9000:90\n      - 8080:80/udp\n";
    let shown = shown(compose);
    assert_eq!(shown.matches("warning[").count(), 1, "{shown}");
    let told = "warning[duplicate-port]: port 8080/tcp is published by service `web` too: only one of them can have it";
    for part in [told, "compose.yaml:8:9", "4 |     ports: ['8080:80'", "here for the first time"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}
