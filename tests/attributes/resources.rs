//! Memory, processors, processes, block devices, and the cgroup that counts them: with either version of cgroups.

use std::path::Path;
use std::process::Command;

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use crate::inspect::{NAME, Running, up};
use crate::support::Sandbox;

fn unified() -> bool {
    Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
}

/// What a file of the container's cgroup holds, which is the same inside and on the host.
#[track_caller]
fn limit(web: &Running, controller: &str, one: &str, two: &str) -> String {
    let outside = web.cgroup(controller, one, two);
    let file = if unified() { two.to_owned() } else { format!("{controller}/{one}") };
    assert_eq!(web.inside(&format!("cat /sys/fs/cgroup/{file}")), outside);
    outside
}

/// Asserts what the file of version 1, or that of version 2, holds inside and outside.
#[track_caller]
fn check(web: &Running, controller: &str, one: (&str, &str), two: (&str, &str)) {
    let expected = if unified() { two.1 } else { one.1 };
    assert_eq!(limit(web, controller, one.0, two.0), expected);
}

/// Asserts that version 2, which has no such thing, starts the container with a warning, as Docker does.
#[track_caller]
fn has_no_effect(keys: &str, key: &str) {
    up(keys).succeeds().says(&["cgroup version 2 has no equivalent", key]);
}

/// `mem_limit`: the limit in its own cgroup; the same file on the host.
#[test]
fn mem_limit() {
    let web = Running::with("mem_limit: 64m");
    let limit = (64 << 20).to_string();
    check(&web, "memory", ("memory.limit_in_bytes", &limit), ("memory.max", &limit));
    // As much swap again, like Docker.
    let both = (128 << 20).to_string();
    check(&web, "memory", ("memory.memsw.limit_in_bytes", &both), ("memory.swap.max", &limit));
}

/// `mem_limit`: nothing, as it is killed; that it ran out of memory, in `ps` and in the error of who waits for it.
#[test]
fn out_of_memory() {
    let sandbox = Sandbox::new("out-of-memory");
    let stack = sandbox.stack(
        "hungry",
        "
services:
  web: {image: 'rootfs:/', mem_limit: 20m, memswap_limit: 20m, command: [tail, -n, '1', /dev/zero]}
  after: {image: 'rootfs:/', command: ['true'], depends_on: {web: {condition: service_completed_successfully}}}
",
    );
    stack.rcompose(&["up", "-d"]).fails().says(&["exit 137, out of memory"]);
    stack.rcompose(&["ps", "-a"]).succeeds().prints(&["Exited (137)", "(out of memory)"]);
}

#[test]
fn an_amount_that_is_none_is_refused() {
    up("mem_limit: much").fails().says(&["compose.yaml:6:16", "mem_limit"]);
    up("mem_limit: 1m").fails().says(&["service `web`: `mem_limit` must be at least 6m"]);
    up("mem_limit: 64m\nmemswap_limit: 32m").fails().says(&["`memswap_limit` must not be less than `mem_limit`"]);
}

/// `mem_reservation`, `memswap_limit`: what it is to keep, and the swap, in its own cgroup; the same files on the host.
#[test]
fn mem_reservation_and_memswap_limit() {
    let web = Running::with("mem_limit: 64m\nmem_reservation: 32m\nmemswap_limit: 80m");
    let megabytes = |count: u64| (count << 20).to_string();
    check(&web, "memory", ("memory.soft_limit_in_bytes", &megabytes(32)), ("memory.low", &megabytes(32)));
    check(&web, "memory", ("memory.memsw.limit_in_bytes", &megabytes(80)), ("memory.swap.max", &megabytes(16)));
}

/// `mem_swappiness`: the number in its own cgroup; the same file on the host. Version 2 has none: a warning.
#[test]
fn mem_swappiness() {
    let keys = "mem_swappiness: 30";
    if unified() {
        return has_no_effect(keys, "mem_swappiness");
    }
    check(&Running::with(keys), "memory", ("memory.swappiness", "30"), ("", ""));
}

/// `oom_kill_disable`: that there is no killer in its own cgroup; the same file on the host. Version 2 has no such thing: a warning.
#[test]
fn oom_kill_disable() {
    let keys = "oom_kill_disable: true\nmem_limit: 64m";
    if unified() {
        return has_no_effect(keys, "oom_kill_disable");
    }
    let control = limit(&Running::with(keys), "memory", "memory.oom_control", "");
    assert!(control.lines().any(|line| line == "oom_kill_disable 1"), "{control}");
}

/// `oom_score_adj`: the number of every process; `/proc/PID/oom_score_adj`.
#[test]
fn oom_score_adj() {
    let web = Running::with("oom_score_adj: 500");
    assert_eq!(web.proc("oom_score_adj").trim(), "500");
    assert_eq!(web.inside("cat /proc/1/oom_score_adj"), "500");
}

/// A score that this machine does not let its root have, as in many a container, is found before anything is made.
#[test]
fn an_oom_score_out_of_reach() {
    let sandbox = Sandbox::new("oom");
    let up = |score: &str| {
        let keys = format!("{{image: 'rootfs:/', command: [sleep, '1000'], oom_score_adj: {score}}}");
        let stack = sandbox.stack("oom", &format!("services:\n  web:\n    {keys}\n"));
        let inner = sandbox.command();
        let mut command = std::process::Command::new("setpriv");
        command.args(["--bounding-set", "-sys_resource", "--inh-caps", "-sys_resource"]).arg(inner.get_program());
        command.args(["-p", "oom", "-f"]).arg(sandbox.path().join("oom/compose.yaml")).args(["up", "-d"]);
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        (sandbox.run(command), stack)
    };
    let (outcome, _stack) = up("-999");
    let outcome = outcome.fails().says(&["compose.yaml:3:", "oom_score_adj: -999", "CAP_SYS_RESOURCE"]);
    assert!(!outcome.stderr.contains("Creating"), "{outcome}");
    let (outcome, _stack) = up("900");
    outcome.succeeds();
}

/// `pids_limit`: how many processes, and that one more is refused; the same file on the host.
#[test]
fn pids_limit() {
    let web = Running::with("pids_limit: 12");
    check(&web, "pids", ("pids.max", "12"), ("pids.max", "12"));
    let refused = web.run("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 5 >&- 2>&- & done; wait");
    assert!(refused.stderr.contains("fork"), "{refused}");
}

/// `cpu_shares`: its weight among others in its own cgroup; the same file on the host.
#[test]
fn cpu_shares() {
    let web = Running::with("cpu_shares: 512");
    check(&web, "cpu", ("cpu.shares", "512"), ("cpu.weight", "59"));
}

/// `cpu_quota`, `cpu_period`: both in its own cgroup; the same files on the host.
#[test]
fn cpu_quota_and_period() {
    let web = Running::with("cpu_quota: 25000\ncpu_period: 50000");
    check(&web, "cpu", ("cpu.cfs_quota_us", "25000"), ("cpu.max", "25000 50000"));
    check(&web, "cpu", ("cpu.cfs_period_us", "50000"), ("cpu.max", "25000 50000"));
}

/// `cpus`: its quota in its own cgroup; the same file on the host.
#[test]
fn cpus() {
    let web = Running::with("cpus: 0.5");
    check(&web, "cpu", ("cpu.cfs_quota_us", "50000"), ("cpu.max", "50000 100000"));
}

/// `cpuset`: on which processors it may run; its cgroup, and `Cpus_allowed_list` of `/proc/PID/status`.
#[test]
fn cpuset() {
    let web = Running::with("cpuset: '0'");
    check(&web, "cpuset", ("cpuset.cpus", "0"), ("cpuset.cpus", "0"));
    assert_eq!(web.status("Cpus_allowed_list"), "0");
    assert_eq!(web.inside("nproc"), "1");
}

#[test]
fn processors_that_are_not_there() {
    up("cpuset: '4000'").fails().says(&["cannot write `4000`", "cpuset.cpus", "the kernel does not accept this value"]);
}

/// `cpu_rt_runtime`, `cpu_rt_period`: both in its own cgroup; the same files on the host. Version 2 has none: a warning.
#[test]
fn cpu_rt_runtime_and_period() {
    let keys = "cpu_rt_runtime: 20000\ncpu_rt_period: 500000";
    if unified() {
        return has_no_effect(keys, "cpu_rt_runtime");
    }
    if !Path::new("/sys/fs/cgroup/cpu/cpu.rt_runtime_us").exists() {
        return eprintln!("skipped: the kernel does not group real-time processes");
    }
    let web = Running::with(keys);
    check(&web, "cpu", ("cpu.rt_runtime_us", "20000"), ("", ""));
    check(&web, "cpu", ("cpu.rt_period_us", "500000"), ("", ""));
}

/// `deploy: resources`: all of it in its own cgroup; the same files on the host.
#[test]
fn deploy_resources() {
    let limits = "limits: {cpus: '0.25', memory: 64m, pids: 33}";
    let web = Running::with(&format!("deploy: {{resources: {{{limits}, reservations: {{memory: 32m}}}}}}"));
    let megabytes = |count: u64| (count << 20).to_string();
    check(&web, "cpu", ("cpu.cfs_quota_us", "25000"), ("cpu.max", "25000 100000"));
    check(&web, "memory", ("memory.limit_in_bytes", &megabytes(64)), ("memory.max", &megabytes(64)));
    check(&web, "memory", ("memory.soft_limit_in_bytes", &megabytes(32)), ("memory.low", &megabytes(32)));
    check(&web, "pids", ("pids.max", "33"), ("pids.max", "33"));
}

/// A disk of this machine: its path and its numbers.
fn disk() -> Option<(String, String)> {
    let mut disks = fs_err::read_dir("/sys/block").unwrap().filter_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let path = format!("/dev/{name}");
        let number = fs_err::read_to_string(format!("/sys/block/{name}/dev")).ok()?.trim().to_owned();
        let is_disk = ["vd", "sd", "nvme", "xvd"].iter().any(|prefix| name.starts_with(prefix));
        (is_disk && Path::new(&path).exists()).then_some((path, number))
    });
    disks.next()
}

/// `blkio_config`: how much of a disk and how often, in its own cgroup; the same files on the host.
#[test]
fn blkio_config_rates() {
    let Some((path, number)) = disk() else { return eprintln!("skipped: there is no disk") };
    let rate = |key: &str, rate: &str| format!("  device_{key}: [{{path: {path}, rate: {rate}}}]\n");
    let web = Running::with(&format!(
        "blkio_config:\n{}{}{}{}",
        rate("read_bps", "2mb"),
        rate("write_bps", "1048576"),
        rate("read_iops", "300"),
        rate("write_iops", "400")
    ));
    let two = format!("{number} rbps=2097152 wbps=1048576 riops=300 wiops=400");
    for (file, rate) in [("read_bps", 2_097_152), ("write_bps", 1_048_576), ("read_iops", 300), ("write_iops", 400)] {
        let one = format!("{number} {rate}");
        check(&web, "blkio", (&format!("blkio.throttle.{file}_device"), &one), ("io.max", &two));
    }
}

/// `blkio_config: weight`: its weight among others in its own cgroup; the same file on the host.
#[test]
fn blkio_config_weight() {
    let outcome = up("blkio_config: {weight: 300}");
    if outcome.stderr.contains("this kernel has no such limit") {
        return eprintln!("skipped: no scheduler with weights");
    }
    outcome.succeeds();
    let web = Running::with("blkio_config: {weight: 300}");
    if unified() && !web.cgroup_directory("").0.join("io.bfq.weight").exists() {
        return check(&web, "", ("", ""), ("io.weight", "default 2930"));
    }
    let value = limit(&web, "blkio", "blkio.bfq.weight", "io.bfq.weight");
    assert_eq!(value.trim_start_matches("default "), "300");
}

#[test]
fn a_weight_of_one_disk_is_set_or_refused_by_name() {
    let Some((path, number)) = disk() else { return eprintln!("skipped: there is no disk") };
    let outcome = up(&format!("blkio_config: {{weight_device: [{{path: {path}, weight: 200}}]}}"));
    // Only some schedulers of disks have weights.
    if !outcome.status.success() {
        outcome.says(&["cannot write `", &number, "weight", "the kernel"]);
    }
    up("blkio_config: {device_read_bps: [{path: /dev/null, rate: 1mb}]}")
        .fails()
        .says(&["service `web`: `blkio_config` names `/dev/null`, which is not a block device"]);
}

/// `device_cgroup_rules`: a node that can be made and opened, where without the rule it cannot be; its init keeps CAP_MKNOD.
#[test]
fn device_cgroup_rules() {
    // A device without a driver: what is seen is whether the kernel lets a process through as far as to the driver.
    let open = "mknod /node c 240 7 && (: < /node) 2>&1 | sed 's/.*: //'";
    let web = Running::with("device_cgroup_rules: ['c 240:* rmw']");
    assert!(!web.inside(open).contains("not permitted"));
    assert!(u64::from_str_radix(&web.status("CapEff"), 16).unwrap() & 1 << 27 != 0, "CAP_MKNOD");
    let web = Running::with("device_cgroup_rules: ['c 241:7 rw']");
    assert!(web.inside(open).contains("not permitted"));
    up("device_cgroup_rules: ['c 240 rw']").fails().says(&["`device_cgroup_rules: c 240 rw` is no rule"]);
}

/// `cgroup: host`: the names of cgroups as the host has them; the same cgroup namespace.
#[test]
fn cgroup_of_the_host() {
    let web = Running::with("cgroup: host");
    assert!(web.shares("cgroup"));
    assert!(web.inside("cat /proc/self/cgroup").contains("/rcompose/"));
    if unified() {
        assert!(web.inside("ls /sys/fs/cgroup").contains("rcompose"), "all of the hierarchy");
    }
    assert!(!web.run("mkdir /sys/fs/cgroup/x").status.success(), "not to write to");
}

/// `cgroup: private`: its own cgroup as the root; another cgroup namespace.
#[test]
fn cgroup_of_its_own() {
    let web = Running::with("cgroup: private");
    assert!(!web.shares("cgroup"));
    assert!(!web.inside("cat /proc/self/cgroup").contains("rcompose"));
    assert!(web.proc("cgroup").contains("/rcompose/"));
}

/// `cgroup_parent`: its own cgroup as the root; below that parent in `/proc/PID/cgroup`.
#[test]
fn cgroup_parent() {
    for (parent, expected) in [
        ("rcompose-test", "/rcompose-test/"),
        ("/rcompose-test/blue", "/rcompose-test/blue/"),
        ("rcomposetest-blue.slice", "/rcomposetest.slice/rcomposetest-blue.slice/rcompose/"),
    ] {
        let web = Running::with(&format!("cgroup_parent: {parent}\nmem_limit: 64m"));
        let (directory, _) = web.cgroup_directory("memory");
        assert!(directory.to_str().unwrap().contains(expected), "{}", directory.display());
        check(&web, "memory", ("memory.limit_in_bytes", "67108864"), ("memory.max", "67108864"));
        assert!(!web.inside("cat /proc/self/cgroup").contains(parent));
        drop(web);
        assert!(!directory.exists());
    }
    let root = if unified() { "/sys/fs/cgroup" } else { "/sys/fs/cgroup/memory" };
    for made in ["rcompose-test", "rcomposetest.slice"] {
        assert!(!Path::new(root).join(made).exists(), "{made} is removed with the last container");
    }
}

/// `storage_opt.size`: no space left where more is written, whatever becomes of it in between; the disk that others write
/// to, and the project of its layer.
#[test]
fn storage_size() {
    let sandbox = Sandbox::new("storage");
    let root = sandbox.path().join("root");
    if let Err(reason) = disk_with_project_quotas(&sandbox.path().join("disk"), &root) {
        eprintln!("skipped: {reason}");
        return;
    }
    let service = "{image: 'rootfs:/', init: true, command: [sleep, '1000'], network_mode: none";
    let stack = format!("services:\n  web: {service}, storage_opt: {{size: 10m}}}}\n  other: {service}}}\n");
    let web = Running::of(sandbox, &stack);
    let write = |megabytes| format!("head -c {megabytes}m /dev/zero >/file");
    web.inside(&write(8));
    web.run(&write(12)).fails().says(&["exceeded"]);
    web.inside(&format!("rm /file && {}", write(8)));
    web.rcompose(&["exec", "-T", "other", "sh", "-c", &write(20)]).succeeds();
    let listed = Command::new("lsattr").args(["-pd"]).arg(web.directory().join("upper")).output().unwrap().stdout;
    let project = String::from_utf8(listed).unwrap().split_whitespace().next().unwrap().parse::<u32>().unwrap();
    assert_ne!(project, 0);
    web.rcompose(&["down"]).succeeds();
    umount2(&root, MntFlags::MNT_DETACH).unwrap();
}

#[test]
fn a_storage_size_that_the_file_system_cannot_keep() {
    let sandbox = Sandbox::new("storage-none");
    let root = sandbox.path().join("root");
    fs_err::create_dir(&root).unwrap();
    mount(Some("plain"), &root, Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
    let stack = sandbox.stack(NAME, "services: {web: {image: 'rootfs:/', storage_opt: {size: 10m}}}");
    stack.rcompose(&["up", "-d"]).fails().says(&["storage_opt.size", "has no project quotas", "prjquota"]);
    umount2(&root, MntFlags::MNT_DETACH).unwrap();
}

/// Mounts an ext4 file system in the file `disk` at `at`, which keeps project quotas.
fn disk_with_project_quotas(disk: &Path, at: &Path) -> Result<(), String> {
    let run = |program: &str, arguments: &[&str]| {
        let output =
            Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    };
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    fs_err::File::create(disk).unwrap().set_len(128 << 20).unwrap();
    fs_err::create_dir(at).unwrap();
    run("mkfs.ext4", &["-q", "-O", "quota,project", "-E", "quotatype=prjquota", &text(disk)])?;
    run("mount", &["-o", "loop,prjquota", &text(disk), &text(at)])
}
