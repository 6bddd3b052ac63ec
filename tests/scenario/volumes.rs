//! Named volumes outlive their containers, and end with `down -v`.

use crate::support::Sandbox;

const KEEPER: &str = "
services:
  keeper:
    image: rootfs:/
    init: true
    command: [sleep, '1000']
    volumes: ['data:/data']
volumes: {data: {}}
";

#[test]
fn data_survives_down_and_goes_with_down_v() {
    let sandbox = Sandbox::new("volume");
    let stack = sandbox.stack("keep", KEEPER);
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rcompose(&["exec", "-T", "keeper", "sh", "-c", "echo kept > /data/file"]).succeeds();

    stack.rcompose(&["down"]).succeeds();
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rcompose(&["exec", "-T", "keeper", "cat", "/data/file"]).succeeds().prints(&["kept"]);

    stack.rcompose(&["down", "-v"]).succeeds();
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rcompose(&["exec", "-T", "keeper", "cat", "/data/file"]).fails_with(1).says(&["No such file"]);
}

#[test]
fn a_new_volume_is_filled_from_the_image() {
    let sandbox = Sandbox::new("volume-fill");
    sandbox.file("image/data/file", "from the image");
    let busybox = sandbox.path().join("image/busybox");
    fs_err::copy("/bin/busybox", &busybox).unwrap();
    let compose = KEEPER
        .replace("rootfs:/", &format!("rootfs:{}", sandbox.path().join("image").display()))
        .replace("[sleep, '1000']", "[/busybox, sleep, '1000']");
    let stack = sandbox.stack("fill", &compose);
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rcompose(&["exec", "-T", "keeper", "/busybox", "cat", "/data/file"]).succeeds().prints(&["from the image"]);
}

#[test]
fn no_name_leads_out_of_the_directory_of_volumes() {
    let sandbox = Sandbox::new("volume-name");
    let kept = sandbox.file("root/kept/data/file", "");
    let stack = sandbox.stack("keep", &KEEPER.replace("data: {}", "data: {name: ../kept}"));
    let refusal = "volume name `../kept` must be letters, digits, `_`, `.` or `-`, a letter or digit first";
    stack.rcompose(&["up", "-d"]).fails().says(&[refusal]);
    stack.rcompose(&["run", "--rm", "keeper", "true"]).fails().says(&[refusal]);
    stack.rcompose(&["down", "-v"]).succeeds();
    assert!(kept.exists());
    assert_eq!(stack.containers(), []);
}
