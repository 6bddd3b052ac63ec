//! Whose network, processes, messages and names a container shares.

use crate::inspect::{Running, up};

/// `network_mode: none`: a loopback and nothing else; the devices of its network namespace.
#[test]
fn no_network() {
    let web = Running::with("network_mode: none");
    assert_eq!(web.inside("ls /sys/class/net"), "lo");
    let devices = web.proc("net/dev");
    assert_eq!(devices.lines().skip(2).map(|line| line.split(':').next().unwrap().trim()).collect::<Vec<_>>(), ["lo"]);
    assert!(!web.shares("net"));
    assert!(web.enter("-n", "ip -o link show lo").contains("UP"));
}

/// `network_mode: host`: the devices of the host; the same network namespace.
#[test]
fn network_of_the_host() {
    let web = Running::with("network_mode: host");
    assert!(web.shares("net"));
    assert_eq!(web.inside("readlink /proc/self/ns/net"), web.namespace("net"));
}

/// `mac_address`: that of `eth0`; the same from its network namespace.
#[test]
fn mac_address() {
    let web = Running::with("mac_address: 02:00:00:00:00:2a");
    assert_eq!(web.inside("cat /sys/class/net/eth0/address"), "02:00:00:00:00:2a");
    assert!(web.enter("-n", "ip -o link show eth0").contains("02:00:00:00:00:2a"));
}

#[test]
fn a_mac_address_that_is_none_has_a_place() {
    up("mac_address: 02:00").fails().says(&["compose.yaml:6:", "mac_address"]);
}
