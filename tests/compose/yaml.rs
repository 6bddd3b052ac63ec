//! Anchors, merge keys, tags, several documents, and files made to hurt.

use std::fmt::Write;

use crate::{Case, messages, shown};

#[test]
fn anchors_and_merge_keys() {
    insta::assert_snapshot!(shown(
        "x-a: &a {image: nginx, restart: always, labels: {who: a}}\nx-b: &b {restart: unless-stopped, user: root}\nservices:\n  one:\n    <<: *a\n    restart: on-failure:3\n  two:\n    <<: [*b, *a]\n    labels: {who: two}\n"
    ), @r#"
    name: shop
    services:
      one:
        image: nginx
        labels:
          who: a
        networks:
          default: null
        restart: on-failure:3
        stop_grace_period: 10s
      two:
        image: nginx
        labels:
          who: two
        networks:
          default: null
        restart: unless-stopped
        stop_grace_period: 10s
        user: root
    networks:
      default:
        name: shop_default
    "#);
}

#[test]
fn documents_are_merged_in_sequence() {
    insta::assert_snapshot!(shown("services: {a: {image: x}}\n---\nservices: {a: {user: '1'}}\n---\n"), @r#"
    name: shop
    services:
      a:
        image: x
        networks:
          default: null
        stop_grace_period: 10s
        user: "1"
    networks:
      default:
        name: shop_default
    "#);
}

#[test]
fn raw_text_is_kept() {
    insta::assert_snapshot!(shown(
        "services:\n  a:\n    image: x\n    environment: {A: 1.10, B: 0x10, C: yes, D: 'true', E: 1_000, F: 22:22, G: null, H: ''}\n"
    ), @r#"
    name: shop
    services:
      a:
        environment:
          A: "1.10"
          B: "0x10"
          C: "yes"
          D: "true"
          E: "1_000"
          F: "22:22"
          H: ""
        image: x
        networks:
          default: null
        stop_grace_period: 10s
    networks:
      default:
        name: shop_default
    "#);
}

#[test]
fn mistakes() {
    for (text, expected) in [
        ("x-a: &a [*a]", "this alias refers to a node that contains it"),
        ("services: {<<: 1}", "`<<` takes a mapping or a list of mappings"),
        ("services: !foo {}", "unknown tag `!foo`"),
        ("[a]", "the compose file must be a mapping, found a list"),
        ("? [a]\n: b", "a key must be a string"),
    ] {
        assert_eq!(messages(text)[0], expected, "{text}");
    }
    assert!(messages("services: *no")[0].starts_with("broken YAML: "));
    assert!(messages("a: [")[0].starts_with("broken YAML: "));
}

#[test]
fn aliases_of_aliases_do_not_explode() {
    let mut wide = "x-0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    let mut deep = "x-0: &a0 [x]\n".to_owned();
    for level in 1..20 {
        let below = level - 1;
        writeln!(wide, "x-{level}: &a{level} [{}]", vec![format!("*a{below}"); 10].join(", ")).unwrap();
        writeln!(deep, "x-{level}: &a{level} {}*a{below}{}", "[".repeat(60), "]".repeat(60)).unwrap();
    }
    let expected = "the file is too large or too deeply nested once its aliases are expanded";
    assert_eq!(messages(&wide), [expected]);
    assert_eq!(messages(&deep), [expected]);
    assert!(messages(&"[".repeat(100_000))[0].starts_with("broken YAML: "));
}

#[test]
fn an_alias_has_its_mistakes_once_and_where_they_are_written() {
    insta::assert_snapshot!(shown("x-a: &a {image: nginx, imgae: x}\nservices:\n  one: *a\n"), @r#"
    error: unknown key `imgae` in service `one`
     --> compose.yaml:1:24
      |
    1 | x-a: &a {image: nginx, imgae: x}
      |                        ^^^^^
      |
    help: did you mean `image`?
    "#);
}

#[test]
fn a_service_cannot_be_null() {
    assert_eq!(messages("services: {a: }"), ["`a` in the compose file must be a mapping, found nothing"]);
    assert_eq!(Case::new("services: {}").load().unwrap().project.services.len(), 0);
}
