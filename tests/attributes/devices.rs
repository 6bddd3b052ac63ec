//! Devices of the host, by path and by the names of the Container Device Interface.

use std::os::unix::fs::{MetadataExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::mount::{MsFlags, mount};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::Pid;

use crate::inspect::{Running, up};
use crate::support::{Sandbox, eventually};

/// `/dev/fuse`: no container has it unasked, and to open it does nothing.
const FUSE: (u64, u64) = (10, 229);

/// A device node in the sandbox, with owners of its own.
fn device(sandbox: &Sandbox, name: &str) -> PathBuf {
    let path = sandbox.path().join(name);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    mknod(&path, SFlag::S_IFCHR, Mode::empty(), makedev(FUSE.0, FUSE.1)).unwrap();
    chown(&path, Some(7), Some(8)).unwrap();
    std::process::Command::new("chmod").arg("0640").arg(&path).status().unwrap();
    path
}

fn compose(keys: &str) -> String {
    format!("services:\n  web:\n    image: rootfs:/\n    command: [sleep, '1000']\n    {keys}\n")
}

/// `devices`: a node with the number, mode and owner of the host's, links followed, directories with all they hold; the same
/// through `/proc/PID/root`.
#[test]
fn devices() {
    let sandbox = Sandbox::new("devices");
    let one = device(&sandbox, "all/deep/one");
    sandbox.file("all/note", "no device");
    symlink(&one, sandbox.path().join("link")).unwrap();
    let directory = sandbox.path().display().to_string();
    let keys = format!(
        "devices: ['{directory}/link:/dev/linked', {{source: '{directory}/all', target: /dev/all, permissions: rw}}]"
    );
    let web = Running::of(sandbox, &compose(&keys));
    let seen = web.inside("stat -c '%t %T %a %u %g' /dev/linked /dev/all/deep/one; ls /dev/all; : <> /dev/linked");
    assert_eq!(seen, "a e5 640 7 8\na e5 640 7 8\ndeep");
    let node = fs_err::metadata(format!("/proc/{}/root/dev/linked", web.pid())).unwrap();
    assert_eq!((node.rdev(), node.mode() & 0o777), (makedev(FUSE.0, FUSE.1), 0o640));
}

/// `devices`: what may be done with it is what is allowed, even to root and a node of its own; `config.json`.
#[test]
fn access() {
    let web = Running::with("devices: ['/dev/fuse:/dev/fuse:r']");
    web.inside(": < /dev/fuse");
    web.run(": <> /dev/fuse").fails().says(&["Operation not permitted"]);
    let rules = web.config()["spec"]["linux"]["resources"]["devices"].clone();
    assert_eq!(rules.as_array().unwrap().last().unwrap()["access"], "r");
    let plain = Running::with("hostname: plain");
    plain.run("mknod /fuse c 10 229 && : <> /fuse").fails();
}

#[test]
fn a_device_that_is_missing_is_found_before_anything_is_made() {
    let outcome = up("devices: [/dev/none]").fails().says(&["no device at /dev/none: it does not exist", "hint:"]);
    assert!(!outcome.stderr.contains("Creating"), "{outcome}");
    up("devices: [/etc/hosts]").fails().says(&["no device at /etc/hosts: it is not a device"]);
    up("devices: [/etc/cron.d]").fails().says(&["no device at /etc/cron.d: it holds no device"]);
    up("devices: [fuse]").fails().says(&["compose.yaml:6:", "vendor.com/class=name"]);
}

/// A device that is gone when its container is to be started again keeps that one from running, and no other.
#[test]
fn a_device_that_vanishes() {
    let sandbox = Sandbox::new("vanish");
    let path = device(&sandbox, "one");
    let keys = format!("devices: ['{}']\n    restart: always", path.display());
    let other = "  other:\n    image: rootfs:/\n    command: [sleep, '2000']\n";
    let web = Running::of(sandbox, &format!("{}{other}", compose(&keys)));
    let before = web.pid_of("other");
    fs_err::remove_file(&path).unwrap();
    kill(Pid::from_raw(web.pid()), Signal::SIGKILL).unwrap();
    eventually("the end of the container", Duration::from_secs(10), || {
        (!Path::new(&format!("/proc/{}/ns", web.pid())).exists() || web.cmdline(web.pid()).is_empty()).then_some(())
    });
    // Until its supervisor has noticed, it has only exited.
    eventually("an attempt to start it again", Duration::from_secs(10), || {
        let ps = web.rcompose(&["ps", "-a"]).succeeds().stdout;
        ps.lines().any(|line| line.contains("web-1") && line.contains("Restarting")).then_some(())
    });
    assert_eq!(web.pid_of("other"), before);
    assert_eq!(web.cmdline(before), "sleep\x002000\x00");
}

/// A sandbox whose `/run/cdi` is its own, with the files of two vendors.
fn vendors(name: &str) -> Sandbox {
    let sandbox = Sandbox::new(name);
    mount(Some("run"), "/run", Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
    fs_err::create_dir("/run/cdi").unwrap();
    let host = device(&sandbox, "gpu0").display().to_string();
    let library = sandbox.file("library", "of the vendor").display().to_string();
    let yaml = format!(
        "cdiVersion: '0.8.0'
kind: nvidia.com/gpu
containerEdits:
  env: [DRIVER=1]
  additionalGids: [4242]
  mounts:
    - {{hostPath: '{library}', containerPath: /opt/vendor/library, options: [ro, nosuid, nodev, bind]}}
devices:
  - name: '0'
    containerEdits: {{env: [GPU=0], deviceNodes: [{{path: /dev/gpu0, hostPath: '{host}', permissions: rw}}]}}
  - name: all
    containerEdits: {{env: [GPU=all], deviceNodes: [{{path: /dev/gpu0, hostPath: '{host}'}}]}}
"
    );
    fs_err::write("/run/cdi/nvidia.yaml", yaml).unwrap();
    let json = r#"{"cdiVersion": "0.6.0", "kind": "example.com/net", "devices": [
        {"name": "a", "containerEdits": {"env": ["NET=a"]}}]}"#;
    fs_err::write("/run/cdi/example.json", json).unwrap();
    sandbox
}

/// `devices: vendor.com/class=name`: the variables, nodes, files and groups of the vendor; its groups and `config.json`.
#[test]
fn by_name() {
    let web = Running::of(vendors("cdi"), &compose("devices: ['nvidia.com/gpu=0', 'example.com/net=a']"));
    let environment = web.inside("tr '\\0' '\\n' < /proc/1/environ");
    for variable in ["DRIVER=1", "GPU=0", "NET=a"] {
        assert!(environment.lines().any(|line| line == variable), "{environment}");
    }
    assert_eq!(web.inside("stat -c '%t %T' /dev/gpu0; cat /opt/vendor/library"), "a e5\nof the vendor");
    assert!(web.mount("/opt/vendor/library").contains(" ro,nosuid,nodev"));
    assert!(web.status("Groups").split_whitespace().any(|group| group == "4242"), "{}", web.status("Groups"));
    assert!(web.config()["spec"]["process"]["env"].as_array().unwrap().iter().any(|it| it == "GPU=0"));
}

/// Hooks as of one device `v.com/x=a`, which run these scripts, with their name in `$0` and a file of the sandbox in `$LOG`.
fn hooks(sandbox: &Sandbox, scripts: &[(&str, &str)]) -> PathBuf {
    let log = sandbox.path().join("hooks.log");
    let hooks = scripts.iter().map(|(name, script)| {
        serde_json::json!({
            "hookName": name, "path": "/bin/sh", "args": [name, "-c", script, name], "timeout": 60,
            "env": [format!("LOG={}", log.display()), "PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
        })
    });
    let edits = serde_json::json!({"hooks": hooks.collect::<Vec<_>>()});
    let spec = serde_json::json!({
        "cdiVersion": "0.8.0", "kind": "v.com/x", "devices": [{"name": "a", "containerEdits": edits}],
    });
    fs_err::write("/run/cdi/hooks.json", spec.to_string()).unwrap();
    log
}

/// `gpus`: the devices of the vendor that this machine has, and in its root what the vendor's hooks make there;
/// `/proc/PID/environ`, and on the host what each hook was told, from before its start to after its end.
#[test]
fn gpus() {
    let tell = "echo $(sed -E 's/.*\"status\":\"([a-z]*)\".*/\\1/') $0 >> $LOG";
    // As vendors do it: the root is where the configuration in the bundle says.
    let link = format!(
        "state=$(cat); bundle=$(echo \"$state\" | sed -E 's/.*\"bundle\":\"([^\"]*)\".*/\\1/'); \
         root=$(grep -oE '\"root\":\\{{[^}}]*' $bundle/config.json | sed -E 's/.*\"path\":\"([^\"]*)\".*/\\1/'); \
         ln -s /dev/gpu0 $root/driver; echo \"$state\" | {tell}"
    );
    for keys in ["gpus: all", "gpus: all\n    init: true"] {
        let sandbox = vendors("gpus");
        let log = hooks(
            &sandbox,
            &[
                ("prestart", tell),
                ("createRuntime", tell),
                ("createContainer", &link),
                ("startContainer", "id -u > /of-hook; cat > /dev/null"),
                ("poststart", tell),
                ("poststop", tell),
            ],
        );
        let web = Running::of(sandbox, &compose(&format!("{keys}\n    devices: ['v.com/x=a']")));
        assert!(web.proc("environ").split('\0').any(|variable| variable == "GPU=all") || keys.contains("init"));
        assert_eq!(web.inside("stat -c %t:%T /dev/gpu0; readlink /driver; cat /of-hook"), "a:e5\n/dev/gpu0\n0");
        let started = "created prestart\ncreated createRuntime\ncreated createContainer\nrunning poststart\n";
        assert_eq!(fs_err::read_to_string(&log).unwrap(), started);
        web.rcompose(&["down", "-t", "1"]).succeeds();
        assert_eq!(fs_err::read_to_string(&log).unwrap(), format!("{started}stopped poststop\n"));
    }
}

/// A hook that fails keeps the container from running, with what it said.
#[test]
fn hooks_that_fail() {
    let sandbox = vendors("hooks");
    for point in ["prestart", "createRuntime", "createContainer", "startContainer", "poststart"] {
        let log = hooks(&sandbox, &[(point, "echo no driver; exit 3"), ("poststop", "echo $0 >> $LOG")]);
        let stack = sandbox.stack("hooks", &compose("devices: ['v.com/x=a']"));
        let texts = [point, "/bin/sh", "exit status: 3", "no driver"];
        stack.rcompose(&["up", "-d"]).fails().says(&texts);
        stack.rcompose(&["down", "-t", "1"]).succeeds();
        assert_eq!(fs_err::read_to_string(&log).unwrap(), "poststop\n", "{point}");
        fs_err::remove_file(log).unwrap();
    }
    let spec = "{cdiVersion: '0.8.0', kind: v.com/x, devices: [{name: a, containerEdits: {hooks: [{hookName: x, path: /x}]}}]}";
    fs_err::remove_file("/run/cdi/hooks.json").unwrap();
    fs_err::write("/run/cdi/hooks.yaml", spec).unwrap();
    let stack = sandbox.stack("hooks", &compose("devices: ['v.com/x=a']"));
    stack.rcompose(&["up", "-d"]).fails().says(&["/cdi/hooks.yaml is not a CDI specification", "createContainer"]);
}

/// `deploy.resources.reservations.devices`: the devices of the driver by id; `/proc/PID/environ`.
#[test]
fn reserved_devices() {
    let reserved = "[{driver: nvidia, device_ids: ['0'], capabilities: [gpu]}]";
    let web = Running::of(
        vendors("reserved"),
        &compose(&format!("deploy: {{resources: {{reservations: {{devices: {reserved}}}}}}}")),
    );
    assert!(web.proc("environ").split('\0').any(|variable| variable == "GPU=0"));
    assert_eq!(web.inside("stat -c %t:%T /dev/gpu0"), "a:e5");
}

#[test]
fn names_that_nobody_knows() {
    let sandbox = vendors("unknown");
    for (keys, text) in [
        ("devices: ['nvidia.com/gpu=7']", "no CDI specification of this machine describes `nvidia.com/gpu=7`"),
        ("gpus: [{driver: amd, count: 1}]", "1 devices of `amd.com/gpu` are asked for, and this machine has 0"),
        ("gpus: [{driver: amd}]", "no CDI specification of this machine describes `amd.com/gpu`"),
    ] {
        let stack = sandbox.stack("unknown", &compose(keys));
        stack.rcompose(&["up", "-d"]).fails().says(&[text]);
    }
    for (field, edits) in
        [("netDevices", "netDevices: [{hostInterfaceName: eth9, name: eth9}]"), ("intelRdt", "intelRdt: {closID: x}")]
    {
        let text = format!("cdiVersion: '1.1.0'\nkind: v.com/x\ndevices: [{{name: a, containerEdits: {{{edits}}}}}]\n");
        fs_err::write("/run/cdi/further.yaml", text).unwrap();
        let stack = sandbox.stack("unknown", &compose("devices: ['v.com/x=a']"));
        stack.rcompose(&["up", "-d"]).fails().says(&["`v.com/x=a`", field, "not supported yet"]);
    }
    fs_err::remove_file("/run/cdi/further.yaml").unwrap();
    fs_err::write("/run/cdi/broken.yaml", "kind: [").unwrap();
    let stack = sandbox.stack("unknown", &compose("gpus: all"));
    stack.rcompose(&["up", "-d"]).fails().says(&["/cdi/broken.yaml is not a CDI specification"]);
}
