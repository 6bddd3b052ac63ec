//! A command of a build: what it is, what it may do, how its end is told.

use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::sync::Mutex;

use rcompose::build::run::{Attach, Attached, Cancel, Network, RunError, Security, Ulimit};
use rcompose::runtime::RuntimeError;

use crate::harness::{Machine, tree};

#[test]
fn what_it_is() {
    let machine = Machine::new();
    let outcome = machine.sh_with(
        "echo $$ $(hostname) $PWD; id -u; grep CapEff /proc/self/status | cut -f2; grep Seccomp: /proc/self/status \
         | cut -f2; cat /dev/stdin | wc -c; env | grep -v ^_ | sort | tr '\\n' ' '",
        |run| {
            run.cwd = "/new/directory".into();
            run.env.push("GREETING=hello  world".to_owned());
        },
    );
    let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let expected = format!(
        "1 buildkitsandbox /new/directory\n0\n00000000a80425fb\n2\n0\nGREETING=hello  world HOME=/root {path} \
         PWD=/new/directory "
    );
    assert_eq!(outcome.text(), expected);
}

#[test]
fn what_it_may_not_do() {
    let machine = Machine::new();
    let script = "cat /proc/interrupts | wc -c; ls /proc/acpi /sys/firmware 2>/dev/null | grep -vc :; \
                  echo 1 > /proc/sys/kernel/hostname; mkdir -p /x; mount -t tmpfs x /x; mknod /x/sda b 8 0 && cat /x/sda";
    let outcome = machine.sh(script);
    assert!(matches!(outcome.result, Err(RunError::Exit { code: 1 })), "{outcome:?}");
    assert_eq!(outcome.stdout[0], "0");
    let errors = outcome.stderr.join("\n");
    for expected in ["/proc/sys/kernel/hostname: Read-only", "mount: ", "Operation not permitted"] {
        assert!(errors.contains(expected), "{expected}: {errors}");
    }
}

#[test]
fn what_it_may_do_when_nothing_is_secured() {
    let machine = Machine::new();
    let script = "grep CapEff /proc/self/status | cut -f2; grep Seccomp: /proc/self/status | cut -f2; \
                  mkdir /x && mount -t tmpfs x /x && echo mounted";
    let outcome = machine.sh_with(script, |run| run.security = Security::Insecure);
    let text = outcome.text();
    let (capabilities, rest) = text.split_once('\n').unwrap();
    // All that there are here.
    assert!(u64::from_str_radix(capabilities, 16).unwrap().count_ones() > 30, "{capabilities}");
    assert_eq!(rest, "0\nmounted");
}

#[test]
fn as_whom() {
    let machine = Machine::new();
    for (user, expected) in [
        ("", "0:0 groups 0 /root"),
        ("nobody", "65534:65534 groups 65534 /nonexistent"),
        ("1234", "1234:0 groups 0 /"),
        ("1234:5678", "1234:5678 groups 5678 /"),
        ("daemon:adm", "1:4 groups 4 /usr/sbin"),
    ] {
        let script = "echo $(id -u):$(id -g) groups $(id -G) $HOME; echo x > /dev/stderr";
        let outcome = machine.sh_with(script, |run| user.clone_into(&mut run.user));
        assert_eq!(outcome.text(), expected, "{user}");
    }
    let error = machine.sh_with("true", |run| "nosuchuser".clone_into(&mut run.user)).error();
    assert!(error.to_string().contains("nosuchuser"), "{error}");
}

#[test]
fn supplementary_groups() {
    let machine = Machine::new();
    let mut workspace = machine.workspace();
    let script = "echo me:x:2000:2000::/home/me:/bin/sh >> /etc/passwd; echo crew:x:3000:me >> /etc/group";
    machine.run(&machine.request(script), &mut workspace).text();
    let mut request = machine.request("id -G; echo $HOME; whoami");
    "me".clone_into(&mut request.user);
    assert_eq!(machine.run(&request, &mut workspace).text(), "2000 3000\n/home/me\nme");
}

#[test]
fn lines_of_both_streams() {
    let machine = Machine::new();
    let script = "echo one; echo two >&2; printf '\\377\\nno end'; head -c 200000 /dev/zero | tr '\\0' x >&2";
    let outcome = machine.sh(script);
    assert_eq!(outcome.text(), "one\n\u{fffd}\nno end");
    assert_eq!(outcome.stderr[0], "two");
    assert_eq!(outcome.stderr[1..].iter().map(String::len).sum::<usize>(), 200_000);
}

#[test]
fn how_it_ends() {
    let machine = Machine::new();
    assert!(matches!(machine.sh("exit 3").error(), RunError::Exit { code: 3 }));
    // Of a pid namespace of its own, only the first process counts.
    assert_eq!(machine.sh("sleep 1000 & echo done").text(), "done");
    for (args, expected) in [("/nonexistent", 127), ("/etc/passwd", 126)] {
        let outcome = machine.sh_with("", |run| run.args = vec![args.to_owned()]);
        match outcome.error() {
            RunError::Runtime(RuntimeError::Container { code, error }) => {
                assert_eq!(code, expected, "{error}");
                assert!(error.contains(args), "{error}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_signal_ends_it() {
    let machine = Machine::new();
    // The first process of a namespace gets no signal from inside, but from the kernel.
    let script = "import ctypes; print('now', flush=True); ctypes.string_at(0)";
    let outcome = machine.sh_with("", |run| run.args = ["python3", "-c", script].map(str::to_owned).to_vec());
    assert!(matches!(outcome.result, Err(RunError::Signal { signal: 11 })), "{outcome:?}");
}

#[test]
fn memory_runs_out() {
    let machine = Machine::new();
    let script = "echo begin; python3 -c 'x = bytearray(200 << 20)'";
    let outcome = machine.sh_with(script, |run| run.limits.memory = Some(32 << 20));
    assert!(matches!(outcome.result, Err(RunError::OutOfMemory { code: 137 })), "{outcome:?}");
}

#[test]
fn limits() {
    let machine = Machine::new();
    let outcome =
        machine.sh_with("ulimit -Sn; ulimit -Hn; df -k /dev/shm | tail -1 | awk '{print $2}'; cat /etc/hosts", |run| {
            run.limits.ulimits = vec![Ulimit { name: "nofile".to_owned(), soft: 100, hard: 200 }];
            run.limits.shm_size = Some(1 << 20);
            run.extra_hosts = vec![("database".to_owned(), IpAddr::from([10, 1, 2, 3]))];
            run.hostname = Some("builder".to_owned());
        });
    let text = outcome.text();
    assert!(text.starts_with("100\n200\n1024\n127.0.0.1\tlocalhost\n"), "{text}");
    assert!(text.ends_with("10.1.2.3\tdatabase"), "{text}");
    let unknown = vec![Ulimit { name: "none".to_owned(), soft: 1, hard: 1 }];
    let error = machine.sh_with("", |run| run.limits.ulimits = unknown).error();
    assert_eq!(error.to_string(), "unknown limit `none`");
}

#[test]
fn no_network_but_the_loopback() {
    let machine = Machine::new();
    let script = "ls /sys/class/net; cat /sys/class/net/lo/flags; cat /proc/sys/net/ipv4/ip_unprivileged_port_start";
    assert_eq!(machine.sh(script).text(), "lo\n0x9\n0");
}

#[test]
fn the_network_of_the_host() {
    let machine = Machine::new();
    let own = fs_err::read_link("/proc/thread-self/ns/net").unwrap();
    let outcome =
        machine.sh_with("readlink /proc/self/ns/net; cat /etc/resolv.conf", |run| run.network = Network::Host);
    let resolv_conf = fs_err::read_to_string("/etc/resolv.conf").unwrap_or_default();
    assert_eq!(outcome.text(), format!("{}\n{}", own.display(), resolv_conf.trim_end()).trim_end());
}

/// A network that only remembers.
#[derive(Default)]
struct Remembering(Mutex<Vec<String>>);

/// What is attached.
struct Held(std::sync::Arc<Mutex<bool>>);

impl Drop for Held {
    fn drop(&mut self) {
        *self.0.lock().unwrap() = true;
    }
}

impl Attach for Remembering {
    fn resolv_conf(&self) -> io::Result<String> {
        Ok("nameserver 192.0.2.1\n".to_owned())
    }

    fn attach(&self, pid: i32, warn: &mut dyn FnMut(&str)) -> io::Result<Attached> {
        warn("it leads nowhere");
        let netns = fs_err::read_link(format!("/proc/{pid}/ns/net"))?;
        self.0.lock().unwrap().push(netns.display().to_string());
        Ok(Box::new(Held(std::sync::Arc::default())))
    }
}

#[test]
fn a_network_that_is_attached() {
    let machine = Machine::new();
    let network = Remembering::default();
    let mut request = machine.request("readlink /proc/self/ns/net; cat /etc/resolv.conf");
    request.network = Network::Own(&network);
    let outcome = machine.run(&request, &mut machine.workspace());
    let seen = network.0.into_inner().unwrap();
    assert_eq!(outcome.text(), format!("{}\nnameserver 192.0.2.1", seen[0]));
    assert_eq!(outcome.stderr, ["warning: it leads nowhere"]);
    assert_ne!(seen[0], fs_err::read_link("/proc/thread-self/ns/net").unwrap().display().to_string());
}

#[test]
fn the_word_to_stop() {
    let machine = Machine::new();
    let cancel = Cancel::new().unwrap();
    let request = machine.request("trap '' TERM INT; (sleep 1000) & echo ready; while true; do sleep 1000; done");
    let outcome = machine.run_until(&request, &mut machine.workspace(), &cancel, |line| {
        assert_eq!(line, "ready");
        cancel.cancel();
    });
    assert!(matches!(outcome.result, Err(RunError::Cancelled)), "{outcome:?}");
    // One that was said before is heeded too.
    let outcome = machine.run_until(&request, &mut machine.workspace(), &cancel, |_| {});
    assert!(matches!(outcome.result, Err(RunError::Cancelled)), "{outcome:?}");
}

#[test]
fn the_process_between_is_killed() {
    let machine = Machine::new();
    let cancel = Cancel::new().unwrap();
    let request = machine.request("echo ready; sleep 1000");
    let outcome = machine.run_until(&request, &mut machine.workspace(), &cancel, |_| {
        let id = crate::harness::names(&machine.path("run")).remove(0);
        let of_it = |entry: &std::path::Path| {
            let command = fs_err::read_to_string(entry.join("cmdline")).unwrap_or_default();
            command.contains("__transient") && command.contains(&id[..12])
        };
        let pid = fs_err::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path()).find(|entry| of_it(entry));
        let pid = pid.unwrap().file_name().unwrap().to_str().unwrap().parse().unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
    });
    assert!(matches!(outcome.result, Err(RunError::Runtime(RuntimeError::ShimGone))), "{outcome:?}");
    // Its cgroup has nobody left to remove it.
    crate::harness::wait_for(|| machine.remove_cgroups());
}

#[test]
fn what_it_changes_is_in_the_layer_and_nothing_else() {
    let machine = Machine::new();
    let bare = machine.path("images/bare");
    fs_err::create_dir_all(bare.join("etc")).unwrap();
    let before = bare.join("etc").metadata().unwrap().modified().unwrap();
    let layers = ["/".into(), bare.clone()];
    let mut workspace = machine.workspace_over(&layers);
    let script = "rm /etc/hosts; echo x > /made; mkdir -p /a/b; rm -f /usr/bin/yes; echo $? > /a/b/c";
    machine.run(&machine.request(script), &mut workspace).text();
    let sealed = machine.seal(workspace);
    assert_eq!(tree(&sealed.directory), ["a", "a/b", "a/b/c", "made", "usr", "usr/bin", "usr/bin/yes"]);
    assert_eq!(bare.join("etc").metadata().unwrap().modified().unwrap(), before);
}

#[test]
fn places_to_mount_at_leave_no_trace() {
    let machine = Machine::new();
    // Of no program: what is run is bound into it.
    let base = machine.path("base");
    fs_err::create_dir_all(base.join("etc")).unwrap();
    fs_err::create_dir_all(base.join("data/real")).unwrap();
    std::os::unix::fs::symlink("data/real", base.join("link")).unwrap();
    let mut workspace = machine.workspace_over(std::slice::from_ref(&base));
    let mut request =
        machine.request("ls -d /etc/hosts /etc/resolv.conf /link/deep/tmp /data/real/deep /proc/1 /dev/null");
    for program in ["/usr", "/bin", "/lib", "/lib64"] {
        request.mounts.push(crate::mounts::bind(program, "/", program, false));
    }
    request.mounts.push(rcompose::build::run::Mount::Tmpfs { target: "/link/deep/tmp".into(), size: None });
    let outcome = machine.run(&request, &mut workspace);
    assert_eq!(outcome.text().lines().count(), 6);
    let sealed = machine.seal(workspace);
    // These every image has that a program was run in.
    assert_eq!(tree(&sealed.directory), ["dev", "proc", "sys"]);
    assert_eq!(tree(&base), ["data", "data/real", "etc", "link"]);
}

#[test]
fn over_the_root_of_the_machine_that_has_the_store() {
    let machine = Machine::below_root();
    let mut workspace = machine.workspace();
    let script = format!(
        "ls {} | wc -l; echo changed > /made; rm /etc/passwd; ln /made /again",
        machine.directory.path().display()
    );
    assert_eq!(machine.run(&machine.request(&script), &mut workspace).text(), "0");
    let sealed = machine.seal(workspace);
    assert_eq!(tree(&sealed.directory), ["again", "etc", "etc/passwd", "made"]);
    assert_eq!(sealed.size, 8);
    let mut next = machine.workspace_over(&["/".into(), sealed.directory]);
    let text = machine.run(&machine.request("cat /again; ls /etc/passwd || true"), &mut next).text();
    assert_eq!(text, "changed");
    assert!(next.root().as_fd().try_clone_to_owned().is_ok());
}
