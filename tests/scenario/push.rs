//! Images and projects to a registry.

use serde_json::Value;

use crate::registry_image as image;
use crate::support::Sandbox;
use crate::support::registry::{Behaviour, Content, Registry, digest};

/// A stack whose one image, `REGISTRY/own/app:2`, was committed.
fn committed(sandbox: &Sandbox, registry: &Registry, rest: &str) -> String {
    let hub = sandbox.hub(image::hub("hello"), Behaviour::default());
    let base = sandbox.stack("base", "services: {app: {image: 'app:1', user: root}}");
    base.rcompose(&["up", "-d"]).succeeds();
    let script = "echo x > /srv/new; rm /etc/group; rm -r /srv/work; mkdir /srv/work; echo y > /srv/work/z";
    base.rcompose(&["exec", "-T", "app", "sh", "-c", script]).succeeds();
    let name = format!("{}/own/app:2", registry.host());
    base.rcompose(&["commit", "app", &name]).succeeds();
    base.rcompose(&["down", "-v"]).succeeds();
    drop(hub);
    format!("services: {{app: {{image: '{name}', build: {{context: .}}}}, other: {{image: 'rootfs:/'}}{rest}}}")
}

#[test]
fn what_was_pushed_can_be_pulled_elsewhere() {
    let sandbox = Sandbox::new("push");
    let registry =
        Registry::start(Content::default(), Behaviour { token: Some("t"), login: None, ..Behaviour::default() });
    let compose = committed(&sandbox, &registry, "");
    let stack = sandbox.stack("own", &compose);
    stack.rcompose(&["push"]).succeeds().says(&["Pushed", "Service other", "Skipped"]);
    let manifest: Value =
        serde_json::from_slice(&registry.shared.document("/v2/own/app/manifests/2").unwrap()).unwrap();
    let layers = manifest["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 2, "{manifest}");
    for descriptor in layers.iter().chain([&manifest["config"]]) {
        let named = descriptor["digest"].as_str().unwrap();
        let blob = registry.shared.document(&format!("/v2/own/app/blobs/{named}")).unwrap();
        assert_eq!((digest(&blob).as_str(), blob.len() as u64), (named, descriptor["size"].as_u64().unwrap()));
    }
    let sent = registry.requests().iter().filter(|request| request.starts_with("POST ")).count();
    stack.rcompose(&["push", "-q", "app"]).succeeds();
    let again = registry.requests().iter().filter(|request| request.starts_with("POST ")).count();
    assert_eq!(again, sent, "what is there is not sent again");

    fs_err::remove_dir_all(sandbox.path().join("root/images")).unwrap();
    let name = format!("{}/own/app:2", registry.host());
    let elsewhere =
        sandbox.stack("elsewhere", &format!("services: {{app: {{image: '{name}', healthcheck: {{disable: true}}}}}}"));
    elsewhere.rcompose(&["up", "-d"]).succeeds();
    let script = "cat /srv/new /srv/work/z; test -e /etc/group || echo gone; pwd";
    let shown = elsewhere.rcompose(&["exec", "-T", "app", "sh", "-c", script]).succeeds();
    assert_eq!(shown.stdout, "x\ny\ngone\n/srv/work\n");
}

#[test]
fn a_registry_that_refuses_and_an_image_that_is_not_there() {
    let sandbox = Sandbox::new("push-refused");
    let registry = Registry::start(Content::default(), Behaviour { status: Some(500), ..Behaviour::default() });
    let missing = format!(", none: {{image: '{}/none:1', build: {{context: .}}}}", registry.host());
    let compose = committed(&sandbox, &registry, &missing);
    let stack = sandbox.stack("own", &compose);
    stack.rcompose(&["push", "app"]).fails_with(1).says(&["cannot push", "it answers 500"]);
    stack.rcompose(&["push", "none"]).fails_with(1).says(&["is not on this machine", "rcompose commit"]);
    stack.rcompose(&["push", "--ignore-push-failures"]).succeeds().says(&["warning:"]);
    stack.rcompose(&["push", "--dry-run", "app"]).succeeds();
}

#[test]
fn pull_leaves_out_what_is_built_and_takes_what_is_depended_on() {
    let sandbox = Sandbox::new("pull-flags");
    let mut content = image::hub("hello");
    image::add(&mut content, "library/base", "1", "hello");
    let registry = sandbox.hub(content, Behaviour::default());
    let stack = sandbox.stack(
        "shop",
        "services: {web: {image: 'app:1', build: {context: .}, depends_on: [db]}, db: {image: 'base:1'}}",
    );
    stack.rcompose(&["pull", "--ignore-buildable", "web"]).succeeds();
    assert_eq!(registry.requests(), [""; 0]);
    stack.rcompose(&["pull", "--ignore-buildable", "--include-deps", "web"]).succeeds();
    assert!(registry.requests().iter().any(|request| request.contains("/library/base/")), "{:?}", registry.requests());
    assert!(!registry.requests().iter().any(|request| request.contains("/library/app/")), "{:?}", registry.requests());
}

#[test]
fn a_published_project_runs_from_the_registry() {
    let sandbox = Sandbox::new("publish");
    let registry = Registry::start(Content::default(), Behaviour::default());
    sandbox.file("shop/web.env", "FROM_FILE=yes\n");
    sandbox.file("shop/base.yaml", "services: {base: {image: 'rootfs:/', init: true, command: [sleep, '1000']}}\n");
    let stack = sandbox.stack(
        "shop",
        "
services:
  web:
    extends: {file: base.yaml, service: base}
    env_file: [web.env]
    environment: {GREETING: '${GREETING:-hello}'}
    command: [sh, -c, 'echo $$GREETING $$FROM_FILE; exec sleep 1000']
  db: {image: 'rootfs:/', environment: {DB_PASSWORD: hunter2}, volumes: ['./web.env:/etc/web.env']}
",
    );
    let name = format!("{}/me/shop:1", registry.host());
    let refused = stack.rcompose(&["publish", &name]).fails_with(130);
    refused.says(&["mounts", "DB_PASSWORD", "`--with-env`", "--yes"]);
    assert!(registry.shared.document("/v2/me/shop/manifests/1").is_none());

    stack.rcompose(&["publish", "-y", "--with-env", &name]).succeeds().says(&["Published"]);
    let manifest: Value =
        serde_json::from_slice(&registry.shared.document("/v2/me/shop/manifests/1").unwrap()).unwrap();
    assert_eq!(manifest["artifactType"], "application/vnd.docker.compose.project");
    let kinds: Vec<_> = manifest["layers"].as_array().unwrap().iter().map(|layer| &layer["mediaType"]).collect();
    assert_eq!(kinds, ["application/vnd.docker.compose.file+yaml", "application/vnd.docker.compose.envfile"]);
    stack.rcompose(&["publish", "-y", "--oci-version", "1.0", &format!("{}/me/shop:old", registry.host())]).succeeds();
    let old: Value = serde_json::from_slice(&registry.shared.document("/v2/me/shop/manifests/old").unwrap()).unwrap();
    assert_eq!(old["config"]["mediaType"], "application/vnd.docker.compose.config.empty.v1+json");

    let source = format!("oci://{name}");
    let there = sandbox.stack_of("there", &[source.into()]);
    there.rcompose(&["up", "-d", "web"]).succeeds();
    there.logs_show("web", "hello yes");
    // While there is a registry to ask what the project is.
    there.rcompose(&["down"]).succeeds();
}

#[test]
fn an_application_is_published_with_its_images() {
    let sandbox = Sandbox::new("publish-app");
    let registry = Registry::start(Content::default(), Behaviour::default());
    let compose = committed(&sandbox, &registry, "").replace(", other: {image: 'rootfs:/'}", "");
    let stack = sandbox.stack("own", &compose);
    let name = format!("{}/me/shop:1", registry.host());
    stack.rcompose(&["publish", "-y", "--app", &name]).succeeds();
    let manifest = registry.shared.document("/v2/me/shop/manifests/1").unwrap();
    let index = registry.requests().into_iter().filter_map(|request| {
        let place = request.strip_prefix("PUT /v2/me/shop/manifests/sha256:")?.to_owned();
        let document = registry.shared.document(&format!("/v2/me/shop/manifests/sha256:{place}"))?;
        serde_json::from_slice::<Value>(&document).ok().filter(|document| document["manifests"].is_array())
    });
    let [index] = &index.collect::<Vec<_>>()[..] else { panic!("{:?}", registry.requests()) };
    assert_eq!(index["subject"]["digest"], digest(&manifest));
    let image = index["manifests"][0]["digest"].as_str().unwrap();
    let image: Value =
        serde_json::from_slice(&registry.shared.document(&format!("/v2/me/shop/manifests/{image}")).unwrap()).unwrap();
    for layer in image["layers"].as_array().unwrap() {
        assert!(
            registry.shared.document(&format!("/v2/me/shop/blobs/{}", layer["digest"].as_str().unwrap())).is_some()
        );
    }
    let text = sandbox.rcompose(&["-f", &format!("oci://{name}"), "config", "--images"]).succeeds().stdout;
    assert!(text.contains("/own/app:2@sha256:"), "pinned: {text}");
}

#[test]
fn a_project_is_published_to_a_registry_and_nowhere_else() {
    let sandbox = Sandbox::new("publish-where");
    let stack = sandbox.stack("shop", "services: {web: {image: 'alpine:3'}}");
    stack.rcompose(&["publish", "-y", "./x"]).fails().says(&["`./x`", "a registry is a host's name or address"]);
    let directory = ["publish", "-y", "rootfs:/x"];
    stack.rcompose(&directory).fails().says(&["`rootfs:/x`", "a project is published to a registry"]);
}
