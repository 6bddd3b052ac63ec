//! What a container may use: memory, processors, processes, devices; and the kernel settings of its namespaces.

use std::collections::HashMap;

use oci_spec::runtime::{LinuxCpu, LinuxDeviceCgroup, LinuxDeviceType, LinuxMemory, LinuxPids, LinuxResources};

use crate::compose::model::Service;

/// The period in which a container uses up its quota of processor time: the kernel's default, in microseconds.
const CPU_PERIOD: u64 = 100_000;

/// The character devices that a container may open, by major and minor number (`None`: any).
const DEVICES: &[(i64, Option<i64>)] = &[
    (1, Some(3)), // null
    (1, Some(5)), // zero
    (1, Some(7)), // full
    (1, Some(8)), // random
    (1, Some(9)), // urandom
    (5, Some(0)), // tty
    (5, Some(1)), // console
    (5, Some(2)), // ptmx
    (136, None),  // pts/*
];

pub(super) fn resources(service: &Service) -> LinuxResources {
    let mut resources = LinuxResources::default();
    resources.set_devices(Some(devices()));
    resources.set_memory(memory(service)).set_cpu(cpu(service));
    if let Some(limit) = service.process_limit() {
        let mut pids = LinuxPids::default();
        pids.set_limit(limit);
        resources.set_pids(Some(pids));
    }
    resources
}

fn memory(service: &Service) -> Option<LinuxMemory> {
    let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let limit = service.memory_limit().map(bytes);
    // As much swap as memory, like Docker; the field is their sum, and nothing without a limit of the memory.
    let given = service.memswap_limit.filter(|swap| *swap != 0);
    let swap = limit.map(|limit| given.unwrap_or(limit.saturating_mul(2)));
    let reservation = service.memory_reservation().map(bytes);
    if limit.is_none() && reservation.is_none() {
        return None;
    }
    let mut memory = LinuxMemory::default();
    memory.set_limit(limit).set_swap(swap).set_reservation(reservation);
    Some(memory)
}

fn cpu(service: &Service) -> Option<LinuxCpu> {
    let nano_cpus = service.nano_cpus().map(|nano_cpus| {
        let quota = u128::from(nano_cpus) * u128::from(CPU_PERIOD) / 1_000_000_000;
        i64::try_from(quota).unwrap_or(i64::MAX)
    });
    let given = |number: Option<i64>| number.filter(|number| *number != 0);
    let own_period = given(service.cpu_period).and_then(|period| u64::try_from(period).ok());
    let (quota, period) = match (nano_cpus, given(service.cpu_quota)) {
        (Some(quota), _) => (Some(quota), Some(CPU_PERIOD)),
        (None, Some(quota)) => (Some(quota), Some(own_period.unwrap_or(CPU_PERIOD))),
        // A period of its own without a quota limits nothing.
        (None, None) => (None, None),
    };
    let shares = service.cpu_shares.filter(|shares| *shares != 0);
    if quota.is_none() && shares.is_none() && service.cpuset.is_none() {
        return None;
    }
    let mut cpu = LinuxCpu::default();
    cpu.set_quota(quota).set_period(period).set_shares(shares).set_cpus(service.cpuset.clone());
    Some(cpu)
}

/// Nothing, then any `mknod`, then the opening of the harmless.
fn devices() -> Vec<LinuxDeviceCgroup> {
    let rule = |allow, kind, major, minor, access: &str| {
        let mut rule = LinuxDeviceCgroup::default();
        *rule.allow_mut() = allow;
        *rule.typ_mut() = Some(kind);
        *rule.major_mut() = major;
        *rule.minor_mut() = minor;
        *rule.access_mut() = Some(access.to_owned());
        rule
    };
    let mut rules = vec![
        rule(false, LinuxDeviceType::A, None, None, "rwm"),
        rule(true, LinuxDeviceType::C, None, None, "m"),
        rule(true, LinuxDeviceType::B, None, None, "m"),
    ];
    rules.extend(DEVICES.iter().map(|(major, minor)| rule(true, LinuxDeviceType::C, Some(*major), *minor, "rwm")));
    rules
}

/// The service's settings over Docker's two: anyone in the container's own network may bind low ports and ping.
pub(super) fn sysctls(service: &Service, host_network: bool) -> HashMap<String, String> {
    let own_network = [("net.ipv4.ip_unprivileged_port_start", "0"), ("net.ipv4.ping_group_range", "0 2147483647")];
    let mut sysctls: HashMap<String, String> = own_network
        .into_iter()
        .filter(|_| !host_network)
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    sysctls.extend(service.sysctls.clone());
    sysctls
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What becomes of the keys of a service.
    fn check(keys: &Value) -> Value {
        let mut service = json!({"image": "busybox"});
        service.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        let service: Service = serde_json::from_value(service).unwrap();
        let mut resources = serde_json::to_value(resources(&service)).unwrap();
        resources.as_object_mut().unwrap().remove("devices");
        resources
    }

    #[test]
    fn limits_from_either_place() {
        for (keys, expected) in [
            (json!({}), json!({})),
            (json!({"mem_limit": "1k"}), json!({"memory": {"limit": 1024, "swap": 2048}})),
            (json!({"mem_limit": "1k", "memswap_limit": "3k"}), json!({"memory": {"limit": 1024, "swap": 3072}})),
            (json!({"mem_limit": "1k", "memswap_limit": "-1"}), json!({"memory": {"limit": 1024, "swap": -1}})),
            (json!({"memswap_limit": "3k"}), json!({})),
            (
                json!({"deploy": {"resources": {"limits": {"memory": "2k", "pids": 5}, "reservations": {"memory": "1k"}}}}),
                json!({"memory": {"limit": 2048, "swap": 4096, "reservation": 1024}, "pids": {"limit": 5}}),
            ),
            (json!({"cpus": 0.1}), json!({"cpu": {"quota": 10_000, "period": 100_000}})),
            (json!({"cpus": 2, "cpu_quota": "5"}), json!({"cpu": {"quota": 200_000, "period": 100_000}})),
            (json!({"cpu_quota": "5000", "cpu_period": "50000"}), json!({"cpu": {"quota": 5000, "period": 50_000}})),
            (json!({"cpu_quota": "5000"}), json!({"cpu": {"quota": 5000, "period": 100_000}})),
            (json!({"cpu_period": "50000", "pids_limit": 0}), json!({})),
            (json!({"cpu_shares": 512, "cpuset": "0"}), json!({"cpu": {"shares": 512, "cpus": "0"}})),
        ] {
            assert_eq!(check(&keys), expected, "{keys}");
        }
    }
}
