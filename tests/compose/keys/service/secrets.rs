//! `services.*.secrets`: secrets that are mounted.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.secrets").and("secrets: {s: {file: s}, t: {environment: SET}}\n");

#[test]
fn forms() {
    KEY.prints(&[
        ("[s]", r#"[{"source": "s", "target": "/run/secrets/s"}]"#),
        (
            "[{source: s, target: t, uid: '1', gid: '2', mode: 0400}]",
            r#"[{"gid": "2", "mode": "0400", "source": "s", "target": "t", "uid": "1"}]"#,
        ),
        ("[{source: s, target: /abs, mode: '0400'}]", r#"[{"mode": "0400", "source": "s", "target": "/abs"}]"#),
        ("[s, t]", r#"[{"source": "s", "target": "/run/secrets/s"}, {"source": "t", "target": "/run/secrets/t"}]"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[none]", "3:15 service `web` refers to undefined secret `none`"),
        ("[{source: s, foo: 1}]", "3:27 unknown key `foo` in `secrets` of service `web`"),
        ("[{source: s, uid: 1}]", "3:32 `secrets.uid` in service `web` must be a string, found a number"),
        ("[{source: s, mode: rw}]", "3:33 invalid `secrets.mode` in service `web`: `rw` is not a number in octal"),
        ("[5]", "3:15 `secrets` in service `web` must be a string, found a number"),
        ("s", "3:14 `secrets` in service `web` must be a list, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("[s]", "[t]", r#"[{"source": "s", "target": "/run/secrets/s"}, {"source": "t", "target": "/run/secrets/t"}]"#),
        // Docker Compose 2.40.3 keeps both.
        ("[s]", "[{source: t, target: s}]", r#"[{"source": "t", "target": "s"}]"#),
        ("[s]", "[{source: s, mode: 0400}]", r#"[{"mode": "0400", "source": "s", "target": "/run/secrets/s"}]"#),
        ("[s]", "!override [t]", r#"[{"source": "t", "target": "/run/secrets/t"}]"#),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[("[s]", "")]);
}
