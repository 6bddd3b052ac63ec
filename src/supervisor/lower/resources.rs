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
    if let Some(limit) = service.mem_limit {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut memory = LinuxMemory::default();
        // As much swap as memory, like Docker; the field is their sum.
        memory.set_limit(Some(limit)).set_swap(Some(limit.saturating_mul(2)));
        resources.set_memory(Some(memory));
    }
    if let Some(nano_cpus) = service.nano_cpus {
        let quota = u128::from(nano_cpus) * u128::from(CPU_PERIOD) / 1_000_000_000;
        let mut cpu = LinuxCpu::default();
        cpu.set_period(Some(CPU_PERIOD)).set_quota(Some(i64::try_from(quota).unwrap_or(i64::MAX)));
        resources.set_cpu(Some(cpu));
    }
    if let Some(limit) = service.pids_limit {
        let mut pids = LinuxPids::default();
        pids.set_limit(limit);
        resources.set_pids(Some(pids));
    }
    resources
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
