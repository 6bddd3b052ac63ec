//! `services.*.gpus`: requests for GPUs.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.gpus");

#[test]
fn forms() {
    KEY.prints(&[
        ("all", r#"[{"count": -1}]"#),
        ("[{driver: nvidia, count: 2}]", r#"[{"count": 2, "driver": "nvidia"}]"#),
        ("[{count: all}]", r#"[{"count": -1}]"#),
        (
            "[{device_ids: ['0', '3'], capabilities: [gpu, utility]}]",
            r#"[{"capabilities": ["gpu", "utility"], "device_ids": ["0", "3"]}]"#,
        ),
        ("[{options: [a=b]}]", r#"[{"count": -1, "options": {"a": "b"}}]"#),
        ("[{options: {a: 1}, count: '3'}]", r#"[{"count": 3, "options": {"a": "1"}}]"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[{count: 1, device_ids: ['0']}]", "3:23 a device request of service `web` has both `count` and `device_ids`"),
        ("[{count: some}]", "3:20 invalid `gpus.count` in service `web`: `some` is neither `all` nor a number"),
        // Docker Compose 2.40.3 takes it.
        ("[{foo: 1}]", "3:13 unknown key `foo` in `gpus` of service `web`"),
        ("some", "3:11 invalid `gpus` in service `web`: must be `all`"),
        ("[all]", "3:12 `gpus` in service `web` must be a mapping, found a string"),
        ("5", "3:11 `gpus` in service `web` must be `all`, found a number"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("all", "[{count: 2}]", r#"[{"count": -1}, {"count": 2}]"#),
        ("[{count: 1}]", "[{driver: d}]", r#"[{"count": 1}, {"count": -1, "driver": "d"}]"#),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[("all", "")]);
}
