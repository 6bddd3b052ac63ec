//! What a container has changed, kept: as an archive, and as an image.

use std::collections::BTreeSet;

use crate::registry_image as image;
use crate::support::Sandbox;
use crate::support::registry::Behaviour;

const APP: &str = "
services:
  app:
    image: app:1
    user: root
    environment: {GREETING: salve}
    volumes: ['data:/data']
volumes: {data: {}}
";

/// The names in an archive.
fn names(archive: &[u8]) -> BTreeSet<String> {
    let mut tar = tar::Archive::new(archive);
    tar.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect()
}

#[test]
fn export_writes_the_files_without_what_is_mounted() {
    let sandbox = Sandbox::new("export");
    let _registry = sandbox.hub(image::hub("hello"), Behaviour::default());
    let stack = sandbox.stack("app", APP);
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    stack.rcompose(&["exec", "-T", "app", "sh", "-c", "echo x > /srv/new"]).succeeds();
    stack.rcompose(&["export", "-o", "app.tar", "app"]).succeeds().says(&["Exported"]);
    let archive = fs_err::read(sandbox.path().join("app.tar")).unwrap();
    let found = names(&archive);
    for name in ["bin/busybox", "bin/sh", "etc/passwd", "srv/new", "data", "proc", "tmp/ready"] {
        assert!(found.contains(name), "no {name} in {found:?}");
    }
    assert!(!found.iter().any(|name| name.starts_with("data/") || name.starts_with("proc/")), "{found:?}");
    let mut command = sandbox.command();
    command.args(["-p", "app", "export", "app"]);
    assert_eq!(names(&command.output().unwrap().stdout), found, "the same on standard output");
    stack.rcompose(&["export", "ap"]).fails_with(1).says(&["did you mean `app`?"]);
}

#[test]
fn a_committed_image_runs() {
    let sandbox = Sandbox::new("commit");
    let registry = sandbox.hub(image::hub("hello"), Behaviour::default());
    let stack = sandbox.stack("app", APP);
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    let script =
        "echo x > /srv/new; rm /etc/group; mkdir /srv/d; rm -r /srv/work; mkdir /srv/work; echo y > /srv/work/z";
    stack.rcompose(&["exec", "-T", "app", "sh", "-c", script]).succeeds();
    let change = "ENTRYPOINT [\"/bin/sh\", \"-c\"]";
    let line = [
        "commit",
        "-a",
        "me",
        "-m",
        "why",
        "-c",
        change,
        "-c",
        "CMD [\"sleep 1000\"]",
        "-c",
        "ENV NEW=1",
        "app",
        "own/app:2",
    ];
    let outcome = stack.rcompose(&line).succeeds().says(&["Committed", "as sha256:"]);
    let id = outcome.stderr.split("sha256:").nth(1).unwrap().get(..64).unwrap().to_owned();
    assert_eq!(stack.container("app").state, "running", "it goes on");
    stack.rcompose(&["down", "-v"]).succeeds();
    drop(registry);

    let own = sandbox.stack("own", "services: {app: {image: 'own/app:2', healthcheck: {disable: true}}}");
    own.rcompose(&["up", "-d"]).succeeds();
    let script = "cat /srv/new /srv/work/z; ls /srv/work; test -e /etc/group || echo gone; pwd; echo $GREETING $NEW";
    let shown = own.rcompose(&["exec", "-T", "app", "sh", "-c", script]);
    // `ls` is no command of the image: busybox has it.
    let shown = if shown.status.success() {
        shown
    } else {
        own.rcompose(&["exec", "-T", "app", "sh", "-c", &script.replace("ls /srv", "busybox ls /srv")]).succeeds()
    };
    assert_eq!(shown.stdout, "x\ny\nz\ngone\n/srv/work\nsalve 1\n");
    assert_eq!(own.rcompose(&["images", "-q"]).succeeds().stdout.trim(), id);
    let document = fs_err::read_to_string(sandbox.path().join(format!("root/images/images/sha256-{id}.json"))).unwrap();
    for text in [r#"\"author\":\"me\""#, r#"\"comment\":\"why\""#] {
        assert!(document.contains(text), "no {text} in {document}");
    }
}

#[test]
fn a_directory_has_no_layers_to_commit_over() {
    let sandbox = Sandbox::new("commit-rootfs");
    let stack = sandbox.stack("host", "services: {web: {image: 'rootfs:/', init: true, command: [sleep, '1000']}}");
    stack.rcompose(&["up", "-d"]).succeeds();
    let said = ["image `rootfs:/` has no layers", "rcompose export"];
    stack.rcompose(&["commit", "web", "web:1"]).fails_with(1).says(&said);
    sandbox.has_no_image();
}
