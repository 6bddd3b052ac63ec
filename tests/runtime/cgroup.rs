//! What a container may use, set and changed, measured, and what becomes of it when it is paused: with either version of
//! cgroups.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rcompose::runtime::{Config, ExecOptions, Handle, RuntimeError, Signal, delete, probe};
use serde_json::{Value, json};

use crate::harness::{Host, block_on, failure, records, run, start, try_run};
use crate::patience::patient;

/// Whether the machine has version 2 alone.
fn unified() -> bool {
    Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
}

/// The cgroup of a container, for a controller of version 1.
fn directory(config: &Config, controller: &str) -> PathBuf {
    let root = Path::new("/sys/fs/cgroup");
    let root = if unified() { root.to_owned() } else { root.join(controller) };
    root.join("rcompose").join(config.id.as_str())
}

/// What the file of version 1, or that of version 2, holds.
fn file(config: &Config, controller: &str, one: &str, two: &str) -> String {
    let path = directory(config, controller).join(if unified() { two } else { one });
    fs_err::read_to_string(path).unwrap().trim_end().to_owned()
}

fn resources(config: &mut Config, resources: &Value) {
    let linux = config.spec.linux_mut().as_mut().unwrap();
    linux.set_resources(Some(serde_json::from_value(resources.clone()).unwrap()));
}

fn running(host: &Host, script: &str, limits: &Value) -> Config {
    let mut config = host.config(&["sh", "-c", script]);
    resources(&mut config, limits);
    config
}

fn eventually(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + patient(Duration::from_secs(60));
    while !condition() {
        assert!(Instant::now() < deadline, "it did not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// How many lines a container has written.
fn lines(config: &Config) -> usize {
    records(&config.log).len()
}

const TICKS: &str = "while :; do echo tick; sleep 0.01; done";

#[test]
fn every_limit_is_set() {
    let host = Host::new();
    let limits = json!({
        "memory": {"limit": 67_108_864, "swap": 100_663_296, "reservation": 33_554_432},
        "cpu": {"shares": 1024, "quota": 50_000, "period": 100_000, "burst": 1000, "cpus": "0", "mems": "0"},
        "pids": {"limit": 20},
        "blockIO": {"weight": 300}
    });
    let mut config = running(&host, "sleep 1000", &limits);
    block_on(async {
        let (handle, _) = match start(&config).await {
            // Without the BFQ scheduler there is no weight.
            Err(error) if error.to_string().contains("weight") => {
                let mut limits = limits.clone();
                limits.as_object_mut().unwrap().remove("blockIO");
                resources(&mut config, &limits);
                start(&config).await.unwrap()
            }
            started => started.unwrap(),
        };
        for (controller, one, one_value, two, two_value) in [
            ("memory", "memory.limit_in_bytes", "67108864", "memory.max", "67108864"),
            ("memory", "memory.memsw.limit_in_bytes", "100663296", "memory.swap.max", "33554432"),
            ("memory", "memory.soft_limit_in_bytes", "33554432", "memory.low", "33554432"),
            ("cpu", "cpu.shares", "1024", "cpu.weight", "100"),
            ("cpu", "cpu.cfs_quota_us", "50000", "cpu.max", "50000 100000"),
            ("cpu", "cpu.cfs_burst_us", "1000", "cpu.max.burst", "1000"),
            ("cpuset", "cpuset.cpus", "0", "cpuset.cpus", "0"),
            ("cpuset", "cpuset.mems", "0", "cpuset.mems", "0"),
            ("pids", "pids.max", "20", "pids.max", "20"),
        ] {
            let expected = if unified() { two_value } else { one_value };
            assert_eq!(file(&config, controller, one, two), expected, "{one}");
        }
        handle.signal(Signal::KILL).unwrap();
        handle.exited().await.unwrap();
    });
}

#[test]
fn what_only_version_1_has_is_refused_by_name_on_version_2() {
    let host = Host::new();
    let limits = json!({"memory": {"swappiness": 30, "disableOOMKiller": true, "limit": 67_108_864}});
    let config = running(&host, "true", &limits);
    if unified() {
        let (code, error) = failure(&config);
        assert_eq!(code, 125);
        assert!(error.starts_with("`memory.swappiness` is not possible with cgroup version 2"), "{error}");
    } else {
        assert_eq!(run(&config).exit.code, 0);
    }
}

#[test]
fn a_file_by_name() {
    let host = Host::new();
    let config = running(&host, "sleep 1000", &json!({"unified": {"memory.high": "50331648"}}));
    if !unified() {
        let (_, error) = failure(&config);
        assert!(error.starts_with("`unified.memory.high` is not possible with cgroup version 1"), "{error}");
        return;
    }
    block_on(async {
        let _handle = start(&config).await.unwrap();
        assert_eq!(file(&config, "", "", "memory.high"), "50331648");
    });
}

/// The error names the file, the value and what helps; the host checks that nothing is left.
#[test]
fn a_limit_that_the_kernel_refuses() {
    let host = Host::new();
    let config = running(&host, "true", &json!({"cpu": {"cpus": "4000"}, "pids": {"limit": 5}}));
    let (code, error) = failure(&config);
    assert_eq!(code, 125);
    let expected =
        format!("cannot write `4000` to `{}`: the kernel", directory(&config, "cpuset").join("cpuset.cpus").display());
    assert!(error.starts_with(&expected), "{error}");
    for controller in ["cpuset", "pids", "devices"] {
        assert!(!directory(&config, controller).exists(), "{controller}");
    }
}

#[test]
fn a_cgroup_with_processes_of_others_is_not_taken() {
    let host = Host::new();
    let first = running(&host, "sleep 1000", &json!({}));
    let mut second = running(&host, "true", &json!({}));
    let path = Path::new("/rcompose").join(first.id.as_str());
    second.spec.linux_mut().as_mut().unwrap().set_cgroups_path(Some(path));
    block_on(async {
        let (handle, _) = start(&first).await.unwrap();
        let error = start(&second).await.unwrap_err().to_string();
        assert!(error.contains("has processes already"), "{error}");
        assert!(handle.processes().unwrap().contains(&handle.pid()), "the first one lives on");
    });
    // Its cleaning up must not be that of the other: the directory is told not to be its own.
    delete(&first.directory).unwrap();
}

/// Makes a node of a device that no driver has, and says whether the kernel lets it through as far as to the driver.
const OPEN: &str = "mknod node c 240 7; mknod zero c 1 5; for node in node zero; do \
                    (: < $node) 2>&1 | grep -q 'not permitted' && echo no || echo yes; done";

#[test]
fn device_rules() {
    let host = Host::new();
    let nobody = json!({"allow": false});
    let node = json!({"allow": true, "type": "c", "major": 240, "minor": 7, "access": "rm"});
    let no_zero = json!({"allow": false, "type": "c", "major": 1, "minor": 5, "access": "rw"});
    for (rules, expected) in [
        (json!([]), "no\nyes\n"),
        (json!([nobody]), "no\nyes\n"),
        (json!([nobody, node]), "yes\nyes\n"),
        (json!([nobody, node, no_zero]), "yes\nno\n"),
        (json!([{"allow": true}]), "yes\nyes\n"),
        (json!([{"allow": true}, no_zero]), "yes\nno\n"),
    ] {
        let config = running(&host, OPEN, &json!({"devices": rules}));
        assert_eq!(run(&config).stdout, expected, "{rules}");
    }
}

#[test]
fn paused_and_unpaused() {
    let host = Host::new();
    // A family of processes: all of them stop.
    let config = running(&host, &format!("for i in 1 2 3; do ({TICKS}) & done; wait"), &json!({}));
    block_on(async {
        let (handle, _) = start(&config).await.unwrap();
        eventually(|| lines(&config) > 3);
        assert!(!handle.is_paused().unwrap());
        handle.pause().unwrap();
        handle.pause().unwrap();
        assert!(handle.is_paused().unwrap());
        // The shim may have some of it in its hands.
        std::thread::sleep(patient(Duration::from_millis(100)));
        let written = lines(&config);
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(lines(&config), written, "nobody writes");
        let error = exec(&config, "true").await.unwrap_err();
        assert_eq!(error.to_string(), "the container is paused: unpause it first");
        assert!(Handle::adopt(&config.directory).unwrap().unwrap().is_paused().unwrap(), "for others too");

        handle.unpause().unwrap();
        handle.unpause().unwrap();
        assert!(!handle.is_paused().unwrap());
        eventually(|| lines(&config) > written + 3);
        assert_eq!(exec(&config, "exit 3").await.unwrap(), Some(3));
        handle.pause().unwrap();
        handle.signal(Signal::KILL).unwrap();
        assert_eq!(handle.exited().await.unwrap().code, 137);
        assert!(!handle.is_paused().unwrap());
        assert!(matches!(handle.pause(), Err(RuntimeError::NotRunning)));
    });
}

async fn exec(config: &Config, script: &str) -> Result<Option<i32>, RuntimeError> {
    let mut options = ExecOptions::default();
    options.process.set_args(Some(["sh", "-c", script].map(str::to_owned).into()));
    Ok(probe(&config.directory, &options, patient(Duration::from_secs(60)), 1000).await?.code)
}

/// Whoever forks without end while it is paused is stopped with all its children.
#[test]
fn a_fork_bomb_is_paused() {
    let host = Host::new();
    let script = "exec perl -e '$SIG{CHLD} = \"IGNORE\"; while (1) { fork; exit if $$ != 1 && rand() < 0.2; select(undef, undef, undef, 0.001) }'";
    let config = running(&host, script, &json!({"pids": {"limit": 60}}));
    block_on(async {
        let (handle, _) = start(&config).await.unwrap();
        eventually(|| handle.processes().unwrap().len() > 10);
        for _ in 0..5 {
            handle.pause().unwrap();
            handle.unpause().unwrap();
        }
        handle.pause().unwrap();
        let before = handle.processes().unwrap();
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(handle.processes().unwrap(), before);
        // A killed shim's container, paused: all of it ends.
        delete(&config.directory).unwrap();
        assert!(!directory(&config, "pids").exists());
        handle.exited().await.unwrap();
    });
}

#[test]
fn limits_change_while_it_runs() {
    let host = Host::new();
    let config = running(&host, "sleep 1000", &json!({"memory": {"limit": 67_108_864, "swap": 67_108_864}}));
    let megabytes = |count: u64| count << 20;
    block_on(async {
        let (handle, _) = start(&config).await.unwrap();
        let update = |json: Value| handle.update(&serde_json::from_value(json).unwrap());
        let memory = || file(&config, "memory", "memory.limit_in_bytes", "memory.max");
        let swap = || file(&config, "memory", "memory.memsw.limit_in_bytes", "memory.swap.max");
        // Raised and lowered: in version 1 memory with swap must never be less than memory.
        for size in [megabytes(200), megabytes(50)] {
            update(json!({"memory": {"limit": size, "swap": size + megabytes(10)}})).unwrap();
            assert_eq!(memory(), size.to_string());
            assert_eq!(swap(), if unified() { megabytes(10) } else { size + megabytes(10) }.to_string());
        }
        // Controllers that it had no use for until now; what is left open stays.
        update(json!({"pids": {"limit": 33}, "cpu": {"cpus": "0", "quota": 20_000}})).unwrap();
        assert_eq!(file(&config, "pids", "pids.max", "pids.max"), "33");
        assert_eq!(file(&config, "cpuset", "cpuset.cpus", "cpuset.cpus"), "0");
        assert_eq!(memory(), megabytes(50).to_string());
        let status = fs_err::read_to_string(format!("/proc/{}/status", handle.pid())).unwrap();
        assert!(
            status.lines().any(|line| line == "Cpus_allowed_list:\t0"),
            "its processes are in the new cgroup: {status}"
        );

        // Refused in part: nothing is changed.
        let error = update(json!({"pids": {"limit": 44}, "cpu": {"cpus": "4000"}})).unwrap_err().to_string();
        assert!(error.contains("cpuset.cpus`: the kernel does not accept"), "{error}");
        assert_eq!(file(&config, "pids", "pids.max", "pids.max"), "33");
        let error = update(json!({"memory": {"limit": 4096, "swap": 4096, "checkBeforeUpdate": true}}));
        assert!(error.unwrap_err().to_string().contains("more is in use already"));
        assert_eq!(memory(), megabytes(50).to_string());
        handle.signal(Signal::KILL).unwrap();
        handle.exited().await.unwrap();
        assert!(matches!(update(json!({"pids": {"limit": 1}})), Err(RuntimeError::NotRunning)));
    });
}

#[test]
fn devices_change_while_it_runs() {
    let host = Host::new();
    let config = running(
        &host,
        "mknod node c 240 7; while (: < node) 2>&1 | grep -q 'not permitted'; do sleep 0.01; done",
        &json!({}),
    );
    block_on(async {
        let (handle, _) = start(&config).await.unwrap();
        let rules = json!({"devices": [{"allow": true, "type": "c", "major": 240, "minor": 7}]});
        handle.update(&serde_json::from_value(rules).unwrap()).unwrap();
        assert_eq!(handle.exited().await.unwrap().code, 0);
    });
}

/// With and without limits: version 1 has cgroups only for these.
#[test]
fn what_it_uses() {
    let host = Host::new();
    let limited = json!({"memory": {"limit": 134_217_728}, "pids": {"limit": 30}, "cpu": {"quota": 20_000}});
    for limits in [json!({}), limited.clone()] {
        // A child that ends having used time and a large one that stays.
        let script = "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'; \
                      exec perl -e 'my $x = \"x\" x 30000000; $| = 1; print \"ready\\n\"; sleep 1000'";
        let config = running(&host, script, &limits);
        block_on(async {
            let (handle, _) = start(&config).await.unwrap();
            eventually(|| lines(&config) > 0);
            let stats = handle.stats().unwrap();
            assert!(stats.cpu.total > Duration::from_millis(20), "{stats:?}");
            assert!(stats.cpu.total < patient(Duration::from_secs(60)), "{stats:?}");
            let sum = stats.cpu.user + stats.cpu.system;
            assert!(sum.abs_diff(stats.cpu.total) < Duration::from_millis(500), "{stats:?}");
            assert!((30_000_000..100_000_000).contains(&stats.memory.usage), "{stats:?}");
            assert!(stats.memory.total >= stats.memory.usage);
            assert_eq!(stats.pids.current, 1, "{stats:?}");
            if limits == limited {
                assert_eq!(stats.memory.limit, Some(134_217_728));
                assert!(stats.memory.peak.is_none_or(|peak| peak >= 30_000_000), "{stats:?}");
                assert_eq!(stats.pids.limit, Some(30));
                assert!(stats.cpu.throttled_periods > 0 && stats.cpu.throttled > Duration::ZERO, "{stats:?}");
            } else {
                assert_eq!((stats.memory.limit, stats.pids.limit), (None, None));
            }
            assert_eq!(handle.processes().unwrap(), [handle.pid()]);
            handle.signal(Signal::KILL).unwrap();
            handle.exited().await.unwrap();
        });
    }
}

#[test]
fn processes_are_listed_without_those_outside() {
    let host = Host::new();
    let config = running(&host, "sleep 1000 & sleep 1000 & wait", &json!({}));
    block_on(async {
        let (handle, _) = start(&config).await.unwrap();
        eventually(|| handle.processes().unwrap().len() == 3);
        let exec = exec(&config, "sleep 0.3; exit 4");
        let look = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            handle.processes().unwrap()
        };
        let (code, pids) = tokio::join!(exec, look);
        assert_eq!(code.unwrap(), Some(4));
        for pid in pids {
            let status = fs_err::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let inside = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or("1 2");
            assert_eq!(inside.split_whitespace().count(), 2, "{status}");
        }
        handle.signal(Signal::KILL).unwrap();
        handle.exited().await.unwrap();
    });
}

/// A child is killed, init lives on and ends as it likes: that memory ran out is told nevertheless.
#[test]
fn a_child_that_runs_out_of_memory() {
    let host = Host::new();
    let script = "perl -e 'my $x = \"x\" x 60000000' & wait $!; echo $?; exit 5";
    let limits = json!({"memory": {"limit": 30_000_000, "swap": 30_000_000}});
    let outcome = try_run(&running(&host, script, &limits)).unwrap();
    assert_eq!((outcome.exit.code, outcome.exit.oom), (5, true), "{outcome:?}");
    assert_eq!(outcome.stdout, "137\n");
    let outcome = try_run(&running(&host, "exit 6", &limits)).unwrap();
    assert_eq!((outcome.exit.code, outcome.exit.oom), (6, false), "{outcome:?}");
}
