//! What images and programs have tried on other runtimes: one test for each kind of attack.

use std::os::unix::fs::symlink;

use rcompose::runtime::Rootfs;
use serde_json::json;

use crate::harness::{Host, failure, mount};

/// CVE-2024-21626: a working directory that is a descriptor of the runtime's.
#[test]
fn a_working_directory_is_no_descriptor() {
    let host = Host::new();
    for number in [3, 5, 7, 8, 9, 10, 64, 65] {
        let mut config = host.config(&["pwd"]);
        config.spec.process_mut().as_mut().unwrap().set_cwd(format!("/proc/self/fd/{number}").into());
        let (code, error) = failure(&config);
        assert_eq!(code, 125);
        assert!(error.starts_with("cannot change to working directory"), "{error}");
    }
}

/// CVE-2019-5736: the runtime's binary as seen from inside is not the file on disk, and cannot be written to.
#[test]
fn the_runtime_cannot_be_overwritten() {
    let host = Host::new();
    // With `init`, PID 1 is our own program for as long as the container lives.
    let outcome = host.sh_with("ls -l /proc/1/exe 2>&1; echo x 2>&1 > /proc/1/exe; dd of=/proc/1/exe if=/dev/zero count=1 2>&1; head -c1 /proc/1/mem 2>&1; true", |config| {
        config.init = true;
    });
    assert_eq!(
        outcome.stdout.matches("ermission denied").count() + outcome.stderr.matches("ermission denied").count(),
        4,
        "{outcome:?}"
    );
}

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

/// CVE-2026-31431: sockets that reach the kernel's crypto or the hypervisor.
#[test]
fn odd_socket_families_are_refused() {
    let host = Host::new();
    let script = "import socket\nfor f in (38, 40):\n try: socket.socket(f, socket.SOCK_SEQPACKET if f == 38 else socket.SOCK_STREAM); print('open')\n except PermissionError: print('refused')";
    let config = host.config(&["python3", "-c", script]);
    assert_eq!(crate::harness::run(&config).text(), "refused\nrefused");
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
