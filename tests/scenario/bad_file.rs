//! Mistakes in the Compose file: each is named, with its place, and nothing is made.

use crate::support::{Outcome, Sandbox};

/// Runs `up -d` on `compose` and expects a refusal, from the file's own line, that holds each of `texts`.
#[track_caller]
fn refuse(compose: &str, texts: &[&str]) -> Outcome {
    let sandbox = Sandbox::new("bad-file");
    let stack = sandbox.stack("bad", compose);
    let outcome = stack.rcompose(&["up", "-d"]).fails_with(1).says(texts);
    assert_eq!(outcome.stdout, "", "a mistake is said on standard error only");
    assert!(!sandbox.path().join("run/bad").exists(), "a file that is refused starts nothing");
    outcome
}

#[test]
fn no_compose_file() {
    let sandbox = Sandbox::new("no-file");
    sandbox.rcompose(&["up", "-d"]).fails_with(1).says(&["compose.yaml"]);
    sandbox.rcompose(&["-f", "missing.yaml", "up", "-d"]).fails_with(1).says(&["missing.yaml"]);
}

#[test]
fn broken_yaml() {
    refuse("services:\n  web:\n    image: [\n", &["compose.yaml:"]);
}

#[test]
fn an_unknown_key_is_shown_under_a_caret() {
    let outcome = refuse(
        "services:\n  web:\n    image: rootfs:/\n    comand: [sleep]\n",
        &["compose.yaml:4:5", "`comand`", "    comand: [sleep]", "`command`"],
    );
    let mut lines = outcome.stderr.lines().skip_while(|line| !line.contains("comand: [sleep]"));
    let column = lines.next().and_then(|line| line.find("comand")).unwrap();
    assert_eq!(lines.next().and_then(|line| line.find('^')), Some(column), "{outcome}");
    assert!(outcome.stderr.ends_with('\n'), "the shell's prompt begins a line: {outcome}");
}

#[test]
fn a_key_that_is_not_supported_yet_is_not_ignored() {
    refuse(
        "services:\n  web:\n    image: rootfs:/\n    logging: {driver: splunk}\n",
        &["compose.yaml:4:", "splunk", "not supported"],
    );
}

#[test]
fn what_is_named_must_be_defined() {
    let service = "services:\n  web:\n    image: rootfs:/\n";
    for (key, name) in [
        ("depends_on: [ghost]", "ghost"),
        ("networks: [nowhere]", "nowhere"),
        ("volumes: ['lost:/data']", "lost"),
        ("secrets: [hidden]", "hidden"),
    ] {
        refuse(&format!("{service}    {key}\n"), &["compose.yaml:4:", name]);
    }
}

#[test]
fn a_cycle_is_named() {
    refuse(
        "
services:
  a: {image: 'rootfs:/', depends_on: [b]}
  b: {image: 'rootfs:/', depends_on: [c]}
  c: {image: 'rootfs:/', depends_on: [a]}
",
        &["a -> b -> c -> a"],
    );
}

#[test]
fn a_required_variable_is_asked_for_in_its_own_words() {
    refuse(
        "services:\n  web:\n    image: rootfs:/\n    user: ${WHO:?say who runs it}\n",
        &["compose.yaml:4:", "WHO", "say who runs it"],
    );
}

#[test]
fn every_mistake_is_reported_at_once() {
    refuse(
        "services:\n  web:\n    image: rootfs:/\n    comand: x\n    init: sometimes\n",
        &["compose.yaml:4:", "compose.yaml:5:"],
    );
}
