//! How mistakes look.

use crate::{Case, shown};

#[test]
fn an_unknown_key_names_its_place_and_the_nearest_key() {
    insta::assert_snapshot!(shown("services:\n  web:\n    imgae: nginx\n    image: nginx\n"), @r#"
    error: unknown key `imgae` in service `web`
     --> compose.yaml:3:5
      |
    3 |     imgae: nginx
      |     ^^^^^
      |
    help: did you mean `image`?
    "#);
}

#[test]
fn all_mistakes_are_reported_in_file_order() {
    insta::assert_snapshot!(shown(
        "services:\n  web:\n    image: nginx\n    tty: false\n    ports: [\"99999:80\", 80]\n    networks: [frnt]\n    init: maybe\n    depends_on: [db]\nnetworks:\n  front: {}\nfoo: 1\n"
    ), @r#"
    error: invalid `ports`: `99999` is not a port between 1 and 65535
     --> compose.yaml:5:14
      |
    5 |     ports: ["99999:80", 80]
      |              ^^^^^

    error: service `web` refers to undefined network `frnt`
     --> compose.yaml:6:16
      |
    6 |     networks: [frnt]
      |                ^^^^
      |
    help: did you mean `front`?

    error: invalid `init` in service `web`: `maybe` is neither `true` nor `false`
     --> compose.yaml:7:11
      |
    7 |     init: maybe
      |           ^^^^^

    error: service `web` refers to undefined service `db`
     --> compose.yaml:8:18
      |
    8 |     depends_on: [db]
      |                  ^^
      |
    help: define it under `services`

    error: unknown key `foo` in the compose file
      --> compose.yaml:11:1
       |
    11 | foo: 1
       | ^^^
       |
    help: it may be `version`, `name`, `include`, `services`, `networks`, `volumes`, `secrets`, `configs` or `models`
    "#);
}

#[test]
fn a_duplicate_key_shows_both_places() {
    insta::assert_snapshot!(shown("services:\n  web:\n    image: a\n  web:\n    image: b\n"), @r#"
    error: duplicate key `web`
     --> compose.yaml:4:3
      |
    2 |   web:
      |   --- first defined here
    3 |     image: a
    4 |   web:
      |   ^^^
    "#);
}

#[test]
fn a_dependency_cycle_is_named() {
    insta::assert_snapshot!(shown(
        "services:\n  a:\n    image: x\n    depends_on: [b]\n  b:\n    image: x\n    depends_on: [c]\n  c:\n    image: x\n    depends_on:\n      b:\n        condition: service_healthy\n"
    ), @r#"
    error: dependency cycle: b -> c -> b
      --> compose.yaml:11:7
       |
    11 |       b:
       |       ^
    "#);
}

#[test]
fn broken_yaml_has_a_place() {
    insta::assert_snapshot!(shown("services:\n\tweb:\n"), @"
    error: broken YAML: tabs disallowed within this context (block indentation)
     --> compose.yaml:2:1
      |
    2 |     web:
      | ^
      |
    help: indent with blanks: YAML takes no tabs for it
    ");
}

#[test]
fn a_required_variable_is_underlined() {
    insta::assert_snapshot!(shown("services:\n  web:\n    image: \"nginx:${TAG:?pick a tag}\"\n"), @r#"
    error: required variable `TAG` is missing a value: pick a tag
     --> compose.yaml:3:19
      |
    3 |     image: "nginx:${TAG:?pick a tag}"
      |                   ^^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn an_unset_variable_is_a_warning() {
    insta::assert_snapshot!(Case::new("services:\n  web:\n    image: nginx\n    user: a$WHO\n").shown(), @"
    warning[unset-variable]: the variable `WHO` is not set, defaulting to a blank string
     --> compose.yaml:4:12
      |
    4 |     user: a$WHO
      |            ^^^^
    ");
}

#[test]
fn a_bad_template_says_how_to_write_a_dollar() {
    insta::assert_snapshot!(shown("services:\n  web:\n    image: nginx\n    command: echo ${1}\n"), @r#"
    error: invalid interpolation format `${1}`
     --> compose.yaml:4:19
      |
    4 |     command: echo ${1}
      |                   ^^^^
      |
    help: write `$$` for a `$` that begins no variable
    "#);
}

#[test]
fn a_mistake_in_an_override_shows_both_files() {
    insta::assert_snapshot!(
        Case::new("services:\n  web:\n    image: nginx\n    ports: [80]\n")
            .file("compose.override.yaml", "services:\n  web:\n    ports: {a: b}\n")
            .shown(), @"
    error: `ports` in service `web` must be a list, found a mapping
     --> compose.override.yaml:3:12
      |
    3 |     ports: {a: b}
      |            ^^^^^^
    ");
}

#[test]
fn a_mistake_in_an_env_file_has_its_own_place() {
    insta::assert_snapshot!(
        Case::new("services:\n  web:\n    image: nginx\n    env_file: web.env\n")
            .file("web.env", "A=1\nB C=2\n")
            .shown(), @"
    error: a variable name cannot contain blanks
     --> web.env:2:1
      |
    2 | B C=2
      | ^^^
      |
     ::: compose.yaml:4:15
      |
    4 |     env_file: web.env
      |               ------- read here
    ");
}

#[test]
fn a_service_without_an_image() {
    insta::assert_snapshot!(shown("services:\n  web:\n    user: a\n"), @r#"
    error: service `web` has neither an image nor a build context
     --> compose.yaml:2:3
      |
    2 |   web:
      |   ^^^
    "#);
}

#[test]
fn colour_is_asked_for() {
    let (_, diagnostics) = Case::new("services: 1\n").load();
    assert!(diagnostics[0].render(true).contains('\u{1b}'));
    assert!(!diagnostics[0].render(false).contains('\u{1b}'));
}
