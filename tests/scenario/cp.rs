//! Files between containers and this machine.

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Stdio;

use crate::registry_image as image;
use crate::support::registry::Behaviour;
use crate::support::{Sandbox, Stack};

const WEB: &str = "services: {web: {image: 'rootfs:/', init: true, command: [sleep, '1000'], tmpfs: [/box]}}";

/// What a shell in the container says.
#[track_caller]
fn inside(stack: &Stack<'_>, service: &str, script: &str) -> String {
    stack.rcompose(&["exec", "-T", service, "sh", "-c", script]).succeeds().stdout
}

#[test]
fn files_and_directories_go_in_and_come_out() {
    let sandbox = Sandbox::new("cp");
    let stack = sandbox.stack("shop", WEB);
    stack.rcompose(&["up", "-d"]).succeeds();
    let file = sandbox.file("conf/app.conf", "port = 80\n");
    fs_err::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    fs_err::set_permissions(sandbox.file("conf/run", "#!/bin/sh\n"), std::fs::Permissions::from_mode(0o4755)).unwrap();
    symlink("app.conf", sandbox.path().join("conf/link")).unwrap();
    nix::unistd::chown(&file, Some(1234.into()), Some(4321.into())).unwrap();

    stack.rcompose(&["cp", "conf/app.conf", "web:/box/"]).succeeds().says(&["shop-web-1", "Copied"]);
    assert_eq!(inside(&stack, "web", "stat -c '%a %u:%g' /box/app.conf; cat /box/app.conf"), "640 0:0\nport = 80\n");
    stack.rcompose(&["cp", "-a", "conf", "web:/box/kept"]).succeeds();
    assert_eq!(
        inside(&stack, "web", "cd /box/kept; stat -c '%n %a %u:%g' app.conf run; readlink link"),
        "app.conf 640 1234:4321\nrun 4755 0:0\napp.conf\n"
    );
    stack.rcompose(&["cp", "conf", "web:/box"]).succeeds();
    stack.rcompose(&["cp", "conf/.", "web:/box/kept/more"]).succeeds();
    assert_eq!(
        inside(&stack, "web", "cd /box; ls conf kept/more"),
        "conf:\napp.conf\nlink\nrun\n\nkept/more:\napp.conf\nlink\nrun\n"
    );
    stack.rcompose(&["cp", "-L", "conf/link", "web:/box/"]).succeeds();
    assert_eq!(inside(&stack, "web", "test -L /box/link || cat /box/link"), "port = 80\n");

    inside(
        &stack,
        "web",
        "mkdir -p /box/out/deep; echo one > /box/out/deep/1; ln -s deep/1 /box/out/l; chown 77:78 /box/out/deep/1",
    );
    stack.rcompose(&["cp", "web:/box/out", "got"]).succeeds();
    assert_eq!(fs_err::read_to_string(sandbox.path().join("got/deep/1")).unwrap(), "one\n");
    assert_eq!(fs_err::read_link(sandbox.path().join("got/l")).unwrap(), Path::new("deep/1"));
    assert_eq!(fs_err::metadata(sandbox.path().join("got/deep/1")).unwrap().uid(), 0, "whoever asks gets them");
    stack.rcompose(&["cp", "-a", "web:/box/out/deep/1", "."]).succeeds();
    let owner = fs_err::metadata(sandbox.path().join("1")).unwrap();
    assert_eq!((owner.uid(), owner.gid()), (77, 78));
    stack.rcompose(&["cp", "web:/box/out/l", "link"]).succeeds();
    assert_eq!(fs_err::read_link(sandbox.path().join("link")).unwrap(), Path::new("deep/1"), "the link itself");
    stack.rcompose(&["cp", "-L", "web:/box/out/l", "followed"]).succeeds();
    assert_eq!(fs_err::read_to_string(sandbox.path().join("followed")).unwrap(), "one\n");

    for (line, said) in [
        (["conf/app.conf", "web:/box/none/"], "there is no directory `/box/none` in container shop-web-1"),
        (["conf/app.conf", "web:/none/x"], "there is no directory `/none` in container shop-web-1"),
        (["conf", "web:/box/app.conf"], "cannot copy a directory to the file `/box/app.conf`"),
        (["none", "web:/box"], "there is no `"),
        (["web:/none", "."], "there is no `/none` in container shop-web-1"),
        (["web:/box/app.conf/", "."], "`/box/app.conf` is not a directory"),
        (["web:/a", "web:/b"], "copying between services is not supported"),
        (["a", "b"], "one of the two must be SERVICE:PATH"),
        (["wbe:/a", "b"], "no such service: wbe"),
    ] {
        stack.rcompose(&[&["cp"], &line[..]].concat()).fails_with(1).says(&[said]);
    }
}

#[test]
fn archives_on_standard_input_and_output() {
    let sandbox = Sandbox::new("cp-tar");
    let stack = sandbox.stack("shop", WEB);
    stack.rcompose(&["up", "-d"]).succeeds();
    inside(&stack, "web", "mkdir /box/a; echo one > /box/a/1; chown 77 /box/a/1");
    let mut command = sandbox.command();
    command.args(["-p", "shop", "cp", "web:/box/a", "-"]);
    let archive = command.output().unwrap();
    let mut tar = tar::Archive::new(&archive.stdout[..]);
    let entries: Vec<_> = tar
        .entries()
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.path().unwrap().display().to_string(), entry.header().uid().unwrap())
        })
        .collect();
    assert_eq!(entries, [("a".to_owned(), 0), ("a/1".to_owned(), 77)]);

    let mut command = sandbox.command();
    command.args(["-p", "shop", "cp", "-", "web:/box/b"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    inside(&stack, "web", "mkdir /box/b");
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(&archive.stdout).unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!(inside(&stack, "web", "cat /box/b/a/1; stat -c %u /box/b/a/1"), "one\n77\n");
    stack.rcompose(&["cp", "-", "web:/box/none"]).fails_with(1).says(&["there is no directory `/box/none`"]);
}

#[test]
fn a_hostile_container_leads_nowhere() {
    let sandbox = Sandbox::new("cp-hostile");
    let stack = sandbox.stack("shop", WEB);
    stack.rcompose(&["up", "-d"]).succeeds();
    let secret = sandbox.file("outside/secret", "secret");
    let outside = secret.parent().unwrap().to_str().unwrap();
    sandbox.file("mine/file", "mine");
    // The state of rcompose and `/proc/1/root` are two ways out of `rootfs:/`; the third is the machine's own directory.
    inside(
        &stack,
        "web",
        &format!(
            "cd /box; ln -s {outside} absolute; ln -s ../../../../../../..{outside} climbing; ln -s /proc/1/root magic; \
             mkdir tree; ln -s {outside} tree/file"
        ),
    );
    let before = fs_err::read_dir(outside).unwrap().count();
    for target in ["web:/box/absolute/x", "web:/box/climbing/x", "web:/box/magic/box/x", "web:/box/tree"] {
        // Inside, the directory of the same name is one of the container's own.
        let _ = stack.rcompose(&["cp", "mine/file", target]);
        assert_eq!(fs_err::read_dir(outside).unwrap().count(), before, "{target}");
        assert_eq!(fs_err::read_to_string(&secret).unwrap(), "secret", "{target}");
    }
    assert_eq!(inside(&stack, "web", "test -L /box/tree/file || cat /box/tree/file"), "mine", "replaced, not followed");

    inside(&stack, "web", "mkdir /box/trap; ln -s /etc/passwd /box/trap/shadow; ln -s / /box/trap/root");
    stack.rcompose(&["cp", "web:/box/trap", "got"]).succeeds();
    assert!(fs_err::symlink_metadata(sandbox.path().join("got/shadow")).unwrap().is_symlink());
    stack.rcompose(&["cp", "web:/proc/1/root/etc/passwd", "passwd"]).fails_with(1);
    assert!(!sandbox.path().join("passwd").exists());
}

#[test]
fn a_container_that_does_not_run_is_copied_to_and_from() {
    let sandbox = Sandbox::new("cp-stopped");
    let _registry = sandbox.hub(image::hub("hello"), Behaviour::default());
    let stack = sandbox.stack(
        "shop",
        "
services:
  app:
    image: app:1
    user: root
    entrypoint: [sh, -c]
    command: ['test -e /done && sleep 1000; echo made > /srv/own; echo kept > /data/own']
    volumes: ['data:/data']
    healthcheck: {disable: true}
volumes: {data: {}}
",
    );
    stack.rcompose(&["up"]).succeeds();
    assert_eq!(stack.container("app").state, "exited");
    stack.rcompose(&["cp", "app:/srv/own", "own"]).succeeds();
    stack.rcompose(&["cp", "app:/data", "data"]).succeeds();
    assert_eq!(fs_err::read_to_string(sandbox.path().join("own")).unwrap(), "made\n");
    assert_eq!(fs_err::read_to_string(sandbox.path().join("data/own")).unwrap(), "kept\n");
    assert_eq!(fs_err::read_to_string(sandbox.path().join("data/seed")).unwrap(), "from the image\n");
    sandbox.file("note", "written while it was stopped\n");
    stack.rcompose(&["cp", "note", "app:/srv/work/note"]).succeeds();
    stack.rcompose(&["cp", "note", "app:/data/note"]).succeeds();
    stack.rcompose(&["cp", "note", "app:/done"]).succeeds();
    let volume = sandbox.path().join("root/volumes/shop_data/data/note");
    assert!(volume.exists(), "a volume is a part of it");

    let id = stack.container("app").id;
    stack.rcompose(&["up", "-d", "--no-recreate"]).succeeds();
    assert_eq!(stack.container("app").id, id);
    let line = ["exec", "-T", "app", "cat", "/srv/work/note", "/data/note", "/srv/own"];
    let text = "written while it was stopped\n";
    assert_eq!(stack.rcompose(&line).succeeds().stdout, format!("{text}{text}made\n"));
}

#[test]
fn every_replica_gets_a_copy_unless_one_is_named() {
    let sandbox = Sandbox::new("cp-replicas");
    let service = "{image: 'rootfs:/', init: true, command: [sleep, '1000'], tmpfs: [/box], scale: 2}";
    let stack = sandbox.stack("shop", &format!("services: {{web: {service}}}"));
    stack.rcompose(&["up", "-d"]).succeeds();
    sandbox.file("all", "all");
    sandbox.file("one", "one");
    stack.rcompose(&["cp", "all", "web:/box/"]).succeeds().says(&["shop-web-1", "shop-web-2"]);
    stack.rcompose(&["cp", "--index", "2", "one", "web:/box/"]).succeeds();
    for (index, files) in [("1", "all\n"), ("2", "all\none\n")] {
        let line = ["exec", "-T", "--index", index, "web", "ls", "/box"];
        assert_eq!(stack.rcompose(&line).succeeds().stdout, files);
    }
    stack.rcompose(&["cp", "--index", "2", "web:/box/one", "back"]).succeeds();
    stack.rcompose(&["cp", "--index", "3", "one", "web:/box/"]).fails_with(1).says(&["has no container 3"]);
    assert_eq!(fs_err::read_to_string(sandbox.path().join("back")).unwrap(), "one");
}

#[test]
fn in_a_user_namespace_files_are_those_of_the_users_inside() {
    let sandbox = Sandbox::new("cp-userns");
    let stack = sandbox.stack(
        "shop",
        "services: {web: {image: 'rootfs:/', init: true, userns_mode: auto, command: [sleep, '1000'], tmpfs: [/box]}}",
    );
    let outcome = stack.rcompose(&["up", "-d"]);
    if !outcome.status.success() {
        // Kernels before 6.15 cannot map the owners of layers: see the tests of user namespaces.
        outcome.says(&["map"]);
        return;
    }
    sandbox.file("file", "mine");
    nix::unistd::chown(&sandbox.path().join("file"), Some(1234.into()), Some(1234.into())).unwrap();
    stack.rcompose(&["cp", "file", "web:/box/root"]).succeeds();
    stack.rcompose(&["cp", "-a", "file", "web:/box/kept"]).succeeds();
    stack.rcompose(&["cp", "file", "web:/srv/layer"]).succeeds();
    let shown = inside(&stack, "web", "stat -c '%n %u:%g' /box/root /box/kept /srv/layer");
    assert_eq!(shown, "/box/root 0:0\n/box/kept 1234:1234\n/srv/layer 0:0\n");
    stack.rcompose(&["cp", "-a", "web:/box/kept", "back"]).succeeds();
    assert_eq!(fs_err::metadata(sandbox.path().join("back")).unwrap().uid(), 1234);
}
