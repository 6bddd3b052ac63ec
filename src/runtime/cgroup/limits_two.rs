//! The limits of a specification as files of the version 2 hierarchy. The specification speaks the language of version
//! 1: what has an equivalent is converted, what has none is refused by name.

use oci_spec::runtime::{LinuxBlockIo, LinuxCpu, LinuxMemory, LinuxResources, LinuxThrottleDevice};

use super::CgroupError;
use super::limits::{hugepage_file, rdma, some};
use super::setting::Setting;

/// The controllers of this version.
pub(super) const CONTROLLERS: [&str; 8] = ["cpu", "cpuset", "hugetlb", "io", "memory", "misc", "pids", "rdma"];
/// What the core has, which every cgroup but the root has: `cgroup.max.depth`.
const CORE: &str = "cgroup";
const DEFAULT_PERIOD: u64 = 100_000;

/// What to write where, in order.
pub(super) fn settings(resources: &LinuxResources) -> Result<Vec<Setting>, CgroupError> {
    let mut settings = Vec::new();
    resources.memory().iter().try_for_each(|limits| memory(limits, &mut settings))?;
    resources.cpu().iter().try_for_each(|limits| cpu(limits, &mut settings))?;
    if let Some(pids) = resources.pids() {
        let value = if pids.limit() <= 0 { "max".to_owned() } else { pids.limit().to_string() };
        settings.push(Setting::new("pids", "pids.max", value));
    }
    resources.block_io().iter().try_for_each(|limits| block_io(limits, &mut settings))?;
    for limit in resources.hugepage_limits().iter().flatten() {
        settings.push(Setting::new("hugetlb", hugepage_file(limit.page_size(), "max")?, bytes(limit.limit())));
    }
    if let Some(network) = resources.network() {
        let field = if network.class_id().is_some() { "network.classID" } else { "network.priorities" };
        if network.class_id().is_some() || network.priorities().iter().flatten().next().is_some() {
            return Err(CgroupError::unsupported(field, 2, "mark packets by their cgroup in the firewall instead"));
        }
    }
    settings.extend(rdma(resources));
    settings.extend(unified(resources)?);
    Ok(settings)
}

/// This version spells "no limit" `max`.
fn bytes(value: i64) -> String {
    if value < 0 { "max".to_owned() } else { value.to_string() }
}

fn memory(memory: &LinuxMemory, settings: &mut Vec<Setting>) -> Result<(), CgroupError> {
    let refused = [
        ("memory.kernel", some(memory.kernel()).is_some(), "its memory counts as that of the container: set `limit`"),
        ("memory.kernelTCP", some(memory.kernel_tcp()).is_some(), "its memory counts as that of the container"),
        ("memory.swappiness", memory.swappiness().is_some(), "it is a setting of the whole machine"),
        ("memory.disableOOMKiller", memory.disable_oom_killer() == Some(true), "set `oom_score_adj` of processes"),
        ("memory.useHierarchy", memory.use_hierarchy() == Some(false), "limits always hold for what is below"),
    ];
    if let Some((field, _, reason)) = refused.into_iter().find(|(_, is_set, _)| *is_set) {
        return Err(CgroupError::unsupported(field, 2, reason));
    }
    let limit = some(memory.limit());
    settings.extend(limit.map(|limit| Setting::new("memory", "memory.max", bytes(limit))));
    if let Some(swap) = some(memory.swap()) {
        settings.push(Setting::new("memory", "memory.swap.max", bytes(swap_alone(swap, limit)?)));
    }
    settings.extend(some(memory.reservation()).map(|low| Setting::new("memory", "memory.low", bytes(low))));
    Ok(())
}

/// The specification counts memory and swap together, as version 1 does; version 2 counts swap alone.
fn swap_alone(both: i64, limit: Option<i64>) -> Result<i64, CgroupError> {
    let invalid =
        |expected| CgroupError::Invalid { field: "memory.swap".to_owned(), value: both.to_string(), expected };
    match limit {
        _ if both < 0 => Ok(both),
        Some(limit) if limit >= 0 && both >= limit => Ok(both - limit),
        Some(limit) if limit >= 0 => Err(invalid("must not be less than `memory.limit`, which it includes")),
        _ => Err(invalid("needs `memory.limit`, which it includes")),
    }
}

fn cpu(cpu: &LinuxCpu, settings: &mut Vec<Setting>) -> Result<(), CgroupError> {
    for (field, is_set) in [
        ("cpu.realtimeRuntime", cpu.realtime_runtime().is_some_and(|runtime| runtime != 0)),
        ("cpu.realtimePeriod", cpu.realtime_period().is_some_and(|period| period != 0)),
    ] {
        if is_set {
            return Err(CgroupError::unsupported(field, 2, "it does not control real-time processes"));
        }
    }
    let mut set = |controller, file: &'static str, value: Option<String>| {
        settings.extend(value.map(|value| Setting::new(controller, file, value)));
    };
    set("cpu", "cpu.weight", cpu.shares().filter(|shares| *shares != 0).map(|shares| weight(shares).to_string()));
    let period = cpu.period().filter(|period| *period != 0);
    if some(cpu.quota()).is_some() || period.is_some() {
        let quota = bytes(some(cpu.quota()).unwrap_or(-1));
        set("cpu", "cpu.max", Some(format!("{quota} {}", period.unwrap_or(DEFAULT_PERIOD))));
    }
    set("cpu", "cpu.max.burst", cpu.burst().map(|burst| burst.to_string()));
    set("cpu", "cpu.idle", cpu.idle().map(|idle| idle.to_string()));
    set("cpuset", "cpuset.cpus", cpu.cpus().clone().filter(|list| !list.is_empty()));
    set("cpuset", "cpuset.mems", cpu.mems().clone().filter(|list| !list.is_empty()));
    Ok(())
}

/// Shares, 2 to 262144, as a weight, 1 to 10000, such that the default of the one, 1024, is the default of the other,
/// 100. The curve through these three points on which runc and crun have agreed.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 10000")]
fn weight(shares: u64) -> u64 {
    let log = (shares.clamp(2, 262_144) as f64).log2();
    let exponent = (log * log + 125.0 * log) / 612.0 - 7.0 / 34.0;
    // Less than rounding errors away from a whole number, it is that number.
    (10_f64.powf(exponent) - 1e-6).ceil() as u64
}

fn block_io(limits: &LinuxBlockIo, settings: &mut Vec<Setting>) -> Result<(), CgroupError> {
    let leaf = limits.weight_device().iter().flatten().any(|device| device.leaf_weight().is_some());
    if leaf || limits.leaf_weight().is_some_and(|weight| weight != 0) {
        return Err(CgroupError::unsupported("blockIO.leafWeight", 2, "a cgroup with children has no processes"));
    }
    if let Some(weight) = limits.weight().filter(|weight| *weight != 0) {
        let setting = Setting::new("io", "io.bfq.weight", weight);
        settings.push(setting.or("io.weight", format!("default {}", io_weight(weight))));
    }
    for device in limits.weight_device().iter().flatten() {
        if let Some(weight) = device.weight() {
            let number = format!("{}:{}", device.major(), device.minor());
            let setting = Setting::new("io", "io.bfq.weight", format!("{number} {weight}"));
            settings.push(setting.or("io.weight", format!("{number} {}", io_weight(weight))));
        }
    }
    let mut throttle = |key: &str, devices: &Option<Vec<LinuxThrottleDevice>>| {
        settings.extend(devices.iter().flatten().map(|device| {
            // No limit at all is `max`: 0 would be refused.
            let rate = if device.rate() == 0 { "max".to_owned() } else { device.rate().to_string() };
            Setting::new("io", "io.max", format!("{}:{} {key}={rate}", device.major(), device.minor()))
        }));
    };
    throttle("rbps", limits.throttle_read_bps_device());
    throttle("wbps", limits.throttle_write_bps_device());
    throttle("riops", limits.throttle_read_iops_device());
    throttle("wiops", limits.throttle_write_iops_device());
    Ok(())
}

/// 10 to 1000 as 1 to 10000.
fn io_weight(weight: u16) -> u64 {
    1 + (u64::from(weight.clamp(10, 1000)) - 10) * 9999 / 990
}

/// Files by name, as they are.
fn unified(resources: &LinuxResources) -> Result<Vec<Setting>, CgroupError> {
    let mut files: Vec<_> = resources.unified().iter().flatten().collect();
    files.sort();
    let setting = |(file, value): (&String, &String)| {
        let invalid = |expected| CgroupError::Invalid { field: "unified".to_owned(), value: file.clone(), expected };
        let prefix = file.split('.').next().unwrap_or_default();
        let known = CONTROLLERS.into_iter().chain([CORE]).find(|controller| *controller == prefix);
        let controller = known.filter(|_| !file.contains('/') && file.contains('.'));
        let controller = controller.ok_or_else(|| invalid("is not the name of a controller's file"))?;
        if controller == CORE && !file.starts_with("cgroup.max.") {
            return Err(invalid("is the runtime's to write"));
        }
        Ok(Setting::new(controller, file.clone(), value))
    };
    files.into_iter().map(setting).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights() {
        for (shares, expected) in
            [(0, 1), (2, 1), (1024, 100), (512, 59), (2048, 174), (262_144, 10_000), (1 << 40, 10_000)]
        {
            assert_eq!(weight(shares), expected, "{shares}");
        }
        for (given, expected) in [(10, 1), (100, 910), (500, 4950), (1000, 10_000)] {
            assert_eq!(io_weight(given), expected, "{given}");
        }
    }

    #[test]
    fn swap() {
        for (both, limit, expected) in [
            (-1, None, Ok(-1)),
            (-1, Some(5), Ok(-1)),
            (5, Some(5), Ok(0)),
            (9, Some(5), Ok(4)),
            (4, Some(5), Err("`memory.swap: 4` must not be less than `memory.limit`, which it includes")),
            (4, None, Err("`memory.swap: 4` needs `memory.limit`, which it includes")),
        ] {
            let result = swap_alone(both, limit).map_err(|error| error.to_string());
            assert_eq!(result, expected.map_err(str::to_owned), "{both} {limit:?}");
        }
    }
}
