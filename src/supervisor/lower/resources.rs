//! What a container may use: memory, processors, processes, devices; and the kernel settings of its namespaces.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use oci_spec::runtime::{LinuxCpu, LinuxDeviceCgroup, LinuxDeviceType, LinuxMemory, LinuxPids, LinuxResources};

use super::{LowerError, LowerInput, Machine, block_io};
use crate::compose::model::Service;
use crate::name::ContainerId;
use crate::runtime::defaults;

/// The period in which a container uses up its quota of processor time: the kernel's default, in microseconds.
const CPU_PERIOD: u64 = 100_000;

/// Docker's: with less, no program starts.
const LEAST_MEMORY: i64 = 6 << 20;

/// What the service says, for the cgroups of this machine. What these cannot do and Docker does without goes to `warnings`.
pub(super) fn resources(input: &LowerInput, warnings: &mut Vec<String>) -> Result<LinuxResources, LowerError> {
    let service = input.service;
    let failed = |reason: String| LowerError::Resources { service: input.name.clone(), reason };
    let mut resources = LinuxResources::default();
    let mut rules = defaults::devices(service.privileged);
    for rule in &service.device_cgroup_rules {
        rules.push(
            device_rule(rule).ok_or_else(|| failed(format!("`device_cgroup_rules: {rule}` is no rule: `c 1:3 mr`")))?,
        );
    }
    resources.set_devices(Some(rules));
    let memory = memory(service, input.machine, warnings).map_err(|reason| failed(reason.to_owned()))?;
    resources.set_memory(memory).set_cpu(cpu(service, input.machine, warnings));
    if let Some(limit) = service.process_limit() {
        let mut pids = LinuxPids::default();
        pids.set_limit(limit);
        resources.set_pids(Some(pids));
    }
    let block_io = service.blkio_config.as_ref().map(|config| block_io::block_io(config, input.machine));
    resources.set_block_io(block_io.transpose().map_err(failed)?.flatten());
    Ok(resources)
}

/// Where its cgroup is: below `cgroup_parent`, else where the runtime puts it.
pub(super) fn cgroups_path(service: &Service, id: &ContainerId) -> PathBuf {
    match service.cgroup_parent.as_deref().filter(|parent| !parent.is_empty()) {
        None => Path::new("rcompose").join(id.as_str()),
        Some(parent) => Path::new("/").join(crate::runtime::cgroup_parent(parent)).join(id.as_str()),
    }
}

fn memory(
    service: &Service,
    machine: &Machine,
    warnings: &mut Vec<String>,
) -> Result<Option<LinuxMemory>, &'static str> {
    let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let limit = service.memory_limit().map(bytes);
    let reservation = service.memory_reservation().map(bytes);
    let given = service.memswap_limit.filter(|swap| *swap != 0);
    match (limit, given, reservation) {
        (Some(limit), ..) if limit < LEAST_MEMORY => return Err("`mem_limit` must be at least 6m"),
        (None, Some(1..), _) => return Err("`memswap_limit` needs `mem_limit`, which it includes"),
        (Some(limit), Some(swap), _) if swap >= 0 && swap < limit => {
            return Err("`memswap_limit` must not be less than `mem_limit`, which it includes");
        }
        (Some(limit), _, Some(reservation)) if reservation > limit => {
            return Err("`mem_reservation` must not be more than `mem_limit`");
        }
        _ => {}
    }
    // As much swap as memory, like Docker; the field is their sum, and nothing without a limit of the memory.
    let mut swap = limit.map(|limit| given.unwrap_or(limit.saturating_mul(2)));
    if !machine.limits_swap {
        swap = None;
        if given.is_some() {
            warnings.push("this kernel does not limit swap: `memswap_limit` has no effect".to_owned());
        }
    }
    // 0 is nothing said, as with Docker Compose.
    let mut swappiness = service.mem_swappiness.filter(|swappiness| *swappiness != 0);
    if swappiness.is_some_and(|swappiness| swappiness > 100) {
        return Err("`mem_swappiness` must be from 0 to 100");
    }
    let mut no_killer = service.oom_kill_disable;
    if machine.unified {
        let mut lacks = |key: &str, is_set: bool| {
            warnings.extend(is_set.then(|| format!("cgroup version 2 has no equivalent: `{key}` has no effect")));
        };
        lacks("mem_swappiness", swappiness.take().is_some());
        lacks("oom_kill_disable", std::mem::take(&mut no_killer));
    }
    if no_killer && limit.is_none() {
        warnings.push("`oom_kill_disable` without `mem_limit`: the whole machine can come to a stop".to_owned());
    }
    let nothing = (limit, reservation, swappiness, no_killer) == (None, None, None, false);
    let mut memory = LinuxMemory::default();
    memory
        .set_limit(limit)
        .set_swap(swap)
        .set_reservation(reservation)
        .set_swappiness(swappiness)
        .set_disable_oom_killer(no_killer.then_some(true));
    Ok(Some(memory).filter(|_| !nothing))
}

fn cpu(service: &Service, machine: &Machine, warnings: &mut Vec<String>) -> Option<LinuxCpu> {
    let nano_cpus = service.nano_cpus().map(|nano_cpus| {
        let quota = u128::from(nano_cpus) * u128::from(CPU_PERIOD) / 1_000_000_000;
        i64::try_from(quota).unwrap_or(i64::MAX)
    });
    let given = |number: Option<i64>| number.filter(|number| *number != 0);
    let own_period = given(service.cpu_period).and_then(|period| u64::try_from(period).ok());
    let (quota, period) = match (nano_cpus, given(service.cpu_quota)) {
        (Some(quota), _) => (Some(quota), Some(CPU_PERIOD)),
        (None, Some(quota)) => (Some(quota), Some(own_period.unwrap_or(CPU_PERIOD))),
        (None, None) => (None, own_period),
    };
    let mut realtime = (given(service.cpu_rt_runtime), given(service.cpu_rt_period));
    if machine.unified && realtime != (None, None) {
        realtime = (None, None);
        let text = "cgroup version 2 has no equivalent: `cpu_rt_runtime` and `cpu_rt_period` have no effect";
        warnings.push(text.to_owned());
    }
    let mut cpu = LinuxCpu::default();
    cpu.set_quota(quota)
        .set_period(period)
        .set_shares(service.cpu_shares.filter(|shares| *shares != 0))
        .set_realtime_runtime(realtime.0)
        .set_realtime_period(realtime.1.and_then(|period| u64::try_from(period).ok()))
        .set_cpus(service.cpuset.clone());
    Some(cpu).filter(|cpu| *cpu != LinuxCpu::default())
}

/// `c 1:3 mr`: the kind (`a` for any), the numbers (`*` for any), and of making, reading and writing what is allowed.
fn device_rule(text: &str) -> Option<LinuxDeviceCgroup> {
    let [kind, numbers, access] = text.split(' ').collect::<Vec<_>>()[..] else { return None };
    let (major, minor) = numbers.split_once(':')?;
    let number = |text: &str| match text {
        "*" => Some(None),
        _ => text.parse::<u32>().ok().map(|number| Some(i64::from(number))),
    };
    let kind = match kind {
        "a" => LinuxDeviceType::A,
        "b" => LinuxDeviceType::B,
        "c" => LinuxDeviceType::C,
        _ => return None,
    };
    let is_access = (1..=3).contains(&access.len()) && access.chars().all(|letter| "rwm".contains(letter));
    let (major, minor) = (number(major)?, number(minor)?);
    is_access.then(|| defaults::device_rule(true, kind, major, minor, access))
}

/// The service's settings over Docker's two: anyone in the container's own network may bind low ports and ping.
pub(super) fn sysctls(service: &Service, host_network: bool) -> HashMap<String, String> {
    // Groups that nobody can be in cannot be named.
    let groups = if super::namespaces::has_own_users(service) { "0 65535" } else { "0 2147483647" };
    let mut sysctls = if host_network { HashMap::new() } else { defaults::network_sysctls(groups) };
    sysctls.extend(service.sysctls.clone());
    sysctls
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn service(keys: &Value) -> Service {
        let mut service = json!({"image": "busybox"});
        service.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        serde_json::from_value(service).unwrap()
    }

    fn check(keys: &Value, unified: bool) -> (Value, Vec<String>) {
        let (service, mut warnings) = (service(keys), Vec::new());
        let machine = Machine { unified, limits_swap: true, ..Machine::default() };
        let mut resources = LinuxResources::default();
        match memory(&service, &machine, &mut warnings) {
            Ok(memory) => resources.set_memory(memory).set_cpu(cpu(&service, &machine, &mut warnings)),
            Err(reason) => return (json!(reason), warnings),
        };
        (serde_json::to_value(resources).unwrap(), warnings)
    }

    #[test]
    fn limits_from_either_place() {
        let megabyte = 1 << 20;
        for (keys, expected) in [
            (json!({}), json!({})),
            (json!({"mem_limit": "8m"}), json!({"memory": {"limit": 8 * megabyte, "swap": 16 * megabyte}})),
            (
                json!({"mem_limit": "8m", "memswap_limit": "9m"}),
                json!({"memory": {"limit": 8 * megabyte, "swap": 9 * megabyte}}),
            ),
            (json!({"mem_limit": "8m", "memswap_limit": "-1"}), json!({"memory": {"limit": 8 * megabyte, "swap": -1}})),
            (json!({"memswap_limit": "-1"}), json!({})),
            (json!({"memswap_limit": "3k"}), json!("`memswap_limit` needs `mem_limit`, which it includes")),
            (
                json!({"mem_limit": "8m", "memswap_limit": "7m"}),
                json!("`memswap_limit` must not be less than `mem_limit`, which it includes"),
            ),
            (
                json!({"mem_limit": "8m", "mem_reservation": "9m"}),
                json!("`mem_reservation` must not be more than `mem_limit`"),
            ),
            (json!({"mem_limit": "5m"}), json!("`mem_limit` must be at least 6m")),
            (json!({"mem_swappiness": "101"}), json!("`mem_swappiness` must be from 0 to 100")),
            (
                json!({"deploy": {"resources": {"limits": {"memory": "8m"}, "reservations": {"memory": "7m"}}}}),
                json!({"memory": {"limit": 8 * megabyte, "swap": 16 * megabyte, "reservation": 7 * megabyte}}),
            ),
            (json!({"cpus": 0.1}), json!({"cpu": {"quota": 10_000, "period": 100_000}})),
            (json!({"cpus": 2, "cpu_quota": "5"}), json!({"cpu": {"quota": 200_000, "period": 100_000}})),
            (json!({"cpu_quota": "5000", "cpu_period": "50000"}), json!({"cpu": {"quota": 5000, "period": 50_000}})),
            (json!({"cpu_quota": "5000"}), json!({"cpu": {"quota": 5000, "period": 100_000}})),
            (json!({"cpu_period": "50000"}), json!({"cpu": {"period": 50_000}})),
            (json!({"cpu_shares": 512, "cpuset": "0"}), json!({"cpu": {"shares": 512, "cpus": "0"}})),
        ] {
            assert_eq!(check(&keys, false), (expected, Vec::new()), "{keys}");
        }
    }

    #[test]
    fn what_version_2_lacks_is_a_warning() {
        let keys = json!({"mem_limit": "8m", "mem_swappiness": "60", "oom_kill_disable": true, "cpu_rt_runtime": "95000", "cpu_rt_period": "100000"});
        let (resources, warnings) = check(&keys, false);
        assert_eq!(warnings, Vec::<String>::new());
        assert_eq!(resources["memory"]["swappiness"], 60);
        assert_eq!(resources["memory"]["disableOOMKiller"], true);
        assert_eq!(resources["cpu"], json!({"realtimeRuntime": 95_000, "realtimePeriod": 100_000}));
        let (resources, warnings) = check(&keys, true);
        assert_eq!(resources, json!({"memory": {"limit": 8 << 20, "swap": 16 << 20}}));
        insta::assert_snapshot!(warnings.join("\n"), @r"
        cgroup version 2 has no equivalent: `mem_swappiness` has no effect
        cgroup version 2 has no equivalent: `oom_kill_disable` has no effect
        cgroup version 2 has no equivalent: `cpu_rt_runtime` and `cpu_rt_period` have no effect
        ");
    }

    #[test]
    fn device_rules() {
        let text = |text: &str| device_rule(text).map(|rule| serde_json::to_string(&rule).unwrap()).unwrap_or_default();
        insta::assert_snapshot!(text("c 1:3 mr"), @r#"{"allow":true,"type":"c","major":1,"minor":3,"access":"mr"}"#);
        insta::assert_snapshot!(text("b 8:* rwm"), @r#"{"allow":true,"type":"b","major":8,"access":"rwm"}"#);
        insta::assert_snapshot!(text("a *:* rwm"), @r#"{"allow":true,"type":"a","access":"rwm"}"#);
        for text in ["", "c 1:3", "c 1 rwm", "d 1:3 r", "c 1:3 x", "c 1:3 rwmr", "c -1:3 r", "c  1:3 r"] {
            assert_eq!(device_rule(text), None, "{text}");
        }
    }

    #[test]
    fn parents() {
        let id = ContainerId::new("ab".repeat(32)).unwrap();
        for (parent, expected) in [
            (json!(null), "rcompose/ID"),
            (json!("machines"), "/machines/ID"),
            (json!("/machines/blue"), "/machines/blue/ID"),
            (json!("batch-night.slice"), "/batch.slice/batch-night.slice/rcompose/ID"),
        ] {
            let path = cgroups_path(&service(&json!({"cgroup_parent": parent})), &id);
            assert_eq!(path.display().to_string().replace(id.as_str(), "ID"), expected, "{parent}");
        }
    }
}
