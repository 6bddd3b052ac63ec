//! The limits of a specification as files to write, for either version of cgroups.

use std::path::Path;

use oci_spec::runtime::{LinuxDeviceCgroup, LinuxResources};

use super::CgroupError;

pub(super) const DEVICES: &str = "devices";
pub(super) const CPUSET: &str = "cpuset";
/// The version 1 controllers in which a container may have a directory.
pub(super) const CONTROLLERS: [&str; 5] = [DEVICES, "memory", "cpu", CPUSET, "pids"];

/// The devices any container may use, as Docker has them: making any node, and null, zero, full, random, urandom, tty,
/// console, ptmx and the pseudo terminals.
const DEFAULT_DEVICES: [&str; 11] = [
    "c *:* m",
    "b *:* m",
    "c 1:3 rwm",
    "c 1:5 rwm",
    "c 1:7 rwm",
    "c 1:8 rwm",
    "c 1:9 rwm",
    "c 5:0 rwm",
    "c 5:1 rwm",
    "c 5:2 rwm",
    "c 136:* rwm",
];

/// One file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) controller: &'static str,
    pub(super) file: &'static str,
    pub(super) value: String,
}

impl Setting {
    fn new(controller: &'static str, file: &'static str, value: impl ToString) -> Self {
        Self { controller, file, value: value.to_string() }
    }

    pub(super) fn write(&self, directory: &Path) -> Result<(), CgroupError> {
        let path = directory.join(self.file);
        fs_err::write(&path, &self.value).map_err(|source| CgroupError::Limit {
            path,
            value: self.value.clone(),
            source,
        })
    }
}

/// What to write where, in order.
pub(super) fn settings(resources: Option<&LinuxResources>, unified: bool) -> Result<Vec<Setting>, CgroupError> {
    let mut settings = Vec::new();
    if !unified {
        devices(resources.and_then(|resources| resources.devices().as_deref()).unwrap_or_default(), &mut settings);
    }
    let Some(resources) = resources else { return Ok(settings) };
    let pick = |two, one| if unified { two } else { one };
    if let Some(memory) = resources.memory() {
        if let Some(limit) = memory.limit() {
            settings.push(Setting::new("memory", pick("memory.max", "memory.limit_in_bytes"), bytes(limit, unified)));
        }
        if let Some(reservation) = memory.reservation() {
            let file = pick("memory.low", "memory.soft_limit_in_bytes");
            settings.push(Setting::new("memory", file, bytes(reservation, unified)));
        }
        if let Some(swap) = memory.swap() {
            // The specification counts memory and swap together, as version 1 does; version 2 counts swap alone.
            let value = if unified && swap >= 0 { swap - memory.limit().unwrap_or(0) } else { swap };
            let file = pick("memory.swap.max", "memory.memsw.limit_in_bytes");
            settings.push(Setting::new("memory", file, bytes(value, unified)));
        }
    }
    if let Some(cpu) = resources.cpu() {
        if let Some(shares) = cpu.shares() {
            let setting = if unified {
                Setting::new("cpu", "cpu.weight", weight(shares))
            } else {
                Setting::new("cpu", "cpu.shares", shares)
            };
            settings.push(setting);
        }
        if let Some(quota) = cpu.quota() {
            let period = cpu.period().unwrap_or(100_000);
            if unified {
                let quota = if quota < 0 { "max".to_owned() } else { quota.to_string() };
                settings.push(Setting::new("cpu", "cpu.max", format!("{quota} {period}")));
            } else {
                settings.push(Setting::new("cpu", "cpu.cfs_period_us", period));
                settings.push(Setting::new("cpu", "cpu.cfs_quota_us", quota));
            }
        }
        if let Some(cpus) = cpu.cpus() {
            settings.push(Setting::new(CPUSET, "cpuset.cpus", cpus));
        }
        if let Some(mems) = cpu.mems() {
            settings.push(Setting::new(CPUSET, "cpuset.mems", mems));
        }
    }
    if let Some(limit) = resources.pids().as_ref().map(oci_spec::runtime::LinuxPids::limit) {
        let value = if limit <= 0 { "max".to_owned() } else { limit.to_string() };
        settings.push(Setting::new("pids", "pids.max", value));
    }
    Ok(settings)
}

/// Version 2 spells "no limit" `max`, version 1 `-1`.
fn bytes(value: i64, unified: bool) -> String {
    if value < 0 && unified { "max".to_owned() } else { value.to_string() }
}

/// Shares, 2 to 262144, as a weight, 1 to 10000: runc's conversion, so that the proportions people know hold.
fn weight(shares: u64) -> u64 {
    if shares == 0 { 100 } else { (1 + (shares.clamp(2, 262_144) - 2) * 9999 / 262_142).min(10_000) }
}

fn devices(rules: &[LinuxDeviceCgroup], settings: &mut Vec<Setting>) {
    settings.push(Setting::new(DEVICES, "devices.deny", "a"));
    settings.extend(DEFAULT_DEVICES.map(|rule| Setting::new(DEVICES, "devices.allow", rule)));
    for rule in rules {
        // `deny a` is how specifications begin, and how the list above has begun.
        let everything =
            rule.major().is_none() && rule.minor().is_none() && rule.typ().is_none_or(|typ| typ.as_str() == "a");
        match (rule.allow(), everything) {
            (false, true) => {}
            (true, true) => settings.push(Setting::new(DEVICES, "devices.allow", "a")),
            (allow, false) => {
                settings.push(Setting::new(DEVICES, if allow { "devices.allow" } else { "devices.deny" }, rule));
            }
        }
    }
}

/// A new version 1 cpuset has no CPUs and takes no processes until it is given some: those of its parent.
pub(super) fn inherit_cpuset(root: &Path, path: &Path) -> Result<(), CgroupError> {
    let mut directory = root.to_owned();
    for part in path {
        let parent = directory.clone();
        directory.push(part);
        for file in ["cpuset.cpus", "cpuset.mems"] {
            let path = directory.join(file);
            let value = fs_err::read_to_string(parent.join(file)).unwrap_or_default();
            if fs_err::read_to_string(&path).is_ok_and(|own| own.trim().is_empty()) {
                fs_err::write(&path, value.trim()).map_err(|source| CgroupError::Limit {
                    path,
                    value: value.clone(),
                    source,
                })?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, unified: bool) -> String {
        let resources: LinuxResources = serde_json::from_str(json).unwrap();
        let settings = settings(Some(&resources), unified).unwrap();
        let lines: Vec<String> = settings
            .iter()
            .filter(|setting| setting.file != "devices.allow" || !DEFAULT_DEVICES.contains(&&*setting.value))
            .map(|setting| format!("{}={}", setting.file, setting.value))
            .collect();
        lines.join("\n")
    }

    const LIMITS: &str = r#"{
        "memory": {"limit": 1000, "reservation": 500, "swap": 1500},
        "cpu": {"shares": 1024, "quota": 150000, "period": 100000, "cpus": "0-1"},
        "pids": {"limit": 50}
    }"#;

    #[test]
    fn version_1() {
        insta::assert_snapshot!(check(LIMITS, false), @r"
        devices.deny=a
        memory.limit_in_bytes=1000
        memory.soft_limit_in_bytes=500
        memory.memsw.limit_in_bytes=1500
        cpu.shares=1024
        cpu.cfs_period_us=100000
        cpu.cfs_quota_us=150000
        cpuset.cpus=0-1
        pids.max=50
        ");
    }

    #[test]
    fn version_2() {
        insta::assert_snapshot!(check(LIMITS, true), @r"
        memory.max=1000
        memory.low=500
        memory.swap.max=500
        cpu.weight=39
        cpu.max=150000 100000
        cpuset.cpus=0-1
        pids.max=50
        ");
    }

    #[test]
    fn device_rules() {
        let json = r#"{"devices": [
            {"allow": false, "access": "rwm"},
            {"allow": true, "type": "c", "major": 10, "minor": 200, "access": "rwm"}
        ]}"#;
        insta::assert_snapshot!(check(json, false), @r"
        devices.deny=a
        devices.allow=c 10:200 rwm
        ");
    }
}
