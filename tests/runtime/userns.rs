//! Containers in user namespaces, owners of files that are mapped, and namespaces that are joined.

use std::os::unix::fs::MetadataExt;

use oci_spec::runtime::LinuxNamespaceType;
use rcompose::runtime::{Config, ExecOptions, Handle, RuntimeError, Signal, probe};
use serde_json::{Value, json};

use crate::exec::long;
use crate::harness::{Host, block_on, failure, mount, run, share, start, try_run};
use crate::kernel::kernel_since;

/// The first id of the host that is mapped.
const FIRST: u32 = 3_000_000_000;

/// Sets fields of `linux`, in the spelling of the specification.
fn set(config: &mut Config, fields: Value) {
    let mut spec = serde_json::to_value(&config.spec).unwrap();
    for (name, value) in fields.as_object().unwrap() {
        spec["linux"][name] = value.clone();
    }
    config.spec = serde_json::from_value(spec).unwrap();
}

/// Has a namespace of `kind` made or joined.
fn namespace(config: &mut Config, kind: LinuxNamespaceType, name: &str, path: Option<String>) {
    share(config, kind);
    let mut spec = serde_json::to_value(&config.spec).unwrap();
    let mut namespace = json!({"type": name});
    if let Some(path) = path {
        namespace["path"] = json!(path);
    }
    spec["linux"]["namespaces"].as_array_mut().unwrap().push(namespace);
    config.spec = serde_json::from_value(spec).unwrap();
}

fn mappings() -> Value {
    json!([{"containerID": 0, "hostID": FIRST, "size": 65536}])
}

/// In a user namespace of its own.
fn own_users(config: &mut Config) {
    namespace(config, LinuxNamespaceType::User, "user", None);
    // No group beyond those that are mapped may be named.
    let sysctl = json!({"net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 65535"});
    set(config, json!({"uidMappings": mappings(), "gidMappings": mappings(), "sysctl": sysctl}));
}

/// Whether the owners of an image's layers can be mapped, without which there is no container of an image in a user namespace.
/// A kernel that is too old says what it takes.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn maps_layers(host: &Host) -> bool {
    if kernel_since(6, 15) {
        return true;
    }
    let mut config = host.config(&["true"]);
    own_users(&mut config);
    let (code, error) = failure(&config);
    let expected = "cannot map the owners of an image's layers: that takes Linux 6.15";
    assert!(code == 125 && error.starts_with(expected), "{error}");
    eprintln!("skipped: {error}");
    false
}

/// A host on which containers of images can be in user namespaces; on any other the test is skipped.
fn host_that_maps() -> Option<Host> {
    let host = Host::new();
    maps_layers(&host).then_some(host)
}

async fn stop(handle: Handle) {
    handle.signal(Signal::KILL).unwrap();
    handle.exited().await.unwrap();
}

#[test]
fn root_inside_is_nobody_outside() {
    let Some(host) = host_that_maps() else { return };
    let mut config = host.config(&["sleep", "100"]);
    own_users(&mut config);
    block_on(async {
        let (handle, warnings) = start(&config).await.unwrap();
        assert_eq!(warnings, [""; 0]);
        let owner = fs_err::metadata(format!("/proc/{}/task", handle.pid())).unwrap();
        assert_eq!((owner.uid(), owner.gid()), (FIRST, FIRST));
        let map = fs_err::read_to_string(format!("/proc/{}/uid_map", handle.pid())).unwrap();
        assert_eq!(map.split_whitespace().collect::<Vec<_>>(), ["0", &FIRST.to_string(), "65536"]);
        stop(handle).await;
    });
}

#[test]
fn the_image_belongs_to_root_inside() {
    let Some(host) = host_that_maps() else { return };
    let script = "id -u; id -G; stat -c %u /etc/passwd; mkdir /made && chown 7:8 /made; echo x > /etc/hostname; cat /proc/self/setgroups";
    let mut config = host.config(&["sh", "-c", script]);
    own_users(&mut config);
    let outcome = run(&config);
    assert_eq!(outcome.text(), "0\n0\n0\nallow", "{outcome:?}");
}

#[test]
fn what_is_written_belongs_to_root_on_disk() {
    let Some(host) = host_that_maps() else { return };
    // An image that is not above its own writable layer, so that this is on disk.
    let image = host.directory.path().join("image");
    for directory in ["bin", "lib", "lib64", "usr", "etc", "dev", "proc", "sys"] {
        fs_err::create_dir_all(image.join(directory)).unwrap();
    }
    let mut config =
        host.config(&["/bin/sh", "-c", "echo x > /file; mkdir /made; chown 7:8 /made; stat -c %u:%g /file /made /etc"]);
    if let rcompose::runtime::Rootfs::Overlay { lower, .. } = &mut config.rootfs {
        *lower = vec![image];
    }
    for directory in ["bin", "lib", "lib64", "usr"] {
        let source = format!("/{directory}");
        mount(
            &mut config,
            json!({"destination": source, "type": "bind", "source": source, "options": ["rbind", "rro"]}),
        );
    }
    own_users(&mut config);
    assert_eq!(run(&config).text(), "0:0\n7:8\n0:0");
    let owner = |name: &str| {
        let metadata = fs_err::metadata(config.directory.join("upper").join(name)).unwrap();
        (metadata.uid(), metadata.gid())
    };
    assert_eq!((owner("file"), owner("made")), ((0, 0), (7, 8)));
}

#[test]
fn what_a_container_has_it_has_there_too() {
    let Some(host) = host_that_maps() else { return };
    let script = "stat -c '%F %t:%T %a %u' /dev/null /dev/tty; echo x > /dev/null; head -c 2 /dev/zero | wc -c; hostname; \
        stat -f -c %T /proc /dev/pts /dev/mqueue /sys; cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/self/oom_score_adj; \
        echo y > /dev/stdout; mknod /dev/new c 1 3 2>/dev/null || echo refused; cat /proc/timer_list | wc -c; grep Seccomp: /proc/self/status | cut -f2";
    let mut config = host.config(&["sh", "-c", script]);
    own_users(&mut config);
    config.spec.process_mut().as_mut().unwrap().set_oom_score_adj(Some(300));
    let outcome = run(&config);
    let devices = ["character special file 1:3 666 0", "character special file 5:0 666 0"];
    let rest = ["2", "inside", "proc", "devpts", "mqueue", "sysfs", "0", "300", "y", "refused", "0", "2"];
    let lines: Vec<_> = outcome.text().lines().collect();
    assert_eq!(lines[..2], devices, "{outcome:?}");
    assert_eq!(lines[2..], rest, "{outcome:?}");
}

#[test]
fn devices_belong_to_ids_inside() {
    let Some(host) = host_that_maps() else { return };
    let device =
        json!([{"path": "/dev/mine", "type": "c", "major": 1, "minor": 5, "fileMode": 0o640, "uid": 7, "gid": 8}]);
    let mut config = host.config(&["sh", "-c", "stat -c '%t:%T %a %u:%g' /dev/mine; head -c 1 /dev/mine | wc -c"]);
    own_users(&mut config);
    set(&mut config, json!({"devices": device}));
    assert_eq!(run(&config).text(), "1:5 640 7:8\n1");
    set(&mut config, json!({"devices": [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 5, "uid": 70000}]}));
    let (_, error) = failure(&config);
    assert_eq!(
        error,
        "the device `/dev/mine` belongs to uid 70000 with gid 0, which are not mapped in the container's user namespace"
    );
}

#[test]
fn a_terminal_there() {
    let Some(host) = host_that_maps() else { return };
    let mut config = host.config(&["sh", "-c", "tty; stat -c '%u %a' /dev/console; stty size"]);
    own_users(&mut config);
    let process = config.spec.process_mut().as_mut().unwrap();
    process.set_terminal(Some(true));
    process.set_console_size(Some(serde_json::from_value(json!({"height": 7, "width": 9})).unwrap()));
    let outcome = run(&config);
    assert_eq!(outcome.stdout.replace('\r', ""), "/dev/pts/0\n0 620\n7 9\n");
}

#[test]
fn an_exec_there() {
    let Some(host) = host_that_maps() else { return };
    let mut config = host.config(&["sleep", "100"]);
    own_users(&mut config);
    block_on(async {
        let (handle, _) = start(&config).await.unwrap();
        let mut options = ExecOptions { process: config.spec.process().clone().unwrap(), ..ExecOptions::default() };
        let script = "id -u; stat -c %u /proc/1 /etc/passwd; cat /proc/self/uid_map; grep CapEff /proc/self/status | cut -f2; echo x > /dev/stdout";
        options.process.set_args(Some(["sh", "-c", script].map(str::to_owned).to_vec()));
        for (user, expected) in [(None, ["0", "00000000a80425fb"]), (Some("daemon"), ["1", "0000000000000000"])] {
            options.user = user.map(str::to_owned);
            let probe = probe(&config.directory, &options, long(), 4096).await.unwrap();
            let text = String::from_utf8(probe.output).unwrap();
            let words: Vec<_> = text.split_whitespace().collect();
            assert_eq!(words, [expected[0], "0", "0", "0", &FIRST.to_string(), "65536", expected[1], "x"], "{text}");
        }
        stop(handle).await;
    });
}

#[test]
fn ids_that_are_not_mapped() {
    let Some(host) = host_that_maps() else { return };
    let mut config = host.config(&["true"]);
    own_users(&mut config);
    config.user = Some("70000:5".to_owned());
    config.group_add = vec!["70001".to_owned()];
    let expected =
        "cannot be uid 70000 with gid 5 and groups 70001: in the container's user namespace not all of them are mapped";
    assert_eq!(failure(&config), (125, expected.to_owned()));
}

#[test]
fn a_limit_above_the_shims() {
    let Some(host) = host_that_maps() else { return };
    let mut config = host.config(&["sh", "-c", "ulimit -n; ulimit -c"]);
    own_users(&mut config);
    let rlimits =
        json!([{"type": "RLIMIT_NOFILE", "soft": 99, "hard": 100}, {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]);
    config.spec.process_mut().as_mut().unwrap().set_rlimits(serde_json::from_value(rlimits).unwrap());
    assert_eq!(run(&config).text(), "99\n0");
}

/// A directory of the host with files of ids 0 and 5.
fn data(host: &Host) -> std::path::PathBuf {
    let data = host.directory.path().join("data");
    fs_err::create_dir(&data).unwrap();
    fs_err::write(data.join("file"), "x").unwrap();
    std::os::unix::fs::chown(data.join("file"), Some(5), Some(6)).unwrap();
    data
}

#[test]
fn a_bind_with_the_containers_mappings() {
    let Some(host) = host_that_maps() else { return };
    let data = data(&host);
    let script = "stat -c %u:%g /mapped /mapped/file /plain /plain/file; echo y > /mapped/new; echo z > /plain/new";
    let mut config = host.config(&["sh", "-c", script]);
    own_users(&mut config);
    mount(
        &mut config,
        json!({"destination": "/mapped", "type": "bind", "source": data, "options": ["rbind", "ridmap"]}),
    );
    mount(&mut config, json!({"destination": "/plain", "type": "bind", "source": data, "options": ["rbind"]}));
    let outcome = run(&config);
    assert_eq!(outcome.stdout, "0:0\n5:6\n65534:65534\n65534:65534\n", "{outcome:?}");
    assert!(outcome.stderr.contains("ermission denied"), "{outcome:?}");
    assert_eq!(fs_err::metadata(data.join("new")).unwrap().uid(), 0);
}

#[test]
fn a_bind_with_mappings_of_its_own() {
    let host = Host::new();
    let data = data(&host);
    let own = json!([{"containerID": 5, "hostID": 1000, "size": 1}, {"containerID": 0, "hostID": 0, "size": 1}]);
    let groups = json!([{"containerID": 0, "hostID": 2000, "size": 10}]);
    let outcome = host.sh_with("stat -c %u:%g /mapped /mapped/file; echo x > /mapped/new", |config| {
        mount(config, json!({"destination": "/mapped", "type": "bind", "source": data, "options": ["bind", "idmap"], "uidMappings": own, "gidMappings": groups}));
    });
    // Group 0 of the container is none of the mount, which therefore cannot be written to.
    assert_eq!(outcome.stdout, "0:2000\n1000:2006\n");
    assert!(outcome.exit.code != 0 && !data.join("new").exists(), "{outcome:?}");
}

#[test]
fn a_file_system_that_cannot_map() {
    let Some(host) = host_that_maps() else { return };
    let mut config = host.config(&["true"]);
    own_users(&mut config);
    mount(&mut config, json!({"destination": "/x", "type": "bind", "source": "/proc", "options": ["bind", "idmap"]}));
    let (_, error) = failure(&config);
    assert!(error.starts_with("cannot map the owners of `/proc`: it takes idmapped mounts"), "{error}");
}

#[test]
fn a_user_namespace_is_joined() {
    let Some(host) = host_that_maps() else { return };
    let mut first = host.config(&["sleep", "100"]);
    own_users(&mut first);
    block_on(async {
        let (handle, _) = start(&first).await.unwrap();
        let path = format!("/proc/{}/ns/user", handle.pid());
        let expected = fs_err::read_link(&path).unwrap();
        let mut second = host.config(&[
            "sh",
            "-c",
            "readlink /proc/self/ns/user; id -u; echo $$; echo x > /new; cat /proc/self/uid_map",
        ]);
        namespace(&mut second, LinuxNamespaceType::User, "user", Some(path));
        set(&mut second, json!({"sysctl": {}}));
        let (handle2, _) = start(&second).await.unwrap();
        let exit = handle2.exited().await.unwrap();
        let said: String = crate::harness::records(&second.log).into_iter().map(|record| record.line).collect();
        assert_eq!(exit.code, 0, "{said}");
        let words: Vec<_> = said.split_whitespace().collect();
        assert_eq!(words, [expected.to_str().unwrap(), "0", "1", "0", &FIRST.to_string(), "65536"]);
        stop(handle).await;
    });
}

#[test]
fn namespaces_are_joined() {
    let host = Host::new();
    let with_users = if maps_layers(&host) { &[false, true][..] } else { &[false] };
    let first = host.config(&["sleep", "100"]);
    block_on(async {
        let (handle, _) = start(&first).await.unwrap();
        let kinds = [
            (LinuxNamespaceType::Network, "network", "net"),
            (LinuxNamespaceType::Ipc, "ipc", "ipc"),
            (LinuxNamespaceType::Uts, "uts", "uts"),
            (LinuxNamespaceType::Pid, "pid", "pid"),
            (LinuxNamespaceType::Cgroup, "cgroup", "cgroup"),
        ];
        for &users in with_users {
            let links = kinds.map(|(_, _, name)| format!("readlink /proc/self/ns/{name}")).join(";");
            let mut second = host.config(&["sh", "-c", &links]);
            if users {
                own_users(&mut second);
            }
            set(&mut second, json!({"sysctl": {}}));
            // In a user namespace of its own, a network of another's is what it may still have.
            let joined: Vec<_> =
                kinds.iter().filter(|(kind, ..)| !users || *kind == LinuxNamespaceType::Network).collect();
            for (kind, name, file) in &joined {
                namespace(&mut second, *kind, name, Some(format!("/proc/{}/ns/{file}", handle.pid())));
            }
            if !users {
                // The host name is the other's.
                let mut spec = serde_json::to_value(&second.spec).unwrap();
                spec.as_object_mut().unwrap().remove("hostname");
                second.spec = serde_json::from_value(spec).unwrap();
            }
            let (other, _) = start(&second).await.unwrap();
            assert_eq!(other.exited().await.unwrap().code, 0);
            let said: Vec<String> =
                crate::harness::records(&second.log).into_iter().map(|record| record.line).collect();
            for ((kind, _, file), line) in kinds.iter().zip(&said) {
                let path = format!("/proc/{}/ns/{file}", handle.pid());
                let same = fs_err::read_link(path).unwrap().to_str() == Some(line.trim_end());
                assert_eq!(same, joined.iter().any(|(joined, ..)| joined == kind), "{file}, users: {users}: {said:?}");
            }
        }
        stop(handle).await;
    });
}

/// Without a pid namespace whose end is that of all in it.
#[test]
fn what_is_left_in_a_shared_pid_namespace_ends_with_the_container() {
    let host = Host::new();
    let mut config = host.config(&["sh", "-c", "sleep 1000 > /dev/null 2>&1 & echo $!"]);
    share(&mut config, LinuxNamespaceType::Pid);
    let pid: i32 = run(&config).text().parse().unwrap();
    // Its shim, which kills what is left, has ended before `exited` returns.
    let command = fs_err::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    assert!(!command.contains("sleep"), "{command}");
}

#[test]
fn a_directory_is_taken_as_it_is() {
    let host = Host::new();
    let root = host.directory.path().join("root");
    for directory in ["", "bin", "lib", "lib64", "usr", "etc", "dev", "proc", "sys", "theirs"] {
        fs_err::create_dir_all(root.join(directory)).unwrap();
        std::os::unix::fs::chown(root.join(directory), Some(FIRST), Some(FIRST)).unwrap();
    }
    std::os::unix::fs::chown(root.join("theirs"), Some(0), Some(0)).unwrap();
    let mut config = host.config(&["/bin/sh", "-c", "stat -c %u /etc /theirs; echo x > /made"]);
    config.rootfs = rcompose::runtime::Rootfs::Directory(root.clone());
    for directory in ["bin", "lib", "lib64", "usr"] {
        let source = format!("/{directory}");
        mount(
            &mut config,
            json!({"destination": source, "type": "bind", "source": source, "options": ["rbind", "rro"]}),
        );
    }
    own_users(&mut config);
    assert_eq!(run(&config).text(), "0\n65534");
    assert_eq!(fs_err::metadata(root.join("made")).unwrap().uid(), FIRST);
}

#[test]
fn clocks_of_its_own() {
    let host = Host::new();
    let with_users = if maps_layers(&host) { &[false, true][..] } else { &[false] };
    let script = "cut -d. -f1 /proc/uptime; readlink /proc/self/ns/time; readlink /proc/self/ns/time_for_children; cat /proc/self/timens_offsets";
    let before = fs_err::read_link("/proc/self/ns/time").unwrap();
    for &users in with_users {
        let outcome = host.sh_with(script, |config| {
            namespace(config, LinuxNamespaceType::Time, "time", None);
            if users {
                own_users(config);
            }
            set(
                config,
                json!({"timeOffsets": {"boottime": {"secs": 1_000_000_000}, "monotonic": {"secs": 5, "nanosecs": 7}}}),
            );
        });
        let lines: Vec<_> = outcome.text().lines().collect();
        assert!(lines[0].parse::<u64>().unwrap() >= 1_000_000_000, "{outcome:?}");
        assert!(lines[1] == lines[2] && lines[1] != before.to_str().unwrap(), "{outcome:?}");
        let offsets: Vec<_> = lines[3..].iter().flat_map(|line| line.split_whitespace()).collect();
        assert_eq!(offsets, ["monotonic", "5", "7", "boottime", "1000000000", "0"]);
    }
    // Without offsets, simply another one.
    let outcome = host.sh_with("readlink /proc/self/ns/time", |config| {
        namespace(config, LinuxNamespaceType::Time, "time", None);
    });
    assert_ne!(outcome.text(), before.to_str().unwrap());
}

#[test]
fn an_exec_has_the_containers_clocks() {
    let host = Host::new();
    let mut config = host.config(&["sleep", "100"]);
    namespace(&mut config, LinuxNamespaceType::Time, "time", None);
    set(&mut config, json!({"timeOffsets": {"boottime": {"secs": 1_000_000_000}}}));
    block_on(async {
        let (handle, _) = start(&config).await.unwrap();
        let mut process = config.spec.process().clone().unwrap();
        process.set_args(Some(["cut", "-d.", "-f1", "/proc/uptime"].map(str::to_owned).to_vec()));
        let options = ExecOptions { process, ..ExecOptions::default() };
        let probe = probe(&config.directory, &options, long(), 4096).await.unwrap();
        let uptime: u64 = String::from_utf8(probe.output).unwrap().trim().parse().unwrap();
        assert!(uptime >= 1_000_000_000);
        stop(handle).await;
    });
}

#[test]
fn a_specification_that_contradicts_itself() {
    let host = Host::new();
    let mut config = host.config(&["true"]);
    namespace(&mut config, LinuxNamespaceType::User, "user", None);
    match try_run(&config) {
        Err(RuntimeError::Spec(error)) => {
            assert_eq!(error.to_string(), "`linux.uidMappings` is not valid: no id is mapped");
        }
        other => panic!("{other:?}"),
    }
}
