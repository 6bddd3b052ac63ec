//! `runtime`: containers that other programs run, from the same bundle. rcompose is one of them, by its OCI command line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::mount::{MsFlags, mount};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rcompose::runtime::Handle;

use crate::inspect::{Running, up};
use crate::support::{Sandbox, Terminal, eventually};

/// The runtimes of this machine by what a service calls them; our own is there in any case.
fn runtimes() -> Vec<(&'static str, PathBuf)> {
    let mut runtimes = vec![("own", PathBuf::from(env!("CARGO_BIN_EXE_rcompose")))];
    for name in ["runc", "crun"] {
        let path = Path::new("/usr/sbin").join(name);
        let path = if path.exists() { path } else { Path::new("/usr/bin").join(name) };
        if !path.exists() {
            eprintln!("skipped for {name}, which is not installed: apt-get install {name}");
        } else if name == "crun" && !Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
            eprintln!("skipped for crun, which takes a machine with cgroups of version 2 alone");
        } else {
            runtimes.push((name, path));
        }
    }
    runtimes
}

/// A sandbox in which `own` is rcompose by its OCI command line.
fn sandbox(name: &str) -> Sandbox {
    let sandbox = Sandbox::new(name);
    let program = env!("CARGO_BIN_EXE_rcompose");
    sandbox.file("config.toml", &format!("[runtime.own]\npath = \"{program}\"\nargs = [\"oci\"]\n"));
    sandbox
}

fn compose(runtime: &str, keys: &str) -> String {
    format!(
        "services:\n  web:\n    image: rootfs:/\n    command: [sh, -c, 'trap exit TERM; echo up; sleep 1000 & wait']\n    \
         runtime: {runtime}\n{keys}"
    )
}

const LIMITED: &str = "    user: daemon
    hostname: of-web
    pids_limit: 77
    cap_drop: [CHOWN]
    environment: {A: b}
    volumes: [{type: volume, source: data, target: /part, volume: {subpath: a}}]
volumes: {data: {}}
";

/// `runtime`: as with our own, its user, names, network, volumes, limits and filter, in an exec too; its state below the run
/// directory of the container, and what is done with the signals, the end and the output of its init.
#[test]
fn runtime() {
    for (name, path) in runtimes() {
        let sandbox = sandbox("runtime");
        let fill =
            "{image: 'rootfs:/', command: [sh, -c, 'mkdir /all/a; echo part > /all/a/file'], volumes: ['data:/all']}";
        let filling = sandbox.stack("attributes", &format!("services: {{fill: {fill}}}\nvolumes: {{data: {{}}}}\n"));
        filling.rcompose(&["up"]).succeeds();
        filling.rcompose(&["down"]).succeeds();
        drop(filling);
        let web = Running::of(sandbox, &compose(name, LIMITED));
        assert_eq!(web.config()["external"]["path"], path.to_str().unwrap(), "{name}");
        assert!(web.run_directory().join("runtime").is_dir(), "{name}");
        let seen = web.inside("id -un; echo $A; hostname; cat /part/file; cat /proc/1/comm; echo $HOME");
        assert_eq!(seen, "daemon\nb\nof-web\npart\nsh\n/usr/sbin", "{name}");
        assert!(web.inside("cat /sys/class/net/eth0/operstate").contains("up"), "{name}");
        let status = "grep -E '^(Seccomp|CapBnd):' /proc/self/status";
        assert_eq!(web.inside(status), web.inside(&status.replace("self", "1")), "{name}");
        assert_eq!(
            (web.status("Seccomp").as_str(), web.status("CapBnd").as_str()),
            ("2", "00000000a80425fa"),
            "{name}"
        );
        assert_eq!(web.cgroup("pids", "pids.max", "pids.max"), "77", "{name}");
        for kind in ["mnt", "net", "pid", "uts", "ipc"] {
            assert!(!web.shares(kind), "{name} {kind}");
        }
        web.run("exit 7").fails_with(7);
        assert_eq!(web.log(), "up\n", "{name}");
        assert_eq!(web.stopped(), 143, "{name}");
        let state = web.run_directory().join("runtime");
        assert!(!state.exists() || fs_err::read_dir(state).unwrap().next().is_none(), "{name}");
    }
}

#[test]
fn a_terminal() {
    for (name, _) in runtimes() {
        let web = Running::of(sandbox("runtime-tty"), &compose(name, "    tty: true\n"));
        eventually("the log", Duration::from_secs(10), || (web.log().trim_end() == "up").then_some(()));
        assert!(fs_err::read_link(format!("/proc/{}/fd/1", web.pid())).unwrap().starts_with("/dev/pts"), "{name}");
        assert_eq!(web.inside("cat /proc/1/comm"), "sh", "{name}");
    }
}

/// A container whose shim is killed is ended through its runtime, which keeps nothing of it; it is started again.
#[test]
fn a_shim_that_is_killed() {
    for (name, _) in runtimes() {
        let web = Running::of(sandbox("runtime-shim"), &compose(name, "    restart: always\n"));
        let status = fs_err::read(web.run_directory().join("status.json")).unwrap();
        let before = web.namespace("pid");
        let status: serde_json::Value = serde_json::from_slice(&status).unwrap();
        let shim = i32::try_from(status["shim"]["pid"].as_i64().unwrap()).unwrap();
        kill(Pid::from_raw(shim), Signal::SIGKILL).unwrap();
        eventually("the next run", Duration::from_secs(20), || web.current("web", "pid").filter(|now| *now != before));
        assert_eq!(web.inside("cat /proc/1/comm"), "sh", "{name}");
    }
}

#[test]
fn pausing_measuring_and_a_process_at_a_terminal() {
    for (name, _) in runtimes() {
        let web = Running::of(sandbox("runtime-pause"), &compose(name, ""));
        let handle = Handle::adopt(&web.run_directory()).unwrap().unwrap();
        assert!(!handle.is_paused().unwrap(), "{name}");
        handle.pause().unwrap();
        handle.pause().unwrap();
        assert!(handle.is_paused().unwrap(), "{name}");
        web.run("true").fails().says(&["paused"]);
        handle.unpause().unwrap();
        handle.unpause().unwrap();
        assert!(!handle.is_paused().unwrap(), "{name}");
        assert!(handle.stats().unwrap().pids.current > 0, "{name}");
        let script = "test -t 0 && echo at-a-$(tty); stty size; exit 3";
        let mut terminal = Terminal::spawn(&web.command(&["exec", "web", "sh", "-c", script]));
        terminal.shows("at-a-/dev/pts/0");
        assert_eq!(terminal.wait().code(), Some(3), "{name}");
    }
}

/// Of a container with `init: true` too, PID 1 is another process than the program, reaps, and ends as that does.
#[test]
fn an_init() {
    for (name, _) in runtimes() {
        let web = Running::of(sandbox("runtime-init"), &compose(name, "    init: true\n"));
        assert_eq!(web.inside("cat /proc/1/comm; (sh -c 'sleep 0.01 &')"), "init", "{name}");
        assert!(web.mount("/dev/init").contains(" ro,"), "{name}");
        let is_reaped = || web.inside("cat /proc/[0-9]*/stat | grep -c ') Z' || true") == "0";
        eventually("the orphan's end", Duration::from_secs(10), || is_reaped().then_some(()));
        assert_eq!(web.stopped(), 143, "{name}");
    }
}

#[test]
fn a_program_that_is_missing() {
    for (name, _) in runtimes() {
        let sandbox = sandbox("runtime-missing");
        let text = compose(name, "").replace("[sh, -c,", "[none-such, -c,");
        let stack = sandbox.stack("attributes", &text);
        stack.rcompose(&["up", "-d"]).fails_with(127).says(&["none-such"]);
        assert_eq!(stack.container("web").state, "exited", "{name}");
    }
}

#[test]
fn an_unknown_runtime_is_found_before_anything_is_made() {
    let outcome =
        up("runtime: none-such").fails().says(&["compose.yaml:6:", "runtime: none-such", "[runtime.none-such]"]);
    assert!(!outcome.stderr.contains("Creating"), "{outcome}");
    let sandbox = Sandbox::new("runtime-config");
    sandbox.file("config.toml", "[runtime.own]\npaht = \"x\"\n");
    let stack = sandbox.stack("attributes", &compose("own", ""));
    stack.rcompose(&["up", "-d"]).fails().says(&["config.toml", "paht"]);
}

#[test]
fn ids_of_its_own_are_for_our_own_runtime() {
    up("runtime: /bin/true\nuserns_mode: auto").fails().says(&["compose.yaml:6:", "userns_mode: auto"]);
}

/// Files that name Docker's default mean a container like any other.
#[test]
fn dockers_default_without_runc() {
    let sandbox = Sandbox::new("runtime-runc");
    for program in ["/usr/sbin/runc", "/usr/bin/runc", "/usr/local/bin/runc"].map(Path::new) {
        if program.exists() {
            mount(Some("/dev/null"), program, None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
        }
    }
    let stack = sandbox.stack("attributes", &compose("io.containerd.runc.v2", ""));
    stack.rcompose(&["up", "-d"]).succeeds().says(&["compose.yaml:5:", "rcompose's own runtime"]);
    drop(stack);
    let web = Running::of(sandbox, &compose("runc", ""));
    assert!(web.config()["external"].is_null());
}
