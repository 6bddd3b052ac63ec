//! Changing the limits of a container that runs.

use std::io;

use oci_spec::runtime::{LinuxBlockIo, LinuxCpu, LinuxMemory, LinuxResources};

use super::devices::{DEVICES, Policy};
use super::setting::{Setting, write_all};
use super::{Cgroup, CgroupError, Version, hierarchies, limits, unified};

impl Cgroup {
    /// Sets what `new` says over what `old` says and returns both as one. When the kernel refuses a part, the limits are
    /// again what they were.
    pub(in crate::runtime) fn update(
        &self,
        old: Option<&LinuxResources>,
        new: &LinuxResources,
    ) -> Result<LinuxResources, CgroupError> {
        if self.directories.is_empty() {
            return Err(CgroupError::None);
        }
        let none = LinuxResources::default();
        let old = old.unwrap_or(&none);
        let merged = merge(old, new);
        let (before, after) = (limits::settings(old, self.version)?, limits::settings(&merged, self.version)?);
        let changed: Vec<Setting> = after.into_iter().filter(|setting| !before.contains(setting)).collect();
        if merged.memory().as_ref().is_some_and(|memory| memory.check_before_update() == Some(true)) {
            self.check_usage(&merged)?;
        }
        let policy = new.devices().as_ref().map(|rules| Policy::new(rules)).transpose()?;
        let result = self.write(&changed).and_then(|()| policy.map_or(Ok(()), |policy| self.replace_policy(&policy)));
        result.inspect_err(|_| {
            let undone = |setting: &&Setting| changed.iter().any(|changed| changed.file == setting.file);
            let before: Vec<Setting> = before.iter().filter(undone).cloned().collect();
            let _ = self.write(&before);
        })?;
        Ok(merged)
    }

    fn write(&self, settings: &[Setting]) -> Result<(), CgroupError> {
        match self.version {
            Version::Two => {
                unified::hand_down(&self.path, settings)?;
                write_all(settings, |_| Ok(unified::of(&self.path)))
            }
            Version::One => {
                for setting in settings {
                    self.extend_to(setting.controller)?;
                }
                hierarchies::set(&self.path, settings)
            }
        }
    }

    /// Brings the container into a hierarchy in which it had no cgroup for want of a limit.
    fn extend_to(&self, controller: &'static str) -> Result<(), CgroupError> {
        if self.directory(controller).is_some() || hierarchies::of(controller, &self.path).is_dir() {
            return Ok(());
        }
        let directory = hierarchies::add(controller, &self.path)?;
        self.fill(&directory).map_err(|source| CgroupError::limit(&directory.join("cgroup.procs"), "PID", source))
    }

    fn replace_policy(&self, policy: &Policy) -> Result<(), CgroupError> {
        let failed = |source| CgroupError::limit(&unified::of(&self.path), "the device rules", source);
        match self.version {
            Version::Two => unified::restrict_devices(&unified::of(&self.path), policy).map_err(failed),
            Version::One => {
                let directory = self.directory(DEVICES).ok_or(CgroupError::NoController(DEVICES))?;
                hierarchies::write_devices(directory, &policy.settings()?)
            }
        }
    }

    /// Version 2 would kill to get below a new limit.
    fn check_usage(&self, resources: &LinuxResources) -> Result<(), CgroupError> {
        let limit = resources.memory().as_ref().and_then(LinuxMemory::limit).filter(|limit| *limit > 0);
        let usage = self.stats(None).map_err(CgroupError::Read)?.memory.total;
        match limit.map(i64::cast_unsigned).filter(|limit| usage > *limit) {
            Some(limit) => {
                let file = match self.version {
                    Version::Two => unified::of(&self.path).join("memory.max"),
                    Version::One => hierarchies::of("memory", &self.path).join("memory.limit_in_bytes"),
                };
                let busy = io::Error::from_raw_os_error(libc::EBUSY);
                Err(CgroupError::limit(&file, &limit.to_string(), busy))
            }
            None => Ok(()),
        }
    }
}

/// Field by field: what `new` leaves open is as in `old`.
fn merge(old: &LinuxResources, new: &LinuxResources) -> LinuxResources {
    let mut merged = old.clone();
    if let Some(new) = new.memory() {
        merged.set_memory(Some(merge_memory(&old.memory().unwrap_or_default(), new)));
    }
    if let Some(new) = new.cpu() {
        merged.set_cpu(Some(merge_cpu(&old.cpu().clone().unwrap_or_default(), new)));
    }
    if let Some(new) = new.block_io() {
        merged.set_block_io(Some(merge_block_io(&old.block_io().clone().unwrap_or_default(), new)));
    }
    if let Some(pids) = new.pids() {
        merged.set_pids(Some(*pids));
    }
    if let Some(network) = new.network() {
        merged.set_network(Some(network.clone()));
    }
    if let Some(limits) = new.hugepage_limits() {
        let mut all = old.hugepage_limits().clone().unwrap_or_default();
        all.retain(|old| !limits.iter().any(|new| new.page_size() == old.page_size()));
        all.extend(limits.iter().cloned());
        merged.set_hugepage_limits(Some(all));
    }
    if let Some(devices) = new.rdma() {
        let mut all = old.rdma().clone().unwrap_or_default();
        all.extend(devices.clone());
        merged.set_rdma(Some(all));
    }
    if let Some(files) = new.unified() {
        let mut all = old.unified().clone().unwrap_or_default();
        all.extend(files.clone());
        merged.set_unified(Some(all));
    }
    if let Some(devices) = new.devices() {
        merged.set_devices(Some(devices.clone()));
    }
    merged
}

fn merge_memory(old: &LinuxMemory, new: &LinuxMemory) -> LinuxMemory {
    let mut merged = *old;
    merged
        .set_limit(new.limit().or(old.limit()))
        .set_reservation(new.reservation().or(old.reservation()))
        .set_swap(new.swap().or(old.swap()))
        .set_kernel(new.kernel().or(old.kernel()))
        .set_kernel_tcp(new.kernel_tcp().or(old.kernel_tcp()))
        .set_swappiness(new.swappiness().or(old.swappiness()))
        .set_disable_oom_killer(new.disable_oom_killer().or(old.disable_oom_killer()))
        .set_use_hierarchy(new.use_hierarchy().or(old.use_hierarchy()))
        // Of the update, not of the container.
        .set_check_before_update(new.check_before_update());
    merged
}

fn merge_cpu(old: &LinuxCpu, new: &LinuxCpu) -> LinuxCpu {
    let mut merged = old.clone();
    merged
        .set_shares(new.shares().or(old.shares()))
        .set_quota(new.quota().or(old.quota()))
        .set_period(new.period().or(old.period()))
        .set_burst(new.burst().or(old.burst()))
        .set_idle(new.idle().or(old.idle()))
        .set_realtime_runtime(new.realtime_runtime().or(old.realtime_runtime()))
        .set_realtime_period(new.realtime_period().or(old.realtime_period()))
        .set_cpus(new.cpus().clone().or_else(|| old.cpus().clone()))
        .set_mems(new.mems().clone().or_else(|| old.mems().clone()));
    merged
}

/// Of what is said for devices, the later counts: the kernel keeps a line for each.
fn merge_block_io(old: &LinuxBlockIo, new: &LinuxBlockIo) -> LinuxBlockIo {
    fn both<T: Clone>(old: &Option<Vec<T>>, new: &Option<Vec<T>>) -> Option<Vec<T>> {
        let all: Vec<T> = old.iter().chain(new).flatten().cloned().collect();
        Some(all).filter(|all| !all.is_empty())
    }
    let mut merged = old.clone();
    merged
        .set_weight(new.weight().or(old.weight()))
        .set_leaf_weight(new.leaf_weight().or(old.leaf_weight()))
        .set_weight_device(both(old.weight_device(), new.weight_device()))
        .set_throttle_read_bps_device(both(old.throttle_read_bps_device(), new.throttle_read_bps_device()))
        .set_throttle_write_bps_device(both(old.throttle_write_bps_device(), new.throttle_write_bps_device()))
        .set_throttle_read_iops_device(both(old.throttle_read_iops_device(), new.throttle_read_iops_device()))
        .set_throttle_write_iops_device(both(old.throttle_write_iops_device(), new.throttle_write_iops_device()));
    merged
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_open_stays() {
        let parse = |json: serde_json::Value| -> LinuxResources { serde_json::from_value(json).unwrap() };
        let old = parse(json!({
            "memory": {"limit": 10, "swap": 20, "checkBeforeUpdate": true},
            "cpu": {"shares": 5, "cpus": "0"},
            "pids": {"limit": 3},
            "unified": {"memory.high": "5", "memory.low": "1"}
        }));
        let new = parse(json!({
            "memory": {"limit": 15},
            "cpu": {"quota": 7},
            "hugepageLimits": [{"pageSize": "2MB", "limit": 1}],
            "unified": {"memory.high": "6"}
        }));
        let merged = serde_json::to_value(merge(&old, &new)).unwrap();
        assert_eq!(
            merged,
            json!({
                "memory": {"limit": 15, "swap": 20},
                "cpu": {"shares": 5, "quota": 7, "cpus": "0"},
                "pids": {"limit": 3},
                "hugepageLimits": [{"pageSize": "2MB", "limit": 1}],
                "unified": {"memory.high": "6", "memory.low": "1"}
            })
        );
    }
}
