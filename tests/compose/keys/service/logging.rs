//! `services.*.logging`: where the log goes.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.logging");

#[test]
fn forms() {
    KEY.prints(&[
        ("{driver: local}", r#"{"driver": "local"}"#),
        (
            "{driver: json-file, options: {max-size: 10m, max-file: 3, labels: a}}",
            r#"{"driver": "json-file", "options": {"labels": "a", "max-file": "3", "max-size": "10m"}}"#,
        ),
        ("{options: {a: 1.50}}", r#"{"options": {"a": "1.5"}}"#),
        ("{}", "{}"),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{driver: 5}", "3:23 `logging.driver` in service `web` must be a string, found a number"),
        (
            "{options: {a: true}}",
            "3:28 `logging.options.a` in service `web` must be a string or number, found a boolean",
        ),
        ("{options: [a=b]}", "3:24 `logging.options` in service `web` must be a mapping, found a list"),
        ("{foo: 1}", "3:15 unknown key `foo` in `logging` of service `web`"),
        ("local", "3:14 `logging` in service `web` must be a mapping, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        (
            "{driver: local, options: {a: x}}",
            "{options: {b: y}}",
            r#"{"driver": "local", "options": {"a": "x", "b": "y"}}"#,
        ),
        (
            "{driver: local, options: {a: x}}",
            "{driver: syslog, options: {b: y}}",
            r#"{"driver": "syslog", "options": {"b": "y"}}"#,
        ),
        (
            "{options: {a: x}}",
            "{driver: syslog, options: {b: y}}",
            r#"{"driver": "syslog", "options": {"a": "x", "b": "y"}}"#,
        ),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[
        ("{driver: json-file, options: {max-size: 10m, max-file: 3, labels-regex: '^a', env-regex: '[B-D]+'}}", ""),
        (
            "{driver: json-file, options: {labels-regex: '('}}",
            "3:58 invalid `services.web.logging.options.labels-regex: (`: it is no regular expression",
        ),
        ("{options: {a: 1.50}}", "3:25 `services.web.logging.options.a` is not supported yet"),
        ("{driver: splunk}", "3:23 `services.web.logging.driver: splunk` is not supported yet"),
        ("{driver: none}", ""),
        (
            "{driver: syslog, options: {syslog-address: 'tcp+tls://10.0.0.1:6514'}}",
            "3:57 invalid `services.web.logging.options.syslog-address: tcp+tls://10.0.0.1:6514`: it is udp://IP[:PORT], tcp://IP[:PORT], unix://PATH or unixgram://PATH; TLS and names of other machines are not supported yet",
        ),
        (
            "{driver: syslog, options: {syslog-address: 'udp://10.0.0.1:514', syslog-facility: local3, syslog-format: rfc5424, tag: '{{.Name}}/{{ .ID }}'}}",
            "",
        ),
        (
            "{driver: journald, options: {tag: '{{.Nothing}}'}}",
            "3:48 invalid `services.web.logging.options.tag: {{.Nothing}}`: it may hold {{.ID}}, {{.FullID}}, {{.Name}}, {{.ImageID}}, {{.ImageFullID}}, {{.ImageName}} and {{.DaemonName}}",
        ),
        ("{driver: local, options: {mode: non-blocking, max-buffer-size: 4m, env: A, labels: b}}", ""),
        ("{driver: local}", ""),
    ]);
}
