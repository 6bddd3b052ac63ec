//! The limits of a specification as files to write, for either version of cgroups: nothing asked for is passed over.

use oci_spec::runtime::LinuxResources;

use super::setting::Setting;
use super::{CgroupError, Version, limits_one, limits_two};

/// What to write where, in order. Devices are not among it: see [`super::devices`].
pub(super) fn settings(resources: &LinuxResources, version: Version) -> Result<Vec<Setting>, CgroupError> {
    match version {
        Version::One => limits_one::settings(resources),
        Version::Two => limits_two::settings(resources),
    }
}

/// 0 says nothing, -1 that there is no limit.
pub(super) fn some(limit: Option<i64>) -> Option<i64> {
    limit.filter(|limit| *limit != 0)
}

/// `hugetlb.2MB.max`. The size becomes part of a path, so it must be one.
pub(super) fn hugepage_file(size: &str, kind: &str) -> Result<String, CgroupError> {
    let number = ["KB", "MB", "GB"].iter().find_map(|unit| size.strip_suffix(unit)).unwrap_or_default();
    if number.is_empty() || number.starts_with('0') || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(CgroupError::Invalid {
            field: "hugepageLimits.pageSize".to_owned(),
            value: size.to_owned(),
            expected: "must be a size such as `2MB`",
        });
    }
    Ok(format!("hugetlb.{size}.{kind}"))
}

/// One line for each device, in order of their names.
pub(super) fn rdma(resources: &LinuxResources) -> Vec<Setting> {
    let mut devices: Vec<_> = resources.rdma().iter().flatten().collect();
    devices.sort_by_key(|(name, _)| *name);
    let text = |limit: Option<u32>| limit.map_or("max".to_owned(), |limit| limit.to_string());
    let line = |(name, limits): (&String, &oci_spec::runtime::LinuxRdma)| {
        let (handles, objects) = (text(limits.hca_handles()), text(limits.hca_objects()));
        Setting::new("rdma", "rdma.max", format!("{name} hca_handle={handles} hca_object={objects}"))
    };
    devices.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(resources: &Value, version: Version) -> String {
        let resources = serde_json::from_value(resources.clone()).unwrap();
        match settings(&resources, version) {
            Ok(settings) => {
                let line = |setting: &Setting| match &setting.otherwise {
                    Some((file, value)) => format!("{}={} or {file}={value}", setting.file, setting.value),
                    None => format!("{}={}", setting.file, setting.value),
                };
                settings.iter().map(line).collect::<Vec<_>>().join("\n")
            }
            Err(error) => error.to_string(),
        }
    }

    fn limits() -> Value {
        json!({
            "memory": {"limit": 1000, "reservation": 500, "swap": 1500},
            "cpu": {"shares": 1024, "quota": 150_000, "period": 100_000, "burst": 1000, "idle": 0, "cpus": "0-1", "mems": "0"},
            "pids": {"limit": 50},
            "blockIO": {
                "weight": 500,
                "weightDevice": [{"major": 8, "minor": 0, "weight": 100}],
                "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 1000}],
                "throttleWriteBpsDevice": [{"major": 8, "minor": 0, "rate": 2000}],
                "throttleReadIOPSDevice": [{"major": 8, "minor": 0, "rate": 30}],
                "throttleWriteIOPSDevice": [{"major": 8, "minor": 0, "rate": 40}]
            },
            "hugepageLimits": [{"pageSize": "2MB", "limit": 2_097_152}],
            "rdma": {"mlx5_1": {"hcaHandles": 3}, "mlx5_0": {"hcaHandles": 1, "hcaObjects": 2}}
        })
    }

    #[test]
    fn version_1() {
        insta::assert_snapshot!(check(&limits(), Version::One), @r"
        memory.limit_in_bytes=1000
        memory.memsw.limit_in_bytes=1500
        memory.soft_limit_in_bytes=500
        cpu.shares=1024
        cpu.cfs_period_us=100000
        cpu.cfs_quota_us=150000
        cpu.cfs_burst_us=1000
        cpu.idle=0
        cpuset.cpus=0-1
        cpuset.mems=0
        pids.max=50
        blkio.bfq.weight=500 or blkio.weight=500
        blkio.bfq.weight_device=8:0 100 or blkio.weight_device=8:0 100
        blkio.throttle.read_bps_device=8:0 1000
        blkio.throttle.write_bps_device=8:0 2000
        blkio.throttle.read_iops_device=8:0 30
        blkio.throttle.write_iops_device=8:0 40
        hugetlb.2MB.limit_in_bytes=2097152
        rdma.max=mlx5_0 hca_handle=1 hca_object=2
        rdma.max=mlx5_1 hca_handle=3 hca_object=max
        ");
    }

    #[test]
    fn version_2() {
        insta::assert_snapshot!(check(&limits(), Version::Two), @r"
        memory.max=1000
        memory.swap.max=500
        memory.low=500
        cpu.weight=100
        cpu.max=150000 100000
        cpu.max.burst=1000
        cpu.idle=0
        cpuset.cpus=0-1
        cpuset.mems=0
        pids.max=50
        io.bfq.weight=500 or io.weight=default 4950
        io.bfq.weight=8:0 100 or io.weight=8:0 910
        io.max=8:0 rbps=1000
        io.max=8:0 wbps=2000
        io.max=8:0 riops=30
        io.max=8:0 wiops=40
        hugetlb.2MB.max=2097152
        rdma.max=mlx5_0 hca_handle=1 hca_object=2
        rdma.max=mlx5_1 hca_handle=3 hca_object=max
        ");
    }

    /// Each field that only one version has: set there, refused by name by the other.
    #[test]
    fn what_one_version_lacks_is_refused_by_name() {
        for (resources, one, two) in [
            (json!({"memory": {"kernel": 5}}), "memory.kmem.limit_in_bytes=5", "`memory.kernel` is not"),
            (json!({"memory": {"kernelTCP": 5}}), "memory.kmem.tcp.limit_in_bytes=5", "`memory.kernelTCP` is not"),
            (json!({"memory": {"swappiness": 0}}), "memory.swappiness=0", "`memory.swappiness` is not"),
            (json!({"memory": {"disableOOMKiller": true}}), "memory.oom_control=1", "`memory.disableOOMKiller` is not"),
            (json!({"memory": {"useHierarchy": false}}), "memory.use_hierarchy=0", "`memory.useHierarchy` is not"),
            (json!({"cpu": {"realtimeRuntime": 5}}), "cpu.rt_runtime_us=5", "`cpu.realtimeRuntime` is not"),
            (json!({"cpu": {"realtimePeriod": 5}}), "cpu.rt_period_us=5", "`cpu.realtimePeriod` is not"),
            (json!({"blockIO": {"leafWeight": 5}}), "blkio.leaf_weight=5", "`blockIO.leafWeight` is not"),
            (json!({"network": {"classID": 5}}), "net_cls.classid=5", "`network.classID` is not"),
            (
                json!({"network": {"priorities": [{"name": "lo", "priority": 2}]}}),
                "net_prio.ifpriomap=lo 2",
                "`network.priorities` is not",
            ),
            (json!({"unified": {"memory.high": "5"}}), "`unified.memory.high` is not", "memory.high=5"),
        ] {
            let (got_one, got_two) = (check(&resources, Version::One), check(&resources, Version::Two));
            assert!(got_one.starts_with(one), "{resources}: {got_one}");
            assert!(got_two.starts_with(two), "{resources}: {got_two}");
        }
    }

    #[test]
    fn no_limits() {
        let unlimited = json!({"memory": {"limit": -1, "swap": -1}, "cpu": {"quota": -1}, "pids": {"limit": -1}});
        insta::assert_snapshot!(check(&unlimited, Version::One), @r"
        memory.limit_in_bytes=-1
        memory.memsw.limit_in_bytes=-1
        cpu.cfs_quota_us=-1
        pids.max=max
        ");
        insta::assert_snapshot!(check(&unlimited, Version::Two), @r"
        memory.max=max
        memory.swap.max=max
        cpu.max=max 100000
        pids.max=max
        ");
    }

    #[test]
    fn names_that_would_leave_the_cgroup() {
        for (resources, expected) in [
            (json!({"hugepageLimits": [{"pageSize": "../x", "limit": 1}]}), "`hugepageLimits.pageSize: ../x` must be"),
            (json!({"hugepageLimits": [{"pageSize": "MB", "limit": 1}]}), "`hugepageLimits.pageSize: MB` must be"),
            (json!({"unified": {"memory/../cgroup.procs": "1"}}), "`unified: memory/../cgroup.procs` is not"),
            (json!({"unified": {"memory./../x": "1"}}), "`unified: memory./../x` is not"),
            (json!({"unified": {"cgroup.procs": "1"}}), "`unified: cgroup.procs` is the runtime's"),
        ] {
            let got = check(&resources, Version::Two);
            assert!(got.starts_with(expected), "{resources}: {got}");
        }
    }
}
