//! Each field that is refused, by what the error says.

use serde_json::{Value, json};

use super::*;

/// A specification with `changes`, as JSON pointers to values.
fn refusal(changes: &[(&str, Value)]) -> Option<String> {
    let mut spec = json!({
        "ociVersion": "1.2.0",
        "process": {"user": {"uid": 0, "gid": 0}, "args": ["true"], "cwd": "/"},
        "linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}]},
    });
    for (pointer, value) in changes {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = spec.pointer_mut(parent).unwrap();
        match name {
            "-" => parent.as_array_mut().unwrap().push(value.clone()),
            name => parent[name] = value.clone(),
        }
    }
    check(&serde_json::from_value(spec).unwrap()).err().map(|error| error.to_string())
}

fn namespace(kind: &str) -> (&'static str, Value) {
    ("/linux/namespaces/-", json!({"type": kind}))
}

#[test]
fn what_is_asked_for_by_default_is_done() {
    assert_eq!(refusal(&[]), None);
}

#[test]
fn fields_for_other_systems() {
    for (field, value) in [
        ("windows", json!({"layerFolders": []})),
        ("vm", json!({"kernel": {"path": "/k"}, "hypervisor": {"path": "/h"}})),
        ("solaris", json!({})),
    ] {
        let expected = format!("`{field}` is not supported: this is Linux");
        assert_eq!(refusal(&[(&format!("/{field}"), value)]), Some(expected));
    }
}

#[test]
fn fields_that_are_not_done() {
    for (pointer, value, expected) in [
        ("/linux/intelRdt", json!({"closID": "x"}), "`linux.intelRdt` is not supported"),
        ("/linux/netDevices", json!({"eth0": {}}), "`linux.netDevices` is not supported"),
        (
            "/linux/personality",
            json!({"domain": "LINUX", "flags": ["x"]}),
            "`linux.personality.flags` is not supported",
        ),
        ("/process/commandLine", json!("x"), "`process.commandLine` is not supported: this is Linux"),
        ("/process/user/username", json!("x"), "`process.user.username` is not supported: this is Linux"),
        ("/linux/namespaces", json!([]), "`linux.namespaces` is not supported without one of type `mount`"),
        (
            "/linux/namespaces",
            json!([{"type": "mount", "path": "/proc/1/ns/mnt"}, {"type": "user"}]),
            "`linux.namespaces` is not supported with a path for type `mount` and one of type `user`",
        ),
    ] {
        assert_eq!(refusal(&[(pointer, value)]).as_deref(), Some(expected), "{pointer}");
    }
}

#[test]
fn fields_that_would_change_the_host() {
    for (pointer, value, kind, expected) in [
        ("/hostname", json!("x"), "uts", "`hostname` needs a namespace of type `uts` of the container's own"),
        ("/domainname", json!("x"), "uts", "`domainname` needs a namespace of type `uts` of the container's own"),
        (
            "/linux/sysctl",
            json!({"net.core.somaxconn": "1"}),
            "network",
            "`linux.sysctl: net.core.somaxconn` needs a namespace of type `network` of the container's own",
        ),
        (
            "/linux/sysctl",
            json!({"kernel/shmmax": "1"}),
            "ipc",
            "`linux.sysctl: kernel/shmmax` needs a namespace of type `ipc` of the container's own",
        ),
        (
            "/linux/timeOffsets",
            json!({"boottime": {"secs": 1}}),
            "time",
            "`linux.timeOffsets` needs a namespace of type `time` of the container's own",
        ),
    ] {
        assert_eq!(refusal(&[(pointer, value.clone())]).as_deref(), Some(expected));
        assert_eq!(refusal(&[namespace(kind), (pointer, value)]), None, "{pointer}");
    }
}

#[test]
fn kernel_parameters_of_the_machine() {
    for key in ["kernel.panic", "vm.swappiness", "fs.file-max", "kernel.hostname", "net", "kernel/../vm/swappiness"] {
        let error = refusal(&[namespace("network"), namespace("uts"), ("/linux/sysctl", json!({key: "1"}))]);
        assert!(error.as_ref().is_some_and(|error| error.contains(key)), "{key}: {error:?}");
    }
}

#[test]
fn values_out_of_range() {
    for (pointer, value, expected) in [
        ("/process/cwd", json!("tmp"), "`process.cwd` is not valid: `tmp` is not absolute"),
        ("/process/oomScoreAdj", json!(1001), "`process.oomScoreAdj` is not valid: 1001 is not from -1000 to 1000"),
        (
            "/process/user/umask",
            json!(0o1000),
            "`process.user.umask` is not valid: it has more than the nine bits of permissions",
        ),
        (
            "/process/ioPriority",
            json!({"class": "IOPRIO_CLASS_BE", "priority": 8}),
            "`process.ioPriority.priority` is not valid: 8 is not from 0 to 7",
        ),
        (
            "/process/execCPUAffinity",
            json!({"initial": "0", "final": "5000"}),
            "`process.execCPUAffinity.final` is not valid: `5000` is no list of processors",
        ),
        (
            "/process/rlimits",
            json!([{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}]),
            "`process.rlimits[0]` is not valid: `soft` is more than `hard`",
        ),
        (
            "/process/rlimits",
            json!([{"type": "RLIMIT_CORE", "soft": 1, "hard": 1}, {"type": "RLIMIT_CORE", "soft": 1, "hard": 1}]),
            "`process.rlimits[1]` is not valid: there are two of type `RLIMIT_CORE`",
        ),
        (
            "/linux/rootfsPropagation",
            json!("sideways"),
            "`linux.rootfsPropagation` is not valid: `sideways` is no propagation",
        ),
        (
            "/linux/devices",
            json!([{"path": "/dev/x", "type": "a", "major": 1, "minor": 1}]),
            "`linux.devices[0].type` is not valid: `a` is no type of a device",
        ),
        (
            "/linux/memoryPolicy",
            json!({"mode": "MPOL_BIND", "nodes": "x"}),
            "`linux.memoryPolicy.nodes` is not valid: `x` is no list of numbers",
        ),
        ("/linux/namespaces/-", json!({"type": "pid"}), "`linux.namespaces` is not valid: there are two of type `pid`"),
    ] {
        assert_eq!(refusal(&[(pointer, value)]).as_deref(), Some(expected), "{pointer}");
    }
}

#[test]
fn schedulers() {
    for (scheduler, expected) in [
        (json!({"policy": "SCHED_BATCH", "nice": 5}), None),
        (json!({"policy": "SCHED_FIFO", "priority": 99}), None),
        (json!({"policy": "SCHED_DEADLINE", "runtime": 1, "deadline": 2, "period": 3}), None),
        (json!({"policy": "SCHED_OTHER", "nice": 20}), Some("nice` is not valid: 20 is not from -20 to 19")),
        (json!({"policy": "SCHED_RR"}), Some("priority` is not valid: 0 is not from 1 to 99")),
        (
            json!({"policy": "SCHED_OTHER", "priority": 1}),
            Some("priority` is not valid: it is for SCHED_FIFO and SCHED_RR only"),
        ),
        (
            json!({"policy": "SCHED_FIFO", "priority": 1, "period": 1}),
            Some("period` is not valid: it is for SCHED_DEADLINE only"),
        ),
        (json!({"policy": "SCHED_ISO"}), Some("policy` is not supported as `SCHED_ISO`: Linux has no such policy")),
    ] {
        let expected = expected.map(|text| format!("`process.scheduler.{text}"));
        assert_eq!(refusal(&[("/process/scheduler", scheduler.clone())]), expected, "{scheduler}");
    }
}

#[test]
fn mappings_of_ids() {
    let mappings = json!([{"containerID": 0, "hostID": 1000, "size": 10}]);
    let without_root = json!([{"containerID": 1, "hostID": 1000, "size": 10}]);
    let both =
        |user: &Value, group: &Value| [("/linux/uidMappings", user.clone()), ("/linux/gidMappings", group.clone())];
    let with = |changes: [(&'static str, Value); 2]| {
        let [user, group] = changes;
        refusal(&[namespace("user"), user, group])
    };
    assert_eq!(with(both(&mappings, &mappings)), None);
    assert_eq!(
        with(both(&mappings, &without_root)).as_deref(),
        Some("`linux.gidMappings` is not valid: id 0 of the container is not mapped")
    );
    assert_eq!(with(both(&json!([]), &mappings)).as_deref(), Some("`linux.uidMappings` is not valid: no id is mapped"));
    assert_eq!(
        refusal(&both(&mappings, &mappings)).as_deref(),
        Some("`linux.uidMappings` is not valid: there is no user namespace in `linux.namespaces`")
    );
}

#[test]
fn mapped_mounts() {
    let mappings = json!([{"containerID": 0, "hostID": 1000, "size": 10}]);
    let mount = |mount: Value| refusal(&[("/mounts", json!([mount]))]);
    assert_eq!(
        mount(
            json!({"destination": "/x", "type": "bind", "source": "/", "options": ["rbind", "idmap"], "uidMappings": mappings, "gidMappings": mappings})
        ),
        None
    );
    for (value, expected) in [
        (
            json!({"destination": "/x", "type": "bind", "source": "/", "options": ["idmap"]}),
            "`mounts[0].options` is not valid: to map ids takes `uidMappings` and `gidMappings`, or a user namespace that has some",
        ),
        (
            json!({"destination": "/x", "type": "bind", "source": "/", "uidMappings": mappings}),
            "`mounts[0].uidMappings` is not valid: it goes with `gidMappings`, and that with it",
        ),
        (
            json!({"destination": "/x", "type": "tmpfs", "uidMappings": mappings, "gidMappings": mappings}),
            "`mounts[0].options` is not valid: only a bind mount can map ids",
        ),
    ] {
        assert_eq!(mount(value).as_deref(), Some(expected));
    }
}
