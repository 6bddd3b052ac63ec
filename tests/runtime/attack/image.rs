//! Images that are made to mislead whoever mounts them.

use std::os::unix::fs::symlink;

use rcompose::runtime::Rootfs;
use serde_json::json;

use crate::harness::{Host, failure, mount};

/// CVE-2026-41579 and CVE-2026-47766: an image whose `/dev`, `/proc` or `/sys` leads elsewhere.
#[test]
fn mount_points_of_the_kernel_are_no_symlinks() {
    for name in ["dev", "proc", "sys"] {
        let host = Host::new();
        let mut config = host.config(&["true"]);
        let (outside, root) = (host.directory.path().join("outside"), host.directory.path().join("root"));
        fs_err::create_dir(&outside).unwrap();
        fs_err::create_dir(&root).unwrap();
        symlink(&outside, root.join(name)).unwrap();
        config.rootfs = Rootfs::Directory(root);
        let (_, error) = failure(&config);
        assert!(error.contains(name), "{error}");
        assert_eq!(fs_err::read_dir(&outside).unwrap().count(), 0);
    }
}

/// CVE-2021-30465, CVE-2024-45310: a mount point below a symlink is made inside.
#[test]
fn mount_points_are_made_inside() {
    let host = Host::new();
    let mut config = host.config(&["true"]);
    let outside = host.directory.path().join("outside");
    let volume = host.directory.path().join("volume");
    for directory in [&outside, &volume] {
        fs_err::create_dir(directory).unwrap();
    }
    symlink(&outside, config.directory.join("upper/link")).unwrap();
    symlink("../../../../../../../..", config.directory.join("upper/up")).unwrap();
    mount(&mut config, json!({"destination": "/up/made", "source": volume, "type": "bind", "options": ["bind"]}));
    crate::harness::run(&config).text();
    assert!(config.directory.join("upper/made").is_dir());
    mount(&mut config, json!({"destination": "/link/made", "source": volume, "type": "bind", "options": ["bind"]}));
    // Whether it can be made depends on what is inside at that path: nothing is made outside either way.
    let _ = crate::harness::try_run(&config);
    assert_eq!(fs_err::read_dir(&outside).unwrap().count(), 0);
}

/// CVE-2019-19921, CVE-2025-52881: nothing of ours is over what the kernel says.
#[test]
fn proc_cannot_be_covered_in_part() {
    let host = Host::new();
    for destination in ["/proc/sys/kernel", "/proc/self", "/tmp/../proc/sys"] {
        let mut config = host.config(&["true"]);
        mount(&mut config, json!({"destination": destination, "source": "/tmp", "type": "bind", "options": ["bind"]}));
        let (code, error) = failure(&config);
        assert_eq!(code, 125, "{error}");
        assert!(error.contains("inside /proc") || error.contains("mount point"), "{error}");
    }
}

/// CVE-2025-31133: an image that brings its own `/dev/null` does not choose what masks are made of.
#[test]
fn masks_are_made_of_the_hosts_null_device() {
    let host = Host::new();
    let config = host.config(&["sh", "-c", "stat -c '%t:%T' /proc/timer_list /proc/keys"]);
    fs_err::create_dir(config.directory.join("upper/dev")).unwrap();
    symlink("/proc/sysrq-trigger", config.directory.join("upper/dev/null")).unwrap();
    assert_eq!(crate::harness::run(&config).text(), "1:3\n1:3");
}

/// CVE-2026-47262: files of an image that are made to exhaust memory.
#[test]
fn a_huge_passwd_is_refused() {
    let host = Host::new();
    let config = host.config(&["true"]);
    fs_err::create_dir(config.directory.join("upper/etc")).unwrap();
    let file = fs_err::File::create(config.directory.join("upper/etc/passwd")).unwrap();
    file.set_len(1 << 40).unwrap();
    let (_, error) = failure(&config);
    assert!(error.contains("larger than"), "{error}");
}

/// CVE-2026-41579, CVE-2025-52565: an image without a `/dev` of ours, whose own leads elsewhere, and a terminal.
#[test]
fn a_console_is_made_inside() {
    for link in ["dev", "dev/console", "dev/pts"] {
        let host = Host::new();
        let mut config = host.config(&["true"]);
        let (outside, root) = (host.directory.path().join("outside"), host.directory.path().join("root"));
        fs_err::create_dir(&outside).unwrap();
        fs_err::write(outside.join("console"), "").unwrap();
        fs_err::create_dir_all(root.join(link).parent().unwrap()).unwrap();
        let target = if link == "dev/console" { outside.join("console") } else { outside.clone() };
        symlink(target, root.join(link)).unwrap();
        config.rootfs = Rootfs::Directory(root);
        config.spec.mounts_mut().as_mut().unwrap().retain(|mount| !mount.destination().ends_with("dev"));
        config.spec.process_mut().as_mut().unwrap().set_terminal(Some(true));
        // There is no program in it: it fails in any case.
        failure(&config);
        assert_eq!(fs_err::read_dir(&outside).unwrap().count(), 1, "{link}");
        assert_eq!(fs_err::read(outside.join("console")).unwrap(), b"", "{link}");
    }
}

/// CVE-2025-52881, CVE-2025-62596: settings reach the kernel, whatever is mounted at `/proc`.
#[test]
fn settings_are_not_written_to_what_covers_proc() {
    let host = Host::new();
    let fake = host.directory.path().join("fake");
    fs_err::create_dir_all(fake.join("sys/net/ipv4")).unwrap();
    fs_err::create_dir_all(fake.join("self")).unwrap();
    let files = ["sys/net/ipv4/ip_unprivileged_port_start", "self/oom_score_adj"].map(|name| fake.join(name));
    files.iter().for_each(|file| fs_err::write(file, "").unwrap());
    let bind = "import socket; socket.socket().bind(('127.0.0.1', 80)); print('bound')";
    let mut config = host.config(&["python3", "-c", bind]);
    config.user = Some("1234".to_owned());
    config.spec.process_mut().as_mut().unwrap().set_oom_score_adj(Some(500));
    let mounts = config.spec.mounts_mut().as_mut().unwrap();
    mounts.retain(|mount| !mount.destination().ends_with("proc"));
    mount(&mut config, json!({"destination": "/proc", "source": fake, "type": "bind", "options": ["bind"]}));
    let linux = config.spec.linux_mut().as_mut().unwrap();
    linux.set_masked_paths(None).set_readonly_paths(None);
    assert_eq!(crate::harness::run(&config).text(), "bound");
    files.iter().for_each(|file| assert_eq!(fs_err::read(file).unwrap(), b""));
}

/// CVE-2026-47262: lists of users and groups that no system has.
#[test]
fn odd_lists_of_users_are_read_for_what_they_say() {
    let lists: [&[u8]; 5] = [
        b"",
        b":::::::\n\n\n:",
        b"\0\0\0\xff\xfe\nroot",
        b"daemon:x:99999999999999999999:1::/:\ndaemon:x:-1:1::/:\n",
        &[b':'; 1 << 20],
    ];
    for list in lists {
        let host = Host::new();
        let mut config = host.config(&["id", "-u"]);
        fs_err::create_dir(config.directory.join("upper/etc")).unwrap();
        for file in ["passwd", "group"] {
            fs_err::write(config.directory.join("upper/etc").join(file), list).unwrap();
        }
        config.user = Some("1234".to_owned());
        assert_eq!(crate::harness::run(&config).text(), "1234");
        config.user = Some("daemon".to_owned());
        assert!(failure(&config).1.contains("cannot find user `daemon`"));
    }
}

/// GHSA-6fw5-f8r9-fgfm, GHSA-jq35-85cj-fj4p: counters that tell what others compute.
#[test]
fn counters_of_the_machine_are_hidden() {
    let host = Host::new();
    let script = "cat /proc/interrupts | wc -c; ls /sys/devices/virtual/powercap 2>/dev/null | wc -l; \
                  ls /sys/devices/system/cpu/cpu*/thermal_throttle 2>/dev/null | grep -vc '^/\\|^$'; true";
    assert_eq!(host.sh(script).text(), "0\n0\n0");
}

/// A block device in an image: it is there, and cannot be opened.
#[test]
fn a_device_of_an_image_does_not_open() {
    let host = Host::new();
    let config = host.config(&["sh", "-c", "test -b /disk && head -c 1 /disk"]);
    let status = rustix::fs::stat("/").unwrap();
    let node = config.directory.join("upper/disk");
    rustix::fs::mknodat(rustix::fs::CWD, &node, rustix::fs::FileType::BlockDevice, 0o666.into(), status.st_dev)
        .unwrap();
    let outcome = crate::harness::run(&config);
    assert_ne!(outcome.exit.code, 0, "{outcome:?}");
    assert!(outcome.stderr.contains("not permitted") || outcome.stderr.contains("ermission denied"), "{outcome:?}");
}
