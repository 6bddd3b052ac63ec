//! The options of mounts, one by one: what is mounted as seen from inside, and where it matters from outside.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::mount::MsFlags;
use oci_spec::runtime::Capability;
use rcompose::runtime::Config;
use serde_json::{Value, json};

use crate::harness::{Host, capabilities, failure, mount};

/// A directory with a file system of its own, and another one at `below`: with the kernel's attributes, not the host's.
fn tree(host: &Host) -> PathBuf {
    let tree = host.directory.path().join("tree");
    for directory in [tree.clone(), tree.join("below")] {
        fs_err::create_dir_all(&directory).unwrap();
        nix::mount::mount(Some("tmpfs"), &directory, Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
    }
    tree
}

fn bind(config: &mut Config, source: &Path, options: &[&str]) {
    mount(config, json!({"destination": "/t", "type": "bind", "source": source, "options": options}));
}

fn set_linux(config: &mut Config, name: &str, value: Value) {
    let mut spec = serde_json::to_value(&config.spec).unwrap();
    spec["linux"][name] = value;
    config.spec = serde_json::from_value(spec).unwrap();
}

/// The attributes of the two mounts, as `/proc/self/mountinfo` has them.
const ATTRIBUTES: &str = "grep -E ' /t(/below)? ' /proc/self/mountinfo | cut -d' ' -f5,6";

#[test]
fn attributes_of_one_mount_or_of_all() {
    let host = Host::new();
    let tree = tree(&host);
    for (option, top, below) in [
        ("ro", "ro,relatime", "rw,relatime"),
        ("rro", "ro,relatime", "ro,relatime"),
        ("nosuid", "rw,nosuid,relatime", "rw,relatime"),
        ("rnosuid", "rw,nosuid,relatime", "rw,nosuid,relatime"),
        ("rnodev", "rw,nodev,relatime", "rw,nodev,relatime"),
        ("rnoexec", "rw,noexec,relatime", "rw,noexec,relatime"),
        ("rnodiratime", "rw,nodiratime,relatime", "rw,nodiratime,relatime"),
        ("noatime", "rw,noatime", "rw,relatime"),
        ("rnoatime", "rw,noatime", "rw,noatime"),
        ("rstrictatime", "rw", "rw"),
        ("rnosymfollow", "rw,relatime,nosymfollow", "rw,relatime,nosymfollow"),
    ] {
        let outcome = host.sh_with(ATTRIBUTES, |config| bind(config, &tree, &["rbind", option]));
        assert_eq!(outcome.text(), format!("/t {top}\n/t/below {below}"), "{option}");
    }
    // All read-only but the one.
    let outcome = host.sh_with(ATTRIBUTES, |config| bind(config, &tree, &["rbind", "rro", "rw"]));
    assert_eq!(outcome.text(), "/t rw,relatime\n/t/below ro,relatime");
    // Not recursive: what is mounted below is not there.
    let outcome = host.sh_with(ATTRIBUTES, |config| bind(config, &tree, &["bind", "rro", "sync"]));
    assert_eq!(outcome.text(), "/t ro,relatime");
}

#[test]
fn propagation() {
    let host = Host::new();
    let tree = tree(&host);
    let none = None::<&str>;
    nix::mount::mount(Some(&tree), &tree, none, MsFlags::MS_BIND | MsFlags::MS_REC, none).unwrap();
    nix::mount::mount(none, &tree, none, MsFlags::MS_SHARED | MsFlags::MS_REC, none).unwrap();
    // The optional fields of the two mounts.
    let script = "grep -E ' /t(/below)? ' /proc/self/mountinfo | sed 's/ - .*//; s/:[0-9]*/:/g' | cut -d' ' -f5,7-";
    for (options, top, below) in [
        (["rbind", "rprivate"], "", ""),
        (["rbind", "rslave"], " master:", " master:"),
        (["rbind", "rshared"], " shared:", " shared:"),
        (["rbind", "private"], "", " master:"),
        (["rbind", "runbindable"], " unbindable", " unbindable"),
    ] {
        let outcome = host.sh_with(script, |config| bind(config, &tree, &options));
        let lines: Vec<String> = outcome.text().lines().map(|line| line.replace("0:", "")).collect();
        let slaved = |line: &str| line.contains("shared") && line.contains("master");
        // A shared copy in a namespace that is a slave of ours is both.
        let expected = [format!("/t{top}"), format!("/t/below{below}")];
        for (line, expected) in lines.iter().zip(&expected) {
            assert!(
                line.trim_end() == expected || expected.contains("shared") && slaved(line),
                "{options:?}: {lines:?}"
            );
        }
        assert_eq!(lines.len(), 2);
    }
}

#[test]
fn what_is_mounted_below_a_shared_bind_is_mounted_on_the_host() {
    let host = Host::new();
    let tree = tree(&host);
    let none = None::<&str>;
    nix::mount::mount(Some(&tree), &tree, none, MsFlags::MS_BIND | MsFlags::MS_REC, none).unwrap();
    nix::mount::mount(none, &tree, none, MsFlags::MS_SHARED | MsFlags::MS_REC, none).unwrap();
    let config = |options: &[&str]| {
        let mut config =
            host.config(&["sh", "-c", "mkdir -p /t/new && mount -t tmpfs inner /t/new && touch /t/new/made"]);
        capabilities(&mut config, &[Capability::SysAdmin]);
        bind(&mut config, &tree, options);
        config
    };
    crate::harness::run(&config(&["rbind", "rslave"])).text();
    assert!(!tree.join("new/made").exists());
    crate::harness::run(&config(&["rbind", "rshared"])).text();
    assert!(tree.join("new/made").exists());
}

#[test]
fn propagation_of_the_root() {
    let host = Host::new();
    let script = "grep ' / / ' /proc/self/mountinfo | sed 's/ - .*//; s/:[0-9]*//g' | cut -d' ' -f7";
    for (value, expected) in
        [("private", ""), ("shared", "shared"), ("rshared", "shared"), ("unbindable", "unbindable")]
    {
        let outcome = host.sh_with(script, |config| set_linux(config, "rootfsPropagation", json!(value)));
        assert_eq!(outcome.text(), expected, "{value}");
    }
}

#[test]
fn a_new_file_system_has_its_options() {
    let host = Host::new();
    let script =
        "grep ' /t ' /proc/self/mountinfo | sed 's/.*tmpfs //'; grep ' /t ' /proc/self/mountinfo | cut -d' ' -f6";
    let options =
        ["size=1m", "nr_inodes=10", "sync", "dirsync", "lazytime", "iversion", "silent", "noexec", "strictatime"];
    let outcome = host.sh_with(script, |config| {
        mount(config, json!({"destination": "/t", "type": "tmpfs", "source": "mine", "options": options}));
    });
    let lines: Vec<_> = outcome.text().lines().collect();
    assert_eq!(lines[1], "rw,noexec", "{outcome:?}");
    for part in ["mine", "sync", "dirsync", "lazytime", "size=1024k", "nr_inodes=10"] {
        assert!(lines[0].contains(part), "{part}: {outcome:?}");
    }
}

#[test]
fn a_tmpfs_is_as_open_as_what_it_covers() {
    let host = Host::new();
    let config = host.config(&["stat", "-c", "%a", "/t", "/new", "/given"]);
    let mut config = config;
    fs_err::create_dir(config.directory.join("upper/t")).unwrap();
    fs_err::set_permissions(config.directory.join("upper/t"), std::fs::Permissions::from_mode(0o751)).unwrap();
    mount(&mut config, json!({"destination": "/t", "type": "tmpfs"}));
    mount(&mut config, json!({"destination": "/new", "type": "tmpfs"}));
    mount(&mut config, json!({"destination": "/given", "type": "tmpfs", "options": ["mode=700"]}));
    assert_eq!(crate::harness::run(&config).text(), "751\n1777\n700");
}

#[test]
fn a_tmpfs_that_begins_with_a_copy() {
    let host = Host::new();
    let script = "cat /t/a/file; stat -c '%a %u' /t/a/file; readlink /t/link; echo x > /t/a/file; touch /t/new";
    let mut config = host.config(&["sh", "-c", script]);
    let covered = config.directory.join("upper/t");
    fs_err::create_dir_all(covered.join("a")).unwrap();
    fs_err::write(covered.join("a/file"), "content\n").unwrap();
    std::os::unix::fs::chown(covered.join("a/file"), Some(1234), None).unwrap();
    std::os::unix::fs::symlink("/etc", covered.join("link")).unwrap();
    mount(&mut config, json!({"destination": "/t", "type": "tmpfs", "options": ["tmpcopyup", "ro", "rw"]}));
    assert_eq!(crate::harness::run(&config).text(), "content\n644 1234\n/etc");
    assert_eq!(fs_err::read_to_string(covered.join("a/file")).unwrap(), "content\n");
    assert!(!covered.join("new").exists());
    // Read-only once the copy is made.
    let mut config = host.config(&["sh", "-c", "ls /t; touch /t/x"]);
    fs_err::create_dir_all(config.directory.join("upper/t/a")).unwrap();
    mount(&mut config, json!({"destination": "/t", "type": "tmpfs", "options": ["tmpcopyup", "ro"]}));
    let outcome = crate::harness::run(&config);
    assert!(outcome.exit.code == 1 && outcome.stdout == "a\n" && outcome.stderr.contains("ead-only"), "{outcome:?}");
}

#[test]
fn what_is_mounted_can_be_changed() {
    let host = Host::new();
    let tree = tree(&host);
    let outcome = host.sh_with(ATTRIBUTES, |config| {
        bind(config, &tree, &["rbind", "nosuid"]);
        bind(config, &tree, &["bind", "remount", "ro"]);
    });
    assert_eq!(outcome.text(), "/t ro,nosuid,relatime\n/t/below rw,relatime");
    let outcome = host.sh_with("df -k /t | tail -n 1 | awk '{print $2}'", |config| {
        mount(config, json!({"destination": "/t", "type": "tmpfs", "source": "t", "options": ["size=1m"]}));
        mount(config, json!({"destination": "/t", "type": "tmpfs", "source": "t", "options": ["remount", "size=2m"]}));
    });
    assert_eq!(outcome.text(), "2048");
}

#[test]
fn a_file_system_cannot_be_told_by_a_bind() {
    let host = Host::new();
    let mut config = host.config(&["true"]);
    bind(&mut config, Path::new("/tmp"), &["bind", "size=1m"]);
    assert_eq!(failure(&config).1, "cannot mount on `/t`: unknown option `size`");
}

#[test]
fn destinations_are_taken_from_the_root_and_in_order() {
    let host = Host::new();
    let tree = tree(&host);
    fs_err::write(tree.join("file"), "x").unwrap();
    let outcome = host.sh_with("ls /relative /up; ls -A /covered", |config| {
        for destination in ["relative", "../../up", "/covered/under"] {
            mount(config, json!({"destination": destination, "type": "bind", "source": tree, "options": ["bind"]}));
        }
        // Later, hence above.
        mount(config, json!({"destination": "/covered", "type": "tmpfs"}));
    });
    assert_eq!(outcome.text(), "/relative:\nbelow\nfile\n\n/up:\nbelow\nfile");
}

#[test]
fn devices() {
    let host = Host::new();
    let script = "stat -c '%F %t:%T %a %u:%g' /dev/mine /dev/sub/pipe /dev/null; echo x > /dev/mine";
    let outcome = host.sh_with(script, |config| {
        let devices = json!([
            {"path": "/dev/mine", "type": "u", "major": 1, "minor": 3, "fileMode": 0o640, "uid": 7, "gid": 8},
            {"path": "/dev/sub/pipe", "type": "p", "fileMode": 0o622},
            {"path": "/dev/null", "type": "c", "major": 1, "minor": 3, "fileMode": 0o666},
        ]);
        set_linux(config, "devices", devices);
    });
    let expected = "character special file 1:3 640 7:8\nfifo 0:0 622 0:0\ncharacter special file 1:3 666 0:0";
    assert_eq!(outcome.text(), expected);
    let mut config = host.config(&["true"]);
    set_linux(&mut config, "devices", json!([{"path": "/dev/null", "type": "c", "major": 1, "minor": 5}]));
    assert_eq!(failure(&config).1, "cannot make device `/dev/null`: something else is there");
}

#[test]
fn a_file_system_on_a_device_is_mounted_by_its_source() {
    let host = Host::new();
    // Without such a device, the error of the kernel tells that it got as far as looking for it.
    let mut config = host.config(&["true"]);
    let options = ["ro"];
    mount(&mut config, json!({"destination": "/t", "type": "ext4", "source": "/dev/no-such-disk", "options": options}));
    let (_, error) = failure(&config);
    assert!(error.starts_with("cannot mount on `t`") && error.contains("No such file"), "{error}");
}

#[test]
fn a_terminal_takes_a_devpts() {
    let host = Host::new();
    let mut config = host.config(&["true"]);
    config.spec.process_mut().as_mut().unwrap().set_terminal(Some(true));
    let mounts = config.spec.mounts_mut().as_mut().unwrap();
    mounts.retain(|mount| mount.destination() != Path::new("/dev/pts"));
    assert_eq!(failure(&config).1, "cannot open a terminal: no devpts is mounted at /dev/pts");
}
