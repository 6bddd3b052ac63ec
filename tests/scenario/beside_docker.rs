//! Projects beside a running Docker Engine on one machine: the same names and ports, each on an address of its own.
//!
//! Skipped where `dockerd` is not installed: tests do not put a second engine on anybody's machine.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Background, Sandbox, Stack, eventually, http, patient};

/// How long the engine may take to come up.
const PATIENCE: Duration = Duration::from_secs(60);

/// The engine, on the machine of the sandbox.
struct Engine<'a> {
    sandbox: &'a Sandbox,
    _daemon: Background,
}

/// A program with the sandbox's directories and the test's own search path: engines are seldom installed for the system alone.
fn program(sandbox: &Sandbox, name: &str) -> Command {
    let mut command = Command::new(name);
    sandbox.equip(&mut command);
    command.env("PATH", std::env::var_os("PATH").unwrap());
    command
}

impl<'a> Engine<'a> {
    /// Starts it with all of its state in the sandbox; `None` where there is none.
    fn start(sandbox: &'a Sandbox) -> Option<Self> {
        let is_there = |name| program(sandbox, name).arg("--version").stdout(Stdio::null()).status().is_ok();
        if !["dockerd", "docker", "containerd", "runc"].into_iter().all(is_there) {
            return None;
        }
        // Where nothing was forwarded before, it has what is not its own dropped.
        fs_err::write("/proc/sys/net/ipv4/ip_forward", "0").unwrap();
        // All that it starts ends with it: in namespaces for processes and mounts of its own.
        let mut daemon = program(sandbox, "unshare");
        let at = |name: &str| sandbox.path().join(name).into_os_string().into_string().unwrap();
        daemon.args([
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "dockerd",
            "--storage-driver",
            "vfs",
        ]);
        daemon.args(["--data-root", &at("data"), "--exec-root", &at("exec"), "--pidfile", &at("pid")]);
        daemon.arg("--host").arg(format!("unix://{}", at("docker.sock")));
        let engine = Self { sandbox, _daemon: Background::spawn(daemon) };
        let is_up = || engine.docker(&["version"]).output().unwrap().status.success().then_some(());
        eventually("the engine is up", PATIENCE, is_up);
        Some(engine)
    }

    fn docker(&self, arguments: &[&str]) -> Command {
        let mut docker = program(self.sandbox, "docker");
        docker.env("DOCKER_HOST", format!("unix://{}", self.sandbox.path().join("docker.sock").display()));
        docker.args(arguments);
        docker
    }

    /// An image that holds busybox and a page.
    fn import(&self, image: &str, page: &str) {
        let root = self.sandbox.path().join("image");
        fs_err::create_dir_all(root.join("bin")).unwrap();
        fs_err::copy("/bin/busybox", root.join("bin/busybox")).unwrap();
        fs_err::write(root.join("index.html"), page).unwrap();
        let archive = self.sandbox.path().join("image.tar");
        let mut tar = Command::new("tar");
        tar.arg("-cf").arg(&archive).arg("-C").arg(&root).arg(".");
        self.sandbox.run(tar).succeeds();
        self.sandbox.run(self.docker(&["import", archive.to_str().unwrap(), image])).succeeds();
    }
}

impl Drop for Engine<'_> {
    fn drop(&mut self) {
        // Its rules, its bridge and the directory of its cgroups outlive the daemon.
        let _ = self.docker(&["rm", "-f", "web"]).output();
        let _ = Command::new("nft").arg("delete table ip nat; delete table ip filter").output();
        let _ = Command::new("ip").args(["link", "delete", "docker0"]).output();
        for entry in fs_err::read_dir("/sys/fs/cgroup").unwrap() {
            let _ = fs_err::remove_dir(entry.unwrap().path().join(CGROUP));
        }
        let _ = fs_err::remove_dir(Path::new("/sys/fs/cgroup").join(CGROUP));
    }
}

/// The cgroup of the engine's container.
const CGROUP: &str = "rcompose-beside-docker";

/// What the web server at `address` says.
fn page(address: &str) -> Option<String> {
    let (status, body) = http::request("GET", address.parse::<SocketAddr>().unwrap(), "/").ok()?;
    (status == 200).then_some(body)
}

/// A project whose `web` serves its name at port 8080 of these addresses, and whose `client` can be asked to ask it.
fn project<'a>(sandbox: &'a Sandbox, name: &str, [v4, v6]: [&str; 2]) -> Stack<'a> {
    sandbox.file(&format!("{name}/www/index.html"), name);
    let compose = format!(
        "
services:
  web:
    image: rootfs:/
    init: true
    command: [busybox, httpd, -f, -p, '[::]:80', -h, /srv]
    volumes: ['./www:/srv']
    ports: ['{v4}:8080:80', '[{v6}]:8080:80']
  client: {{image: 'rootfs:/', init: true, command: [sleep, '1000']}}
networks: {{default: {{enable_ipv6: true}}}}
"
    );
    sandbox.stack(name, &compose)
}

#[test]
fn projects_with_equal_ports_run_beside_docker_and_outlast_a_flush() {
    let sandbox = Sandbox::new("beside-docker");
    let Some(engine) = Engine::start(&sandbox) else { return eprintln!("skipped: Docker Engine is not installed") };
    engine.import("web", "docker");
    let parent = format!("--cgroup-parent=/{CGROUP}");
    let run = ["run", "-d", "--name", "web", &parent, "-p", "127.0.0.3:8080:80", "web"];
    let serve = ["/bin/busybox", "httpd", "-f", "-p", "80", "-h", "/"];
    sandbox.run(engine.docker(&[&run[..], &serve].concat())).succeeds();

    for address in ["fd99::1/128", "fd99::2/128"] {
        let mut ip = Command::new("ip");
        ip.args(["address", "add", address, "dev", "lo"]);
        sandbox.run(ip).succeeds();
    }
    let one = project(&sandbox, "one", ["127.0.0.1", "fd99::1"]);
    let two = project(&sandbox, "two", ["127.0.0.2", "fd99::2"]);
    // Docker has `FORWARD` drop what it does not know; the warning says how to tell it.
    let outcome = one.rcompose(&["up", "-d"]).succeeds();
    let (_, remedy) = outcome.stderr.split_once("allow it with ").unwrap_or_else(|| panic!("no remedy: {outcome}"));
    for command in remedy.split('`').filter(|part| part.contains("tables -I ")) {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]);
        sandbox.run(shell).succeeds();
    }
    let outcome = two.rcompose(&["up", "-d"]).succeeds();
    assert!(!outcome.stderr.contains("allow it with"), "{outcome}");

    let addresses = [
        ("127.0.0.1:8080", "one"),
        ("[fd99::1]:8080", "one"),
        ("127.0.0.2:8080", "two"),
        ("[fd99::2]:8080", "two"),
        ("127.0.0.3:8080", "docker"),
    ];
    let all_answer = |addresses: &[(&str, &str)]| {
        let is_right = |(address, name): &(&str, &str)| page(address).as_deref() == Some(*name);
        addresses.iter().all(is_right).then_some(())
    };
    eventually("all five addresses lead to their own", PATIENCE, || all_answer(&addresses));
    for stack in [&one, &two] {
        // By name over the project's bridge, which Docker's rules see too.
        let asked = stack.rcompose(&["exec", "-T", "client", "busybox", "wget", "-qO-", "http://web/"]).succeeds();
        assert_eq!(asked.stdout, stack.file().parent().unwrap().file_name().unwrap().to_str().unwrap());
    }

    // Of Docker's rules, Docker restores none by itself: it is no longer asked.
    let mut nft = Command::new("nft");
    nft.args(["flush", "ruleset"]);
    let flushed = Instant::now();
    sandbox.run(nft).succeeds();
    eventually("ours are back", PATIENCE, || all_answer(&addresses[..4]));
    let took = flushed.elapsed();
    assert!(took < patient(Duration::from_secs(1)), "healed after {took:?}");
}
