//! Published ports, asked for by those who are to reach them and those who are not.

use std::net::SocketAddr;

use crate::support::{Sandbox, http};

/// What a web server in the container of `rootfs:/` has at its root, at this address.
fn answers(address: &str) -> bool {
    http::request("GET", address.parse::<SocketAddr>().unwrap(), "/").is_ok_and(|(status, _)| status == 200)
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
