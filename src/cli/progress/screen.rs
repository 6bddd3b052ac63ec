//! A block of lines at the bottom of a terminal, drawn over and over in the same place.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::cli::terminal::Size;

const HIDE_CURSOR: &str = "\x1b[?25l";
const SHOW_CURSOR: &str = "\x1b[?25h";
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

/// What a terminal that does not tell its size is taken for.
const USUAL: Size = Size { columns: 80, rows: 24 };

/// Draws blocks. The cursor is hidden from the first to the last, and shown again when this is dropped.
#[derive(Debug)]
pub struct Screen<W: Write> {
    out: W,
    size: fn() -> Option<Size>,
    drawn: Option<Vec<String>>,
}

impl<W: Write> Screen<W> {
    /// Draws to `out`, a terminal of `size`.
    pub fn new(out: W, size: fn() -> Option<Size>) -> Self {
        Self { out, size, drawn: None }
    }

    /// The size of the terminal, now.
    pub(super) fn size(&self) -> Size {
        (self.size)().unwrap_or(USUAL)
    }

    /// Draws `lines` in place of the block drawn before. No line may be longer than the terminal is wide.
    pub(super) fn draw(&mut self, lines: &[String]) -> io::Result<()> {
        if self.drawn.as_deref() == Some(lines) {
            return Ok(());
        }
        let frame = self.frame(lines);
        self.drawn = Some(lines.to_vec());
        // In one write, so that no half of it is ever seen.
        self.out.write_all(frame.as_bytes())?;
        self.out.flush()
    }

    /// Draws `lines`, however many, in place of the block, and lets go of the place.
    pub(super) fn draw_last(&mut self, lines: &[String]) -> io::Result<()> {
        self.draw(lines)?;
        self.show_cursor()
    }

    fn frame(&self, lines: &[String]) -> String {
        let mut frame = match self.drawn.as_deref() {
            None => HIDE_CURSOR.to_owned(),
            Some([]) => String::new(),
            Some(before) => format!("\x1b[{}A", before.len()),
        };
        for line in lines {
            // Clearing what is left of the old line, not all of it first, does not flicker.
            let _ = writeln!(frame, "\r{line}{CLEAR_LINE}"); // a String takes everything
        }
        frame.push_str(CLEAR_BELOW);
        frame
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.drawn.take().is_none() {
            return Ok(());
        }
        self.out.write_all(SHOW_CURSOR.as_bytes())?;
        self.out.flush()
    }
}

impl<W: Write> Drop for Screen<W> {
    fn drop(&mut self) {
        // A terminal that is gone has no cursor to show.
        let _ = self.show_cursor();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What reaches the terminal when `blocks` are drawn, one a line, with escapes shown as `^`.
    fn drawn(blocks: &[&[&str]]) -> String {
        let mut out = Vec::new();
        let mut screen = Screen::new(&mut out, || None);
        for block in blocks {
            screen.draw(&block.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>()).unwrap();
        }
        drop(screen);
        String::from_utf8(out).unwrap().replace('\x1b', "^").replace('\r', "<")
    }

    #[test]
    fn a_block_is_drawn_over_the_one_before() {
        insta::assert_snapshot!(drawn(&[&["title", "one", "two"], &["title", "1"]]), @"
        ^[?25l<title^[K
        <one^[K
        <two^[K
        ^[J^[3A<title^[K
        <1^[K
        ^[J^[?25h
        ");
    }

    #[test]
    fn the_same_block_is_not_drawn_twice() {
        assert_eq!(drawn(&[&["a"], &["a"]]), drawn(&[&["a"]]));
    }

    #[test]
    fn nothing_is_written_when_nothing_is_drawn() {
        assert_eq!(drawn(&[]), "");
    }
}
