//! What programs may do and see.

use std::collections::BTreeMap;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use crate::inspect::{Running, up};
use crate::support::Sandbox;

/// The capabilities of Docker's default set.
const DEFAULT: u64 = 0xa804_25fb;
const CHOWN: u64 = 1;
const NET_ADMIN: u64 = 1 << 12;

/// A set of capabilities: of a process in the container, and of its init on the host.
fn capabilities(web: &Running, set: &str) -> [u64; 2] {
    let inside = web.inside(&format!("grep ^{set}: /proc/self/status | cut -f2"));
    [inside, web.status(set)].map(|text| u64::from_str_radix(&text, 16).unwrap())
}

/// `cap_add`: the capability, and nothing inheritable; the sets of its init.
#[test]
fn cap_add() {
    let web = Running::with("cap_add: [cap_net_admin]");
    for set in ["CapEff", "CapPrm", "CapBnd"] {
        assert_eq!(capabilities(&web, set), [DEFAULT | NET_ADMIN; 2], "{set}");
    }
    for set in ["CapInh", "CapAmb"] {
        assert_eq!(capabilities(&web, set), [0; 2], "{set}");
    }
}

/// `cap_drop`: without the capability, what needs it fails; the sets of its init.
#[test]
fn cap_drop() {
    let web = Running::with("cap_drop: [CHOWN]");
    assert_eq!(capabilities(&web, "CapBnd"), [DEFAULT & !CHOWN; 2]);
    web.run("touch /tmp/x && chown 1 /tmp/x").fails();
    let web = Running::with("cap_drop: [ALL]\ncap_add: [CHOWN]");
    assert_eq!(capabilities(&web, "CapEff"), [CHOWN; 2]);
}

/// The device nodes of a directory and below, by path in it: number, mode and owner.
fn nodes(directory: &Path) -> BTreeMap<PathBuf, [u64; 4]> {
    let mut nodes = BTreeMap::new();
    let is_own = |name: &PathBuf| ["console", "mqueue", "ptmx", "pts", "shm"].iter().any(|own| name == Path::new(own));
    let names = fs_err::read_dir(directory).unwrap().map(|entry| PathBuf::from(entry.unwrap().file_name()));
    for name in names.filter(|name| !is_own(name)) {
        let path = directory.join(&name);
        let metadata = fs_err::symlink_metadata(&path).unwrap();
        let kind = metadata.file_type();
        if kind.is_dir() {
            nodes.extend(self::nodes(&path).into_iter().map(|(path, node)| (name.join(path), node)));
        } else if kind.is_block_device() || kind.is_char_device() {
            let (mode, uid, gid) = (metadata.mode() & 0o777, metadata.uid(), metadata.gid());
            nodes.insert(name, [metadata.rdev(), mode.into(), uid.into(), gid.into()]);
        }
    }
    nodes
}

/// The options of what is mounted at `target`.
fn mount_options(web: &Running, target: &str) -> Vec<String> {
    web.mount(target).split(' ').nth(5).unwrap().split(',').map(str::to_owned).collect()
}

/// `privileged`: it mounts, sets what its namespaces have, divides its cgroup, and opens any device; its init has all
/// capabilities of this test, no filter, every device node of the host, and a `/sys` that is not read-only.
#[test]
fn privileged() {
    let ttl = "/proc/sys/net/ipv4/ip_default_ttl";
    let before = (nodes(Path::new("/dev")), fs_err::read_to_string(ttl).unwrap());
    let web = Running::with("privileged: true");
    web.inside("mount -t tmpfs own /mnt && touch /mnt/file && umount /mnt");
    assert_eq!(web.inside(&format!("echo 77 > {ttl} && cat {ttl}")), "77");
    web.inside("cd /sys/fs/cgroup; test -d pids && cd pids; mkdir part && rmdir part");
    web.inside("mknod /fuse c 10 229 && : <> /fuse");

    let own = fs_err::read_to_string("/proc/self/status").unwrap();
    let bounding = own.lines().find_map(|line| line.strip_prefix("CapBnd:\t")).unwrap();
    let bounding = u64::from_str_radix(bounding, 16).unwrap();
    for set in ["CapEff", "CapPrm", "CapBnd"] {
        assert_eq!(capabilities(&web, set), [bounding; 2], "{set}");
    }
    assert_eq!(capabilities(&web, "CapInh"), [0; 2]);
    assert_eq!([web.status("Seccomp"), web.status("NoNewPrivs")], ["0", "0"]);
    assert_eq!(nodes(Path::new(&format!("/proc/{}/root/dev", web.pid()))), before.0);
    assert!(before.0.len() > 6, "this machine has no device but those of every container: {before:?}");
    for target in ["/sys", "/sys/fs/cgroup"] {
        assert!(mount_options(&web, target).contains(&"rw".to_owned()), "{target}");
    }
    assert!(!web.proc("mountinfo").lines().any(|line| line.contains(" /proc/")), "something is masked");
    if let (directory, false) = web.cgroup_directory("devices") {
        assert_eq!(fs_err::read_to_string(directory.join("devices.list")).unwrap(), "a *:* rwm\n");
    }
    assert_eq!((nodes(Path::new("/dev")), fs_err::read_to_string(ttl).unwrap()), before, "the host is as it was");
}

/// `privileged`: with `cap_drop` and a seccomp profile, all but that; the sets and the filter of its init.
#[test]
fn privileged_but_for_some() {
    let web = Running::with("privileged: true\ncap_drop: [CHOWN]\nsecurity_opt: ['seccomp=builtin']");
    web.run("touch /tmp/x && chown 1 /tmp/x").fails();
    let [inside, outside] = capabilities(&web, "CapEff");
    assert_eq!((inside & (CHOWN | NET_ADMIN), inside), (NET_ADMIN, outside));
    assert_eq!(web.status("Seccomp"), "2");
}

/// `privileged`: with the host's own `/dev` in it, the devices of that; none of which was touched.
#[test]
fn privileged_in_the_devices_of_the_host() {
    let changed = || {
        let time = |path: &str| fs_err::metadata(path).map(|it| (it.ctime(), it.ctime_nsec())).unwrap();
        ["/dev", "/dev/null", "/dev/tty"].map(time)
    };
    let before = changed();
    let web = Running::with("privileged: true\nvolumes: ['/dev:/dev']");
    let device = |path: String| fs_err::metadata(path).unwrap().dev();
    assert_eq!(device(format!("/proc/{}/root/dev/null", web.pid())), device("/dev/null".to_owned()));
    assert_eq!(web.inside("stat -c %t:%T /dev/null"), "1:3");
    assert_eq!(changed(), before);
}

/// `security_opt`: no-new-privileges, the flag of its processes; of its init.
#[test]
fn no_new_privileges() {
    for (option, expected) in
        [("no-new-privileges", "1"), ("no-new-privileges=true", "1"), ("no-new-privileges:false", "0")]
    {
        let web = Running::with(&format!("security_opt: ['{option}']"));
        assert_eq!(web.inside("grep NoNewPrivs /proc/self/status | cut -f2"), expected, "{option}");
        assert_eq!(web.status("NoNewPrivs"), expected, "{option}");
    }
}

/// `security_opt`: seccomp=unconfined, no filter; none of its init.
#[test]
fn seccomp_unconfined() {
    for (option, expected) in [("unconfined", "0"), ("builtin", "2")] {
        let web = Running::with(&format!("security_opt: ['seccomp={option}']"));
        assert_eq!(web.inside("grep Seccomp: /proc/self/status | cut -f2"), expected, "{option}");
        assert_eq!(web.status("Seccomp"), expected, "{option}");
    }
}

fn with_profile(profile: &str) -> (Sandbox, String) {
    let sandbox = Sandbox::new("attributes");
    fs_err::create_dir_all(sandbox.path().join("attributes")).unwrap();
    fs_err::write(sandbox.path().join("attributes/profile.json"), profile).unwrap();
    let compose = "services:\n  web:\n    image: 'rootfs:/'\n    init: true\n    command: [sleep, '1000']\n    \
         security_opt: ['seccomp:profile.json']\n";
    (sandbox, compose.to_owned())
}

/// `security_opt`: seccomp=FILE, what the profile denies fails, in an exec too; the filter of its init.
#[test]
fn seccomp_profile() {
    let (sandbox, compose) = with_profile(
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "archMap": [{"architecture": "SCMP_ARCH_X86_64"}], "syscalls": [
            {"name": "mkdir", "action": "SCMP_ACT_ERRNO", "errnoRet": 95, "includes": {"caps": ["CAP_CHOWN"]}},
            {"names": ["chdir"], "action": "SCMP_ACT_ERRNO", "includes": {"caps": ["CAP_SYS_ADMIN"]}}
        ]}"#,
    );
    let web = Running::of(sandbox, &compose);
    web.run("mkdir /tmp/x").fails().says(&["Operation not supported"]);
    assert_eq!(web.inside("cd /tmp && pwd"), "/tmp");
    assert_eq!(web.status("Seccomp"), "2");
}

#[test]
fn a_profile_with_a_mistake_is_named() {
    let (sandbox, compose) = with_profile(r#"{"defaultAction": "SCMP_ACT_NAP"}"#);
    let stack = sandbox.stack("attributes", &compose);
    stack.rcompose(&["up", "-d"]).fails().says(&["profile.json", "SCMP_ACT_NAP", "line 1"]);
}

/// `security_opt`: systempaths=unconfined, nothing is masked or read-only; the mounts of its init.
#[test]
fn systempaths() {
    let hidden = |web: &Running| web.proc("mountinfo").lines().filter(|line| line.contains(" /proc/")).count();
    let web = Running::with("security_opt: [systempaths=unconfined]");
    assert_eq!((web.inside("grep -c ' /proc/' /proc/self/mountinfo || true"), hidden(&web)), ("0".to_owned(), 0));
    web.inside("test -w /proc/sys/kernel/domainname");
    assert!(hidden(&Running::with("tty: false")) > 5);
}

/// `security_opt`: apparmor=unconfined and label=disable, as without; no profile of its init.
#[test]
fn security_modules_that_stay_away() {
    let web = Running::with("security_opt: [apparmor=unconfined, 'label:disable']");
    assert_eq!(web.inside("echo up"), "up");
    if Path::new("/sys/module/apparmor").exists() {
        assert_eq!(web.proc("attr/current").trim(), "unconfined");
    }
    up("security_opt: ['label=type:x']").fails().says(&["compose.yaml:6:", "label=type:x", "not supported yet"]);
    if fs_err::read_to_string("/sys/module/apparmor/parameters/enabled").is_ok_and(|text| text.starts_with('Y')) {
        // No profile of that name is loaded.
        up("security_opt: [apparmor=none-such]").fails().says(&["confined by `none-such`"]);
    } else {
        let refused = up("security_opt: [apparmor=none-such]").fails();
        refused.says(&["compose.yaml:6:", "apparmor=none-such", "this kernel does not run AppArmor"]);
    }
}

#[test]
fn an_option_that_is_none_is_refused() {
    up("security_opt: [no-privileges]").fails().says(&["compose.yaml:6:20", "no-privileges", "seccomp=builtin"]);
}

/// `user`, `group_add`: the ids of its processes; of its init.
#[test]
fn user_and_groups() {
    let web = Running::with("init: false\nstop_signal: SIGKILL\nuser: '1234:56'\ngroup_add: [tty, '789']");
    assert_eq!(web.inside("id -u; id -g; id -G"), "1234\n56\n56 5 789");
    assert_eq!(web.status("Uid"), "1234\t1234\t1234\t1234");
    assert_eq!(web.status("Groups"), "5 56 789");
    assert_eq!(web.status("CapEff"), "0000000000000000");
}

/// `user`: without one, root; with the groups that root is a member of.
#[test]
fn no_user() {
    assert_eq!(Running::with("init: false").status("Groups"), "0");
}

/// `read_only`: nothing can be written; the root of its init is mounted so.
#[test]
fn read_only() {
    let web = Running::with("read_only: true");
    web.run("touch /here").fails().says(&["Read-only file system"]);
    let mountinfo = web.proc("mountinfo");
    let root = mountinfo.lines().find(|line| line.split(' ').nth(4) == Some("/")).unwrap();
    assert!(root.split(' ').nth(5).unwrap().split(',').any(|option| option == "ro"), "{root}");
}

/// `sysctls`: the setting of its namespace; not that of the host.
#[test]
fn sysctls() {
    let path = "/proc/sys/net/ipv4/ip_default_ttl";
    let of_host = fs_err::read_to_string(path).unwrap();
    let web = Running::with("sysctls: {net.ipv4.ip_default_ttl: 77}");
    assert_eq!(web.inside(&format!("cat {path}")), "77");
    assert_eq!(fs_err::read_to_string(path).unwrap(), of_host);
    up("sysctls: {kernel.panic: 1}").fails().says(&["compose.yaml:6:15", "kernel.panic", "the whole machine"]);
}
