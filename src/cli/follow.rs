//! Follows a request to its end, showing what the supervisor reports.

use std::time::{Duration, Instant};

use super::error::CliError;
use super::evidence;
use super::output::{self, StderrProgress};
use super::style::Paint;
use crate::supervisor::{Client, ClientError, Event, StepTime};

/// How often the elapsed times on a terminal are brought up to date.
const TICK: Duration = Duration::from_millis(100);

/// Shows the progress of `client`'s request until it is done.
///
/// # Errors
/// [`CliError::Failed`] with every failure the supervisor reports, or [`CliError::Client`] when it goes away.
pub(super) async fn complete(client: Client, progress: StderrProgress, paint: Paint) -> Result<(), CliError> {
    complete_timed(client, progress, paint, &mut Vec::new()).await
}

/// As [`complete`], and keeps when each step was under way of a request that is to be timed.
///
/// # Errors
/// As [`complete`].
pub(super) async fn complete_timed(
    mut client: Client,
    mut progress: StderrProgress,
    paint: Paint,
    steps: &mut Vec<StepTime>,
) -> Result<(), CliError> {
    let mut warnings = Vec::new();
    let mut hooks = String::new();
    let mut tick = tokio::time::interval(TICK);
    let result = loop {
        let event = tokio::select! {
            event = client.next() => event,
            _ = tick.tick() => {
                progress.tick(Instant::now())?;
                continue;
            }
        };
        match event {
            Ok(Some(Event::Progress { resource, status })) => {
                progress.event(output::event(&resource, status), Instant::now())?;
            }
            Ok(Some(Event::Waiting(holder))) => {
                progress.event(output::turn(client.project(), holder), Instant::now())?;
            }
            // Shown below the block that is redrawn.
            Ok(Some(Event::Warning(message))) => warnings.push(message),
            Ok(Some(Event::Hook { container, line })) => {
                let label = super::attached::label(client.project(), container.as_str());
                hooks.push_str(&format!("{label} -> | {line}\n"));
            }
            Ok(Some(Event::Died(of))) => {
                let facts = evidence::told(&of);
                warnings.push(format!("{} has failed\n{}", of.container, facts.trim_end()));
            }
            Ok(Some(Event::Timed(of))) => *steps = of,
            Ok(Some(Event::Container(_) | Event::Happened(_) | Event::Held(_))) => {}
            Ok(Some(Event::Done)) => break Ok(()),
            Ok(Some(Event::Failed(failures))) => break Err(CliError::Failed { failures }),
            Ok(None) => break Err(ClientError::Lost { project: client.project().clone() }.into()),
            Err(error) => break Err(error.into()),
        }
    };
    progress.finish(Instant::now())?;
    output::said(&hooks);
    warnings.iter().for_each(|message| output::warn(paint, message));
    result
}
