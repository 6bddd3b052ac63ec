//! How a build is shown: as lines, in place on a terminal, as objects, or not at all.

use std::collections::BTreeMap;
use std::io::{self, Stderr};
use std::time::Instant;

use super::plain::Plain;
use crate::build::{Event, EventKind, StepNumber};
use crate::cli::context::Context;
use crate::cli::output::{self, StderrProgress};
use crate::cli::progress::{Event as Shown, ProgressMode, Status};

/// How much of what a step has written is kept for the case that it fails, in bytes.
const KEPT: usize = 64 << 10;

/// Shows a build.
#[derive(Debug)]
pub(super) struct View {
    form: Form,
    steps: BTreeMap<StepNumber, Running>,
    has_made: bool,
}

#[derive(Debug)]
enum Form {
    Plain(Plain<Stderr>),
    Progress(StderrProgress),
    Quiet,
}

/// What is known of a step that has begun.
#[derive(Debug, Default)]
struct Running {
    name: String,
    written: Vec<u8>,
}

impl View {
    pub(super) fn new(context: &Context, quiet: bool) -> Self {
        let mode = context.globals.progress.unwrap_or_default();
        let moves = context.globals.ansi.unwrap_or_default().moves_cursor(&io::stderr());
        let form = match mode {
            _ if quiet => Form::Quiet,
            ProgressMode::Quiet => Form::Quiet,
            ProgressMode::Plain => Form::Plain(Plain::new(io::stderr())),
            ProgressMode::Auto if !moves => Form::Plain(Plain::new(io::stderr())),
            ProgressMode::Auto | ProgressMode::Tty | ProgressMode::Json => {
                Form::Progress(output::progress(&context.globals, "build"))
            }
        };
        Self { form, steps: BTreeMap::new(), has_made: false }
    }

    /// Shows `event`.
    ///
    /// # Errors
    /// When the output takes no more.
    pub(super) fn event(&mut self, event: &Event) -> io::Result<()> {
        let running = self.steps.entry(event.step).or_default();
        match &event.kind {
            EventKind::Started { name } => running.name.clone_from(name),
            EventKind::Output { bytes } => {
                running.written.extend_from_slice(bytes);
                let surplus = running.written.len().saturating_sub(KEPT);
                running.written.drain(..surplus);
            }
            EventKind::Done { .. } => self.has_made = true,
            _ => {}
        }
        match &mut self.form {
            Form::Plain(plain) => plain.event(event),
            Form::Progress(progress) => progress.event(shown(running, &event.kind), event.at),
            Form::Quiet => Ok(()),
        }
    }

    /// Whether a step was done.
    pub(super) fn has_made(&self) -> bool {
        self.has_made
    }

    /// Brings the times shown up to now.
    ///
    /// # Errors
    /// When the output takes no more.
    pub(super) fn tick(&mut self) -> io::Result<()> {
        match &mut self.form {
            Form::Progress(progress) => progress.tick(Instant::now()),
            Form::Plain(_) | Form::Quiet => Ok(()),
        }
    }

    /// Shows all of it a last time. What each step has written last is given back.
    ///
    /// # Errors
    /// When the output takes no more.
    pub(super) fn finish(self) -> io::Result<BTreeMap<StepNumber, Vec<u8>>> {
        if let Form::Progress(progress) = self.form {
            progress.finish(Instant::now())?;
        }
        Ok(self.steps.into_iter().map(|(step, running)| (step, running.written)).collect())
    }
}

fn shown(running: &Running, kind: &EventKind) -> Shown {
    let event = |status| Shown::new(running.name.clone(), status);
    match kind {
        EventKind::Started { .. } => event(Status::Building),
        EventKind::Output { bytes } => {
            let text = String::from_utf8_lossy(bytes);
            let last = text.lines().next_back().unwrap_or_default().trim_end().to_owned();
            event(Status::Building).with_detail(last)
        }
        EventKind::Cached => event(Status::Cached),
        EventKind::Done { .. } => event(Status::Built),
        EventKind::Failed { why } => event(Status::Error).with_detail(why.clone()),
        EventKind::Cancelled => event(Status::Skipped),
    }
}
