//! `exec`: what the process is, and whose it is.

use std::io::Read as _;
use std::os::unix::net::UnixListener;

use serde_json::json;

use super::create::receive;
use super::harness::{Lab, Outcome};

fn running() -> Lab {
    let lab = Lab::new("echo up > /tmp/up; exec sleep 1000");
    lab.oci("run --detach ID").text();
    lab.await_file("tmp/up");
    lab
}

/// Ends and reaps a detached process, as a subreaper has to: a zombie keeps the container's pid namespace from ending.
fn reap(lab: &Lab) {
    let pid = fs_err::read_to_string(lab.bundle().join("exec.pid")).unwrap().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty()).unwrap();
}

/// Runs a script in the container, with these flags before its id.
fn sh(lab: &Lab, flags: &str, script: &str) -> Outcome {
    lab.run(lab.command(&format!("exec {flags} ID sh -c")).arg(script))
}

#[test]
fn streams_and_exit_code_are_the_processes() {
    let lab = running();
    let outcome = sh(&lab, "", "echo out; echo err >&2; exit 7");
    assert_eq!((outcome.code, outcome.stdout.as_str(), outcome.stderr.as_str()), (7, "out\n", "err\n"));
    assert_eq!(sh(&lab, "", "kill -KILL $$").code, 137);
}

#[test]
fn it_is_in_the_container() {
    let lab = running();
    assert_eq!(
        sh(&lab, "", "hostname; cat /tmp/up; readlink /proc/1/ns/pid /proc/self/ns/pid | uniq | wc -l").text(),
        "inside\nup\n1"
    );
    let lab = Lab::new("true");
    lab.oci("create ID").text();
    // What has only been created is there too.
    assert_eq!(sh(&lab, "", "hostname").text(), "inside");
}

#[test]
fn flags_change_the_process() {
    let lab = running();
    assert_eq!(sh(&lab, "--cwd /usr", "pwd").text(), "/usr");
    assert_eq!(sh(&lab, "--env A=b --env C=d", "echo $A$C$PATH").text(), "bd/usr/sbin:/usr/bin:/sbin:/bin");
    assert_eq!(sh(&lab, "--user 1000:1001 -g 5 -g 6", "id -u; id -g; id -G").text(), "1000\n1001\n1001 5 6");
    assert_eq!(sh(&lab, "--user 1000", "id -u; id -g").text(), "1000\n0");
    let bits =
        |flags| u64::from_str_radix(sh(&lab, flags, "grep CapBnd /proc/self/status | cut -f2").text(), 16).unwrap();
    // CAP_SYS_CHROOT is 18, CAP_KILL 5 and CAP_NET_BIND_SERVICE 10.
    assert_eq!(bits(""), 1 << 5 | 1 << 10);
    assert_eq!(bits("--cap CAP_SYS_CHROOT"), 1 << 5 | 1 << 10 | 1 << 18);
    assert_eq!(bits("--cap sys_chroot"), 1 << 5 | 1 << 10 | 1 << 18);
    assert_eq!(sh(&lab, "", "grep NoNewPrivs /proc/self/status").text(), "NoNewPrivs:\t0");
    assert_eq!(sh(&lab, "--no-new-privs", "grep NoNewPrivs /proc/self/status").text(), "NoNewPrivs:\t1");
}

#[test]
fn a_cgroup_inside_the_containers() {
    let lab = running();
    let cgroups = lab.cgroups();
    for cgroup in &cgroups {
        fs_err::create_dir_all(cgroup.join("a/b")).unwrap();
        // Without any, with version 1, nobody can be put there.
        for file in ["cpuset.cpus", "cpuset.mems"].into_iter().filter(|file| cgroup.join(file).exists()) {
            let own = fs_err::read_to_string(cgroup.join(file)).unwrap();
            for part in ["a", "a/b"] {
                fs_err::write(cgroup.join(part).join(file), &own).unwrap();
            }
        }
    }
    let places = |flags: &str, end: &str| {
        let outcome = sh(&lab, flags, "cat /proc/self/cgroup");
        outcome.text().lines().filter(|line| line.ends_with(end)).count()
    };
    assert_eq!(places("", ":/a/b"), 0);
    assert_eq!(places("--cgroup a/b", ":/a/b"), cgroups.len());
    assert_eq!(places("--cgroup /a", ":/a"), cgroups.len());
    // `/sys/fs/cgroup/CONTROLLER/rcompose/ID`: with version 2 there is no controller.
    let controller = cgroups[0].iter().nth(4).unwrap().to_str().unwrap();
    if controller != "rcompose" {
        assert_eq!(places(&format!("--cgroup {controller}:a"), ":/a"), 1);
    }
    for (flags, expected) in [
        ("--cgroup ../x", "`../x` leads out of the container's cgroup"),
        ("--cgroup a/../../x", "`a/../../x` leads out of the container's cgroup"),
        ("--cgroup frob:a", "the container has no cgroup of the controller `frob`"),
        ("--cgroup absent", "cannot find cgroup `"),
        ("--cgroup a --cgroup b", "invalid --cgroup argument: a (missing <controller>: prefix)"),
    ] {
        let outcome = sh(&lab, flags, "true");
        assert_eq!(outcome.code, 255, "{outcome:?}");
        assert!(outcome.error().starts_with(&format!("exec failed: {expected}")), "{outcome:?}");
    }
}

#[test]
fn a_process_json() {
    let lab = running();
    let file = lab.bundle().join("process.json");
    let process = json!({"args": ["sh", "-c", "id -u; pwd; echo $X"], "cwd": "/tmp", "user": {"uid": 3, "gid": 4}, "env": ["PATH=/bin", "X=y"]});
    fs_err::write(&file, process.to_string()).unwrap();
    assert_eq!(lab.oci("exec --process process.json ID").text(), "3\n/tmp\ny");
    let process = json!({"args": ["sh", "-c", "id -u"], "cwd": "/", "env": ["PATH=/bin"], "capabilities": {"bounding": ["CAP_X"]}});
    fs_err::write(&file, process.to_string()).unwrap();
    let outcome = lab.oci("exec --process process.json ID");
    assert_eq!(outcome.text(), "0");
    assert!(outcome.stderr.contains("unknown capabilities are ignored: CAP_X"), "{outcome:?}");
    fs_err::write(&file, r#"{"args": ["true"], "cwd": "tmp", "user": {"uid": 0, "gid": 0}}"#).unwrap();
    let outcome = lab.oci("exec --process process.json ID");
    assert_eq!(outcome.code, 255);
    assert_eq!(outcome.error(), "exec failed: `process.json`: `process.cwd` is not an absolute path");
    fs_err::write(&file, r#"{"args": "true"}"#).unwrap();
    assert!(lab.oci("exec --process process.json ID").error().contains("`process.json`: args: invalid type"));
}

#[test]
fn detached_it_falls_to_the_callers_subreaper() {
    let lab = running();
    let outcome = sh(&lab, "--detach --pid-file exec.pid", "echo $PPID > /tmp/parent; exec sleep 1000");
    outcome.text();
    assert_eq!(lab.await_file("tmp/parent"), "0");
    let pid = fs_err::read_to_string(lab.bundle().join("exec.pid")).unwrap();
    let status = fs_err::read_to_string(format!("/proc/{pid}/status")).unwrap();
    assert!(status.contains(&format!("PPid:\t{}\n", std::process::id())), "{status}");
    reap(&lab);
}

#[test]
fn a_terminal_for_someone_else() {
    let lab = running();
    let listener = UnixListener::bind(lab.bundle().join("console.sock")).unwrap();
    sh(&lab, "--detach --pid-file exec.pid --tty --console-socket console.sock", "tty; exit 0").text();
    let mut text = Vec::new();
    // A terminal without a process answers EIO.
    let _ = std::fs::File::from(receive(&listener)).read_to_end(&mut text);
    assert_eq!(String::from_utf8(text).unwrap(), "/dev/pts/0\r\n");
    reap(&lab);
}

#[test]
fn a_terminal_of_the_callers() {
    let lab = running();
    // No terminal of ours makes lines of what it writes.
    assert_eq!(sh(&lab, "--tty", "tty; exit 4").stdout, "/dev/pts/0\n");
}

#[test]
fn descriptors_are_passed_on() {
    let lab = running();
    fs_err::write(lab.bundle().join("three"), "third\n").unwrap();
    for (flags, expected) in [("", "0 1 2"), ("--preserve-fds 1", "0 1 2 3 third")] {
        let inner = lab.command(&format!("exec {flags} ID sh -c"));
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", "exec 3<three; exec \"$@\"", "sh"]).arg(inner.get_program()).args(inner.get_args());
        shell.arg("ls /proc/$$/fd; cat <&3 2>/dev/null; true").current_dir(lab.bundle());
        assert_eq!(lab.run(&mut shell).text().split_whitespace().collect::<Vec<_>>().join(" "), expected, "{flags}");
    }
}

#[test]
fn mistakes_end_with_255() {
    let lab = running();
    for (line, error) in [
        ("exec ID no-such-program", "exec: `no-such-program`: executable file not found in $PATH"),
        ("exec --cwd /no/such ID true", "cannot change to working directory `/no/such`: no such file or directory"),
        ("exec --cap FROB ID true", "unknown capability \"FROB\""),
        ("exec --user nobody-there ID true", "cannot find user `nobody-there` in the container's /etc/passwd"),
        ("exec ID", "process args cannot be empty"),
        (
            "exec --detach --tty ID true",
            "cannot allocate tty if the process is detached without setting console socket",
        ),
    ] {
        let outcome = lab.oci(line);
        assert_eq!((outcome.code, outcome.error()), (255, format!("exec failed: {error}")), "{line}");
    }
    lab.oci("kill ID KILL").text();
    lab.await_status("stopped");
    assert_eq!(lab.oci("exec ID true").error(), "exec failed: cannot exec in a stopped container");
}
