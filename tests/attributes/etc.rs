//! Names: of the container itself, of hosts, and who is asked for the others.

use std::net::Ipv4Addr;
use std::process::Command;

use crate::inspect::{Running, up};
use crate::support::{NameServer, Sandbox};

/// `hostname`, `domainname`: what the kernel says, `/etc/hostname`, `/etc/hosts`; the UTS namespace of its init.
#[test]
fn hostname_and_domainname() {
    let web = Running::with("hostname: front\ndomainname: example.org");
    let kernel = "cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname";
    assert_eq!(web.inside(kernel), "front\nexample.org");
    assert_eq!(web.enter("-u", kernel), "front\nexample.org");
    assert_eq!(web.inside("cat /etc/hostname"), "front");
    assert_eq!(web.inside("hostname -f"), "front.example.org");
}

/// `hostname`: a name with dots is one of a domain; the UTS namespace of its init.
#[test]
fn a_hostname_with_dots() {
    let web = Running::with("hostname: front.example.org");
    assert_eq!(web.inside("cat /proc/sys/kernel/hostname"), "front.example.org");
    assert_eq!(web.enter("-u", "hostname"), "front.example.org");
    assert!(web.inside("grep front /etc/hosts").ends_with("front.example.org front"));
}

/// `extra_hosts`: what a name comes to, in every form it is written; the file on the host that is its `/etc/hosts`.
#[test]
fn extra_hosts() {
    let web = Running::with(
        "extra_hosts: ['a:10.1.2.3', 'b=10.1.2.4', 'c=[fd00::5]', 'd:fd00::6', 'two=10.1.2.7', 'two=10.1.2.8', \
         'up=host-gateway']",
    );
    let hosts = fs_err::read_to_string(web.run_directory().join("etc/hosts")).unwrap();
    assert_eq!(web.inside("cat /etc/hosts"), hosts.trim_end());
    for (host, address) in [("a", "10.1.2.3"), ("b", "10.1.2.4"), ("c", "fd00::5"), ("d", "fd00::6")] {
        assert_eq!(web.inside(&format!("getent hosts {host} | cut -d' ' -f1")), address);
    }
    assert_eq!(web.inside("getent ahostsv4 two | grep -c STREAM"), "2");
    let gateway = web.inside("ip route | sed -n 's/default via \\([0-9.]*\\).*/\\1/p'");
    assert_eq!(web.inside("getent hosts up | cut -d' ' -f1"), gateway);
}

#[test]
fn an_address_that_is_none_has_a_place() {
    up("extra_hosts: ['a:10.1.2']").fails().says(&["compose.yaml:6:", "10.1.2"]);
}

/// `dns_search`, `dns_opt`: the lines of `/etc/resolv.conf`; the file on the host that it is.
#[test]
fn dns_search_and_dns_opt() {
    let web = Running::with("dns_search: [example.org, example.net]\ndns_opt: ['timeout:3', 'ndots:2']");
    let expected = "nameserver 127.0.0.11\nsearch example.org example.net\noptions timeout:3 ndots:2";
    assert_eq!(web.inside("cat /etc/resolv.conf"), expected);
    let file = fs_err::read_to_string(web.run_directory().join("etc/resolv.conf")).unwrap();
    assert_eq!(file.trim_end(), expected);
}

/// `dns`: what a name outside of the project comes to; the server is asked.
#[test]
fn dns() {
    let sandbox = Sandbox::new("dns");
    let address = Ipv4Addr::new(198, 51, 100, 1);
    assert!(Command::new("ip").args(["address", "add", "198.51.100.1/32", "dev", "lo"]).status().unwrap().success());
    let server = NameServer::start(address, Ipv4Addr::new(10, 9, 8, 7));
    let compose = "services: {web: {image: 'rootfs:/', command: [sleep, '1000'], dns: 198.51.100.1}}";
    let web = Running::of(sandbox, compose);
    assert_eq!(web.inside("getent ahostsv4 probe.example | head -1 | cut -d' ' -f1"), "10.9.8.7");
    assert!(!server.asked().is_empty());
}

/// A domain of `x-rcompose.dns` is asked of its server, from the host.
#[test]
fn dns_of_a_domain() {
    let sandbox = Sandbox::new("domain");
    let server = NameServer::start(Ipv4Addr::LOCALHOST, Ipv4Addr::new(10, 9, 8, 7));
    let compose = "services: {web: {image: 'rootfs:/', command: [sleep, '1000'], dns: 198.51.100.1, \
                   x-rcompose: {dns: {corp.example: [127.0.0.1]}}}}";
    let web = Running::of(sandbox, compose);
    assert_eq!(web.inside("getent ahostsv4 git.corp.example | head -1 | cut -d' ' -f1"), "10.9.8.7");
    assert!(server.asked().iter().all(|name| name == "git.corp.example"));
    up("x-rcompose: {dns: {corp.example: [nowhere]}}").fails().says(&["compose.yaml:6:", "nowhere"]);
}

/// `links`: what its names come to; the address of the other's link.
#[test]
fn links() {
    let compose = "services:\n  web: &web {image: 'rootfs:/', command: [sleep, '1000'], init: true, links: [other, 'other:friend']}\n  \
                   other: {<<: *web, links: !reset null}";
    let web = Running::of(Sandbox::new("links"), compose);
    let script = format!("nsenter -t {} -n ip -4 -o address show eth0 | tr / ' ' | cut -d' ' -f7", web.pid_of("other"));
    let address = String::from_utf8(Command::new("sh").args(["-c", &script]).output().unwrap().stdout).unwrap();
    for name in ["other", "friend", "other-1", "attributes-other-1"] {
        assert_eq!(web.inside(&format!("getent hosts {name} | cut -d' ' -f1")), address.trim(), "{name}");
    }
}

#[test]
fn a_server_that_is_no_address_has_a_place() {
    up("dns: one.one.one.one").fails().says(&["compose.yaml:6:", "one.one.one.one"]);
}
