//! What a container uses: from its cgroup, and where version 1 gave it none for a controller, from its processes.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::{Cgroup, Version};

/// What a container uses at a moment, and has used since it began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Of the processors.
    pub cpu: CpuStats,
    /// Of the memory.
    pub memory: MemoryStats,
    /// How many threads there are.
    pub pids: PidsStats,
    /// What was read and written, by device.
    pub io: Vec<DeviceIo>,
}

/// Time on processors since the container began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CpuStats {
    /// All of it.
    pub total: Duration,
    /// In programs.
    pub user: Duration,
    /// In the kernel.
    pub system: Duration,
    /// For how many periods the limit was in force.
    pub periods: u64,
    /// In how many of them it was reached.
    pub throttled_periods: u64,
    /// How long the container had to wait because of it.
    pub throttled: Duration,
}

/// Memory in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemoryStats {
    /// In use, without cached files that nobody has looked at for a while: what Docker shows.
    pub usage: u64,
    /// In use, with all cached files.
    pub total: u64,
    /// The limit of the container.
    pub limit: Option<u64>,
    /// The most that was ever in use, with cached files, where the kernel knows.
    pub peak: Option<u64>,
}

/// Threads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PidsStats {
    /// That there are.
    pub current: u64,
    /// How many there may be.
    pub limit: Option<u64>,
}

/// What was read from a device and written to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeviceIo {
    /// Its major and minor number; `None` for all devices together, where the kernel does not tell them apart.
    pub device: Option<(u32, u32)>,
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written.
    pub written_bytes: u64,
    /// How often it was read from.
    pub reads: u64,
    /// How often it was written to.
    pub writes: u64,
}

impl Cgroup {
    /// What the container uses, whose first process may be `init`.
    pub(in crate::runtime) fn stats(&self, init: Option<i32>) -> io::Result<Stats> {
        match self.version {
            Version::Two => self.directory("").map_or_else(|| Ok(Stats::default()), unified),
            Version::One => self.stats_of_hierarchies(init),
        }
    }

    fn stats_of_hierarchies(&self, init: Option<i32>) -> io::Result<Stats> {
        let mut pids = self.processes()?;
        pids.extend(init.filter(|init| !pids.contains(init)));
        // A machine may have the two as one hierarchy, where time is counted whenever it is limited.
        let cpuacct = self.directory("cpuacct").or(self.directory("cpu"));
        let mut cpu = match cpuacct.filter(|directory| directory.join("cpuacct.usage").exists()) {
            Some(directory) => CpuStats {
                total: nanoseconds(number(directory, "cpuacct.usage")),
                user: nanoseconds(number(directory, "cpuacct.usage_user")),
                system: nanoseconds(number(directory, "cpuacct.usage_sys")),
                ..CpuStats::default()
            },
            None => processes::cpu(&pids),
        };
        if let Some(directory) = self.directory("cpu") {
            let text = read(directory, "cpu.stat");
            cpu.periods = value(&text, "nr_periods");
            cpu.throttled_periods = value(&text, "nr_throttled");
            cpu.throttled = nanoseconds(Some(value(&text, "throttled_time")));
        }
        let memory = match self.directory("memory") {
            Some(directory) => {
                let total = number(directory, "memory.usage_in_bytes").unwrap_or_default();
                let inactive = value(&read(directory, "memory.stat"), "total_inactive_file");
                // Without a limit there is a number that no machine has memory for.
                let limit = number(directory, "memory.limit_in_bytes").filter(|limit| *limit < 1 << 62);
                let peak = number(directory, "memory.max_usage_in_bytes");
                MemoryStats { usage: total.saturating_sub(inactive), total, limit, peak }
            }
            None => processes::memory(&pids),
        };
        let pids_stats = match self.directory("pids") {
            Some(directory) => pids_of(directory),
            None => PidsStats { current: processes::threads(&pids), limit: None },
        };
        let io = match self.directory("blkio") {
            Some(directory) => throttle_io(directory),
            None => processes::io(&pids),
        };
        Ok(Stats { cpu, memory, pids: pids_stats, io })
    }
}

fn unified(directory: &Path) -> io::Result<Stats> {
    let text = fs_err::read_to_string(directory.join("cpu.stat"))?;
    let microseconds = |key| Duration::from_micros(value(&text, key));
    let cpu = CpuStats {
        total: microseconds("usage_usec"),
        user: microseconds("user_usec"),
        system: microseconds("system_usec"),
        periods: value(&text, "nr_periods"),
        throttled_periods: value(&text, "nr_throttled"),
        throttled: microseconds("throttled_usec"),
    };
    let total = number(directory, "memory.current").unwrap_or_default();
    let memory = MemoryStats {
        usage: total.saturating_sub(value(&read(directory, "memory.stat"), "inactive_file")),
        total,
        limit: number(directory, "memory.max"),
        peak: number(directory, "memory.peak"),
    };
    let io = read(directory, "io.stat").lines().filter_map(io_line).collect();
    Ok(Stats { cpu, memory, pids: pids_of(directory), io })
}

fn pids_of(directory: &Path) -> PidsStats {
    PidsStats { current: number(directory, "pids.current").unwrap_or_default(), limit: number(directory, "pids.max") }
}

/// `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …`.
fn io_line(line: &str) -> Option<DeviceIo> {
    let mut words = line.split_whitespace();
    let mut io = DeviceIo { device: Some(device(words.next()?)?), ..DeviceIo::default() };
    for (key, value) in words.filter_map(|word| word.split_once('=')) {
        let value = value.parse().unwrap_or_default();
        match key {
            "rbytes" => io.read_bytes = value,
            "wbytes" => io.written_bytes = value,
            "rios" => io.reads = value,
            "wios" => io.writes = value,
            _ => {}
        }
    }
    Some(io)
}

fn throttle_io(directory: &Path) -> Vec<DeviceIo> {
    let mut devices: Vec<DeviceIo> = Vec::new();
    for (file, is_bytes) in [("blkio.throttle.io_service_bytes", true), ("blkio.throttle.io_serviced", false)] {
        for line in read(directory, file).lines() {
            let [number, operation, count] = line.split_whitespace().collect::<Vec<_>>()[..] else { continue };
            let Some(number) = device(number) else { continue };
            let index = devices.iter().position(|io| io.device == Some(number)).unwrap_or_else(|| {
                devices.push(DeviceIo { device: Some(number), ..DeviceIo::default() });
                devices.len() - 1
            });
            let count = count.parse().unwrap_or_default();
            match (operation, is_bytes) {
                ("Read", true) => devices[index].read_bytes = count,
                ("Write", true) => devices[index].written_bytes = count,
                ("Read", false) => devices[index].reads = count,
                ("Write", false) => devices[index].writes = count,
                _ => {}
            }
        }
    }
    devices
}

fn device(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn read(directory: &Path, file: &str) -> String {
    std::fs::read_to_string(directory.join(file)).unwrap_or_default()
}

/// `None` for `max`, and where there is no such file.
fn number(directory: &Path, file: &str) -> Option<u64> {
    read(directory, file).trim().parse().ok()
}

/// Of a line `key value`.
fn value(text: &str, key: &str) -> u64 {
    let values = text.lines().filter_map(|line| line.split_once(' '));
    values.filter(|(other, _)| *other == key).find_map(|(_, value)| value.trim().parse().ok()).unwrap_or_default()
}

fn nanoseconds(number: Option<u64>) -> Duration {
    Duration::from_nanos(number.unwrap_or_default())
}

/// The same from `/proc`: less exact, but it costs nothing while nobody asks.
mod processes {
    use super::{CpuStats, DeviceIo, Duration, MemoryStats};

    /// A second, in the clock ticks that `/proc` tells: the same on every architecture that this runs on.
    const TICKS: u64 = 100;

    fn read(pid: i32, file: &str) -> String {
        // It may have ended since it was listed.
        std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default()
    }

    /// The fields of `/proc/PID/stat` behind the name, which may hold anything: the state is the first.
    fn fields(pid: i32) -> Vec<u64> {
        let text = read(pid, "stat");
        let behind = text.rsplit_once(") ").map_or("", |(_, behind)| behind);
        behind.split(' ').map(|field| field.trim().parse().unwrap_or_default()).collect()
    }

    /// With what their children have used that have ended: a container's first process inherits all of them.
    pub(super) fn cpu(pids: &[i32]) -> CpuStats {
        let time = |ticks_used: u64| Duration::from_millis(ticks_used.saturating_mul(1000) / TICKS);
        let (mut user, mut system) = (0, 0);
        for pid in pids {
            let fields = fields(*pid);
            let field = |index: usize| fields.get(index).copied().unwrap_or_default();
            user += field(11) + field(13);
            system += field(12) + field(14);
        }
        CpuStats { total: time(user + system), user: time(user), system: time(system), ..CpuStats::default() }
    }

    /// Memory that several share is counted once among them.
    pub(super) fn memory(pids: &[i32]) -> MemoryStats {
        let kilobytes = |pid: &i32| {
            let text = read(*pid, "smaps_rollup");
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
            line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or_default()
        };
        let total = pids.iter().map(kilobytes).sum::<u64>() * 1024;
        MemoryStats { usage: total, total, limit: None, peak: None }
    }

    pub(super) fn threads(pids: &[i32]) -> u64 {
        pids.iter().map(|pid| fields(*pid).get(17).copied().unwrap_or_default()).sum()
    }

    pub(super) fn io(pids: &[i32]) -> Vec<DeviceIo> {
        let mut io = DeviceIo::default();
        for pid in pids {
            let text = read(*pid, "io");
            let value = |key: &str| -> u64 {
                let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
                line.and_then(|value| value.parse().ok()).unwrap_or_default()
            };
            io.read_bytes += value("read_bytes");
            io.written_bytes += value("write_bytes");
            io.reads += value("syscr");
            io.writes += value("syscw");
        }
        vec![io]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs_err::write(directory.path().join(name), text).unwrap();
        }
        directory
    }

    #[test]
    fn version_2() {
        let files = directory(&[
            (
                "cpu.stat",
                "usage_usec 30\nuser_usec 10\nsystem_usec 20\nnr_periods 4\nnr_throttled 3\nthrottled_usec 9\n",
            ),
            ("memory.current", "1000\n"),
            ("memory.max", "max\n"),
            ("memory.peak", "2000\n"),
            ("memory.stat", "anon 5\ninactive_file 400\n"),
            ("pids.current", "7\n"),
            ("pids.max", "100\n"),
            ("io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n7:0 \n"),
        ]);
        let stats = unified(files.path()).unwrap();
        let cpu = stats.cpu;
        assert_eq!([cpu.total, cpu.user, cpu.system, cpu.throttled].map(|time| time.as_micros()), [30, 10, 20, 9]);
        assert_eq!((cpu.periods, cpu.throttled_periods), (4, 3));
        assert_eq!(stats.memory, MemoryStats { usage: 600, total: 1000, limit: None, peak: Some(2000) });
        assert_eq!(stats.pids, PidsStats { current: 7, limit: Some(100) });
        let disk = DeviceIo { device: Some((8, 0)), read_bytes: 1, written_bytes: 2, reads: 3, writes: 4 };
        assert_eq!(stats.io, [disk, DeviceIo { device: Some((7, 0)), ..DeviceIo::default() }]);
    }

    #[test]
    fn io_of_version_1() {
        let files = directory(&[
            ("blkio.throttle.io_service_bytes", "8:0 Read 1\n8:0 Write 2\n8:0 Total 3\nTotal 3\n"),
            ("blkio.throttle.io_serviced", "8:0 Read 5\n8:0 Write 6\n"),
        ]);
        let disk = DeviceIo { device: Some((8, 0)), read_bytes: 1, written_bytes: 2, reads: 5, writes: 6 };
        assert_eq!(throttle_io(files.path()), [disk]);
    }
}
