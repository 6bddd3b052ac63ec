//! Whose ids a container has.

use std::os::unix::fs::MetadataExt;

use crate::inspect::{Running, up};
use crate::kernel::kernel_since;
use crate::support::Sandbox;

/// Whether the owners of an image's layers can be mapped. A kernel that is too old says what it takes.
fn maps_layers() -> bool {
    if kernel_since(6, 15) {
        return true;
    }
    let expected = "cannot map the owners of an image's layers: that takes Linux 6.15";
    up("userns_mode: auto").fails().says(&[expected]);
    eprintln!("skipped: the kernel {expected}");
    false
}

/// `userns_mode`: root inside with what root may do there, and its own volumes; on the host an id that is nobody's, and
/// files that belong to root all the same.
#[test]
fn an_own_range_of_ids() {
    if !maps_layers() {
        return;
    }
    let sandbox = Sandbox::new("userns");
    let data = sandbox.file("attributes/data/file", "x");
    std::os::unix::fs::chown(&data, Some(5), Some(6)).unwrap();
    let compose = "services:\n  web:\n    image: rootfs:/\n    init: true\n    command: [sleep, '1000']\n    userns_mode: auto\n    \
        volumes: ['./data:/data', 'kept:/kept']\nvolumes: {kept: {}}\n";
    let web = Running::of(sandbox, compose);
    let script = "id -u; cat /proc/self/uid_map; stat -c %u:%g /etc/passwd /etc/hosts /data/file /proc/1; chown 7:8 /data/file; echo y > /kept/file; touch /made";
    let seen = web.inside(script);
    let lines: Vec<_> = seen.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    assert_eq!(lines[0], ["0"]);
    let first = lines[1][1];
    assert_eq!((lines[1][0], lines[1][2]), ("0", "65536"));
    assert!(first.parse::<u32>().unwrap() >= 65_536);
    assert_eq!(lines[2..], [["0:0"], ["0:0"], ["5:6"], ["0:0"]]);
    assert_eq!(web.status("Uid").split_whitespace().next(), Some(first));
    assert!(!web.shares("user") && !web.shares("net"));
    let owner = |path: std::path::PathBuf| {
        let metadata = fs_err::metadata(path).unwrap();
        (metadata.uid(), metadata.gid())
    };
    assert_eq!(owner(data), (7, 8));
    assert_eq!(owner(web.sandbox().path().join("root/volumes/attributes_kept/data/file")), (0, 0));
}

#[test]
fn no_two_containers_have_an_id_in_common() {
    if !maps_layers() {
        return;
    }
    let sandbox = Sandbox::new("userns-two");
    let service =
        |name| format!("  {name}: {{image: 'rootfs:/', init: true, command: [sleep, '1000'], userns_mode: auto}}\n");
    let stack = sandbox.stack("two", &format!("services:\n{}{}", service("a"), service("b")));
    stack.rcompose(&["up", "-d"]).succeeds();
    let map = |name| stack.rcompose(&["exec", "-T", name, "cat", "/proc/self/uid_map"]).succeeds().stdout;
    assert_ne!(map("a"), map("b"));
}

/// `userns_mode: host`: root is 0; on the host too.
#[test]
fn the_ids_of_the_host() {
    let web = Running::with("userns_mode: host");
    assert_eq!(web.inside("id -u"), "0");
    assert!(web.shares("user") && web.status("Uid").starts_with("0\t"));
}

#[test]
fn what_does_not_go_together() {
    for keys in ["network_mode: host", "pid: host", "ipc: host", "privileged: true"] {
        let key = keys.split(':').next().unwrap();
        up(&format!("userns_mode: auto\n{keys}")).fails().says(&[key, "userns_mode: auto"]);
    }
    up("userns_mode: keep-id").fails().says(&["userns_mode", "must be `host` or `auto`"]);
}
