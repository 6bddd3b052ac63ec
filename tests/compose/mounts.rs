//! `volumes`, `tmpfs`, `configs` and `secrets`: what the model makes of them. Their forms are in `keys/service/`.

use crate::keys::printed;
use crate::{Case, describe, messages};

#[test]
fn short_and_long_forms_are_the_same() {
    let mounts = |list: &str| {
        let text = format!("services: {{web: {{image: x, volumes: {list}}}}}\nvolumes: {{data: , n: }}\n");
        let case = Case::new(&text).variable("HOME", "/root");
        case.load().map_err(|error| describe(&error)).unwrap().project.services["web"].mounts()
    };
    for (short, long) in [
        ("['data:/data']", "[{type: volume, source: data, target: /data}]"),
        ("['n:/n']", "[{type: volume, source: n, target: /n}]"),
        ("['data:/data:nocopy']", "[{type: volume, source: data, target: /data, volume: {nocopy: true}}]"),
        ("[/anonymous]", "[{type: volume, target: /anonymous}]"),
        ("['./src:/src:ro']", "[{type: bind, source: ./src, target: /src, read_only: true}]"),
        ("['~/home:/home:rslave']", "[{type: bind, source: /root/home, target: /home, bind: {propagation: rslave}}]"),
    ] {
        assert_eq!(mounts(short), mounts(long), "{short}");
    }
}

#[test]
fn only_volumes_that_are_used_are_left() {
    let text = "services: {web: {image: x, volumes: ['a:/a', {type: volume, source: b, target: /b}, ./c:/c]}}\nvolumes: {a: , b: {name: shared, external: true}, c: }\n";
    let project = printed(&Case::new(text)).unwrap();
    let expected = serde_json::json!({"a": {"name": "shop_a"}, "b": {"name": "shared", "external": true}});
    assert_eq!(project["volumes"], expected);
}

#[test]
fn mistakes() {
    let text = "services:\n  web:\n    image: x\n    tmpfs: /t\n    volumes:\n      - /a:/a:rx\n      - a:b:c:d\n      - ./a:b\n      - {type: image, target: /x}\n      - {type: bind, target: /y}\n      - ./t:/t\n      - none:/none\n";
    insta::assert_snapshot!(messages(text).join("\n"), @"
    unknown option `rx` of a mount is ignored
    invalid `volumes`: expected `[SOURCE:]TARGET[:OPTIONS]`
    invalid `volumes` in service `web`: no `source`: which directory of the host?
    service `web` mounts two things at `/t`
    service `web` refers to undefined volume `none`
    ");
}

#[test]
fn what_cannot_be_run_is_refused() {
    insta::assert_snapshot!(messages("services: {web: {image: x, volumes: ['./a:b']}}").join("\n"), @"invalid `volumes` in service `web`: the target `b` is not an absolute path");
    insta::assert_snapshot!(messages("services: {web: {image: x, tmpfs: '/t:size=much'}}").join("\n"), @"invalid `tmpfs` in service `web`: `much` is not a size such as `512m` or `1.5gb`");
}

#[test]
fn configs_and_secrets() {
    let text = "services:\n  web:\n    image: nginx\n    configs: [c, {source: inline, target: /etc/i.conf, mode: 0440}]\n    secrets: [s, {source: s, target: again, uid: '5', gid: \"6\", mode: 256}]\nconfigs: {c: {file: ./c.conf}, inline: {content: \"a $$b\\n\"}, unused: {file: x}}\nsecrets: {s: {file: s.txt}}\n";
    let project = Case::new(text).load().map_err(|error| describe(&error)).unwrap().project;
    let service = &project.services["web"];
    let targets: Vec<_> = service.configs.iter().chain(&service.secrets).map(|grant| grant.target.as_str()).collect();
    assert_eq!(targets, ["/c", "/etc/i.conf", "/run/secrets/s", "/run/secrets/again"]);
    assert_eq!(service.secrets[1].mode, 0o400);
    assert_eq!(project.configs.len(), 2);
}
