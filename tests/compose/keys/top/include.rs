//! `include`: other files, each with its own directory and variables.

use serde_json::json;

use crate::Case;
use crate::keys::{mistakes, printed};

/// A project that includes so. In `sub` are `a.yaml`, `b.yaml`, and a `.env` of its own.
fn including(include: &str) -> Case {
    Case::new(&format!("include: {include}\nservices: {{web: {{image: x}}}}\n"))
        .file("sub/a.yaml", "name: other\nservices: {a: {image: \"a:${TAG-none}\", volumes: ['./d:/d']}}\nx-a: 1\n")
        .file("sub/b.yaml", "services: {a: {user: b}, b: {image: b}}\nvolumes: {v: }\n")
        .file("sub/.env", "TAG=own\n")
        .file("tag.env", "TAG=given\n")
        .file("web.yaml", "services: {web: {image: x}}\n")
        .file("late.yaml", "services: {web: {image: y, user: y}}\n")
        .file("clash-a.yaml", "services: {a: {image: y}}\n")
        .file("round.yaml", "include: [round.yaml]\n")
}

#[test]
fn forms() {
    for (include, image, source) in [
        ("[sub/a.yaml]", "a:own", "/shop/sub/d"),
        ("[{path: sub/a.yaml}]", "a:own", "/shop/sub/d"),
        ("[{path: [sub/a.yaml, sub/b.yaml]}]", "a:own", "/shop/sub/d"),
        ("[{path: sub/a.yaml, env_file: tag.env}]", "a:given", "/shop/sub/d"),
        ("[{path: sub/a.yaml, env_file: [tag.env], project_directory: .}]", "a:given", "/shop/d"),
        ("[sub/a.yaml, web.yaml]", "a:own", "/shop/sub/d"),
    ] {
        let project = printed(&including(include)).unwrap();
        assert_eq!(project["name"], "shop", "{include}");
        assert_eq!(project["services"]["a"]["image"], image, "{include}");
        assert_eq!(project["services"]["a"]["volumes"][0]["source"], source, "{include}");
        assert!(project.get("include").is_none());
        assert!(project.get("x-a").is_none(), "{include}");
    }
    assert_eq!(printed(&including("[]")).unwrap()["services"].as_object().unwrap().len(), 1);
}

#[test]
fn files_of_one_entry_are_merged() {
    let project = printed(&including("[{path: [sub/a.yaml, sub/b.yaml]}]")).unwrap();
    assert_eq!(project["services"]["a"]["user"], "b");
    assert_eq!(project["services"]["b"]["image"], "b");
}

#[test]
fn the_variables_around_win() {
    let project = printed(&including("[sub/a.yaml]").variable("TAG", "around")).unwrap();
    assert_eq!(project["services"]["a"]["image"], json!("a:around"));
}

#[test]
fn a_later_file_overrides_what_is_included() {
    let case = including("[sub/a.yaml]").file("compose.override.yaml", "services: {a: {image: late}}\n");
    assert_eq!(printed(&case).unwrap()["services"]["a"]["image"], "late");
}

#[test]
fn the_file_that_includes_wins() {
    let project = printed(&including("[late.yaml]")).unwrap();
    assert_eq!(project["services"]["web"]["image"], "x");
}

#[test]
fn refused() {
    insta::assert_snapshot!(mistakes(&including("[none.yaml]")).join("\n"), @"1:11 cannot read `/shop/none.yaml`: entity not found");
    insta::assert_snapshot!(mistakes(&including("[round.yaml]")).join("\n"), @"round.yaml:1:11 include cycle: round.yaml -> round.yaml");
    insta::assert_snapshot!(mistakes(&including("[{path: sub/a.yaml, env_file: none.env}]")).join("\n"), @"1:40 cannot read `/shop/none.env`: entity not found");
    insta::assert_snapshot!(mistakes(&including("[sub/a.yaml, clash-a.yaml]")).join("\n"), @"clash-a.yaml:1:12 two includes define `services.a` differently");
    insta::assert_snapshot!(mistakes(&including("sub/a.yaml")).join("\n"), @"1:10 `include` must be a list, found a string");
}
