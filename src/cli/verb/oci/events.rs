//! `events`: what a container uses, as records that those who read runc's understand.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Failure, print};
use crate::cli::args::OciEventsArgs;
use crate::runtime::oci::{Container, Id, OciError, Root, Status};
use crate::runtime::{DeviceIo, Stats};

pub(super) fn run(root: &Root, args: &OciEventsArgs) -> Result<ExitCode, Failure> {
    let container = root.container(&Id::new(&args.id)?)?;
    if !matches!(container.status()?, Status::Created | Status::Running | Status::Paused) {
        return Err(OciError::NotRunning.into());
    }
    if args.stats {
        return report(&args.id, "stats", Some(data(&container.stats()?)));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(OciError::Channel)?;
    runtime.block_on(watch(&container, args))
}

/// Reports until the container has ended.
async fn watch(container: &Container, args: &OciEventsArgs) -> Result<ExitCode, Failure> {
    let mut killed = container.oom_kills()?;
    let mut next = tokio::time::interval(args.interval);
    // The first one is due at once.
    next.tick().await;
    loop {
        let runs = tokio::select! {
            gone = container.gone() => gone.map(|()| false)?,
            _ = next.tick() => true,
        };
        // One that has been deleted meanwhile tells nothing more.
        let now = container.oom_kills().unwrap_or(killed);
        for _ in killed..now {
            report(&args.id, "oom", None)?;
        }
        killed = now;
        if !runs {
            return Ok(ExitCode::SUCCESS);
        }
        match container.stats() {
            Ok(stats) => report(&args.id, "stats", Some(data(&stats)))?,
            // It has ended since.
            Err(OciError::NotRunning) => continue,
            Err(error) => return Err(error.into()),
        };
    }
}

fn report(id: &str, kind: &str, data: Option<Value>) -> Result<ExitCode, Failure> {
    let id = json!(id);
    // In this order, by which some find the kind without parsing.
    let data = data.map_or_else(String::new, |data| format!(",\"data\":{data}"));
    print(&format!("{{\"type\":\"{kind}\",\"id\":{id}{data}}}\n"))
}

fn data(stats: &Stats) -> Value {
    let Stats { cpu, memory, pids, io } = stats;
    json!({
        "cpu": {
            "usage": {
                "total": nanoseconds(cpu.total),
                "kernel": nanoseconds(cpu.system),
                "user": nanoseconds(cpu.user),
            },
            "throttling": {
                "periods": cpu.periods,
                "throttledPeriods": cpu.throttled_periods,
                "throttledTime": nanoseconds(cpu.throttled),
            },
        },
        "memory": {
            "cache": memory.total.saturating_sub(memory.usage),
            "usage": {
                // As the kernel has it when there is none.
                "limit": memory.limit.unwrap_or(u64::MAX),
                "usage": memory.total,
                "max": memory.peak.unwrap_or_default(),
            },
        },
        "pids": {"current": pids.current, "limit": pids.limit.unwrap_or_default()},
        "blkio": {
            "ioServiceBytesRecursive": by_operation(io, |io| (io.read_bytes, io.written_bytes)),
            "ioServicedRecursive": by_operation(io, |io| (io.reads, io.writes)),
        },
    })
}

fn by_operation(io: &[DeviceIo], of: fn(&DeviceIo) -> (u64, u64)) -> Value {
    let entries = io.iter().flat_map(|io| {
        let (major, minor) = io.device.unwrap_or_default();
        let (read, written) = of(io);
        [("Read", read), ("Write", written)]
            .map(|(operation, value)| json!({"major": major, "minor": minor, "op": operation, "value": value}))
    });
    entries.collect()
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
