//! Images from a registry: what their configuration says holds, and when they are pulled.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::registry_image as image;
use crate::support::Sandbox;
use crate::support::registry::{Behaviour, Registry};

const APP: &str = "
services:
  app: {image: 'app:1', volumes: ['data:/data']}
volumes: {data: {}}
";

/// How many blobs `registry` was asked for.
fn blobs(registry: &Registry) -> usize {
    registry.requests().iter().filter(|request| request.contains("/blobs/")).count()
}

#[test]
fn a_service_runs_as_its_image_says() {
    let sandbox = Sandbox::new("image");
    let _registry = sandbox.hub(image::hub("hello"), Behaviour::default());
    let stack = sandbox.stack("app", APP);
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    assert_eq!(stack.container("app").health, "healthy", "the health check is the image's");
    stack.logs_show("app", "arguments: from image");
    let shown = stack.rcompose(&["exec", "-T", "app", "sh", "-c", "id -un; pwd; echo $GREETING; cat /data/seed"]);
    assert_eq!(shown.succeeds().stdout, "app\n/srv/work\nhello\nfrom the image\n");
    stack.rcompose(&["exec", "-T", "app", "sh", "-c", "echo mine > /data/own"]).succeeds();
}

#[test]
fn the_compose_file_overrides_its_image() {
    let sandbox = Sandbox::new("image-override");
    let _registry = sandbox.hub(image::hub("hello"), Behaviour::default());
    let service = "{image: 'app:1', user: root, working_dir: /tmp, environment: {GREETING: salve}, command: [other]}";
    let stack = sandbox.stack("app", &format!("services: {{app: {service}}}"));
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    stack.logs_show("app", "arguments: other");
    let shown = stack.rcompose(&["exec", "-T", "app", "sh", "-c", "id -u; pwd; echo $GREETING $PATH"]);
    assert_eq!(shown.succeeds().stdout, "0\n/tmp\nsalve /bin\n");
}

#[test]
fn it_is_stopped_by_the_signal_of_its_image() {
    let sandbox = Sandbox::new("image-signal");
    let _registry = sandbox.hub(image::hub("hello"), Behaviour::default());
    let stack = sandbox.stack("app", APP);
    let up = stack.spawn(&["up"]);
    up.prints("arguments: from image");
    up.signal(Signal::SIGINT);
    up.wait(Duration::from_secs(20)).prints(&["stopped by USR1"]);
    assert_eq!(stack.container("app").exit_code, 0);
}

#[test]
fn what_was_pulled_needs_no_registry() {
    let sandbox = Sandbox::new("image-offline");
    let registry = sandbox.hub(image::hub("hello"), Behaviour::default());
    let stack = sandbox.stack("app", APP);
    stack.rcompose(&["pull"]).succeeds();
    let asked = registry.requests().len();
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    assert_eq!(registry.requests().len(), asked, "`up` takes what is there");
    stack.rcompose(&["down"]).succeeds();

    drop(registry);
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    assert_eq!(stack.container("app").health, "healthy");
}

#[test]
fn a_tag_that_moved_recreates_the_container_when_it_is_pulled() {
    let sandbox = Sandbox::new("image-moved");
    let before = sandbox.hub(image::hub("hello"), Behaviour::default());
    let stack = sandbox.stack("app", APP);
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    let first = stack.container("app");
    stack.rcompose(&["up", "-d", "--wait", "--pull", "always"]).succeeds();
    assert_eq!(stack.container("app").id, first.id, "the tag has not moved");
    drop(before);

    let after = sandbox.hub(image::hub("good day"), Behaviour::default());
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    assert_eq!((stack.container("app").id, blobs(&after)), (first.id.clone(), 0), "nobody asked for the new one");
    stack.rcompose(&["up", "-d", "--wait", "--pull", "always"]).succeeds();
    assert_ne!(stack.container("app").id, first.id);
    stack.rcompose(&["exec", "-T", "app", "env"]).succeeds().prints(&["GREETING=good day"]);
    assert_eq!(blobs(&after), 1, "only its configuration is new, not its layer: {:?}", after.requests());
}

#[test]
fn pull_policy_always_asks_each_time() {
    let sandbox = Sandbox::new("image-policy");
    let before = sandbox.hub(image::hub("hello"), Behaviour::default());
    let stack = sandbox.stack("app", "services: {app: {image: 'app:1', pull_policy: always}}");
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    drop(before);
    let _after = sandbox.hub(image::hub("good day"), Behaviour::default());
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    stack.rcompose(&["exec", "-T", "app", "env"]).succeeds().prints(&["GREETING=good day"]);
}

#[test]
fn pull_policy_never_asks_nobody() {
    let sandbox = Sandbox::new("image-never");
    let registry = sandbox.hub(image::hub("hello"), Behaviour::default());
    let stack = sandbox.stack("app", "services: {app: {image: 'app:1', pull_policy: never}}");
    stack.rcompose(&["up", "-d"]).fails_with(1).says(&["app:1", "app", "never"]);
    assert_eq!(registry.requests(), [""; 0]);
    sandbox.has_no_image();
}

#[test]
fn two_services_share_one_pull() {
    let sandbox = Sandbox::new("image-shared");
    let mut content = image::hub("hello");
    let digest = image::add(&mut content, "library/app", "1", "hello");
    let registry = sandbox.hub(content, Behaviour::default());
    let compose = format!("services: {{one: {{image: 'app:1'}}, two: {{image: 'app@{digest}'}}}}");
    let stack = sandbox.stack("app", &compose);
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    assert_eq!(stack.containers().len(), 2);
    assert!(blobs(&registry) <= 3, "the layer has been fetched once: {:?}", registry.requests());
}
