//! `services.*.working_dir`: the directory that the command starts in.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.working_dir");

#[test]
fn forms() {
    KEY.prints(&[("/srv", "/srv"), ("relative/", "relative/"), (r#""""#, ABSENT)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "3:18 `working_dir` in service `web` must be a string, found a number"),
        ("[a]", "3:18 `working_dir` in service `web` must be a string, found a list"),
        ("null", "3:5 `working_dir` in service `web` must be a string, found nothing"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("/a", "/b", "/b"), ("/a", "null", "/a")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("/srv", "")]);
}
