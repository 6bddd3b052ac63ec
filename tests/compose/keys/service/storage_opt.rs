//! `services.*.storage_opt`: options of the storage driver.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.storage_opt");

#[test]
fn forms() {
    KEY.prints(&[("{size: 1G}", r#"{"size": "1G"}"#), ("{size: 5}", r#"{"size": "5"}"#)]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{a: true}", "3:22 `storage_opt.a` in service `web` must be a string or number, found a boolean"),
        ("[size=1G]", "3:18 `storage_opt` in service `web` must be a mapping, found a list"),
        ("5", "3:18 `storage_opt` in service `web` must be a mapping, found a number"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("{a: x}", "{b: y}", r#"{"a": "x", "b": "y"}"#)]);
}

#[test]
fn when_run() {
    KEY.runs(&[
        ("{size: 1G}", ""),
        ("{size: 0}", ""),
        ("{size: big}", "3:25 invalid `services.web.storage_opt.size: big`: it is a size above 0, such as 10g"),
        ("{a: x}", "3:19 invalid `services.web.storage_opt.a`: there is the option `size` alone"),
    ]);
}
