//! `services.*.expose`: ports for people to read of.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.expose");

#[test]
fn forms() {
    KEY.prints(&[
        ("['3000', 8000]", r#"["3000", "8000"]"#),
        ("[8000-8010/tcp]", r#"["8000-8010/tcp"]"#),
        ("[80, '80']", r#"["80"]"#),
        ("[abc]", r#"["abc"]"#),
        ("['80/udp']", r#"["80/udp"]"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[8.5]", "3:14 `expose` in service `web` must be a string or whole number, found a number"),
        ("[{a: b}]", "3:14 `expose` in service `web` must be a string or whole number, found a mapping"),
        ("80", "3:13 `expose` in service `web` must be a list, found a number"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("[80]", "['80', 81]", r#"["80", "81"]"#)]);
}

#[test]
fn when_run() {
    KEY.runs(&[("['3000', 8000]", "3:5 `services.web.expose` has no effect: it is for people to read")]);
}
