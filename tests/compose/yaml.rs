//! Anchors, merge keys, tags, several documents, and files made to hurt.

use std::fmt::Write;

use crate::{Case, messages, shown};

#[test]
fn anchors_and_merge_keys() {
    insta::assert_snapshot!(shown(
        "x-a: &a {image: nginx, restart: always, labels: {who: a}}\nx-b: &b {restart: unless-stopped, user: root}\nservices:\n  one:\n    <<: *a\n    restart: on-failure:3\n  two:\n    <<: [*b, *a]\n    labels: {who: two}\n"
    ), @"
    name: shop
    services:
      one:
        image: nginx
        labels:
          who: a
        networks:
          default: null
        restart: on-failure:3
      two:
        image: nginx
        labels:
          who: two
        networks:
          default: null
        restart: unless-stopped
        user: root
    networks:
      default:
        name: shop_default
    x-a:
      image: nginx
      labels:
        who: a
      restart: always
    x-b:
      restart: unless-stopped
      user: root
    ");
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
        user: "1"
    networks:
      default:
        name: shop_default
    "#);
}

#[test]
fn plain_scalars_are_values() {
    insta::assert_snapshot!(shown(
        "services:\n  a:\n    image: x\n    environment: {A: 1.10, B: 0x10, C: yes, D: 'true', E: 1_000, F: 22:22, G: null, H: ''}\n"
    ), @r#"
    name: shop
    services:
      a:
        environment:
          A: "1.1"
          B: "16"
          C: "yes"
          D: "true"
          E: "1000"
          F: "22:22"
          G: null
          H: ""
        image: x
        networks:
          default: null
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
fn copies_of_long_texts_count() {
    let mut text = format!("x-a: &a {}\nx-b:\n", "y".repeat(1_000_000));
    text.push_str(&"- *a\n".repeat(10_000));
    let expected = "the file is too large or too deeply nested once its aliases are expanded";
    assert_eq!(messages(&text), [expected]);
    // Two thousand services that share a block are no attack.
    let mut text = "x-a: &a {image: x, labels: {a: 1, b: 2, c: 3}}\nservices:\n".to_owned();
    (0..2_000).for_each(|number| writeln!(text, "  s{number}: {{<<: *a, user: '1'}}").unwrap());
    assert_eq!(Case::new(&text).load().unwrap().project.services.len(), 2_000);
}

#[test]
fn depth_and_size() {
    for deep in ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(100_000), "? ".repeat(100_000)] {
        assert!(messages(&deep)[0].starts_with("broken YAML: "));
    }
    let lines = |line: &str| format!("services: {{a: {{image: x}}}}\nx-a:\n{}", line.repeat(100_000));
    for line in ["  - a\n", "  # c\n", "\n", "  abc\n"] {
        assert!(Case::new(&lines(line)).load().is_ok(), "{line:?}");
    }
}

#[test]
fn odd_bytes() {
    let file = "services:\n  a:\n    image: x\n";
    for text in
        [format!("\u{feff}{file}"), file.replace('\n', "\r\n"), file.replace('\n', "\r"), file.replace(": x", ":\tx\t")]
    {
        assert!(Case::new(&text).load().is_ok(), "{text:?}");
    }
    for (text, place) in [
        ("services:\n\ta: 1\n".to_owned(), "--> compose.yaml:2:1"),
        (format!("{file}\0"), "--> compose.yaml:4:1"),
        (format!("{file}x-a: \"\0\"\n"), "--> compose.yaml:4:7"),
        (format!("{file}# é\u{7}\n"), "--> compose.yaml:4:4"),
        ("services:\r\n  é: {}\r\n  é: {}\r\n".to_owned(), "--> compose.yaml:3:3"),
    ] {
        let shown = shown(&text);
        assert!(shown.contains(place), "{text:?}: {shown}");
    }
}

#[test]
fn tags_and_the_types_they_name() {
    for (written, expected) in [("!!str 0x10", true), ("!foo 1", true), ("! 1", true), ("!e!foo 1", false)] {
        let case = Case::new(&format!("services: {{a: {{image: x, environment: {{A: {written}}}}}}}"));
        assert_eq!(case.load().is_ok(), expected, "{written}");
    }
    assert_eq!(messages("services: {a: {image: x, labels: {<<: {a: 1}, <<: {b: 1}}}}"), ["duplicate key `<<`"]);
}

#[test]
fn an_alias_has_its_mistakes_once_and_where_they_are_written() {
    insta::assert_snapshot!(shown("x-a: &a {image: nginx, imgae: x}\nservices:\n  one: *a\n"), @r#"
    error: unknown key `imgae` in service `one`
     --> compose.yaml:1:24
      |
    1 | x-a: &a {image: nginx, imgae: x}
      |                        ^^^^^
    2 | services:
    3 |   one: *a
      |        -- used here through its alias
      |
    help: did you mean `image`?
    "#);
}

#[test]
fn a_service_cannot_be_null() {
    assert_eq!(messages("services: {a: }"), ["service `a` must be a mapping, found nothing"]);
    assert_eq!(Case::new("services: {}").load().unwrap().project.services.len(), 0);
}
