//! Errors and warnings as log records: engines read the last one to learn why a verb failed.

use std::error::Error;
use std::fs::File;
use std::io::{self, Write};
use std::sync::Mutex;

use jiff::Timestamp;

use crate::cli::args::{LogFormat, OciArgs};

/// Where records go.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Standard error when there is none.
    file: Option<Mutex<File>>,
    format: LogFormat,
    debug: bool,
}

impl Log {
    /// Opens the log that the flags name.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub(super) fn open(args: &OciArgs) -> io::Result<Self> {
        let open = |path| fs_err::OpenOptions::new().create(true).append(true).open(path);
        let file = args.log.as_ref().map(open).transpose()?;
        let file = file.map(|file| Mutex::new(file.into_parts().0));
        Ok(Self { file, format: args.log_format, debug: args.debug })
    }

    /// Tells why a verb failed: in the log, and to who sits at the terminal.
    pub(super) fn error(&self, error: &dyn Error, verb: &str) {
        let message = if verb.is_empty() { chain(error) } else { format!("{verb}: {}", chain(error)) };
        self.record("error", &message);
        if self.file.is_some() {
            // Nobody is left to be told that standard error is gone.
            let _ = writeln!(io::stderr(), "{message}");
        }
    }

    /// Tells what did not work and does not matter.
    pub(super) fn warn(&self, warning: &dyn Error) {
        self.record("warning", &chain(warning));
    }

    /// Tells what could not be done as asked.
    pub(super) fn warning(&self, text: &str) {
        self.record("warning", text);
    }

    /// Tells what is being done.
    pub(super) fn debug(&self, text: &str) {
        if self.debug {
            self.record("debug", text);
        }
    }

    fn record(&self, level: &str, message: &str) {
        let line = line(self.format, level, message, Timestamp::now());
        // A log that is full is no reason to stop.
        let _ = match &self.file {
            Some(file) => file.lock().map(|mut file| file.write_all(line.as_bytes())),
            None => Ok(io::stderr().write_all(line.as_bytes())),
        };
    }
}

fn chain(error: &dyn Error) -> String {
    let sources = std::iter::successors(error.source(), |error| (**error).source());
    let texts: Vec<_> = std::iter::once(error.to_string()).chain(sources.map(ToString::to_string)).collect();
    in_gos_words(&texts.join(": "))
}

/// What the kernel says, in the words that engines look for to tell a missing program from one that may not be executed:
/// `: No such file or directory (os error 2)` as `: no such file or directory`.
fn in_gos_words(message: &str) -> String {
    let mut words = String::new();
    let mut rest = message;
    while let Some((before, after)) = rest.split_once(" (os error ") {
        let Some((_, after)) = after.split_once(')') else { break };
        let start = before.rfind(": ").map_or(0, |colon| colon + 2);
        let (head, said) = before.split_at(start);
        words.push_str(head);
        words.extend(said.chars().take(1).flat_map(char::to_lowercase));
        words.extend(said.chars().skip(1));
        rest = after;
    }
    words + rest
}

fn line(format: LogFormat, level: &str, message: &str, time: Timestamp) -> String {
    let time = time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    match format {
        LogFormat::Json => format!("{}\n", serde_json::json!({ "level": level, "msg": message, "time": time })),
        LogFormat::Text => format!("time=\"{time}\" level={level} msg={message:?}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_are_gos() {
        for (message, expected) in [
            ("exec: `/x`: No such file or directory (os error 2)", "exec: `/x`: no such file or directory"),
            ("a: B (os error 1): c: D e (os error 2)", "a: b: c: d e"),
            ("No child (os error 10)", "no child"),
            ("Nothing: Of this (os error", "Nothing: Of this (os error"),
            ("Plain: Text", "Plain: Text"),
        ] {
            assert_eq!(in_gos_words(message), expected);
        }
    }

    #[test]
    fn records_are_runcs() {
        let time = Timestamp::from_second(1).unwrap();
        assert_eq!(
            line(LogFormat::Json, "error", "a \"b\"", time),
            "{\"level\":\"error\",\"msg\":\"a \\\"b\\\"\",\"time\":\"1970-01-01T00:00:01Z\"}\n"
        );
        assert_eq!(
            line(LogFormat::Text, "error", "a \"b\"", time),
            "time=\"1970-01-01T00:00:01Z\" level=error msg=\"a \\\"b\\\"\"\n"
        );
    }
}
