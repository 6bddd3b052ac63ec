//! `rcompose cp`: straight into and out of the files of containers; no program in them takes part.

use std::ffi::OsStr;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use crate::cli::args::CpArgs;
use crate::cli::container::{of_service, with_files};
use crate::cli::context::{Context, working_directory};
use crate::cli::copy::{CopyError, Operand, Operated, Source, There};
use crate::cli::error::CliError;
use crate::cli::output;
use crate::cli::progress::{Event, Status};
use crate::runtime::files::{Extent, Files, FilesError, Kind, Owners, Unpack};

/// On the host's side, in messages.
const HERE: &str = "this machine";

pub(in crate::cli) fn run(context: &Context, args: &CpArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let (service, inward) = match (&args.source, &args.target) {
        (Operand::Service(..), Operand::Service(..)) => return Err(CopyError::TwoServices.into()),
        (Operand::Service(service, _), _) => (service, false),
        (_, Operand::Service(service, _)) => (service, true),
        _ => return Err(CopyError::NoService.into()),
    };
    let project = context.resolve_name()?;
    let mut records = of_service(context, &project, service, args.index, args.all)?;
    // What comes from standard input comes once.
    if !inward || args.source == Operand::Archive {
        records.truncate(1);
    }
    let mut progress = output::progress(&context.globals, "copy");
    let mut result = Ok(());
    for record in &records {
        let id = format!("Container {}", record.name);
        progress.event(Event::new(&id, Status::Copying), Instant::now())?;
        if !context.globals.dry_run {
            let side = format!("container {}", record.name);
            result = with_files(context, &project, record, |files| copy(files, args, &side));
        }
        let status = if result.is_ok() { Status::Copied } else { Status::Error };
        progress.event(Event::new(&id, status), Instant::now())?;
        if result.is_err() {
            break;
        }
    }
    progress.finish(Instant::now())?;
    result.map(|()| ExitCode::SUCCESS)
}

/// Copies between this machine and a container, which messages call `side`.
fn copy(files: &Files, args: &CpArgs, side: &str) -> Result<(), CliError> {
    let host = Files::of_host()?;
    let here = working_directory().map_err(CliError::WorkingDirectory)?;
    let root = Path::new("/");
    match (&args.source, &args.target) {
        (Operand::Service(_, from), Operand::Archive) => {
            let source = source(files, Operated::new(root, from), args.follow_link, side)?;
            let name = if source.path.is_content { OsStr::new("") } else { source.path.name() };
            let mut out = io::stdout().lock();
            let follow = args.follow_link || source.path.is_directory;
            Ok(files.pack(&source.path.path, follow, name, Extent::Mounts, &mut out)?)
        }
        (Operand::Service(_, from), Operand::Host(to)) => {
            let source = source(files, Operated::new(root, from), args.follow_link, side)?;
            let target = Operated::new(&here, to);
            transfer((files, &source), (&host, target, HERE), args)
        }
        (Operand::Archive, Operand::Service(_, to)) => {
            let target = Operated::new(root, to);
            if files.kind(&target.path, true)? != Some(Kind::Directory) {
                return Err(CopyError::NoDirectory { path: target.path, side: side.to_owned() }.into());
            }
            // The archive says whose its files are; there is nobody else to ask.
            Ok(files.unpack(
                &target.path,
                Unpack { owners: Owners::OfArchive, replace: false },
                &mut io::stdin().lock(),
            )?)
        }
        (Operand::Host(from), Operand::Service(_, to)) => {
            let source = source(&host, Operated::new(&here, from), args.follow_link, HERE)?;
            transfer((&host, &source), (files, Operated::new(root, to), side), args)
        }
        _ => Err(CopyError::NoService.into()),
    }
}

/// What is to be copied. A path that can only be a directory leads through a symlink.
fn source(files: &Files, path: Operated, follow: bool, side: &str) -> Result<Source, CliError> {
    match files.kind(&path.path, follow || path.is_directory)? {
        Some(kind) if kind != Kind::Directory && path.is_directory => {
            Err(CopyError::NotDirectory { path: path.path }.into())
        }
        Some(kind) => Ok(Source { path, is_directory: kind == Kind::Directory }),
        None => Err(CopyError::NoSource { path: path.path, side: side.to_owned() }.into()),
    }
}

fn transfer(
    (from, source): (&Files, &Source),
    (to, mut target, side): (&Files, Operated, &str),
    args: &CpArgs,
) -> Result<(), CliError> {
    let there = match to.kind(&target.path, true)? {
        Some(Kind::Directory) => There::Directory,
        Some(_) => {
            // What a symlink leads to is replaced, not the link.
            target.path = to.target(&target.path)?;
            There::File
        }
        None => There::Nothing,
    };
    let place = source.place(&target, there, side)?;
    if to.kind(&place.directory, true)? != Some(Kind::Directory) {
        return Err(CopyError::NoDirectory { path: place.directory, side: side.to_owned() }.into());
    }
    let how = Unpack { owners: if args.archive { Owners::OfArchive } else { Owners::mine() }, replace: false };
    let follow = args.follow_link || source.path.is_directory;
    let (path, name): (&PathBuf, &OsStr) = (&source.path.path, &place.name);
    piped(|out| from.pack(path, follow, name, Extent::Mounts, out), |tar| to.unpack(&place.directory, how, tar))
}

/// Has one write what the other reads, at the same time.
fn piped(
    write: impl FnOnce(&mut dyn Write) -> Result<(), FilesError> + Send,
    read: impl FnOnce(&mut dyn Read) -> Result<(), FilesError>,
) -> Result<(), CliError> {
    const BUFFER: usize = 256 * 1024;
    let (reader, writer) = io::pipe()?;
    // Fewer turns of the two; how much there may be is the kernel's to say.
    let _ = rustix::pipe::fcntl_setpipe_size(&writer, BUFFER);
    let (written, unpacked) = std::thread::scope(|scope| {
        let written = scope.spawn(move || write(&mut io::BufWriter::with_capacity(BUFFER, writer)));
        let unpacked = read(&mut BufReader::with_capacity(BUFFER, reader));
        (written.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), unpacked)
    });
    match (written, unpacked) {
        // Who reads no more has said why.
        (Err(FilesError::Output(_)), Err(error)) | (Err(error), _) | (Ok(()), Err(error)) => Err(error.into()),
        (Ok(()), Ok(())) => Ok(()),
    }
}
