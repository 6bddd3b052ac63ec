//! `services.*.configs`: configs that are mounted.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.configs").and("configs: {c: {file: c}, d: {content: d}}\n");

#[test]
fn forms() {
    KEY.prints(&[
        ("[c]", r#"[{"source": "c"}]"#),
        (
            "[{source: c, target: /etc/c, uid: '1', gid: '2', mode: 0440}]",
            r#"[{"gid": "2", "mode": "0440", "source": "c", "target": "/etc/c", "uid": "1"}]"#,
        ),
        ("[{source: c, mode: '0440'}]", r#"[{"mode": "0440", "source": "c"}]"#),
        ("[{source: c, mode: 288}]", r#"[{"mode": "0440", "source": "c"}]"#),
        ("[c, {source: d, target: /c}]", r#"[{"source": "d", "target": "/c"}]"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[none]", "3:15 service `web` refers to undefined config `none`"),
        ("[{source: c, foo: 1}]", "3:27 unknown key `foo` in `configs` of service `web`"),
        ("[{source: c, uid: 1}]", "3:32 `configs.uid` in service `web` must be a string, found a number"),
        ("[{source: c, mode: rw}]", "3:33 invalid `configs.mode` in service `web`: `rw` is not a number in octal"),
        ("[5]", "3:15 `configs` in service `web` must be a string, found a number"),
        ("c", "3:14 `configs` in service `web` must be a list, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("[c]", "[d]", r#"[{"source": "c"}, {"source": "d"}]"#),
        ("[c]", "[{source: d, target: /c}]", r#"[{"source": "d", "target": "/c"}]"#),
        ("[c]", "!override [d]", r#"[{"source": "d"}]"#),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[("[c]", "")]);
}
