//! `services.*.extends`: the service that this one begins as.

use serde_json::json;

use crate::Case;
use crate::keys::{mistakes, printed};

/// What service `web` is when it extends so. Beside it are `base`, and `other.yaml` with `app` in a folder.
fn web(extends: &str) -> Case {
    let text =
        "services:\n  web:\n    extends: EXTENDS\n    user: me\n  base: {image: x, user: base, labels: {a: b}}\n";
    let other = "services:\n  app: {extends: core, env_file: a.env, volumes: ['./data:/data'], profiles: []}\n  core: {build: ., command: run}\n";
    Case::new(&text.replace("EXTENDS", extends)).file("dir/other.yaml", other).file("dir/a.env", "A=1\n")
}

#[test]
fn forms() {
    let same = json!({"image": "x", "user": "me", "labels": {"a": "b"}});
    for extends in ["base", "{service: base}"] {
        let project = printed(&web(extends)).unwrap();
        let service = &project["services"]["web"];
        assert_eq!(service["image"], same["image"]);
        assert_eq!(service["user"], same["user"]);
        assert_eq!(service["labels"], same["labels"]);
        assert!(service.get("extends").is_none());
    }
}

#[test]
fn paths_of_another_file_are_relative_to_it() {
    let project = printed(&web("{service: app, file: dir/other.yaml}")).unwrap();
    let service = &project["services"]["web"];
    assert_eq!(service["build"]["context"], "/shop/dir");
    assert_eq!(service["volumes"][0]["source"], "/shop/dir/data");
    assert_eq!(service["environment"], json!({"A": "1"}));
    assert_eq!(service["command"], json!(["run"]));
    assert!(project["services"].get("app").is_none());
}

#[test]
fn refused() {
    insta::assert_snapshot!(mistakes(&web("none")).join("\n"), @"3:14 service `web` extends `none`, which is not a service");
    insta::assert_snapshot!(mistakes(&web("web")).join("\n"), @"3:14 circular reference of `extends`: web -> web");
    insta::assert_snapshot!(mistakes(&web("{service: none, file: dir/other.yaml}")).join("\n"), @"3:24 service `web` extends `none`, which is not a service in `dir/other.yaml`");
    insta::assert_snapshot!(mistakes(&web("{service: app, file: none.yaml}")).join("\n"), @"3:35 cannot read `/shop/none.yaml`: entity not found");
    insta::assert_snapshot!(mistakes(&web("{service: base, foo: 1}")).join("\n"), @"3:30 unknown key `foo` in `extends` of service `web`");
    insta::assert_snapshot!(mistakes(&web("[base]")).join("\n"), @"3:14 `extends` in service `web` must be a string or a mapping, found a list");
    insta::assert_snapshot!(mistakes(&web("5")).join("\n"), @"3:14 `extends` in service `web` must be a string, found a number");
}

#[test]
fn circles() {
    let text = "services:\n  a: {extends: b}\n  b: {extends: c}\n  c: {extends: a}\n";
    assert_eq!(mistakes(&Case::new(text)), ["2:16 circular reference of `extends`: a -> b -> c -> a"]);
}

#[test]
fn tags() {
    let text = "services:\n  web: {extends: base, user: !reset null, labels: !override {c: d}}\n  base: {image: x, user: base, labels: {a: b}}\n";
    let project = printed(&Case::new(text)).unwrap();
    assert!(project["services"]["web"].get("user").is_none());
    assert_eq!(project["services"]["web"]["labels"], json!({"c": "d"}));
}
