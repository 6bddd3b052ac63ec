//! The cases, by what they are about: the first word of their names.

use std::path::Path;

use crate::case::check;
use crate::support::Sandbox;

/// All cases whose name begins with `about`.
fn cases(about: &str) {
    let sandbox = Sandbox::new(&format!("case-{about}"));
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dockerfile/cases");
    let mut paths: Vec<_> = fs_err::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.retain(|path| path.file_name().unwrap().to_str().unwrap().split('-').next() == Some(about));
    assert!(!paths.is_empty());
    let wrong: Vec<String> = paths.iter().filter_map(|path| check(&sandbox, path)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn arguments() {
    cases("arg");
}

#[test]
fn copies() {
    cases("copy");
}

#[test]
fn archives_and_more() {
    cases("add");
}

#[test]
fn contexts() {
    cases("context");
}

#[test]
fn variables() {
    cases("env");
}

#[test]
fn directories() {
    cases("workdir");
}

#[test]
fn mounts() {
    cases("mount");
}

#[test]
fn users() {
    cases("user");
}

#[test]
fn triggers() {
    cases("onbuild");
}

#[test]
fn expansion() {
    cases("expand");
}

#[test]
fn configuration() {
    cases("config");
}

#[test]
fn stages() {
    cases("stage");
}

#[test]
fn programs() {
    cases("run");
}

#[test]
fn syntax() {
    cases("syntax");
}
