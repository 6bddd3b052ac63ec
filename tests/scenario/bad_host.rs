//! What the machine does not give: each is named, and nothing half-made is left.

use std::net::TcpListener;
use std::process::Command;

use crate::support::{Sandbox, http};

#[test]
fn a_port_in_use_is_named() {
    let sandbox = Sandbox::new("port-in-use");
    // Made by the test's thread, hence in its network namespace.
    let holder = TcpListener::bind("127.0.0.1:8080").unwrap();
    let stack = sandbox.stack(
        "taken",
        "
services:
  web: {image: 'rootfs:/', init: true, command: [busybox, httpd, -f, -h, /usr], ports: ['127.0.0.1:8080:80']}
",
    );
    stack.rcompose(&["up", "-d"]).fails_with(1).says(&["127.0.0.1:8080", "in use"]);

    drop(holder);
    stack.rcompose(&["up", "-d"]).succeeds();
    assert!(http::request("GET", ([127, 0, 0, 1], 8080).into(), "/").is_ok(), "the next `up` completes it");
}

#[test]
fn a_missing_bind_source_is_named() {
    let sandbox = Sandbox::new("no-source");
    let stack = sandbox.stack(
        "sourceless",
        "
services:
  web:
    image: rootfs:/
    command: [sleep, '1000']
    volumes: [{type: bind, source: ./not/there, target: /data, bind: {create_host_path: false}}]
",
    );
    let missing = stack.file().with_file_name("not/there");
    stack.rcompose(&["up", "-d"]).fails_with(1).says(&[missing.to_str().unwrap(), "web"]);
}

#[test]
fn an_unprivileged_user_is_told_to_be_root() {
    let sandbox = Sandbox::new("not-root");
    let stack = sandbox.stack("modest", "services: {web: {image: 'rootfs:/', command: [sleep, '1000']}}");
    // The build directory may be closed to others; the sandbox is opened for this test.
    open(sandbox.path(), 0o755);
    let binary = sandbox.path().join("rcompose");
    fs_err::copy(env!("CARGO_BIN_EXE_rcompose"), &binary).unwrap();
    let mut command = Command::new("setpriv");
    sandbox.equip(&mut command);
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(binary);
    command.args(["-p", "modest", "-f"]).arg(stack.file()).args(["up", "-d"]);
    sandbox.run(command).fails_with(1).says(&["root"]);
}

fn open(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs_err::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}
