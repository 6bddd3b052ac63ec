//! `down --rmi` removes the images of a project, and none that a container is made from.

use crate::registry_image;
use crate::support::Sandbox;
use crate::support::registry::Behaviour;

#[test]
fn images_go_with_the_project_unless_somebody_has_them() {
    let sandbox = Sandbox::new("rmi");
    let _registry = sandbox.hub(registry_image::hub("hello"), Behaviour::default());
    let stack = sandbox.stack("plain", "services: {web: {image: 'app:1'}}\n");
    let other = sandbox.stack("other", "services: {user: {image: 'app:1'}}\n");
    stack.rcompose(&["up", "-d"]).succeeds();
    other.rcompose(&["create"]).succeeds();
    stack.rcompose(&["down", "--rmi", "local", "-v"]).succeeds();
    stack.rcompose(&["create", "--pull", "never"]).succeeds();
    stack.rcompose(&["down", "--rmi", "all", "--dry-run"]).succeeds().prints(&["remove image", "app:1"]);
    stack.rcompose(&["down", "--rmi", "all", "-v"]).succeeds().says(&["app:1", "stays", "other-user-1"]);
    other.rcompose(&["down", "--rmi", "all", "-v"]).succeeds().says(&["Image", "Removed"]);
    sandbox.has_no_image();
    other.rcompose(&["create", "--pull", "never"]).fails_with(1);
    // It comes again as if it had never been there.
    other.rcompose(&["create"]).succeeds();
}

#[test]
fn local_is_what_is_built_and_has_no_name_of_its_own() {
    let sandbox = Sandbox::new("rmi-local");
    let _registry = sandbox.hub(registry_image::hub("hello"), Behaviour::default());
    let stack = sandbox.stack("plain", "services: {web: {image: 'app:1'}}\n");
    stack.rcompose(&["create"]).succeeds();
    for image in ["plain-web", "named:1"] {
        stack.rcompose(&["commit", "web", image]).succeeds();
    }
    stack.rcompose(&["down", "-v"]).succeeds();
    stack.rewrite("services: {web: {build: .}, named: {build: ., image: 'named:1'}, app: {image: 'app:1'}}\n");
    let dry = stack.rcompose(&["down", "--rmi", "local", "--dry-run"]).succeeds();
    assert!(!dry.stdout.contains("named:1") && !dry.stdout.contains("app:1"), "{dry}");
    stack.rcompose(&["down", "--rmi", "local"]).succeeds().says(&["plain-web"]);
    let tags = fs_err::read_dir(sandbox.path().join("root/images/tags")).unwrap();
    let mut tags: Vec<_> = tags.map(|tag| tag.unwrap().file_name().into_string().unwrap()).collect();
    tags.sort();
    assert_eq!(tags.len(), 2, "{tags:?}");
    assert!(tags[0].contains("app") && tags[1].contains("named"), "{tags:?}");
}
