//! `rcompose export`: the files of a container without what is mounted in it.

use std::ffi::OsStr;
use std::io::{self, IsTerminal as _, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use fs_err::os::unix::fs::OpenOptionsExt as _;

use crate::cli::args::ExportArgs;
use crate::cli::container::{of_service, with_files};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output;
use crate::cli::progress::{Event, Status};
use crate::name::ProjectName;
use crate::runtime::files::Extent;
use crate::supervisor::Record;

pub(in crate::cli) fn run(context: &Context, args: &ExportArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let project = context.resolve_name()?;
    let records = of_service(context, &project, &args.service, args.index, true)?;
    let record = records.first().ok_or_else(|| CliError::NoContainer { service: args.service.clone() })?;
    if args.output.is_none() && io::stdout().is_terminal() {
        return Err(CliError::ArchiveOnTerminal);
    }
    let mut progress = output::progress(&context.globals, "export");
    let id = format!("Container {}", record.name);
    progress.event(Event::new(&id, Status::Exporting), Instant::now())?;
    let written = match &args.output {
        _ if context.globals.dry_run => Ok(()),
        Some(path) => to_file(context, &project, record, path),
        None => write(context, &project, record, &mut io::BufWriter::new(io::stdout())),
    };
    let status = if written.is_ok() { Status::Exported } else { Status::Error };
    progress.event(Event::new(&id, status), Instant::now())?;
    progress.finish(Instant::now())?;
    written.map(|()| ExitCode::SUCCESS)
}

/// Writes beside the file, which is replaced when all is written.
fn to_file(context: &Context, project: &ProjectName, record: &Record, path: &Path) -> Result<(), CliError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let mut options = fs_err::OpenOptions::new();
    // Secrets may be among the files.
    options.write(true).create(true).truncate(true).mode(0o600);
    let failed = |source| CliError::OutputFile { source };
    let mut file = options.open(&part).map_err(failed)?;
    let written = write(context, project, record, &mut file).and_then(|()| fs_err::rename(&part, path).map_err(failed));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs_err::remove_file(&part);
    }
    written
}

fn write(
    context: &Context,
    project: &ProjectName,
    record: &Record,
    out: &mut (impl Write + Send),
) -> Result<(), CliError> {
    with_files(context, project, record, |files| {
        Ok(files.pack(Path::new("/"), true, OsStr::new(""), Extent::OneMount, out)?)
    })
}
