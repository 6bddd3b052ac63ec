//! What a process is given: each field of `process`, and of `linux` what concerns it, seen from inside.

use oci_spec::runtime::LinuxNamespaceType;
use rcompose::runtime::{ExecOptions, RuntimeError, Stdio, exec};
use serde_json::{Value, json};

use crate::harness::{Host, block_on, share, start, try_run};

/// Sets a field of the process, in the spelling of the specification.
fn set(config: &mut rcompose::runtime::Config, pointer: &str, value: Value) {
    let mut spec = serde_json::to_value(&config.spec).unwrap();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    spec.pointer_mut(parent).unwrap()[name] = value;
    config.spec = serde_json::from_value(spec).unwrap();
}

#[test]
fn umask() {
    let host = Host::new();
    assert_eq!(host.sh("umask").text(), "0022");
    assert_eq!(host.sh_with("umask", |config| set(config, "/process/user/umask", json!(0o27))).text(), "0027");
}

#[test]
fn additional_groups() {
    let host = Host::new();
    let outcome = host.sh_with("id -u; id -g; id -G", |config| {
        set(config, "/process/user", json!({"uid": 10, "gid": 20, "additionalGids": [30, 40]}));
    });
    assert_eq!(outcome.text(), "10\n20\n20 30 40");
}

#[test]
fn out_of_memory_score() {
    let host = Host::new();
    let script = "cat /proc/self/oom_score_adj";
    assert_eq!(host.sh_with(script, |config| set(config, "/process/oomScoreAdj", json!(500))).text(), "500");
}

/// Nice value, real-time priority and policy are fields 19, 40 and 41. See `proc(5)`.
#[test]
fn schedulers() {
    let host = Host::new();
    for (fields, scheduler, expected) in [
        ("19,40,41", json!({"policy": "SCHED_OTHER", "nice": 7}), "7 0 0"),
        ("19,40,41", json!({"policy": "SCHED_BATCH", "nice": -3}), "-3 0 3"),
        ("40,41", json!({"policy": "SCHED_IDLE"}), "0 5"),
        ("40,41", json!({"policy": "SCHED_FIFO", "priority": 12}), "12 1"),
        ("40,41", json!({"policy": "SCHED_RR", "priority": 3}), "3 2"),
        // What the shell starts is scheduled as usual.
        ("40,41", json!({"policy": "SCHED_RR", "priority": 3, "flags": ["SCHED_RESET_ON_FORK"]}), "0 0"),
    ] {
        let script = format!("cut -d' ' -f{fields} /proc/self/stat");
        let outcome = host.sh_with(&script, |config| set(config, "/process/scheduler", scheduler.clone()));
        assert_eq!(outcome.text(), expected, "{scheduler}");
    }
    let outcome = host.sh_with("read line < /proc/self/stat; echo $line | cut -d' ' -f41", |config| {
        let times = json!({"policy": "SCHED_DEADLINE", "runtime": 1_000_000, "deadline": 10_000_000, "period": 10_000_000, "flags": ["SCHED_RESET_ON_FORK"]});
        set(config, "/process/scheduler", times);
    });
    assert_eq!(outcome.text(), "6");
}

#[test]
fn io_priorities() {
    let host = Host::new();
    for (class, priority, expected) in [
        ("IOPRIO_CLASS_BE", 6, "best-effort: prio 6"),
        ("IOPRIO_CLASS_RT", 2, "realtime: prio 2"),
        ("IOPRIO_CLASS_IDLE", 0, "idle"),
    ] {
        let value = json!({"class": class, "priority": priority});
        assert_eq!(host.sh_with("ionice -p 1", |config| set(config, "/process/ioPriority", value)).text(), expected);
    }
}

#[test]
fn personality() {
    let host = Host::new();
    let script = "uname -m; cat /proc/self/personality";
    let outcome = host.sh_with(script, |config| set(config, "/linux/personality", json!({"domain": "LINUX32"})));
    assert_eq!(outcome.text(), "i686\n00000008");
}

#[test]
fn memory_policy() {
    let host = Host::new();
    let script = "head -n 1 /proc/self/numa_maps | cut -d' ' -f2";
    assert_eq!(host.sh(script).text(), "default");
    let policy = json!({"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]});
    let outcome = host.sh_with(script, |config| set(config, "/linux/memoryPolicy", policy));
    assert_eq!(outcome.text(), "bind=static:0");
}

#[test]
fn processors_of_an_exec() {
    let host = Host::new();
    let config = host.config(&["sleep", "100"]);
    block_on(async {
        let (handle, _) = start(&config).await.unwrap();
        let null = fs_err::File::open("/dev/null").unwrap();
        for (processors, code) in [("0", 0), ("0-63", 1)] {
            let mut process = config.spec.process().clone().unwrap();
            let script = "test $(grep Cpus_allowed_list /proc/self/status | cut -f2) = 0";
            process.set_args(Some(["sh", "-c", script].map(str::to_owned).to_vec()));
            let affinity = json!({"initial": "0", "final": processors});
            process.set_exec_cpu_affinity(Some(serde_json::from_value(affinity).unwrap()));
            let options = ExecOptions { process, ..ExecOptions::default() };
            let stdio = std::os::fd::AsFd::as_fd(null.file());
            let stdio = Stdio { stdin: stdio, stdout: stdio, stderr: stdio };
            let child = exec(&config.directory, &options, stdio).await.unwrap();
            assert_eq!(child.wait().await.unwrap(), code, "{processors}");
        }
        handle.signal(rcompose::runtime::Signal::KILL).unwrap();
        handle.exited().await.unwrap();
    });
}

/// What is refused is refused before anything is made.
#[test]
fn refused_fields() {
    let host = Host::new();
    let mut config = host.config(&["true"]);
    share(&mut config, LinuxNamespaceType::Uts);
    let error = match try_run(&config) {
        Err(RuntimeError::Spec(error)) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(error, "`hostname` needs a namespace of type `uts` of the container's own");
    assert!(!config.directory.join("config.json").exists());
}
