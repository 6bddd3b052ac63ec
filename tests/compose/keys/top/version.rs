//! `version`: of no meaning any more.

use crate::keys::{ABSENT, Key};

const KEY: Key = Key::new("version").and("services: {}\n");

#[test]
fn forms() {
    KEY.prints(&[("'3'", ABSENT), ("\"\"", ABSENT), ("latest", ABSENT)]);
    insta::assert_snapshot!(KEY.case("'3'").warnings(), @"
    warning[obsolete-version]: `version` is obsolete and ignored
     --> compose.yaml:1:10
      |
    1 | version: '3'
      |          ^^^
    ");
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("3.8", "1:10 `version` must be a string, found a number"),
        ("[3]", "1:10 `version` must be a string, found a list"),
    ]);
}
