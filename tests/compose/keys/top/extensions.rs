//! `x-…`: whatever other programs want to say, and fragments for aliases.

use serde_json::json;

use crate::Case;
use crate::keys::{Key, mistakes, printed};

#[test]
fn at_the_top_they_are_printed() {
    Key::new("x-any").and("services: {}\n").prints(&[
        ("5", "5"),
        ("1.0", "1"),
        ("a", "a"),
        ("true", "true"),
        ("null", "null"),
        ("{a: [1, b]}", r#"{"a": [1, "b"]}"#),
        ("${SET}", "set"),
        ("$$x", "$$x"),
        ("2001-01-01", "2001-01-01T00:00:00Z"),
    ]);
    Key::new("x-any")
        .and("services: {}\n")
        .merges(&[("{a: 1, l: [1]}", "{b: 2, l: [2]}", r#"{"a": 1, "b": 2, "l": [1, 2]}"#), ("a", "b", "b")]);
}

#[test]
fn inside_they_are_accepted_and_not_in_json() {
    let text = "x-web: &web {image: x, x-note: a}\nservices:\n  web:\n    <<: *web\n    x-a: 1\n    build: {context: ., x-b: 1}\n    healthcheck: {test: a, x-c: 1}\n    deploy: {x-d: 1, resources: {x-e: 1}}\n    networks: {n: {x-f: 1}}\n    logging: {driver: local, x-g: 1}\nnetworks: {n: {x-h: 1, ipam: {x-i: 1}}}\n";
    let project = printed(&Case::new(text)).unwrap();
    let service = &project["services"]["web"];
    assert_eq!(service["image"], "x");
    assert!(!service.to_string().contains("x-"), "{service}");
    assert_eq!(project["networks"]["n"], json!({"name": "shop_n", "ipam": {}}));
}

#[test]
fn other_keys_are_mistakes() {
    let text = "y-a: 1\nservices:\n  web:\n    image: x\n    y-b: 1\n";
    assert_eq!(
        mistakes(&Case::new(text)),
        ["1:1 unknown key `y-a` in the compose file", "5:5 unknown key `y-b` in service `web`"]
    );
}
