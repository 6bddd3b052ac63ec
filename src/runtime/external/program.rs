//! Running the program of a runtime, and hearing why it failed.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::fs::MemfdFlags;

use super::{ExternalError, ExternalRuntime, Places};
use crate::runtime::Signal;
use crate::sys::spawn::{Streams, spawn_program};

/// How long any verb may take: one that brings up a virtual machine takes seconds.
const MOST_TIME: Duration = Duration::from_secs(60);
/// How much of what it says is looked at.
const MOST_SAID: u64 = 64 * 1024;
/// The environment it has.
const ENVIRONMENT: &[&str] = &[concat!("PATH=", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")];

/// A runtime, and the container it is asked about.
pub(super) struct Program<'a> {
    pub(super) runtime: &'a ExternalRuntime,
    /// The container's run directory.
    pub(super) directory: &'a Path,
    pub(super) id: &'a str,
}

impl Program<'_> {
    pub(super) fn places(&self) -> Places<'_> {
        Places(self.directory)
    }

    /// Runs `verb FLAGS ID OPERANDS` to its end, and returns what it printed.
    pub(super) fn run(&self, verb: &'static str, flags: &[&str], operands: &[&str]) -> Result<String, ExternalError> {
        let failed = |source| self.failed(source);
        let null = crate::runtime::spawn::null().map_err(failed)?;
        let mut output = memory().map_err(failed)?;
        let errors = memory().map_err(failed)?;
        let streams = Streams { stdin: null.as_fd(), stdout: output.as_fd(), stderr: errors.as_fd() };
        self.run_with(verb, flags, operands, streams, Some(errors.try_clone().map_err(failed)?))?;
        Ok(text(&mut output))
    }

    /// The same with streams of the caller's. What it says of an error is in `errors`, or nowhere but in its log.
    pub(super) fn run_with(
        &self,
        verb: &'static str,
        flags: &[&str],
        operands: &[&str],
        streams: Streams<'_>,
        errors: Option<File>,
    ) -> Result<(), ExternalError> {
        let (state, log) = (self.places().state(), self.places().log());
        // What an earlier run said is not why this one fails.
        let _ = std::fs::remove_file(&log);
        let (state, log) = (state.to_string_lossy(), log.to_string_lossy());
        let mut arguments = vec![self.runtime.path.to_string_lossy().into_owned()];
        arguments.extend(self.runtime.args.iter().cloned());
        let ours = ["--root", &*state, "--log", &*log, "--log-format", "json", verb];
        arguments.extend(ours.iter().chain(flags).chain(&[self.id]).chain(operands).map(|text| (*text).to_owned()));
        let run = || -> io::Result<_> {
            let path = CString::new(self.runtime.path.as_os_str().as_bytes())?;
            let arguments = arguments.into_iter().map(CString::new).collect::<Result<Vec<_>, _>>()?;
            let environment = ENVIRONMENT.iter().map(|text| CString::new(*text)).collect::<Result<Vec<_>, _>>()?;
            let child = spawn_program(&path, &arguments, &environment, streams)?;
            let ended = child.pidfd.wait_exited_for(MOST_TIME)?;
            if !ended {
                child.pidfd.signal(Signal::KILL)?;
            }
            Ok((ended, child.pidfd.wait(true)?))
        };
        match run().map_err(|source| self.failed(source))? {
            (false, _) => {
                Err(ExternalError::Timeout { path: self.runtime.path.clone(), verb, seconds: MOST_TIME.as_secs() })
            }
            (true, status) if status.exit_status() == Some(0) => Ok(()),
            (true, status) => {
                let logged = logged(&self.places().log());
                let said =
                    logged.or_else(|| errors.map(|mut errors| text(&mut errors)).filter(|said| !said.is_empty()));
                let said = said.unwrap_or_else(|| match status.exit_status() {
                    Some(code) => format!("it ended with code {code}"),
                    None => "it was killed".to_owned(),
                });
                Err(ExternalError::Refused { path: self.runtime.path.clone(), verb, said })
            }
        }
    }

    pub(super) fn failed(&self, source: io::Error) -> ExternalError {
        ExternalError::Program { path: self.runtime.path.clone(), source }
    }

    pub(super) fn missing(&self, what: &'static str) -> ExternalError {
        ExternalError::Missing { path: self.runtime.path.clone(), what }
    }
}

fn memory() -> io::Result<File> {
    Ok(rustix::fs::memfd_create("output", MemfdFlags::CLOEXEC)?.into())
}

fn text(file: &mut File) -> String {
    let mut bytes = Vec::new();
    match file.rewind().and_then(|()| file.take(MOST_SAID).read_to_end(&mut bytes)) {
        Ok(_) => String::from_utf8_lossy(&bytes).trim().to_owned(),
        Err(_) => String::new(),
    }
}

/// The last error in a log of JSON records, one a line.
fn logged(path: &Path) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let text = text(&mut file);
    let records = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let of = |record: &serde_json::Value, key: &str| record.get(key).and_then(|text| text.as_str()).map(str::to_owned);
    let is_error = |record: &serde_json::Value| matches!(of(record, "level").as_deref(), Some("error" | "fatal"));
    records.filter(is_error).filter_map(|record| of(&record, "msg")).next_back()
}
