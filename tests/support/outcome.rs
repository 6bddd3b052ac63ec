//! How a command ended.

use std::process::ExitStatus;

/// What a command that has ended left: its status and its output.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The command line, for messages.
    pub(crate) command: String,
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// Its standard output.
    pub(crate) stdout: String,
    /// Its standard error.
    pub(crate) stderr: String,
}

impl Outcome {
    /// Asserts that it ended with code 0.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert!(self.status.success(), "{self}");
        self
    }

    /// Asserts that it ended with `code`.
    #[track_caller]
    pub(crate) fn fails_with(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{self}");
        self
    }

    /// Asserts that `signal` ended it.
    #[track_caller]
    pub(crate) fn fails_by_signal(self, signal: i32) -> Self {
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&self.status), Some(signal), "{self}");
        self
    }

    /// Asserts that it failed by itself: with an exit code other than 0, and not by a panic (101).
    #[track_caller]
    pub(crate) fn fails(self) -> Self {
        assert!(self.status.code().is_some_and(|code| code != 0 && code != 101), "{self}");
        self
    }

    /// Asserts that standard error holds each of `texts`.
    #[track_caller]
    pub(crate) fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "no `{text}` in: {self}");
        }
        self
    }

    /// Asserts that standard output holds each of `texts`.
    #[track_caller]
    pub(crate) fn prints(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stdout.contains(text), "no `{text}` in: {self}");
        }
        self
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { command, status, stdout, stderr } = self;
        write!(formatter, "`{command}` ended with {status}\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n---")
    }
}
