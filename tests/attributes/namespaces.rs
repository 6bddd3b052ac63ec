//! Whose network, processes, messages and names a container shares.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::inspect::{Running, namespace, up};
use crate::support::{Sandbox, eventually};

/// `network_mode: none`: a loopback and nothing else; the devices of its network namespace.
#[test]
fn no_network() {
    let web = Running::with("network_mode: none");
    assert_eq!(web.inside("ls /sys/class/net"), "lo");
    let devices = web.proc("net/dev");
    assert_eq!(devices.lines().skip(2).map(|line| line.split(':').next().unwrap().trim()).collect::<Vec<_>>(), ["lo"]);
    assert!(!web.shares("net"));
    assert!(web.enter("-n", "ip -o link show lo").contains("UP"));
    assert_eq!(web.inside("grep -c nameserver /etc/resolv.conf || true"), "0");
}

/// `network_mode: host`: the devices of the host; the same network namespace.
#[test]
fn network_of_the_host() {
    let web = Running::with("network_mode: host");
    assert!(web.shares("net"));
    assert_eq!(web.inside("readlink /proc/self/ns/net"), web.namespace("net"));
    assert_eq!(web.inside("cat /etc/resolv.conf"), fs_err::read_to_string("/etc/resolv.conf").unwrap().trim_end());
}

/// `mac_address`: that of `eth0`; the same from its network namespace.
#[test]
fn mac_address() {
    let web = Running::with("mac_address: 02:00:00:00:00:2a");
    assert_eq!(web.inside("cat /sys/class/net/eth0/address"), "02:00:00:00:00:2a");
    assert!(web.enter("-n", "ip -o link show eth0").contains("02:00:00:00:00:2a"));
}

/// `pid: host`: the processes of the host, this test among them; the same pid namespace. It ends with all of its own.
#[test]
fn processes_of_the_host() {
    let web = Running::with("pid: host\ninit: false\ncommand: [sh, -c, 'setsid sleep 4242 & exec sleep 1000']");
    assert!(web.shares("pid"));
    web.inside(&format!("kill -0 {}", std::process::id()));
    let left = web.inside("for p in /proc/[0-9]*; do grep -qs 4242 $p/cmdline && basename $p; done | head -1");
    // One that has ended may wait for the first process of the machine to notice.
    let runs = || fs_err::read(format!("/proc/{left}/cmdline")).is_ok_and(|text| !text.is_empty());
    assert!(runs());
    web.rcompose(&["down", "-t", "5"]).succeeds();
    assert!(!runs(), "{left} outlived its container");
}

const PAIR: &str = "
services:
  web:
    image: rootfs:/
    init: true
    command: [sleep, '1000']
    SHARED
  other:
    image: rootfs:/
    init: true
    command: [sleep, '2000']
    KEYS
";

fn pair(shared: &str, keys: &str) -> Running {
    Running::of(Sandbox::new("shared"), &PAIR.replace("SHARED", shared).replace("KEYS", keys))
}

/// `pid: service`: the processes of the other container; the same pid namespace as its init.
#[test]
fn processes_of_another() {
    let web = pair("pid: service:other", "hostname: other");
    assert_eq!(web.namespace("pid"), namespace(web.pid_of("other"), "pid"));
    assert!(web.inside("cat /proc/*/cmdline | tr '\\0' ' '").contains("sleep 2000"));
    // Its first process is that of the other one, which ends it when it ends.
    assert_ne!(web.inside("tr '\\0' ' ' < /proc/1/cmdline"), "");
}

/// `network_mode: service`: the addresses, names and host name of the other; the same network namespace as its init.
#[test]
fn network_of_another() {
    let web = pair("network_mode: service:other", "hostname: front\n    extra_hosts: ['db:10.1.2.3']");
    assert_eq!(web.namespace("net"), namespace(web.pid_of("other"), "net"));
    assert_eq!(web.inside("hostname; cat /etc/hostname"), "front\nfront");
    assert!(web.inside("tr '\\0' '\\n' < /proc/2/environ").contains("HOSTNAME=front"));
    assert_eq!(web.inside("echo $HOSTNAME"), "front");
    assert_eq!(web.inside("getent hosts db | cut -d' ' -f1"), "10.1.2.3");
    let address = web.inside("hostname -I");
    assert_eq!(web.rcompose(&["exec", "-T", "other", "hostname", "-I"]).stdout.trim(), address.trim());
}

/// `network_mode: container`: the network of a container of another project; the same network namespace.
#[test]
fn network_of_another_project() {
    let sandbox = Sandbox::new("joined");
    let first = "services: {db: {image: 'rootfs:/', init: true, command: [sleep, '1000'], container_name: the-db}}";
    sandbox.stack("first", first).rcompose(&["up", "-d"]).succeeds();
    let web = Running::of(sandbox, &PAIR.replace("SHARED", "network_mode: container:the-db").replace("KEYS", ""));
    let address = web.inside("hostname -I");
    let db = web.sandbox().rcompose(&["-p", "first", "exec", "-T", "db", "hostname", "-I"]).succeeds().stdout;
    assert_eq!(db.trim(), address.trim());
}

/// Who is in the network of a container that is made anew, or that its policy starts again, follows it.
#[test]
fn who_shares_follows() {
    let file = PAIR.replace("SHARED", "network_mode: service:other").replace("KEYS", "restart: always");
    let web = Running::of(Sandbox::new("follow"), &file);
    let first = web.namespace("net");
    kill(Pid::from_raw(web.pid_of("other")), Signal::SIGKILL).unwrap();
    eventually("both in one new network", Duration::from_secs(10), || {
        let (one, two) = (web.current("web", "net")?, web.current("other", "net")?);
        (one == two && one != first).then_some(())
    });
    let id = web.id_of("web");
    web.write(&file.replace("'2000'", "'2001'"));
    let plan = web.rcompose(&["up", "-d", "--dry-run"]);
    assert!(plan.stdout.contains("shares with other") || plan.stderr.contains("shares with other"), "{plan}");
    web.rcompose(&["up", "-d"]).succeeds();
    assert_ne!(web.id_of("web"), id, "made anew, as with Docker Compose");
    assert_eq!(web.current("web", "net"), web.current("other", "net"));
}

#[test]
fn who_shares_with_nobody_is_told() {
    up("network_mode: container:nobody").fails().says(&["container `nobody` does not exist"]);
    up("pid: container:nobody").fails().says(&["container `nobody` does not exist"]);
    up("pid: other").fails().says(&["compose.yaml:6:", "service:NAME"]);
    up("uts: own").fails().says(&["compose.yaml:6:", "must be `host`"]);
}

/// What belongs to who owns the network cannot be set by who joins it.
#[test]
fn what_cannot_be_had_together_has_a_place() {
    for keys in [
        "ports: ['80']",
        "hostname: own",
        "dns: 1.1.1.1",
        "extra_hosts: ['a:1.1.1.1']",
        "mac_address: 02:00:00:00:00:01",
    ] {
        up(&format!("network_mode: container:x\n{keys}")).fails().says(&["compose.yaml:7:5"]);
    }
    up("uts: host\nhostname: own").fails().says(&["compose.yaml:7:5", "hostname"]);
}

/// `uts: host`: the name of the host; the same UTS namespace.
#[test]
fn name_of_the_host() {
    let web = Running::with("uts: host");
    assert!(web.shares("uts"));
    let name = fs_err::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(web.inside("hostname; echo $HOSTNAME; cat /etc/hostname"), [name.trim(); 3].join("\n"));
}

/// `ipc: host`: the shared memory of the host; the same IPC namespace.
#[test]
fn ipc_of_the_host() {
    let web = Running::with("ipc: host");
    assert!(web.shares("ipc"));
    let file = format!("/dev/shm/rcompose-{}", std::process::id());
    fs_err::write(&file, "shared").unwrap();
    let seen = web.run(&format!("cat {file}"));
    fs_err::remove_file(&file).unwrap();
    assert_eq!(seen.succeeds().stdout, "shared");
}

/// `ipc: service`, `ipc: shareable`: the shared memory and queues of the other container; the same IPC namespace.
#[test]
fn ipc_of_another() {
    let web = pair("ipc: service:other", "ipc: shareable\n    shm_size: 4m");
    assert_eq!(web.namespace("ipc"), namespace(web.pid_of("other"), "ipc"));
    assert!(!web.shares("ipc"));
    web.inside("echo shared > /dev/shm/file");
    assert_eq!(web.rcompose(&["exec", "-T", "other", "cat", "/dev/shm/file"]).stdout, "shared\n");
    assert!(web.mount("/dev/shm").contains("size=4096k"), "{}", web.mount("/dev/shm"));
}

#[test]
fn ipc_of_one_who_keeps_it() {
    let sandbox = Sandbox::new("kept");
    let stack = sandbox.stack("kept", &PAIR.replace("SHARED", "ipc: service:other").replace("KEYS", "hostname: other"));
    stack.rcompose(&["up", "-d"]).fails().says(&["compose.yaml:7:5", "give it `ipc: shareable`"]);
}

/// `ipc: none`: no shared memory; an IPC namespace of its own.
#[test]
fn no_shared_memory() {
    let web = Running::with("ipc: none");
    assert!(!web.shares("ipc"));
    web.run("echo > /dev/shm/file").fails();
    assert!(!web.proc("mountinfo").contains(" /dev/shm "));
}

#[test]
fn a_mac_address_that_is_none_has_a_place() {
    up("mac_address: 02:00").fails().says(&["compose.yaml:6:", "mac_address"]);
}
