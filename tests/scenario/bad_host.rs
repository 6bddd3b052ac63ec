//! What the machine does not give: each is named, and nothing half-made is left.

use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use crate::support::{Sandbox, eventually, http};

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
    assert_eq!(stack.container("web").state, "created", "what never ran has not ended");

    drop(holder);
    stack.rcompose(&["up", "-d"]).succeeds();
    // Started is not listening yet.
    eventually("an answer of what the next `up` completed", Duration::from_secs(20), || {
        http::request("GET", ([127, 0, 0, 1], 8080).into(), "/").ok()
    });
}

#[test]
fn a_port_of_another_project_is_named() {
    let sandbox = Sandbox::new("port-of-other");
    let compose = |port: &str| {
        let web = format!("{{image: 'rootfs:/', init: true, command: [sleep, '1000'], ports: ['{port}']}}");
        format!("services: {{web: {web}}}")
    };
    let (first, second) = (sandbox.stack("first", &compose("8080:80")), sandbox.stack("second", &compose("8080:80")));
    first.rcompose(&["up", "-d"]).succeeds();
    second.rcompose(&["up", "-d"]).fails_with(1).says(&["8080", "in use by rcompose (pid ", "web", "hint:"]);
    assert_eq!(first.container("web").state, "running");
    // One that nothing listens on.
    first.rewrite(&compose("127.0.0.1:8080:80"));
    first.rcompose(&["up", "-d"]).succeeds();
    second.rcompose(&["up", "-d"]).fails_with(1).says(&["0.0.0.0:8080", "in use by rcompose (pid "]);

    first.rcompose(&["down"]).succeeds();
    second.rcompose(&["up", "-d"]).succeeds();
    assert_eq!(second.container("web").state, "running", "the port is free again");
}

#[test]
fn of_two_projects_at_once_one_gets_the_port() {
    let sandbox = Sandbox::new("port-race");
    let web = "{image: 'rootfs:/', init: true, command: [sleep, '1000'], ports: ['8080:80']}";
    let compose = format!("services: {{web: {web}}}");
    let stacks = [sandbox.stack("first", &compose), sandbox.stack("second", &compose)];
    let ups = stacks.each_ref().map(|stack| stack.spawn(&["up", "-d"]));
    let outcomes = ups.map(|up| up.wait(Duration::from_secs(30)));
    let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(|outcome| outcome.status.success());
    assert_eq!((won.len(), lost.len()), (1, 1), "{won:?} {lost:?}");
    lost.into_iter().for_each(|outcome| drop(outcome.fails_with(1).says(&["8080", "in use"])));
}

#[test]
fn a_firewall_that_drops_what_is_forwarded_is_named() {
    let sandbox = Sandbox::new("foreign-firewall");
    let nft = |script: &str| assert!(Command::new("nft").arg(script).status().unwrap().success(), "{script}");
    nft("table inet theirs { chain forward { type filter hook forward priority 0; policy drop; }; }");
    let stack = sandbox.stack("walled", "services: {web: {image: 'rootfs:/', init: true, command: [sleep, '1000']}}");
    stack.rcompose(&["up", "-d"]).succeeds().says(&["warning:", "`inet theirs`", "nft insert rule"]);
    let alone = "services: {web: {image: 'rootfs:/', init: true, command: [sleep, '1000'], network_mode: none}}";
    let outcome = sandbox.stack("alone", alone).rcompose(&["up", "-d"]).succeeds();
    assert!(!outcome.stderr.contains("theirs"), "what has no network is not concerned: {outcome}");
    nft("delete table inet theirs");
    let outcome = stack.rcompose(&["up", "-d"]).succeeds();
    assert!(!outcome.stderr.contains("warning"), "{outcome}");
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
fn what_is_external_must_be_there() {
    for (key, definition, name, message) in [
        ("volumes: ['kept:/data']", "volumes: {kept: {external: true}}", "kept", "does not exist"),
        ("networks: [shared]", "networks: {shared: {external: true}}", "shared", "does not exist"),
    ] {
        let sandbox = Sandbox::new("no-external");
        let service = format!("  web:\n    image: rootfs:/\n    command: [sleep, '1000']\n    {key}\n");
        let stack = sandbox.stack("bound", &format!("services:\n{service}{definition}\n"));
        stack.rcompose(&["up", "-d"]).fails_with(1).says(&[name, message]);
        assert!(stack.containers().iter().all(|container| container.state != "running"));
    }
}

#[test]
fn files_that_a_service_needs_must_be_there() {
    for key in ["env_file: missing.txt", "secrets: [hidden]"] {
        let sandbox = Sandbox::new("no-file");
        let service = format!("  web:\n    image: rootfs:/\n    command: [sleep, '1000']\n    {key}\n");
        let stack = sandbox.stack("bare", &format!("services:\n{service}secrets: {{hidden: {{file: missing.txt}}}}\n"));
        stack.rcompose(&["up", "-d"]).fails_with(1).says(&["missing.txt"]);
        assert!(stack.containers().iter().all(|container| container.state != "running"));
    }
}

#[test]
fn a_user_that_does_not_exist_is_named() {
    let sandbox = Sandbox::new("no-user");
    let stack = sandbox.stack("nobody", "services: {web: {image: 'rootfs:/', user: ghost, command: [sleep, '1000']}}");
    stack.rcompose(&["up", "-d"]).fails().says(&["ghost", "web"]);
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

#[test]
fn a_subnet_belongs_to_one_project() {
    let sandbox = Sandbox::new("same-subnet");
    let compose = "
services: {web: {image: 'rootfs:/', init: true, command: [sleep, '1000']}}
networks: {default: {ipam: {config: [{subnet: 10.99.0.0/24}]}}}
";
    sandbox.stack("first", compose).rcompose(&["up", "-d"]).succeeds();
    let second = sandbox.stack("second", compose);
    second.rcompose(&["up", "-d"]).fails_with(1).says(&["10.99.0.0/24", "first"]);
}
