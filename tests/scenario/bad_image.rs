//! Images that cannot be had: each says which, from where and why, and nothing half-made stays.

use std::time::Duration;

use crate::registry_image as image;
use crate::support::registry::{Behaviour, Content, Registry, digest};
use crate::support::{Outcome, Sandbox};

fn one_service(image: &str) -> String {
    format!("services: {{web: {{image: '{image}', command: [sleep, '1000']}}}}")
}

/// Runs `up -d` and then `pull` of `app:1` from a registry that is bad; both say each of `texts`.
#[track_caller]
fn refuse(content: Content, behaviour: Behaviour, texts: &[&str]) {
    let sandbox = Sandbox::new("bad-image");
    let registry = Registry::start(content, behaviour);
    let stack = sandbox.stack("imageless", &one_service(&format!("{}/app:1", registry.host())));
    for command in [&["up", "-d"][..], &["pull"]] {
        let outcome = stack.rcompose(command).fails_with(1).says(&[&format!("{}/app:1", registry.host())]).says(texts);
        says_it_once(&outcome);
        sandbox.has_no_image();
        assert_eq!(stack.containers(), []);
        assert!(!sandbox.path().join("run/imageless").exists(), "no supervisor has been started");
    }
}

#[track_caller]
fn says_it_once(outcome: &Outcome) {
    assert_eq!(outcome.stderr.matches("error:").count(), 1, "{outcome}");
}

fn app() -> Content {
    let mut content = Content::default();
    image::add(&mut content, "app", "1", "hello");
    content
}

#[test]
fn an_image_that_the_registry_does_not_have() {
    refuse(Content::default(), Behaviour::default(), &["not found", "hint:"]);
}

#[test]
fn a_registry_that_wants_a_login() {
    let behaviour = Behaviour { token: Some("t"), login: Some("Basic other"), ..Behaviour::default() };
    refuse(app(), behaviour, &["login", "hint:"]);
}

#[test]
fn a_registry_that_is_broken() {
    refuse(app(), Behaviour { status: Some(500), ..Behaviour::default() }, &["500"]);
}

#[test]
fn a_layer_of_another_digest() {
    let mut content = app();
    let (blob, _) = image::layer();
    let mut other = blob.clone();
    // In the text of a file, so that the archive stays one.
    let place = other.windows(14).position(|window| window == b"from the image").unwrap();
    other[place] = b'F';
    content.replace("app", &digest(&blob), &other);
    refuse(content, Behaviour::default(), &[&digest(&blob), &digest(&other)]);
}

#[test]
fn a_layer_that_is_cut_short() {
    let mut content = app();
    let (blob, _) = image::layer();
    content.replace("app", &digest(&blob), &blob[..blob.len() / 2]);
    refuse(content, Behaviour::default(), &["layer", &digest(&blob)]);
}

#[test]
fn an_image_without_the_program_that_it_names() {
    let sandbox = Sandbox::new("empty-image");
    let mut content = Content::default();
    // Its command is `library/app 1`, which its layer does not hold.
    content.image("library/app", "1", &[image::layer()]);
    let _registry = sandbox.hub(content, Behaviour::default());
    let stack = sandbox.stack("empty", "services: {web: {image: 'app:1'}}");
    stack.rcompose(&["up", "-d"]).fails_with(127).says(&["library/app", "web"]);
}

#[test]
fn a_registry_that_is_down() {
    let sandbox = Sandbox::new("no-registry");
    // Nothing listens in a network namespace that is new.
    let image = "127.0.0.1:5000/library/ghost:3";
    let stack = sandbox.stack("unreachable", &one_service(image));
    says_it_once(&stack.rcompose(&["up", "-d"]).fails_with(1).says(&[image, "127.0.0.1:5000", "refused"]));
    sandbox.has_no_image();
}

#[test]
fn a_registry_that_never_answers() {
    let sandbox = Sandbox::new("silent-registry");
    let registry = Registry::start(Content::default(), Behaviour { is_silent: true, ..Behaviour::default() });
    let image = format!("{}/app:1", registry.host());
    sandbox.file("config.toml", "idle-timeout = 1\n");
    let stack = sandbox.stack("silent", &one_service(&image));
    says_it_once(&stack.rcompose(&["up", "-d"]).fails_with(1).says(&[&image, &registry.host(), "no data for 1s"]));
    sandbox.has_no_image();
}

#[test]
fn an_interrupted_pull_is_completed_by_the_next() {
    let sandbox = Sandbox::new("interrupted-pull");
    let stalled = sandbox.hub(image::hub("hello"), Behaviour { stall_after: Some(100_000), ..Behaviour::default() });
    let stack = sandbox.stack("app", "services: {app: {image: 'app:1'}}");
    let pull = stack.spawn(&["pull"]);
    let begin = crate::support::eventually("a layer on its way", Duration::from_secs(20), || {
        stalled.requests().into_iter().filter(|request| request.contains("/blobs/")).nth(1)
    });
    assert!(begin.starts_with("GET"), "{begin}");
    pull.signal(nix::sys::signal::Signal::SIGKILL);
    pull.wait(Duration::from_secs(10));
    drop(stalled);

    let _registry = sandbox.hub(image::hub("hello"), Behaviour::default());
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    let staging = fs_err::read_dir(sandbox.path().join("root/images/staging")).unwrap();
    assert_eq!(staging.count(), 0, "what the killed pull left has been cleared away");
}

#[test]
fn a_configuration_that_is_broken() {
    for (text, said) in [("[registry\n", "line 1"), ("[registry.\"docker.io\"]\nmirror = []\n", "line 2")] {
        let sandbox = Sandbox::new("bad-config");
        let config = sandbox.file("config.toml", text);
        let stack = sandbox.stack("configured", &one_service("app:1"));
        says_it_once(&stack.rcompose(&["up", "-d"]).fails_with(1).says(&[config.to_str().unwrap(), said]));
        sandbox.has_no_image();
    }
}

#[test]
fn credentials_that_are_broken() {
    let sandbox = Sandbox::new("bad-credentials");
    let file = sandbox.file(".docker/config.json", "{\n\"auths\": [\n");
    let stack = sandbox.stack("configured", &one_service("app:1"));
    says_it_once(&stack.rcompose(&["up", "-d"]).fails_with(1).says(&[file.to_str().unwrap(), "line"]));
    sandbox.has_no_image();
}

#[test]
fn of_two_images_the_one_that_can_be_had_stays() {
    let sandbox = Sandbox::new("half-pulled");
    let _registry = sandbox.hub(image::hub("hello"), Behaviour::default());
    let stack = sandbox.stack("half", "services: {app: {image: 'app:1'}, ghost: {image: 'app:2'}}");
    stack.rcompose(&["up", "-d"]).fails_with(1).says(&["app:2"]);
    assert_eq!(stack.containers(), [], "nothing is made before all images are there");
    stack.rcompose(&["pull", "--ignore-pull-failures"]).succeeds().says(&["app:2"]);
    stack.rcompose(&["up", "-d", "--wait", "app"]).succeeds();
}

#[test]
fn a_root_directory_that_is_not_there() {
    let sandbox = Sandbox::new("no-rootfs");
    let stack = sandbox.stack("rootless", &one_service("rootfs:/not/there"));
    stack.rcompose(&["up", "-d"]).fails_with(1).says(&["/not/there"]);
}
