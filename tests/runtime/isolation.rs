//! What a program in a container can see and do.

use std::path::Path;

use oci_spec::runtime::{Capability, LinuxNamespaceType};
use serde_json::json;

use crate::harness::{Host, capabilities, mount, share};

#[test]
fn a_program_is_alone() {
    let host = Host::new();
    let outcome = host.sh("echo $$; hostname; ls /proc | grep -c '^[0-9]'; tail -n +3 /proc/net/dev | cut -d: -f1; readlink /proc/self/cwd");
    // The shell, ls and grep.
    assert_eq!(outcome.text().split_whitespace().collect::<Vec<_>>(), ["1", "inside", "3", "lo", "/"]);
}

#[test]
fn namespaces_not_asked_for_are_the_hosts() {
    let host = Host::new();
    let outcome = host.sh_with("readlink /proc/self/ns/net; readlink /proc/self/ns/uts", |config| {
        share(config, LinuxNamespaceType::Network);
        config.spec.linux_mut().as_mut().unwrap().set_sysctl(None);
    });
    let links: Vec<_> = outcome.text().lines().collect();
    assert_eq!(links[0], fs_err::read_link("/proc/thread-self/ns/net").unwrap().to_string_lossy());
    assert_ne!(links[1], fs_err::read_link("/proc/thread-self/ns/uts").unwrap().to_string_lossy());
}

#[test]
fn rights_are_dockers() {
    let host = Host::new();
    let outcome = host.sh("grep -E '^(Cap|Seccomp:|NoNewPrivs)' /proc/self/status");
    let fields: Vec<_> = outcome.text().lines().map(|line| line.split_whitespace().nth(1).unwrap()).collect();
    // Inheritable, permitted, effective, bounding, ambient; no_new_privs; seccomp in filter mode.
    let defaults = "00000000a80425fb";
    let none = "0000000000000000";
    assert_eq!(fields, [none, defaults, defaults, defaults, none, "0", "2"]);
}

#[test]
fn a_user_has_no_capabilities() {
    let host = Host::new();
    let outcome = host.sh_with(
        "id -u; id -g; grep -E 'Cap(Prm|Eff|Inh|Amb)' /proc/self/status | cut -f2; echo $HOME; echo x > /dev/stdout",
        |config| {
            config.user = Some("1234:5".to_owned());
        },
    );
    let none = "0000000000000000";
    assert_eq!(outcome.text().split_whitespace().collect::<Vec<_>>(), ["1234", "5", none, none, none, none, "/", "x"]);
}

#[test]
fn nor_has_the_init_of_a_user() {
    let host = Host::new();
    let outcome = host.sh_with("grep -E '^(Uid|Cap(Prm|Eff|Inh|Amb))' /proc/1/status | cut -f2 | sort -u", |config| {
        config.user = Some("1234".to_owned());
        config.init = true;
    });
    assert_eq!(outcome.text(), "0000000000000000\n1234");
}

#[test]
fn a_named_user_has_its_groups_and_home() {
    let host = Host::new();
    let outcome = host.sh_with("id -u; id -G; echo $HOME", |config| {
        config.user = Some("daemon".to_owned());
        config.group_add = vec!["tty".to_owned(), "4242".to_owned()];
    });
    assert_eq!(outcome.text(), "1\n1 5 4242\n/usr/sbin");
}

#[test]
fn system_calls_are_filtered() {
    let host = Host::new();
    let script = "mount -t tmpfs x /mnt 2>&1; unshare -n true 2>&1; echo $?";
    let outcome = host.sh(script);
    assert!(outcome.text().ends_with('1') && outcome.text().contains("permi"), "{outcome:?}");
    // The capability alone brings them back.
    let outcome = host.sh_with("mount -t tmpfs x /mnt && unshare -n true && echo ok", |config| {
        capabilities(config, &[Capability::SysAdmin]);
    });
    assert_eq!(outcome.text(), "ok");
}

#[test]
fn paths_are_masked_or_read_only() {
    let host = Host::new();
    let outcome = host.sh("cat /proc/kcore /proc/timer_list /proc/keys | wc -c; ls /sys/firmware | wc -l; ls /proc/scsi /proc/acpi 2>/dev/null | grep -v : | wc -l");
    assert_eq!(outcome.text().split_whitespace().collect::<Vec<_>>(), ["0", "0", "0"]);
    let cgroup = ["/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/devices/cgroup.procs"];
    let cgroup = cgroup.into_iter().find(|path| Path::new(path).exists()).unwrap();
    for path in ["/proc/sys/kernel/domainname", "/proc/sysrq-trigger", "/sys/kernel/profiling", cgroup] {
        let outcome = host.sh(&format!("echo 0 > {path}"));
        assert_ne!(outcome.exit.code, 0, "{path}: {outcome:?}");
    }
}

#[test]
fn only_the_standard_streams_are_open() {
    let host = Host::new();
    // 3 is ls's own.
    assert_eq!(host.sh("ls /proc/self/fd").text(), "0\n1\n2\n3");
}

#[test]
fn devices_are_the_harmless_ones() {
    let host = Host::new();
    let outcome =
        host.sh("ls /dev | tr '\\n' ' '; head -c 3 /dev/zero | wc -c; echo x > /dev/null; readlink /dev/ptmx");
    assert_eq!(
        outcome.text(),
        "core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero 3\npts/ptmx"
    );
    // CAP_MKNOD is there, but what is made does not open.
    let outcome =
        host.sh("mknod /tmp/disk b 254 0; mknod /tmp/null c 1 3 && echo x > /tmp/null && echo ok; head -c 1 /tmp/disk");
    assert_ne!(outcome.exit.code, 0, "{outcome:?}");
    assert_eq!(outcome.stdout, "ok\n");
    assert!(outcome.stderr.contains("permitted"), "{outcome:?}");
}

#[test]
fn hidden_directories_are_empty() {
    let host = Host::new();
    let directory = host.directory.path().to_owned();
    assert_eq!(host.sh(&format!("ls -A {} | wc -l", directory.display())).text(), "0");
}

#[test]
fn changes_stay_in_the_upper_layer() {
    let host = Host::new();
    let config = host.config(&["sh", "-c", "echo changed > /etc/hostname; mkdir /made"]);
    let before = fs_err::read_to_string("/etc/hostname").unwrap_or_default();
    crate::harness::run(&config).text();
    assert_eq!(fs_err::read_to_string("/etc/hostname").unwrap_or_default(), before);
    assert!(config.directory.join("upper/made").is_dir());
    // The same layer again: the mark of a volatile layer does not keep it from being used.
    let again = crate::harness::run(&config);
    assert_eq!(again.exit.code, 1, "mkdir finds its directory: {again:?}");
}

#[test]
fn nothing_is_mounted_on_the_host() {
    let host = Host::new();
    let mounts = || fs_err::read_to_string("/proc/self/mountinfo").unwrap();
    let before = mounts();
    host.sh("true").text();
    assert_eq!(mounts(), before);
}

#[test]
fn volumes() {
    let host = Host::new();
    let volume = host.directory.path().join("volume");
    fs_err::create_dir(&volume).unwrap();
    fs_err::write(volume.join("file"), "content").unwrap();
    let script = "cat /new/place/file /made/file; echo; echo more > /new/place/other; echo x > /made/file; df -k /t | tail -1 | cut -d' ' -f1; stat -c %a /t";
    let outcome = host.sh_with(script, |config| {
        mount(config, json!({"destination": "/new/place", "source": volume, "type": "bind", "options": ["rbind"]}));
        mount(config, json!({"destination": "/made/file", "source": volume.join("file"), "type": "bind", "options": ["bind", "ro"]}));
        mount(config, json!({"destination": "/t", "type": "tmpfs", "options": ["size=1m", "mode=1750"]}));
    });
    assert_eq!(outcome.text(), "contentcontent\nnone\n1750");
    assert!(outcome.stderr.contains("ead-only"), "{outcome:?}");
    assert_eq!(fs_err::read_to_string(volume.join("other")).unwrap(), "more\n");
}

#[test]
fn a_root_can_be_read_only() {
    let host = Host::new();
    let outcome = host.sh_with("touch /x; echo y > /dev/shm/y && cat /dev/shm/y", |config| {
        config.spec.set_root(Some(serde_json::from_value(json!({"path": "", "readonly": true})).unwrap()));
    });
    assert_eq!(outcome.text(), "y");
    assert!(outcome.stderr.contains("ead-only"), "{outcome:?}");
}

#[test]
fn sysctls_are_the_containers_own() {
    let host = Host::new();
    let outcome = host.sh("cat /proc/sys/net/ipv4/ip_unprivileged_port_start");
    assert_eq!(outcome.text(), "0");
    assert_ne!(fs_err::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap(), "0\n");
}

#[test]
fn limits() {
    let host = Host::new();
    let outcome = host.sh_with(
        "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null; ulimit -n; cut -d: -f3 /proc/self/cgroup | sort -u; true",
        |config| {
            let resources = json!({"memory": {"limit": 67_108_864}, "pids": {"limit": 20}, "cpu": {"quota": 50_000, "period": 100_000}});
            config.spec.linux_mut().as_mut().unwrap().set_resources(Some(serde_json::from_value(resources).unwrap()));
            let rlimits = json!([{"type": "RLIMIT_NOFILE", "soft": 99, "hard": 100}]);
            config.spec.process_mut().as_mut().unwrap().set_rlimits(serde_json::from_value(rlimits).unwrap());
        },
    );
    let lines: Vec<_> = outcome.text().lines().collect();
    assert_eq!(lines[..3], ["67108864", "20", "99"], "{outcome:?}");
    assert!(lines[3..].contains(&"/"), "its cgroup is the root of its namespace: {outcome:?}");
}

#[test]
fn a_limit_beyond_the_hosts_is_lowered_and_told() {
    let host = Host::new();
    let outcome = host.sh_with("ulimit -n", |config| {
        let rlimits = json!([{"type": "RLIMIT_NOFILE", "soft": 1_u64 << 32, "hard": 1_u64 << 32}]);
        config.spec.process_mut().as_mut().unwrap().set_rlimits(serde_json::from_value(rlimits).unwrap());
    });
    // Even who may raise it, may not beyond what the kernel can count.
    assert_eq!(outcome.warnings.len(), 1, "{outcome:?}");
    assert!(outcome.warnings[0].contains("RLIMIT_NOFILE"), "{outcome:?}");
}

#[test]
fn memory_beyond_the_limit_is_reported() {
    let host = Host::new();
    let outcome = host.sh_with("exec tail -n 1 /dev/zero", |config| {
        let resources = json!({"memory": {"limit": 20_000_000, "swap": 20_000_000}});
        config.spec.linux_mut().as_mut().unwrap().set_resources(Some(serde_json::from_value(resources).unwrap()));
    });
    assert_eq!((outcome.exit.code, outcome.exit.oom), (137, true), "{outcome:?}");
}
