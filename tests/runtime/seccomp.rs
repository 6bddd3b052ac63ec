//! Filters as the kernel applies them: each action, the default profile for 32-bit programs, what an exec gets, agents.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;

use oci_spec::runtime::LinuxSeccomp;
use rcompose::runtime::{Config, Rootfs, Seccomp};
use serde_json::{Value, json};

use crate::agent::agent;
use crate::harness::{Host, Outcome, capabilities, failure, run};

/// Prints the result and the error number of system calls given as `number argument…`.
const CALL: &str = r#"for my $call (@ARGV) { $! = 0; my @c = map { 0 + $_ } split / /, $call; my $r = syscall(shift @c, @c); print "$r ", 0 + $!, "\n" }"#;

fn seccomp(config: &mut Config, seccomp: &Value) {
    let seccomp: LinuxSeccomp = serde_json::from_value(seccomp.clone()).unwrap();
    config.spec.linux_mut().as_mut().unwrap().set_seccomp(Some(seccomp));
    config.seccomp = Seccomp::Specified;
}

/// Everything is allowed but `sched_get_priority_max`, number 146, a call that no program misses.
fn only(action: &str) -> Value {
    let rules = json!([{"names": ["sched_get_priority_max", "not_a_call"], "action": action}]);
    json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules})
}

fn calls(host: &Host, filter: &Value, calls: &[&str]) -> Outcome {
    let mut arguments = vec!["perl", "-e", CALL];
    arguments.extend(calls);
    let mut config = host.config(&arguments);
    seccomp(&mut config, filter);
    run(&config)
}

#[test]
fn every_action() {
    let host = Host::new();
    for (action, errno, expected) in [
        ("SCMP_ACT_ERRNO", None, "-1 1"),
        ("SCMP_ACT_ERRNO", Some(95), "-1 95"),
        ("SCMP_ACT_ALLOW", None, "99 0"),
        ("SCMP_ACT_LOG", None, "99 0"),
        // Without a tracer, the call is not there.
        ("SCMP_ACT_TRACE", Some(7), "-1 38"),
    ] {
        let mut filter = only(action);
        if let Some(errno) = errno {
            filter["syscalls"][0]["errnoRet"] = json!(errno);
        }
        assert_eq!(calls(&host, &filter, &["146 1 0"]).text(), expected, "{action}");
    }
    for action in ["SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP"] {
        let outcome = calls(&host, &only(action), &["39", "146 1 0"]);
        // SIGSYS, by which PID 1 too is killed.
        assert_eq!((outcome.exit.code, outcome.exit.signal), (128 + 31, Some(31)), "{action}: {outcome:?}");
    }
}

#[test]
fn nothing_but_the_program_itself_needs_to_be_allowed() {
    let host = Host::new();
    for no_new_privileges in [true, false] {
        let denied = json!([{
            "names": ["setgroups", "setresuid", "setresgid", "prctl", "chdir", "fchdir", "setrlimit", "sendmsg"],
            "action": "SCMP_ACT_KILL_PROCESS",
        }]);
        let mut config = host.config(&["cat", "/proc/self/status"]);
        seccomp(&mut config, &json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": denied}));
        config.user = Some("33:33".to_owned());
        config.spec.process_mut().as_mut().unwrap().set_no_new_privileges(Some(no_new_privileges));
        let outcome = run(&config);
        assert!(outcome.text().contains("\nSeccomp:\t2\n") && outcome.text().contains("\nUid:\t33\t33\t33\t33\n"));
        assert!(outcome.text().contains("\nCapEff:\t0000000000000000\n"), "{outcome:?}");
    }
}

#[test]
fn arguments_are_compared_in_64_bits() {
    let host = Host::new();
    let args = json!([{"index": 1, "value": 1u64 << 32, "op": "SCMP_CMP_GE"}]);
    let rule = json!({"names": ["sched_get_priority_max"], "action": "SCMP_ACT_ERRNO", "errnoRet": 61, "args": args});
    let filter = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]});
    let outcome = calls(&host, &filter, &["146 1 0", "146 1 4294967296"]);
    assert_eq!(outcome.text(), "99 0\n-1 61");
}

#[test]
fn what_is_younger_than_the_profile_is_not_there() {
    let host = Host::new();
    // A list of what is allowed, with holes: sched_yield is not in it.
    let names: Vec<String> = syscalls::x86_64::Sysno::iter().map(|call| call.name().to_owned()).collect();
    let names: Vec<_> = names.into_iter().filter(|name| name != "sched_yield" && name != "mseal").collect();
    let rules = json!([{"names": names, "action": "SCMP_ACT_ALLOW"}]);
    let filter = json!({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 13, "syscalls": rules});
    assert_eq!(calls(&host, &filter, &["24", "462", "600"]).text(), "-1 13\n-1 13\n-1 38");
}

#[test]
fn the_flags_are_the_kernels() {
    let host = Host::new();
    let mut filter = only("SCMP_ACT_LOG");
    filter["flags"] = json!([
        "SECCOMP_FILTER_FLAG_LOG",
        "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
        "SECCOMP_FILTER_FLAG_TSYNC",
        "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
    ]);
    assert_eq!(calls(&host, &filter, &["146 1 0"]).text(), "99 0");
}

#[test]
fn unconfined_is_without_a_filter() {
    let host = Host::new();
    let outcome = host.sh_with("grep Seccomp: /proc/self/status", |config| config.seccomp = Seccomp::Specified);
    assert_eq!(outcome.text(), "Seccomp:\t0");
}

#[test]
fn a_filter_that_cannot_be_is_refused() {
    let host = Host::new();
    for (action, expected) in [
        ("SCMP_ACT_NOTIFY", "action SCMP_ACT_NOTIFY needs a `listenerPath`"),
        ("SCMP_ACT_KILL", "action SCMP_ACT_KILL cannot return error number 5"),
    ] {
        let mut config = host.config(&["true"]);
        let mut filter = only(action);
        if action == "SCMP_ACT_KILL" {
            filter["syscalls"][0]["errnoRet"] = json!(5);
        }
        seccomp(&mut config, &filter);
        let (code, error) = failure(&config);
        assert!(code == 125 && error.contains(expected), "{error}");
    }
}

/// A 32-bit program that makes a system call with up to three arguments and exits with its error number.
fn program_of_32_bits(number: u16, arguments: [u8; 3]) -> Vec<u8> {
    let mut program = vec![0x7f, b'E', b'L', b'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let base: u32 = 0x0804_8000;
    // Executable, i386, version 1, entry, program headers at 52, none of sections, sizes of headers.
    program.extend([2, 0, 3, 0, 1, 0, 0, 0]);
    program.extend((base + 84).to_le_bytes());
    program.extend([52, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 52, 0, 32, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    let [one, two, three] = arguments;
    let [low, high] = number.to_le_bytes();
    // mov eax, number; mov ebx, one; mov ecx, two; mov edx, three; int 0x80
    let mut code =
        vec![0xb8, low, high, 0, 0, 0xbb, one, 0, 0, 0, 0xb9, two, 0, 0, 0, 0xba, three, 0, 0, 0, 0xcd, 0x80];
    // mov ebx, eax; neg ebx; mov eax, 1 (exit); int 0x80
    code.extend([0x89, 0xc3, 0xf7, 0xdb, 0xb8, 1, 0, 0, 0, 0xcd, 0x80]);
    let size = u32::try_from(84 + code.len()).unwrap();
    // One segment: the whole file, readable and executable.
    for word in [1, 0, base, base, size, size, 5, 0x1000] {
        program.extend(u32::to_le_bytes(word));
    }
    program.extend(code);
    program
}

/// How a 32-bit program ends in a container with Docker's defaults: with the error number of its call.
fn ends(host: &Host, number: u16, arguments: [u8; 3], change: impl FnOnce(&mut Config)) -> i32 {
    let mut config = host.config(&["/probe"]);
    let Rootfs::Overlay { upper, .. } = &config.rootfs else { unreachable!("the harness makes overlays") };
    let path = upper.join("probe");
    fs_err::write(&path, program_of_32_bits(number, arguments)).unwrap();
    fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    change(&mut config);
    run(&config).exit.code
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn programs_of_32_bits_are_filtered_by_their_own_numbers() {
    let host = Host::new();
    if ends(&host, 24, [0; 3], |config| config.seccomp = Seccomp::Specified) == 126 {
        eprintln!("skipped: this kernel runs no 32-bit programs");
        return;
    }
    let (eperm, enosys, einval) = (1, 38, 22);
    for (name, number, arguments, expected) in [
        ("getuid", 24, [0; 3], 0),
        // All its pointers are null, which is looked at only by a call that is allowed.
        ("mount", 21, [0; 3], eperm),
        ("vm86", 166, [0; 3], eperm),
        ("socket AF_ALG", 359, [38, 5, 0], eperm),
        ("clone3", 435, [0; 3], enosys),
        ("socketcall", 102, [99, 0, 0], einval),
        ("number 222", 222, [0; 3], enosys),
    ] {
        assert_eq!(ends(&host, number, arguments, |_| {}), expected, "{name}");
    }
    let sigsys = 128 + 31;
    let native = json!({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"]});
    assert_eq!(ends(&host, 24, [0; 3], |config| seccomp(config, &native)), sigsys);
}

#[test]
fn capabilities_not_there_are_a_warning() {
    let host = Host::new();
    let status = fs_err::read_to_string("/proc/self/status").unwrap();
    let bounding = status.lines().find_map(|line| line.strip_prefix("CapPrm:")).unwrap().trim();
    let has = u64::from_str_radix(bounding, 16).unwrap();
    let outcome = host.sh_with("grep CapEff /proc/self/status | cut -f2", |config| {
        use oci_spec::runtime::Capability::{Chown, SysResource};
        capabilities(config, &[Chown, SysResource]);
    });
    let (resource, chown) = (1 << 24, 1);
    assert_eq!(u64::from_str_radix(outcome.text(), 16).unwrap(), (resource | chown) & has);
    let expected: &[&str] =
        if has & resource == 0 { &["not available on this machine: CAP_SYS_RESOURCE"] } else { &[] };
    assert_eq!(outcome.warnings, expected);
}

#[test]
fn inheritable_and_ambient_capabilities_are_as_specified() {
    let host = Host::new();
    let script = "grep -E 'Cap(Inh|Prm|Eff|Amb)' /proc/self/status | cut -f2";
    let outcome = host.sh_with(script, |config| {
        let one = json!(["CAP_NET_BIND_SERVICE"]);
        let all = json!({"bounding": one, "effective": one, "permitted": one, "inheritable": one, "ambient": one});
        config.spec.process_mut().as_mut().unwrap().set_capabilities(Some(serde_json::from_value(all).unwrap()));
        config.user = Some("1234".to_owned());
    });
    assert_eq!(outcome.text().lines().collect::<Vec<_>>(), ["0000000000000400"; 4]);
}

fn notified(host: &Host, arguments: &[&str], socket: &Path) -> Config {
    let mut config = host.config(arguments);
    let mut filter = only("SCMP_ACT_NOTIFY");
    filter["listenerPath"] = json!(socket);
    filter["listenerMetadata"] = json!("some words");
    filter["flags"] = json!(["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", "SECCOMP_FILTER_FLAG_TSYNC"]);
    seccomp(&mut config, &filter);
    config
}

#[test]
fn an_agent_answers_for_calls() {
    let host = Host::new();
    let socket = host.directory.path().join("agent");
    for init in [false, true] {
        let _ = fs_err::remove_file(&socket);
        let listener = UnixListener::bind(&socket).unwrap();
        let answering = std::thread::spawn(move || agent(&listener));
        let mut config = notified(&host, &["perl", "-e", CALL, "146 1 0"], &socket);
        config.init = init;
        assert_eq!(run(&config).text(), "42 0");
        let told = answering.join().unwrap();
        let pid = &told["pid"];
        assert!(pid.as_i64().is_some_and(|pid| pid > 1), "{told}");
        let expected = json!({
            "ociVersion": "1.0.2", "fds": ["seccompFd"], "pid": pid, "metadata": "some words",
            "state": {
                "ociVersion": "1.0.2", "id": config.id.as_str(), "status": "creating", "pid": pid,
                "bundle": config.directory, "annotations": {},
            },
        });
        assert_eq!(told, expected);
    }
}

#[test]
fn without_its_agent_a_container_does_not_start() {
    let host = Host::new();
    let socket = host.directory.path().join("agent");
    let (code, error) = failure(&notified(&host, &["true"], &socket));
    let expected = format!("cannot connect to the seccomp agent at `{}`", socket.display());
    assert!(code == 125 && error.contains(&expected), "{error}");
}
