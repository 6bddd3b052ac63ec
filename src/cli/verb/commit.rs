//! `rcompose commit`: an image of our own store, which `image:` can name from then on.

use std::io;
use std::process::ExitCode;
use std::time::Instant;

use jiff::Timestamp;

use crate::cli::args::CommitArgs;
use crate::cli::container::of_service;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output;
use crate::cli::progress::{Event, Status};
use crate::compose::model::Service;
use crate::image::{Change, CommitError, Committed, Store, commit};
use crate::name::{ImageReference, ProjectName, RegistryReference};
use crate::runtime::Handle;
use crate::runtime::files::{FilesError, InPlace, pack_layer};
use crate::supervisor::Record;

pub(in crate::cli) fn run(context: &Context, args: &CommitArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let project = context.resolve_name()?;
    let records = of_service(context, &project, &args.service, args.index, true)?;
    let record = records.first().ok_or_else(|| CliError::NoContainer { service: args.service.clone() })?;
    let reference = match args.reference.as_deref().map(ImageReference::parse).transpose()? {
        Some(ImageReference::Registry(reference)) => Some(reference),
        Some(directory) => {
            return Err(CommitError::NoLayers { base: directory.to_string() }.into());
        }
        None => None,
    };
    let mut progress = output::progress(&context.globals, "commit");
    let id = format!("Container {}", record.name);
    progress.event(Event::new(&id, Status::Committing), Instant::now())?;
    let made = if context.globals.dry_run {
        Ok(String::new())
    } else {
        make(context, &project, record, args, reference.as_ref())
    };
    let event = match &made {
        Ok(image) if image.is_empty() => Event::new(&id, Status::Committed),
        Ok(image) => Event::new(&id, Status::Committed).with_detail(format!("as {image}")),
        Err(_) => Event::new(&id, Status::Error),
    };
    progress.event(event, Instant::now())?;
    progress.finish(Instant::now())?;
    made.map(|_| ExitCode::SUCCESS)
}

fn make(
    context: &Context,
    project: &ProjectName,
    record: &Record,
    args: &CommitArgs,
    reference: Option<&RegistryReference>,
) -> Result<String, CliError> {
    let paths = context.layout.project(project).container(&record.id);
    let store = Store::open(&context.layout.images())?;
    let mut changes = told(&record.config.service);
    changes.extend(args.change.clone());
    let committed = Committed {
        base: record.image_id.clone(),
        changes,
        author: args.author.clone().unwrap_or_default(),
        message: args.message.clone().unwrap_or_default(),
    };
    // Before anything is paused.
    if store.details(&committed.base)?.is_none() {
        return Err(CommitError::NoLayers { base: committed.base }.into());
    }
    let _paused = match Handle::adopt(paths.run())? {
        Some(handle) if args.pause && !handle.is_paused()? => Some(Paused::new(handle)?),
        _ => None,
    };
    let (reader, writer) = io::pipe()?;
    let upper = paths.upper();
    let (packed, made) = std::thread::scope(|scope| {
        let packed =
            scope.spawn(move || pack_layer(&upper, &mut InPlace, &mut io::BufWriter::with_capacity(1 << 17, writer)));
        let made = commit(&store, &committed, reference, reader, Timestamp::now());
        (packed.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), made)
    });
    match packed {
        // Who reads no more has said why.
        Ok(()) | Err(FilesError::Output(_)) => Ok(made?),
        Err(error) => Err(error.into()),
    }
}

/// A container that goes on when this is dropped.
struct Paused(Handle);

impl Paused {
    fn new(handle: Handle) -> Result<Self, CliError> {
        handle.pause()?;
        Ok(Self(handle))
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        // Nobody is left to be told; `unpause` can be asked for again.
        let _ = self.0.unpause();
    }
}

/// What the Compose file told the container beyond its image.
fn told(service: &Service) -> Vec<Change> {
    let mut changes = Vec::new();
    if let Some(entrypoint) = &service.entrypoint {
        // As for the container, the command of the image goes with its entrypoint.
        changes.push(Change::Entrypoint(entrypoint.clone()));
        changes.push(Change::Cmd(service.command.clone().unwrap_or_default()));
    } else if let Some(command) = &service.command {
        changes.push(Change::Cmd(command.clone()));
    }
    changes.push(Change::Env(service.environment.clone()));
    changes.push(Change::Label(service.labels.clone()));
    changes.extend(service.user.clone().map(Change::User));
    changes.extend(service.working_dir.clone().map(Change::WorkDir));
    changes.extend(service.stop_signal.clone().map(Change::StopSignal));
    changes
}
