//! `rcompose events`: what happens to the containers of a project, while supervisors come and go.

use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::de::IgnoredAny;

use crate::cli::args::EventsArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::events::{as_json, as_text};
use crate::cli::interrupt::interruptible;
use crate::cli::output;
use crate::cli::select::check_known;
use crate::name::ProjectName;
use crate::supervisor::{Arrival, Client, Event, Happening, remembered};

pub(in crate::cli) async fn run(context: &Context, args: EventsArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let now = Timestamp::now();
    let project = context.resolve_name()?;
    let records = context.layout.project(&project).read_containers::<IgnoredAny>()?;
    check_known(context, &args.services, &records.iter().map(|record| record.service.clone()).collect())?;
    let since = args.since.map_or(now, |moment| moment.resolve(now));
    let Some(until) = args.until.map(|moment| moment.resolve(now)) else {
        return interruptible(watch(context, &project, &args, since, None)).await;
    };
    let left: Duration = until.duration_since(now).try_into().unwrap_or_default();
    if left.is_zero() {
        return interruptible(watch(context, &project, &args, since, Some(until))).await;
    }
    let watching = interruptible(watch(context, &project, &args, since, None));
    match tokio::time::timeout(left, watching).await {
        Ok(result) => result,
        Err(_) => Ok(ExitCode::SUCCESS),
    }
}

/// Prints what happens from `since` on; with an end that is over already, only what has happened before that.
async fn watch(
    context: &Context,
    project: &ProjectName,
    args: &EventsArgs,
    since: Timestamp,
    until: Option<Timestamp>,
) -> Result<ExitCode, CliError> {
    let zone = TimeZone::system();
    // What has been heard, by when it happened; nothing happens twice at a moment.
    let mut heard = since.checked_sub(Duration::from_nanos(1)).unwrap_or(since);
    let is_wanted = |happening: &Happening| {
        (args.services.is_empty() || args.services.contains(&happening.service))
            && until.is_none_or(|until| happening.time < until)
    };
    let tell = |happening: &Happening| {
        if !is_wanted(happening) {
            return Ok(());
        }
        output::print_more(&if args.json { as_json(happening, &zone) } else { as_text(happening, &zone) })
    };
    loop {
        let arrival = Arrival::watch(&context.layout, project)?;
        let Some(mut client) = Client::listen(&context.layout, project, heard).await? else {
            for happening in remembered(&context.layout, project, heard) {
                heard = happening.time;
                tell(&happening)?;
            }
            if until.is_some() {
                return Ok(ExitCode::SUCCESS);
            }
            arrival.wait().await?;
            continue;
        };
        // One that is killed goes as one that leaves: another one comes.
        while let Ok(Some(event)) = client.next().await {
            match event {
                Event::Happened(happening) => {
                    heard = happening.time;
                    tell(&happening)?;
                }
                // Said once all that has happened before is told.
                Event::Done if until.is_some() => return Ok(ExitCode::SUCCESS),
                Event::Failed(failures) => return Err(CliError::Failed { failures }),
                _ => {}
            }
        }
    }
}
