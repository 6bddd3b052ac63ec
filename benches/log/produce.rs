//! The program in the containers: says as much as it is told to, and how long that took.

use std::io;
use std::time::{Duration, Instant};

/// What a program writes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// Lines of 100 bytes.
    Lines,
    /// Lines of 12 bytes.
    Short,
    /// Lines of 8 MB.
    Huge,
}

impl Shape {
    pub(crate) const ALL: [Self; 3] = [Self::Lines, Self::Short, Self::Huge];

    /// What it is called on a command line and in the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lines => "lines of 100 bytes",
            Self::Short => "lines of 12 bytes",
            Self::Huge => "lines of 8 MB",
        }
    }

    /// How long a line is, its newline included.
    pub(crate) fn length(self) -> usize {
        match self {
            Self::Lines => 100,
            Self::Short => 12,
            Self::Huge => 8_000_000,
        }
    }
}

/// What is written at once, as by a program that has a buffer: 64 kB.
const AT_ONCE: usize = 64 * 1024;
/// How many bytes of a line are its number.
const DIGITS: usize = 11;
/// How often one that keeps to a rate looks at the clock.
const TICK: Duration = Duration::from_millis(5);

/// Writes `lines` numbered lines to standard output, at most `rate` bytes a second if that is not 0; returns the time.
pub(crate) fn write(shape: Shape, lines: u64, rate: u64) -> io::Result<Duration> {
    let mut output = Paced { output: io::stdout().lock(), rate, written: 0, begun: Instant::now() };
    let mut buffer = Vec::with_capacity(AT_ONCE + shape.length());
    let filling = vec![b'x'; shape.length() - DIGITS - 1];
    let mut digits = *b"00000000000";
    for _ in 0..lines {
        count(&mut digits);
        buffer.extend_from_slice(&digits);
        buffer.extend_from_slice(&filling);
        buffer.push(b'\n');
        let whole = buffer.len() / AT_ONCE * AT_ONCE;
        if whole > 0 {
            buffer[..whole].chunks(AT_ONCE).try_for_each(|chunk| output.write(chunk))?;
            buffer.drain(..whole);
        }
    }
    output.write(&buffer)?;
    Ok(output.begun.elapsed())
}

/// One more, in decimal.
fn count(digits: &mut [u8; DIGITS]) {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
}

/// The number of a line.
pub(crate) fn number(line: &[u8]) -> u64 {
    str::from_utf8(&line[..DIGITS]).unwrap().parse().unwrap()
}

struct Paced {
    output: io::StdoutLock<'static>,
    rate: u64,
    written: u64,
    begun: Instant,
}

impl Paced {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(due) = self.written.saturating_mul(1_000_000_000).checked_div(self.rate) {
            let early = Duration::from_nanos(due).saturating_sub(self.begun.elapsed());
            if early > TICK {
                std::thread::sleep(early);
            }
        }
        self.written += bytes.len() as u64;
        // Past the buffer for lines that standard output has.
        let count = rustix::io::write(&self.output, bytes)?;
        assert_eq!(count, bytes.len(), "a pipe takes all of it");
        Ok(())
    }
}
