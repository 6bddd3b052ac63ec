//! Names: of the container itself, of hosts, and who is asked for the others.

use std::net::UdpSocket;
use std::thread;

use crate::inspect::{Running, up};
use crate::support::Sandbox;

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
    let server = UdpSocket::bind("127.0.0.1:53").unwrap();
    let served = thread::spawn(move || {
        let mut query = [0; 512];
        let mut asked = 0;
        while let Ok((length, from)) = server.recv_from(&mut query) {
            if length < 12 {
                return asked;
            }
            asked += 1;
            server.send_to(&answer(&query[..length]), from).unwrap();
        }
        asked
    });
    let compose = "services: {web: {image: 'rootfs:/', command: [sleep, '1000'], dns: 127.0.0.1}}";
    let web = Running::of(sandbox, compose);
    assert_eq!(web.inside("getent ahostsv4 probe.example | head -1 | cut -d' ' -f1"), "10.9.8.7");
    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"end", "127.0.0.1:53").unwrap();
    assert!(served.join().unwrap() > 0);
}

/// The answer to a query: 10.9.8.7 to one for an IPv4 address, nothing to any other. See RFC 1035, section 4.
fn answer(query: &[u8]) -> Vec<u8> {
    let name = query[12..].iter().position(|byte| *byte == 0).unwrap() + 1;
    let question = &query[12..12 + name + 4];
    let is_a = question[name..name + 2] == [0, 1];
    // Response, recursion desired and available; one question; an answer or none.
    let mut answer = [&query[..2], &[0x81, 0x80, 0, 1, 0, u8::from(is_a), 0, 0, 0, 0], question].concat();
    if is_a {
        // The name of the question, type A, class IN, TTL 0, four bytes.
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 10, 9, 8, 7]);
    }
    answer
}

#[test]
fn a_server_that_is_no_address_has_a_place() {
    up("dns: one.one.one.one").fails().says(&["compose.yaml:6:", "one.one.one.one"]);
}
