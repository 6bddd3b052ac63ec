//! The internal role in which the binary supervises a project; nobody types it.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::process::ExitCode;

use super::error::as_text;
use super::style::Paint;
use crate::name::ProjectName;
use crate::state::Layout;
use crate::supervisor::{Served, serve};

/// Runs `rcompose __supervise PROJECT ROOT RUN`: answers on standard output when it listens, writes what goes wrong to
/// standard error, which is the supervisor's log.
#[must_use]
pub fn supervise(arguments: &[OsString]) -> ExitCode {
    let [project, root, run] = arguments else { return ExitCode::FAILURE };
    let Ok(project) = ProjectName::new(project.to_string_lossy()) else { return ExitCode::FAILURE };
    // Standard output is the pipe to the client; closed when dropped, which the client waits for.
    let Ok(starter) = rustix::io::dup(rustix::stdio::stdin()) else { return ExitCode::FAILURE };
    let Ok(ready) = rustix::io::dup(rustix::stdio::stdout()).map(File::from) else { return ExitCode::FAILURE };
    // The session of the terminal is not ours: its hang-up must not end the supervisor.
    let _ = rustix::process::setsid();
    match serve(project, Layout::new(root, run), starter, ready) {
        Ok(Served::ToTheEnd) => ExitCode::SUCCESS,
        // For a shim that wants one back: it looks again.
        Ok(Served::Elsewhere) => ExitCode::FAILURE,
        Err(error) => {
            let _ = std::io::stderr().write_all(as_text(&error, None, Paint::PLAIN).as_bytes());
            ExitCode::FAILURE
        }
    }
}
