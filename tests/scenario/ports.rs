//! Published ports, asked for by those who are to reach them and those who are not.

use std::net::SocketAddr;

use crate::support::{Sandbox, http};

/// Whether a web server answers at this address, whatever it says.
fn answers(address: &str) -> bool {
    http::request("GET", address.parse::<SocketAddr>().unwrap(), "/").is_ok()
}

const SERVE: &str = "{image: 'rootfs:/', init: true, command: [busybox, httpd, -f, -h, /usr/share/doc]";

#[test]
fn a_port_without_an_address_is_published_on_both_families() {
    let sandbox = Sandbox::new("ports-both");
    let stack = sandbox.stack(
        "both",
        "
services:
  web:
    image: 'rootfs:/'
    init: true
    command: [python3, -u, -m, http.server, '80', --bind, '0.0.0.0', -d, /usr/share/doc]
    ports: ['8080:80', '[::1]:8081:80', '127.0.0.1:8082:80', '8090-8092:80', '20000-20999:20000-20999/udp']
",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.logs_show("web", "Serving");
    let reached: Vec<&str> =
        ["127.0.0.1:8080", "[::1]:8080", "[::1]:8081", "127.0.0.1:8082", "127.0.0.1:8090", "[::1]:8090"]
            .into_iter()
            .filter(|address| !answers(address))
            .collect();
    assert_eq!(reached, [""; 0], "out of reach");
    for address in ["127.0.0.1:8081", "[::1]:8082", "127.0.0.1:8091"] {
        assert!(!answers(address), "{address}");
    }
    let shown = stack.rcompose(&["ps"]).succeeds().stdout;
    for port in
        ["0.0.0.0:8080->80/tcp", "[::]:8080->80/tcp", "[::1]:8081->80/tcp", "0.0.0.0:20000-20999->20000-20999/udp"]
    {
        assert!(shown.contains(port), "{port}: {shown}");
    }
    // A supervisor that takes over goes on with what the kernel does not do alone.
    let supervisor = stack.supervisor().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(supervisor), nix::sys::signal::Signal::SIGTERM).unwrap();
    crate::support::eventually("the supervisor is gone", std::time::Duration::from_secs(10), || {
        stack.supervisor().is_none().then_some(())
    });
    assert!(answers("127.0.0.1:8080"), "without a supervisor");
    stack.rcompose(&["up", "-d"]).succeeds();
    assert!(answers("[::1]:8080"));
}

#[test]
fn ports_that_cannot_be_led_to_a_container_are_refused() {
    let sandbox = Sandbox::new("ports-no-way");
    let stack = sandbox.stack("none", &format!("services: {{web: {SERVE}, ports: ['[::1]:53:53/udp']}}}}"));
    stack
        .rcompose(&["up", "-d"])
        .fails()
        .says(&["cannot publish port 53/udp on ::1: the container has no IPv6 address"]);
}

#[test]
fn a_range_that_another_project_has_is_in_use() {
    let sandbox = Sandbox::new("ports-range");
    let web = |ports: &str| format!("services: {{web: {SERVE}, ports: ['{ports}']}}}}");
    let one = sandbox.stack("one", &web("20000-29999:20000-29999"));
    one.rcompose(&["up", "-d"]).succeeds();
    let two = sandbox.stack("two", &web("29999:80"));
    two.rcompose(&["up", "-d"]).fails().says(&["port 0.0.0.0:29999/tcp is already in use by "]);
}

#[test]
fn rules_that_somebody_flushes_are_restored() {
    let sandbox = Sandbox::new("ports-flush");
    let stack = sandbox.stack("flush", &format!("services: {{web: {SERVE}, ports: ['127.0.0.1:8080:80']}}}}"));
    stack.rcompose(&["up", "-d"]).succeeds();
    let patience = std::time::Duration::from_secs(20);
    let is_up = || answers("127.0.0.1:8080").then_some(());
    crate::support::eventually("the port is reached", patience, is_up);
    // More than once in a row, too: the waits in between grow.
    for _ in 0..3 {
        let mut flush = std::process::Command::new("nft");
        sandbox.equip(&mut flush);
        flush.args(["flush", "ruleset"]);
        sandbox.run(flush).succeeds();
        crate::support::eventually("the port is reached again", patience, is_up);
    }
}

#[test]
fn ports_are_kept_to_the_machine_where_file_or_user_say_so() {
    let sandbox = Sandbox::new("ports-default");
    let open = format!("services: {{web: {SERVE}, ports: ['8080:80', '0.0.0.0:8081:80']}}}}");
    let stack = sandbox.stack("open", &open);
    let shown = |stack: &crate::support::Stack<'_>| stack.rcompose(&["ps"]).succeeds().stdout;
    let note = "open to other machines: web 8080/tcp 8081/tcp";
    stack.rcompose(&["up", "-d"]).succeeds().says(&[note]);
    assert!(shown(&stack).contains("0.0.0.0:8080->80/tcp"));
    assert!(!stack.rcompose(&["up", "-d"]).succeeds().stderr.contains("open to"), "nothing is opened any more");
    // The project's own setting.
    stack.rewrite(&format!("{open}\nx-rcompose: {{publish: 127.0.0.1}}"));
    stack.rcompose(&["up", "-d"]).succeeds().says(&["open to other machines: web 8081/tcp;"]);
    let ports = shown(&stack);
    assert!(ports.contains("127.0.0.1:8080->80/tcp") && ports.contains("0.0.0.0:8081->80/tcp"), "{ports}");
    // The user's, for all projects; that of the file goes before.
    sandbox.file("config.toml", "[network]\npublish = \"127.0.0.2\"");
    stack.rewrite(&open);
    stack.rcompose(&["up", "-d"]).succeeds();
    assert!(shown(&stack).contains("127.0.0.2:8080->80/tcp"));
    stack.rewrite(&format!("{open}\nx-rcompose: {{publish: '::1'}}"));
    stack.rcompose(&["up", "-d"]).succeeds();
    assert!(shown(&stack).contains("[::1]:8080->80/tcp"));
}
