//! `services.*.label_file`: files of labels: `config` prints what is in them.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("services.web.label_file").files(&[("a.labels", "a=1\nb=a\nbare\n"), ("b.labels", "b=b\n")]);

#[test]
fn forms() {
    KEY.prints(&[("a.labels", ABSENT), ("[a.labels, b.labels]", ABSENT)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("none.labels", "3:17 cannot read env file `none.labels`: entity not found"),
        ("{a: b}", "3:17 `label_file` in service `web` must be a string or a list, found a mapping"),
        ("[5]", "3:18 `label_file` in service `web` must be a string, found a number"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("a.labels", "b.labels", ABSENT)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("a.labels", "")]);
}
