//! Colours: when there are any, and which.

use std::fmt::Display;
use std::io::IsTerminal;

use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

/// `--ansi`: when to print colours and control characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Ansi {
    /// Never.
    Never,
    /// Always.
    Always,
    /// On a terminal, unless the environment asks for none (`NO_COLOR`, `TERM=dumb`).
    #[default]
    Auto,
}

impl Ansi {
    /// Whether `stream` gets colours.
    #[must_use]
    pub fn paint(self, stream: &impl RawStream) -> Paint {
        Paint(match self {
            Self::Never => false,
            Self::Always => true,
            Self::Auto => AutoStream::choice(stream) != ColorChoice::Never,
        })
    }

    /// Whether the cursor of `stream` may be moved.
    #[must_use]
    pub fn moves_cursor(self, stream: &impl IsTerminal) -> bool {
        self != Self::Never && stream.is_terminal()
    }
}

/// Paints text, or leaves it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint(bool);

impl Paint {
    /// Leaves all text as it is.
    pub const PLAIN: Self = Self(false);
    /// Paints.
    pub const COLOURED: Self = Self(true);

    /// `text` in `style`.
    #[must_use]
    pub fn apply(self, style: Style, text: impl Display) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_string() }
    }
}

/// What went wrong.
pub const ERROR: Style = AnsiColor::Red.on_default().bold();
/// What might.
pub const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// What to do about it, and what is going on.
pub const NOTE: Style = AnsiColor::Cyan.on_default();
/// What is done.
pub const DONE: Style = AnsiColor::Green.on_default();
/// What `watch` does.
pub const WATCH: Style = AnsiColor::BrightGreen.on_default();
/// What matters least.
pub const FAINT: Style = AnsiColor::Blue.on_default();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_painted_text_has_escape_sequences() {
        assert_eq!(Paint::PLAIN.apply(DONE, "Started"), "Started");
        assert_eq!(Paint::COLOURED.apply(DONE, "Started"), "\x1b[32mStarted\x1b[0m");
    }

    #[test]
    fn the_flag_wins_over_the_stream() {
        let stream: Vec<u8> = Vec::new();
        assert_eq!(Ansi::Always.paint(&stream), Paint::COLOURED);
        assert_eq!(Ansi::Never.paint(&stream), Paint::PLAIN);
        assert!(!Ansi::Always.moves_cursor(&tempfile::tempfile().unwrap()));
    }
}
