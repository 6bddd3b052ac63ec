//! `config --explain`: where values come from.

use rcompose::compose::{UnknownPath, resolve};

use crate::Case;

fn explain(case: Case, path: &str) -> String {
    let case = case.with(|options| options.trace = true);
    let (resolved, _) = resolve(&case.options, &case.files).map_err(|error| crate::describe(&error)).unwrap();
    match resolved.explain(path) {
        Ok(explained) => explained.render(false),
        Err(UnknownPath { path, nearest }) => format!("nothing at {path}: {nearest:?}"),
    }
}

fn shop() -> Case {
    Case::new(
        "\
name: shop
services:
  web:
    image: nginx:${TAG:-1}
    environment: {DB: \"${HOST}\", LEVEL: info, HOME: }
    env_file: [a.env, b.env]
    ports: [\"${PORT}:80\"]
    volumes: [\"./data:/data:ro\"]
    labels: {com.example.tier: front}
    extends: {file: base.yaml, service: base}
",
    )
    .file("compose.override.yaml", "services:\n  web:\n    image: nginx:2\n    environment:\n      DB: own-${HOST}\n")
    .file("base.yaml", "services:\n  base:\n    image: base\n    user: root\n")
    .file(".env", "# ports\nPORT=8080\nHOST=db\n")
    .file("a.env", "LEVEL=debug\nEXTRA=1\n")
    .file("b.env", "EXTRA=2\n")
    .variable("HOME", "/home/user")
    .variable("HOST", "db.local")
}

#[test]
fn a_template_and_the_file_it_overrides() {
    insta::assert_snapshot!(explain(shop(), "services.web.environment.DB"), @r#"
    services.web.environment.DB = "own-db.local"
     --> compose.override.yaml:5:11
      |
    5 |       DB: own-${HOST}
      |           ^^^^^^^^^^^
      |
     ::: compose.yaml:5:23
      |
    5 |     environment: {DB: "${HOST}", LEVEL: info, HOME: }
      |                       --------- overridden
      |
      = note: `HOST` is `db.local`, from the environment of the process
    "#);
}

#[test]
fn a_chain_of_files() {
    insta::assert_snapshot!(explain(shop(), "services.web.image"), @r#"
    services.web.image = "nginx:2"
     --> compose.override.yaml:3:12
      |
    3 |     image: nginx:2
      |            ^^^^^^^
      |
     ::: compose.yaml:4:12
      |
    4 |     image: nginx:${TAG:-1}
      |            --------------- overridden
      |
     ::: base.yaml:3:12
      |
    3 |     image: base
      |            ---- overridden
    "#);
}

#[test]
fn a_base_service() {
    insta::assert_snapshot!(explain(shop(), "services.web.user"), @r#"
    services.web.user = "root"
     --> base.yaml:4:11
      |
    4 |     user: root
      |           ^^^^
    "#);
}

#[test]
fn env_files_over_one_another() {
    insta::assert_snapshot!(explain(shop(), "services.web.environment.EXTRA"), @r#"
    services.web.environment.EXTRA = "2"
     --> b.env:1:1
      |
    1 | EXTRA=2
      | ^^^^^^^
      |
     ::: a.env:2:1
      |
    2 | EXTRA=1
      | ------- overridden
    "#);
    insta::assert_snapshot!(explain(shop(), "services.web.environment.LEVEL"), @r#"
    services.web.environment.LEVEL = "info"
     --> compose.yaml:5:41
      |
    5 |     environment: {DB: "${HOST}", LEVEL: info, HOME: }
      |                                         ^^^^
      |
     ::: a.env:1:1
      |
    1 | LEVEL=debug
      | ----------- overridden
    "#);
}

#[test]
fn a_variable_that_is_passed_on() {
    insta::assert_snapshot!(explain(shop(), "services.web.environment.HOME"), @r#"
    services.web.environment.HOME = "/home/user"
     --> compose.yaml:5:51
      |
    5 |     environment: {DB: "${HOST}", LEVEL: info, HOME: }
      |                                                   ^
      |
      = note: `HOME` is `/home/user`, from the environment of the process
    "#);
}

#[test]
fn parts_of_short_forms_and_what_is_added_to_them() {
    insta::assert_snapshot!(explain(shop(), "services.web.ports[0].published"), @r#"
    services.web.ports[0].published = "8080"
     --> compose.yaml:7:13
      |
    7 |     ports: ["${PORT}:80"]
      |             ^^^^^^^^^^^^
      |
      = note: `PORT` is `8080`, from .env:2
    "#);
    insta::assert_snapshot!(explain(shop(), "services.web.ports.0.mode"), @r#"
    services.web.ports[0].mode = "ingress"
     --> compose.yaml:7:13
      |
    7 |     ports: ["${PORT}:80"]
      |             ^^^^^^^^^^^^ not written: follows from this
    "#);
}

#[test]
fn a_default_of_a_template() {
    let case = Case::new("services: {web: {image: \"nginx:${TAG:-1}\"}}");
    insta::assert_snapshot!(explain(case, "services.web.image"), @r#"
    services.web.image = "nginx:1"
     --> compose.yaml:1:25
      |
    1 | services: {web: {image: "nginx:${TAG:-1}"}}
      |                         ^^^^^^^^^^^^^^^^^
      |
      = note: `TAG` is not set: its default here is `1`
    "#);
}

#[test]
fn everything_below_a_mapping() {
    insta::assert_snapshot!(explain(shop(), "services.web.volumes"), @r#"
    services.web.volumes[0].bind.create_host_path = true   compose.yaml:8 (follows from this)
    services.web.volumes[0].read_only = true               compose.yaml:8 (follows from this)
    services.web.volumes[0].source = "/shop/data"          compose.yaml:8
    services.web.volumes[0].target = "/data"               compose.yaml:8
    services.web.volumes[0].type = "bind"                  compose.yaml:8 (follows from this)
    "#);
    insta::assert_snapshot!(explain(shop(), "networks"), @r#"networks.default.name = "shop_default"   compose.override.yaml:1 (follows from this)"#);
}

#[test]
fn keys_with_dots_and_unknown_paths() {
    assert!(
        explain(shop(), "services.web.labels.com.example.tier").starts_with("services.web.labels.com.example.tier =")
    );
    for (path, nearest) in [
        ("services.wbe.image", Some("services.web.image")),
        ("services.web.labels.com.example.teir", Some("services.web.labels.com.example.tier")),
        ("services.web.image.tag", Some("services.web.image")),
        ("services.web.ports[7]", None),
        ("nowhere", None),
    ] {
        assert_eq!(explain(shop(), path), format!("nothing at {path}: {nearest:?}"));
    }
}
