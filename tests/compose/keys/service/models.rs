//! `services.*.models`: the models that the service talks to.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.models").and("models: {m: {model: ai/x}}\n");

#[test]
fn forms() {
    KEY.prints(&[
        ("[m]", r#"{"m": null}"#),
        ("{m: }", r#"{"m": null}"#),
        ("{m: {endpoint_var: URL, model_var: NAME}}", r#"{"m": {"endpoint_var": "URL", "model_var": "NAME"}}"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[none]", "3:14 service `web` refers to undefined model `none`"),
        ("[m, m]", "3:17 `m` stands twice in `models` in service `web`"),
        ("{m: {foo: 1}}", "3:18 unknown key `foo` in `models.m` of service `web`"),
        ("m", "3:13 `models` in service `web` must be a list or a mapping, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("[m]", "{m: {model_var: A}}", r#"{"m": {"model_var": "A"}}"#),
        ("{m: {model_var: A}}", "{m: {endpoint_var: B}}", r#"{"m": {"endpoint_var": "B", "model_var": "A"}}"#),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[("{m: {endpoint_var: URL, model_var: NAME}}", ""), ("[m]", "")]);
}
