//! What `stats` shows of containers: the columns of docker.

use std::time::Duration;

use serde_json::{Value, json};

use super::human;
use super::listing::Listing;
use super::ps::Length;
use super::template::TemplateError;
use crate::name::{ContainerId, ContainerName};
use crate::runtime::{Stats, Traffic};

const LIST: Listing = Listing {
    columns: "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}",
    headers: &[
        ("BlockIO", "BLOCK I/O"),
        ("CPUPerc", "CPU %"),
        ("Container", "CONTAINER"),
        ("ID", "CONTAINER ID"),
        ("MemPerc", "MEM %"),
        ("MemUsage", "MEM USAGE / LIMIT"),
        ("Name", "NAME"),
        ("NetIO", "NET I/O"),
        ("PIDs", "PIDS"),
    ],
};

/// What a container uses at a moment; nothing when it does not run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sample {
    /// When, from any moment on.
    pub at: Duration,
    /// Of processors, memory and devices.
    pub stats: Stats,
    /// Of its networks.
    pub traffic: Traffic,
}

/// A container with what it uses.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its id.
    pub id: ContainerId,
    /// Its name.
    pub name: ContainerName,
    /// What it uses.
    pub now: Sample,
    /// What it had used before, if that was looked at.
    pub before: Option<Sample>,
}

/// `rows` in `format`: `table`, `json` (an object a line), a template, or one in columns after `table`. `memory` is that of
/// the machine, in bytes.
///
/// # Errors
/// [`TemplateError`].
pub fn as_list(rows: &[Row], format: &str, length: Length, memory: u64) -> Result<String, TemplateError> {
    let values: Vec<Value> = rows.iter().map(|row| fields(row, length, memory)).collect();
    LIST.print(&values, format, |index| values[index].to_string())
}

/// The fields of docker, all of them texts.
fn fields(row: &Row, length: Length, machine: u64) -> Value {
    let Sample { stats, traffic, .. } = &row.now;
    let runs = row.now != Sample::default();
    let limit = if runs { stats.memory.limit.unwrap_or(machine).min(machine) } else { 0 };
    let read: u64 = stats.io.iter().map(|io| io.read_bytes).sum();
    let written: u64 = stats.io.iter().map(|io| io.written_bytes).sum();
    let both = |first, second| format!("{} / {}", human::size_of(first, 3), human::size_of(second, 3));
    let id = if length == Length::Short { row.id.short() } else { row.id.as_str() };
    json!({
        "BlockIO": both(read, written),
        "CPUPerc": format!("{:.2}%", row.processors() * 100.0),
        "Container": id,
        "ID": id,
        "MemPerc": format!("{:.2}%", part(stats.memory.usage, limit) * 100.0),
        "MemUsage": format!("{} / {}", human::binary_size(stats.memory.usage), human::binary_size(limit)),
        "Name": row.name,
        "NetIO": both(traffic.received, traffic.sent),
        "PIDs": stats.pids.current.to_string(),
    })
}

impl Row {
    /// How many processors it kept busy between the two looks.
    fn processors(&self) -> f64 {
        let Some(before) = &self.before else { return 0.0 };
        // A container that was started again in between has begun to count anew.
        let used = self.now.stats.cpu.total.saturating_sub(before.stats.cpu.total).as_secs_f64();
        let passed = self.now.at.saturating_sub(before.at).as_secs_f64();
        if passed > 0.0 { used / passed } else { 0.0 }
    }
}

#[expect(clippy::cast_precision_loss, reason = "two decimals are shown")]
fn part(of: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { of as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::{CpuStats, DeviceIo, MemoryStats, PidsStats};

    fn sample(seconds: u64, cpu: u64) -> Sample {
        Sample {
            at: Duration::from_secs(seconds),
            stats: Stats {
                cpu: CpuStats { total: Duration::from_millis(cpu), ..CpuStats::default() },
                memory: MemoryStats { usage: 12_345_678, limit: Some(64 << 20), ..MemoryStats::default() },
                pids: PidsStats { current: 3, limit: None },
                io: vec![DeviceIo { read_bytes: 1000, written_bytes: 2_500_000, ..DeviceIo::default() }; 2],
            },
            traffic: Traffic { received: 1536, sent: 0 },
        }
    }

    fn row(digit: char, now: Sample, before: Option<Sample>) -> Row {
        Row {
            id: ContainerId::new(digit.to_string().repeat(64)).unwrap(),
            name: ContainerName::new(format!("shop-{digit}-1")).unwrap(),
            now,
            before,
        }
    }

    #[test]
    fn formats() {
        let rows = [row('a', sample(12, 700), Some(sample(10, 100))), row('b', Sample::default(), None)];
        let list = |format| as_list(&rows, format, Length::Short, 8 << 30).unwrap();
        insta::assert_snapshot!(list("table"), @"
        CONTAINER ID   NAME       CPU %     MEM USAGE / LIMIT   MEM %     NET I/O       BLOCK I/O   PIDS
        aaaaaaaaaaaa   shop-a-1   30.00%    11.77MiB / 64MiB    18.40%    1.54kB / 0B   2kB / 5MB   3
        bbbbbbbbbbbb   shop-b-1   0.00%     0B / 0B             0.00%     0B / 0B       0B / 0B     0
        ");
        insta::assert_snapshot!(list("json").lines().next().unwrap(), @r#"{"BlockIO":"2kB / 5MB","CPUPerc":"30.00%","Container":"aaaaaaaaaaaa","ID":"aaaaaaaaaaaa","MemPerc":"18.40%","MemUsage":"11.77MiB / 64MiB","Name":"shop-a-1","NetIO":"1.54kB / 0B","PIDs":"3"}"#);
        assert_eq!(list("{{.Name}} {{.PIDs}}"), "shop-a-1 3\nshop-b-1 0\n");
    }

    #[test]
    fn a_limit_that_the_machine_has_not_and_a_restart() {
        let mut unlimited = sample(10, 100);
        unlimited.stats.memory.limit = None;
        let rows = [row('a', unlimited, Some(sample(9, 5000)))];
        let shown = as_list(&rows, "{{.CPUPerc}} {{.MemUsage}}", Length::Full, 1 << 30).unwrap();
        assert_eq!(shown, "0.00% 11.77MiB / 1GiB\n");
    }
}
