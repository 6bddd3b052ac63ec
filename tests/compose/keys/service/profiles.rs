//! `services.*.profiles`: what switches the service on.

use crate::keys::{ABSENT, Key, printed};

const KEY: Key = Key::new("services.web.profiles");

#[test]
fn forms() {
    KEY.prints(&[("[]", ABSENT)]);
    let with = |value: &str, profile: &str| {
        let case = KEY.case(value).with(|options| options.profiles = vec![profile.to_owned()]);
        printed(&case).unwrap()["services"]["web"]["profiles"].clone()
    };
    assert_eq!(with("[dev, test]", "dev"), serde_json::json!(["dev", "test"]));
    assert_eq!(with("[dev, test]", "*"), serde_json::json!(["dev", "test"]));
    assert!(with("[dev, test]", "de").is_null());
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[5]", "3:16 `profiles` in service `web` must be a string, found a number"),
        ("dev", "3:15 `profiles` in service `web` must be a list, found a string"),
        ("{a: b}", "3:15 `profiles` in service `web` must be a list, found a mapping"),
    ]);
}

#[test]
fn merged() {
    let case = KEY.merged("[a]", "[b, a]").with(|options| options.profiles = vec!["b".to_owned()]);
    assert_eq!(printed(&case).unwrap()["services"]["web"]["profiles"], serde_json::json!(["a", "b"]));
}

#[test]
fn when_run() {
    KEY.runs(&[("[dev]", "")]);
}
