//! The limits of a specification as files of the version 1 hierarchies.

use oci_spec::runtime::{LinuxBlockIo, LinuxCpu, LinuxMemory, LinuxNetwork, LinuxResources, LinuxThrottleDevice};

use super::CgroupError;
use super::limits::{hugepage_file, rdma, some};
use super::setting::Setting;

/// What to write where, in order.
pub(super) fn settings(resources: &LinuxResources) -> Result<Vec<Setting>, CgroupError> {
    let mut settings = Vec::new();
    resources.memory().iter().for_each(|limits| memory(limits, &mut settings));
    resources.cpu().iter().for_each(|limits| cpu(limits, &mut settings));
    if let Some(pids) = resources.pids() {
        let value = if pids.limit() <= 0 { "max".to_owned() } else { pids.limit().to_string() };
        settings.push(Setting::new("pids", "pids.max", value));
    }
    resources.block_io().iter().for_each(|limits| block_io(limits, &mut settings));
    for limit in resources.hugepage_limits().iter().flatten() {
        settings.push(Setting::new("hugetlb", hugepage_file(limit.page_size(), "limit_in_bytes")?, limit.limit()));
    }
    resources.network().iter().for_each(|limits| network(limits, &mut settings));
    settings.extend(rdma(resources));
    if let Some((key, _)) = resources.unified().iter().flatten().next() {
        let field = format!("unified.{key}");
        return Err(CgroupError::unsupported(&field, 1, "use the field of the specification for this limit"));
    }
    Ok(settings)
}

fn memory(memory: &LinuxMemory, settings: &mut Vec<Setting>) {
    let mut set = |file: &'static str, value: Option<String>| {
        settings.extend(value.map(|value| Setting::new("memory", file, value)));
    };
    let text = |value: Option<i64>| some(value).map(|value| value.to_string());
    set("memory.use_hierarchy", memory.use_hierarchy().map(|is_set| u8::from(is_set).to_string()));
    set("memory.limit_in_bytes", text(memory.limit()));
    set("memory.memsw.limit_in_bytes", text(memory.swap()));
    set("memory.soft_limit_in_bytes", text(memory.reservation()));
    set("memory.kmem.limit_in_bytes", text(memory.kernel()));
    set("memory.kmem.tcp.limit_in_bytes", text(memory.kernel_tcp()));
    set("memory.swappiness", memory.swappiness().map(|value| value.to_string()));
    set("memory.oom_control", memory.disable_oom_killer().map(|is_set| u8::from(is_set).to_string()));
}

fn cpu(cpu: &LinuxCpu, settings: &mut Vec<Setting>) {
    let mut set = |controller, file: &'static str, value: Option<String>| {
        settings.extend(value.map(|value| Setting::new(controller, file, value)));
    };
    let text = |value: Option<u64>| value.filter(|value| *value != 0).map(|value| value.to_string());
    set("cpu", "cpu.shares", text(cpu.shares()));
    set("cpu", "cpu.cfs_period_us", text(cpu.period()));
    set("cpu", "cpu.cfs_quota_us", some(cpu.quota()).map(|quota| quota.to_string()));
    set("cpu", "cpu.cfs_burst_us", cpu.burst().map(|burst| burst.to_string()));
    set("cpu", "cpu.idle", cpu.idle().map(|idle| idle.to_string()));
    set("cpu", "cpu.rt_period_us", text(cpu.realtime_period()));
    set("cpu", "cpu.rt_runtime_us", cpu.realtime_runtime().map(|runtime| runtime.to_string()));
    set("cpuset", "cpuset.cpus", cpu.cpus().clone().filter(|list| !list.is_empty()));
    set("cpuset", "cpuset.mems", cpu.mems().clone().filter(|list| !list.is_empty()));
}

fn block_io(limits: &LinuxBlockIo, settings: &mut Vec<Setting>) {
    // The scheduler that knows weights is BFQ; before kernel 5.0 it was CFQ, which alone knew those of leaves.
    let mut weight = |bfq, cfq, value: String| {
        settings.push(Setting::new("blkio", bfq, &value).or(cfq, &value));
    };
    if let Some(value) = limits.weight().filter(|weight| *weight != 0) {
        weight("blkio.bfq.weight", "blkio.weight", value.to_string());
    }
    if let Some(value) = limits.leaf_weight().filter(|weight| *weight != 0) {
        weight("blkio.leaf_weight", "blkio.leaf_weight", value.to_string());
    }
    for device in limits.weight_device().iter().flatten() {
        let number = format!("{}:{}", device.major(), device.minor());
        if let Some(value) = device.weight() {
            weight("blkio.bfq.weight_device", "blkio.weight_device", format!("{number} {value}"));
        }
        if let Some(value) = device.leaf_weight() {
            weight("blkio.leaf_weight_device", "blkio.leaf_weight_device", format!("{number} {value}"));
        }
    }
    let mut throttle = |file: &'static str, devices: &Option<Vec<LinuxThrottleDevice>>| {
        settings.extend(devices.iter().flatten().map(|device| {
            Setting::new("blkio", file, format!("{}:{} {}", device.major(), device.minor(), device.rate()))
        }));
    };
    throttle("blkio.throttle.read_bps_device", limits.throttle_read_bps_device());
    throttle("blkio.throttle.write_bps_device", limits.throttle_write_bps_device());
    throttle("blkio.throttle.read_iops_device", limits.throttle_read_iops_device());
    throttle("blkio.throttle.write_iops_device", limits.throttle_write_iops_device());
}

fn network(network: &LinuxNetwork, settings: &mut Vec<Setting>) {
    settings.extend(network.class_id().map(|class| Setting::new("net_cls", "net_cls.classid", class)));
    settings.extend(network.priorities().iter().flatten().map(|priority| {
        Setting::new("net_prio", "net_prio.ifpriomap", format!("{} {}", priority.name(), priority.priority()))
    }));
}
