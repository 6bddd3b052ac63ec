//! What the command prints where: text on standard error, JSON on standard output.

use std::process::{Command, Output};

use serde_json::Value;

/// Runs rcompose in a directory with this Compose file.
fn run(compose: &str, arguments: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    fs_err::write(directory.path().join("compose.yaml"), compose).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_rcompose"));
    command.env_clear().args(arguments).current_dir(directory.path()).output().unwrap()
}

fn names(output: &Output) -> Vec<String> {
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    let diagnostics = value["diagnostics"].as_array().unwrap();
    diagnostics.iter().map(|diagnostic| diagnostic["name"].as_str().unwrap().to_owned()).collect()
}

const BAD: &str = "services: {a: {image: 'x:1', init: yes, foo: 1}}\n";
const DOUBTFUL: &str = "services: {a: {image: 'x:1', init: yes}}\n";

#[test]
fn editors_are_told_all_on_standard_output() {
    let output = run(BAD, &["config", "-q", "--format", "json"]);
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(1), &b""[..]));
    assert_eq!(names(&output), ["old-boolean", "unknown-key"]);

    let output = run(DOUBTFUL, &["--allow", "open-port", "config", "-q", "--format", "json"]);
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
    assert_eq!(names(&output), ["old-boolean"]);

    let output = run(DOUBTFUL, &["-f", "missing.yaml", "config", "-q", "--format", "json"]);
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(1), &b""[..]));
    assert_eq!(names(&output), ["not-loaded"]);
}

#[test]
fn a_project_as_json_gives_way_to_its_mistakes() {
    let output = run(BAD, &["config", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(names(&output), ["old-boolean", "unknown-key"]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("error: unknown key `foo` in service `a`"));

    let output = run(DOUBTFUL, &["config", "--format", "json"]);
    let project: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(project["services"]["a"]["init"], true);
    assert!(String::from_utf8(output.stderr).unwrap().contains("warning[old-boolean]"));
}

#[test]
fn warnings_are_silenced() {
    let output = run(DOUBTFUL, &["config", "-q", "--allow", "old-boolean"]);
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
    let output = run(DOUBTFUL, &["--allow", "old-bolean", "config"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("similar value exists: 'old-boolean'"), "{told}");
}
