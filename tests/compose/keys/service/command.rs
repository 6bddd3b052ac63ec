//! `services.*.command`: the command, instead of the image's.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.command");

#[test]
fn forms() {
    KEY.prints(&[
        ("a b", r#"["a", "b"]"#),
        ("sh -c 'echo $$HOME'", r#"["sh", "-c", "echo $$HOME"]"#),
        ("[a, 'b c']", r#"["a", "b c"]"#),
        ("[]", "[]"),
        (r#""""#, "[]"),
        ("null", "null"),
        ("a && b", r#"["a"]"#),
        ("echo `date`", r#"["echo", "`date`"]"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        (r#"'a "b'"#, "3:14 invalid `command`: a quote is not closed"),
        ("(a)", "3:14 invalid `command`: a parenthesis means nothing where no shell runs, write it in quotes"),
        ("5", "3:14 `command` in service `web` must be a string, found a number"),
        ("true", "3:14 `command` in service `web` must be a string, found a boolean"),
        ("[5]", "3:15 `command` in service `web` must be a string, found a number"),
        ("[null]", "3:15 `command` in service `web` must be a string, found nothing"),
        ("{a: b}", "3:14 `command` in service `web` must be a string or a list, found a mapping"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("a b", "[c]", r#"["c"]"#),
        ("a", "null", "null"),
        ("[a]", "[]", "[]"),
        ("a", "!reset null", "null"),
        ("[a]", "!override [b]", r#"["b"]"#),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[("a b", "")]);
}
