//! Where text goes: progress and warnings on standard error, results on standard output.

use std::io::{self, Stderr, Write as _};
use std::time::Instant;

use super::args::Globals;
use super::footer;
use super::progress::{Appearance, Event, Progress, Status};
use super::style::{self, Paint};
use super::terminal;
use crate::compose::{Diagnostic, render_all};
use crate::name::ProjectName;
use crate::supervisor;

/// Progress on standard error.
pub(super) type StderrProgress = Progress<Stderr>;

/// The progress of a command called `title`, as the flags ask for it.
pub(super) fn progress(globals: &Globals, title: &str) -> StderrProgress {
    let ansi = globals.ansi.unwrap_or_default();
    let stderr = io::stderr();
    let appearance = Appearance {
        mode: globals.progress.unwrap_or_default(),
        terminal: ansi.moves_cursor(&stderr),
        paint: ansi.paint(&stderr),
    };
    let size = || terminal::size(rustix::stdio::stderr());
    Progress::new(stderr, title, appearance, Instant::now(), size)
}

/// The colours of standard error.
pub(super) fn paint(globals: &Globals) -> Paint {
    globals.ansi.unwrap_or_default().paint(&io::stderr())
}

/// Writes a warning.
pub(super) fn warn(paint: Paint, message: &str) {
    footer::hide();
    // Nobody is left to be told that standard error is gone.
    let _ = writeln!(io::stderr(), "{} {message}", paint.apply(style::WARNING, "warning:"));
}

/// Writes what is worth knowing.
pub(super) fn note(message: &str) {
    footer::hide();
    // As with warnings.
    let _ = writeln!(io::stderr(), "note: {message}");
}

/// Writes what somebody else has said.
pub(super) fn said(text: &str) {
    footer::hide();
    // As with warnings.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Writes diagnostics of Compose files, if there are any.
pub(super) fn diagnostics(paint: Paint, diagnostics: &[Diagnostic]) {
    let text = render_all(diagnostics, paint == Paint::COLOURED);
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Diagnostics as `config --format json` prints them for editors, on standard output.
///
/// # Errors
/// What the stream said.
pub(super) fn print_diagnostics(diagnostics: &serde_json::Value) -> io::Result<()> {
    print(&format!("{:#}\n", serde_json::json!({ "diagnostics": diagnostics })))
}

/// What the supervisor reports, as progress shows it.
pub(super) fn event(resource: &supervisor::Resource, status: supervisor::Status) -> Event {
    use supervisor::{Resource, Status as Reported};
    let id = match resource {
        Resource::Container(name) => format!("Container {name}"),
        Resource::Network(name) => format!("Network {name}"),
        Resource::Volume(name) => format!("Volume {name}"),
    };
    let status = match status {
        Reported::Creating => Status::Creating,
        Reported::Created => Status::Created,
        Reported::Starting => Status::Starting,
        Reported::Started => Status::Started,
        Reported::Updated => Status::Updated,
        Reported::Running => Status::Running,
        Reported::Waiting => Status::Waiting,
        Reported::Healthy => Status::Healthy,
        Reported::Completed => Status::Exited,
        Reported::Stopping => Status::Stopping,
        Reported::Stopped => Status::Stopped,
        Reported::Killing => Status::Killing,
        Reported::Killed => Status::Killed,
        Reported::Paused => Status::Paused,
        Reported::Unpaused => Status::Unpaused,
        Reported::Saving => Status::Saving,
        Reported::Saved => Status::Saved,
        Reported::Restoring => Status::Restoring,
        Reported::Restored => Status::Restored,
        Reported::Removing => Status::Removing,
        Reported::Removed => Status::Removed,
        Reported::Error => Status::Error,
    };
    Event::new(id, status)
}

/// That a command waits for its turn on `project`, and for whom; or that its turn has come.
pub(super) fn turn(project: &ProjectName, holder: Option<String>) -> Event {
    let id = format!("Project {project}");
    match holder {
        Some(holder) => Event::new(id, Status::Waiting).with_detail(format!("for {holder}")),
        None => Event::new(id, Status::Ready),
    }
}

/// Writes a command's result to standard output; a reader that left early (`| head`) is no error.
///
/// # Errors
/// What the stream said.
pub(super) fn print(text: &str) -> io::Result<()> {
    match print_more(text) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Writes a part of what a command goes on to say: without a reader there is no more to do for it.
///
/// # Errors
/// What the stream said.
pub(super) fn print_more(text: &str) -> io::Result<()> {
    footer::hide();
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
}
