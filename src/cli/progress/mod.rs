//! What is happening to networks, volumes, images and containers, as it happens, on stderr.
//!
//! ```text
//! Event ─▶ Progress ─┬▶ Board ─▶ Screen   on a terminal: one block, redrawn in place
//!                    ├▶ plain             else: a line an event
//!                    ├▶ json              an object an event
//!                    └▶ quiet
//! ```
//!
//! There is no thread that redraws: events do, and whoever waits for them may call [`Progress::tick`].

mod board;
mod event;
mod json;
mod screen;

pub use event::{Amount, Event, Status};
pub use screen::Screen;

use std::io::{self, Write};
use std::time::Instant;

use board::Board;

use crate::cli::footer;
use crate::cli::style::Paint;
use crate::cli::terminal::Size;

/// `--progress`: how to show progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ProgressMode {
    /// In place on a terminal, else a line an event.
    #[default]
    Auto,
    /// In place.
    Tty,
    /// A line an event.
    Plain,
    /// An object an event.
    Json,
    /// Not at all.
    Quiet,
}

/// Shows the progress of one command.
#[derive(Debug)]
pub struct Progress<W: Write> {
    form: Form<W>,
}

#[derive(Debug)]
enum Form<W: Write> {
    Tty { board: Board, screen: Screen<W>, start: Instant },
    Plain(W),
    Json(W),
    Quiet,
}

/// How and where a [`Progress`] is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appearance {
    /// The mode.
    pub mode: ProgressMode,
    /// Whether the output is a terminal whose cursor may be moved: what `Auto` goes by.
    pub terminal: bool,
    /// Whether it has colours.
    pub paint: Paint,
}

impl<W: Write> Progress<W> {
    /// Shows the progress of the command `title` (`up`), begun at `start`, on `out`. `size` tells that of the
    /// terminal, whenever it is drawn to.
    pub fn new(out: W, title: &str, appearance: Appearance, start: Instant, size: fn() -> Option<Size>) -> Self {
        let form = match appearance.mode {
            ProgressMode::Quiet => Form::Quiet,
            ProgressMode::Json => Form::Json(out),
            ProgressMode::Auto if !appearance.terminal => Form::Plain(out),
            ProgressMode::Plain => Form::Plain(out),
            ProgressMode::Auto | ProgressMode::Tty => {
                Form::Tty { board: Board::new(title, appearance.paint), screen: Screen::new(out, size), start }
            }
        };
        Self { form }
    }

    /// Shows `event`, which happened at `now`.
    ///
    /// # Errors
    /// When the output takes no more.
    pub fn event(&mut self, event: Event, now: Instant) -> io::Result<()> {
        footer::hide();
        match &mut self.form {
            Form::Tty { board, screen, start } => {
                let elapsed = now.saturating_duration_since(*start);
                board.apply(event, elapsed);
                screen.draw(&board.frame(elapsed, screen.size()))
            }
            // Bytes come too often to be lines of their own.
            Form::Plain(out) if event.amount.is_none() => writeln!(out, " {}", event.line()),
            Form::Json(out) => writeln!(out, "{}", json::line(&event)),
            Form::Plain(_) | Form::Quiet => Ok(()),
        }
    }

    /// Brings the times shown up to `now`.
    ///
    /// # Errors
    /// When the output takes no more.
    pub fn tick(&mut self, now: Instant) -> io::Result<()> {
        footer::hide();
        match &mut self.form {
            Form::Tty { board, screen, start } => {
                screen.draw(&board.frame(now.saturating_duration_since(*start), screen.size()))
            }
            Form::Plain(_) | Form::Json(_) | Form::Quiet => Ok(()),
        }
    }

    /// Shows the whole of what happened a last time, and leaves the cursor below it.
    ///
    /// # Errors
    /// When the output takes no more.
    pub fn finish(mut self, now: Instant) -> io::Result<()> {
        footer::hide();
        match &mut self.form {
            Form::Tty { board, screen, start } => {
                screen.draw_last(&board.whole(now.saturating_duration_since(*start), screen.size()))
            }
            Form::Plain(out) | Form::Json(out) => out.flush(),
            Form::Quiet => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(mode: ProgressMode, terminal: bool) -> String {
        let mut out = Vec::new();
        let start = Instant::now();
        let appearance = Appearance { mode, terminal, paint: Paint::PLAIN };
        let mut progress = Progress::new(&mut out, "up", appearance, start, || None);
        let pulling = Event::new("Image postgres:15", Status::Pulling);
        for event in [
            Event::new("Network shop_default", Status::Creating),
            Event::new("Network shop_default", Status::Created),
            Event { amount: Some(Amount { current: 1_500_000, total: Some(3_000_000) }), ..pulling },
            Event::new("Container shop-db-1", Status::Error).with_detail("port is already allocated"),
        ] {
            progress.event(event, start).unwrap();
        }
        progress.finish(start).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_an_event_without_a_terminal() {
        insta::assert_snapshot!(shown(ProgressMode::Auto, false), @"
        Network shop_default  Creating
        Network shop_default  Created
        Container shop-db-1  Error port is already allocated
        ");
        assert!(shown(ProgressMode::Auto, false).lines().all(|line| line.starts_with(' ')));
        assert_eq!(shown(ProgressMode::Plain, true), shown(ProgressMode::Auto, false));
    }

    #[test]
    fn an_object_an_event() {
        insta::assert_snapshot!(shown(ProgressMode::Json, true), @r#"
        {"id":"Network shop_default","status":"Working","text":"Creating"}
        {"id":"Network shop_default","status":"Done","text":"Created"}
        {"id":"Image postgres:15","status":"Working","text":"Pulling","current":1500000,"total":3000000,"percent":50}
        {"id":"Container shop-db-1","status":"Error","text":"Error","details":"port is already allocated"}
        "#);
    }

    #[test]
    fn nothing_when_quiet() {
        assert_eq!(shown(ProgressMode::Quiet, true), "");
    }

    #[test]
    fn in_place_on_a_terminal() {
        assert!(shown(ProgressMode::Auto, true).contains("\x1b["));
        assert_eq!(shown(ProgressMode::Tty, false), shown(ProgressMode::Auto, true));
    }
}
