//! `rcompose stats`: what containers use, from their cgroups; no supervisor is needed.

use std::collections::BTreeMap;
use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde::de::IgnoredAny;

use crate::cli::args::StatsArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::interrupt::interruptible;
use crate::cli::output;
use crate::cli::ps::Length;
use crate::cli::select::check_known;
use crate::cli::stats::{Row, Sample, as_list};
use crate::name::{ContainerId, ProjectName};
use crate::runtime::{Handle, RuntimeError};

/// How often what is shown is brought up to date.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long the first two looks are apart: what processors do shows only over a time.
const FIRST: Duration = Duration::from_millis(250);

pub(in crate::cli) async fn run(context: &Context, args: StatsArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let project = context.resolve_name()?;
    let records = context.layout.project(&project).read_containers::<IgnoredAny>()?;
    let known = records.iter().map(|record| record.service.clone()).collect();
    check_known(context, args.service.as_slice(), &known)?;
    interruptible(watch(context, &project, &args)).await
}

async fn watch(context: &Context, project: &ProjectName, args: &StatsArgs) -> Result<ExitCode, CliError> {
    let began = Instant::now();
    let memory = memory_of_machine();
    let length = if args.no_trunc { Length::Full } else { Length::Short };
    let in_place = !args.no_stream
        && args.format.split(' ').next().is_some_and(|word| ["", "table"].contains(&word))
        && context.globals.ansi.unwrap_or_default().moves_cursor(&io::stdout());
    let mut before = BTreeMap::new();
    look(context, project, args, began, &mut before)?;
    let mut ticks = tokio::time::interval_at((began + FIRST).into(), INTERVAL);
    // Whoever suspends the command does not want to see what was missed.
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for frame in 0.. {
        ticks.tick().await;
        let rows = look(context, project, args, began, &mut before)?;
        let text = as_list(&rows, &args.format, length, memory)?;
        output::print_more(&if in_place { framed(&text, frame == 0) } else { text })?;
        if args.no_stream {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What there is now, beside what there was `before`, which becomes what there is.
fn look(
    context: &Context,
    project: &ProjectName,
    args: &StatsArgs,
    began: Instant,
    before: &mut BTreeMap<ContainerId, Sample>,
) -> Result<Vec<Row>, CliError> {
    let paths = context.layout.project(project);
    let mut rows = Vec::new();
    for record in paths.read_containers::<IgnoredAny>()? {
        if args.service.as_ref().is_some_and(|service| *service != record.service) {
            continue;
        }
        let now = match Handle::adopt(paths.container(&record.id).run())? {
            Some(handle) => sample(&handle, began)?,
            None => None,
        };
        if now.is_some() || args.all {
            let (id, name) = (record.id, record.name);
            rows.push(Row { before: before.get(&id).cloned(), now: now.unwrap_or_default(), id, name });
        }
    }
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    *before = rows.iter().map(|row| (row.id.clone(), row.now.clone())).collect();
    Ok(rows)
}

/// What a container uses; `None` when it has ended.
fn sample(handle: &Handle, began: Instant) -> Result<Option<Sample>, RuntimeError> {
    let measured = handle.stats().and_then(|stats| Ok((stats, handle.traffic()?)));
    match measured {
        Ok((stats, traffic)) => Ok(Some(Sample { at: began.elapsed(), stats, traffic })),
        Err(RuntimeError::NotRunning) => Ok(None),
        // Its cgroup goes with it, which may be noticed first.
        Err(_) if matches!(handle.processes(), Err(RuntimeError::NotRunning)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The memory of this machine, in bytes.
fn memory_of_machine() -> u64 {
    let memory = rustix::system::sysinfo();
    memory.totalram.saturating_mul(memory.mem_unit.into())
}

/// `text` at the top of the terminal in place of what was there; what is left of longer lines is cleared, which does not
/// flicker as clearing all first would.
fn framed(text: &str, first: bool) -> String {
    let start = if first { "\x1b[2J\x1b[H" } else { "\x1b[H" };
    format!("{start}{}\x1b[J", text.replace('\n', "\x1b[K\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_take_the_place_of_one_another() {
        assert_eq!(framed("a\nb\n", false), "\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J");
        assert!(framed("a\n", true).starts_with("\x1b[2J\x1b[H"));
    }
}
