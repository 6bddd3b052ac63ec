//! What the services of a stack call one another, and who is asked for everything else.

use std::net::Ipv4Addr;
use std::process::Command;
use std::time::Duration;

use crate::support::{NameServer, Sandbox, Stack, eventually};

const STACK: &str = "
services:
  web: &sleeping
    image: rootfs:/
    init: true
    command: [sleep, '1000']
    networks: {front: {aliases: [www]}, back: {aliases: [proxy]}}
  api:
    <<: *sleeping
    scale: 2
    networks: {back: {aliases: [storage]}}
  vault:
    <<: *sleeping
    links: ['safe:box']
    networks: [closed]
  safe:
    <<: *sleeping
    ports: [{name: tiny, target: 7}]
    networks: [closed]
networks:
  front:
  back:
  closed: {internal: true}
";

/// What `getent` finds for a name, each address once.
fn found(stack: &Stack<'_>, service: &str, name: &str) -> Vec<String> {
    let script = format!("getent ahostsv4 {name} | sed -n 's/ *STREAM.*//p'");
    let mut found: Vec<String> = stack
        .rcompose(&["exec", "-T", service, "sh", "-c", &script])
        .succeeds()
        .stdout
        .lines()
        .map(str::to_owned)
        .collect();
    found.sort();
    found
}

#[test]
fn services_are_found_by_the_names_that_they_have_where_one_is() {
    let sandbox = Sandbox::new("names");
    let stack = sandbox.stack("named", STACK);
    stack.rcompose(&["up", "-d"]).succeeds();
    let both = found(&stack, "web", "api");
    assert_eq!(both.len(), 2, "{both:?}");
    for name in ["API", "storage", "api.named_back", "Storage.Named_Back"] {
        assert_eq!(found(&stack, "web", name), both, "{name}");
    }
    let one = found(&stack, "web", "named-api-1");
    assert_eq!(one.len(), 1);
    let back = stack.rcompose(&["exec", "-T", "web", "getent", "hosts", &one[0]]).succeeds().stdout;
    assert!(back.trim_end().ends_with("named-api-1.named_back"), "{back}");

    // An alias is one on its network alone, and a service is nobody to those who share no network with it.
    assert_eq!(found(&stack, "web", "www").len(), 1);
    assert_eq!(found(&stack, "api", "proxy"), found(&stack, "api", "web"));
    for (service, name) in [("api", "www"), ("api", "vault"), ("web", "vault"), ("vault", "web")] {
        assert!(found(&stack, service, name).is_empty(), "{service} found {name}");
    }

    // A link is a name for whoever has it.
    let safe = found(&stack, "vault", "safe");
    for name in ["box", "safe-1", "named-safe-1"] {
        assert_eq!(found(&stack, "vault", name), safe, "{name}");
    }
    assert!(found(&stack, "safe", "box").is_empty());

    stack.rcompose(&["up", "-d", "--scale", "api=1"]).succeeds();
    assert_eq!(found(&stack, "web", "api"), one, "gone with its container");
}

#[test]
fn the_file_of_the_machine_says_who_is_asked_but_not_for_internal_networks() {
    let sandbox = Sandbox::new("asked");
    let run = |program: &str, arguments: &[&str]| {
        assert!(Command::new(program).args(arguments).status().unwrap().success(), "{program} {arguments:?}");
    };
    let [one, two] = [1, 2].map(|last| Ipv4Addr::new(198, 51, 100, last));
    for address in [one, two] {
        run("ip", &["address", "add", &format!("{address}/32"), "dev", "lo"]);
    }
    let file = sandbox.file("resolv.conf", "nameserver 198.51.100.1\nsearch lan.example\noptions timeout:3\n");
    run("mount", &["--bind", file.to_str().unwrap(), "/etc/resolv.conf"]);
    let [first, second] = [one, two].map(|address| NameServer::start(address, address));
    let stack = sandbox.stack("asking", STACK);
    stack.rcompose(&["up", "-d"]).succeeds();

    let lines = stack.rcompose(&["exec", "-T", "web", "cat", "/etc/resolv.conf"]).succeeds().stdout;
    assert_eq!(lines, "nameserver 127.0.0.11\nsearch lan.example\noptions timeout:3 ndots:0\n");
    assert!(found(&stack, "vault", "inside.example").is_empty());
    assert!(found(&stack, "vault", "web").is_empty());
    assert_eq!(first.asked(), Vec::<String>::new(), "an internal network asks nobody");
    assert_eq!(found(&stack, "web", "outside.example"), ["198.51.100.1"]);
    assert!(first.asked().iter().all(|name| name == "outside.example"), "{:?}", first.asked());

    fs_err::write("/etc/resolv.conf", "nameserver 198.51.100.2\n").unwrap();
    eventually("the other server is asked", Duration::from_secs(30), || {
        (found(&stack, "web", "outside.example") == ["198.51.100.2"]).then_some(())
    });
    assert!(second.asked().iter().all(|name| name == "outside.example"), "{:?}", second.asked());
    drop(stack);
    run("umount", &["/etc/resolv.conf"]);
}

#[test]
fn services_have_names_for_addresses_of_both_families() {
    let sandbox = Sandbox::new("families");
    let stack = sandbox.stack(
        "both",
        "services:\n  web: &web {image: 'rootfs:/', init: true, command: [sleep, '1000']}\n  db: *web\n\
         networks: {default: {enable_ipv6: true}}\n",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    let script = "getent ahostsv6 db | sed -n 's/ *STREAM.*//p'";
    let six = stack.rcompose(&["exec", "-T", "web", "sh", "-c", script]).succeeds().stdout;
    assert!(six.starts_with("fd") && six.lines().count() == 1, "{six}");
    for address in [six.trim(), &found(&stack, "web", "db")[0]] {
        let back = stack.rcompose(&["exec", "-T", "web", "getent", "hosts", address]).succeeds().stdout;
        assert!(back.trim_end().ends_with("both-db-1.both_default"), "{back}");
    }
}
