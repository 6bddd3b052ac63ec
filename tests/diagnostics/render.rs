//! Any place of any text can be shown.

use std::fmt::Write;

use proptest::prelude::*;

use crate::{Case, shown};

#[test]
fn many_mistakes_are_cut() {
    let mut text = "services:\n".to_owned();
    for number in 0..60 {
        writeln!(text, "  s{number}: {{image: x, user: $U{number}, foo: 1}}").unwrap();
    }
    let shown = shown(&text);
    assert_eq!(shown.matches("error:").count(), 50);
    assert_eq!(shown.matches("warning[").count(), 0);
    assert!(shown.ends_with("\nand 10 more errors, 60 more warnings\n"), "{shown}");
}

#[test]
fn a_million_mistakes_take_no_longer() {
    let mut text = "services:\n  a:\n    image: x\n    labels: {".to_owned();
    (0..100_000).for_each(|number| write!(text, "l{number}: [], ").unwrap());
    text.push_str("}\n");
    let (loads, diagnostics) = Case::new(&text).load();
    assert!(!loads);
    assert_eq!(diagnostics.len(), 1000);
    assert!(rcompose::compose::render_all(&diagnostics, false).len() < 100_000);
}

#[test]
fn as_json() {
    let (_, diagnostics) = Case::new("services:\n  é: {}\n  a: {image: x, init: maybe}\n  a: {}\n").load();
    let all: Vec<_> = diagnostics.iter().map(rcompose::compose::Diagnostic::to_json).collect();
    insta::assert_snapshot!(serde_json::to_string_pretty(&all).unwrap(), @r#"
    [
      {
        "column": 3,
        "end": 14,
        "end_column": 4,
        "end_line": 2,
        "file": "compose.yaml",
        "help": null,
        "labels": [],
        "line": 2,
        "message": "invalid `services`: `é` is not a name: letters, digits, `.`, `_` and `-` only",
        "name": "invalid-value",
        "severity": "error",
        "start": 12
      },
      {
        "column": 3,
        "end": 14,
        "end_column": 4,
        "end_line": 2,
        "file": "compose.yaml",
        "help": null,
        "labels": [],
        "line": 2,
        "message": "service `é` has neither an image nor a build context",
        "name": "missing",
        "severity": "error",
        "start": 12
      },
      {
        "column": 23,
        "end": 46,
        "end_column": 28,
        "end_line": 3,
        "file": "compose.yaml",
        "help": null,
        "labels": [],
        "line": 3,
        "message": "invalid `init` in service `a`: `maybe` is neither `true` nor `false`",
        "name": "invalid-value",
        "severity": "error",
        "start": 41
      },
      {
        "column": 3,
        "end": 51,
        "end_column": 4,
        "end_line": 4,
        "file": "compose.yaml",
        "help": null,
        "labels": [
          {
            "column": 3,
            "end": 22,
            "end_column": 4,
            "end_line": 3,
            "file": "compose.yaml",
            "line": 3,
            "message": "first defined here",
            "start": 21
          }
        ],
        "line": 4,
        "message": "duplicate key `a`",
        "name": "duplicate-key",
        "severity": "error",
        "start": 50
      }
    ]
    "#);
}

#[test]
fn a_variable_is_told_of_once() {
    let text = "services:\n".to_owned()
        + &"ab cd ef gh ij kl".split(' ').map(|name| format!("  {name}: {{image: x, user: $U}}\n")).collect::<String>();
    insta::assert_snapshot!(shown(&text), @"
    warning[unset-variable]: the variable `U` is not set, defaulting to a blank string
     --> compose.yaml:2:24
      |
    2 |   ab: {image: x, user: $U}
      |                        ^^
      |
      = note: also at compose.yaml:3:24, compose.yaml:4:24, compose.yaml:5:24 and 2 more places
    ");
}

#[test]
fn a_byte_order_mark_is_no_column() {
    insta::assert_snapshot!(shown("\u{feff}servces: {}\n"), @"
    error: unknown key `servces` in the compose file
     --> compose.yaml:1:1
      |
    1 | servces: {}
      | ^^^^^^^
      |
    help: did you mean `services`?
    ");
}

proptest! {
    #[test]
    fn no_file_makes_it_panic(text in "(services:|a:|image|\\n {0,6}|- |\\$A|\\$\\{|\\}|[é日\\t\\r\"':,\\[\\]{}&*!|>#x0-9]){0,40}") {
        let case = Case::new(&text);
        case.shown();
        case.load().1.iter().for_each(|diagnostic| drop(diagnostic.to_json()));
    }
}
