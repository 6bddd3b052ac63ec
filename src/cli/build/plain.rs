//! A build as lines, the way BuildKit writes them: for logs, and where there is no terminal.
//!
//! ```text
//! #1 [build 1/3] FROM debian:12
//! #1 CACHED
//!
//! #2 [build 2/3] RUN make
//! #2 0.014 cc -c main.c
//! #2 DONE 1.2s
//! ```
//!
//! Steps are numbered as they begin. Where the lines of several come by turns, what they belong to is said again.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Instant;

use crate::build::{Event, EventKind, StepNumber};

/// Writes what a build tells.
#[derive(Debug)]
pub(super) struct Plain<W: Write> {
    out: W,
    /// What has begun, by its number in the graph.
    begun: BTreeMap<StepNumber, Begun>,
    /// Whose lines are being written.
    current: Option<StepNumber>,
}

#[derive(Debug)]
struct Begun {
    number: usize,
    name: String,
    at: Instant,
    /// A line that has not ended yet.
    rest: Vec<u8>,
}

impl<W: Write> Plain<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, begun: BTreeMap::new(), current: None }
    }

    /// Shows `event`.
    ///
    /// # Errors
    /// When the output takes no more.
    pub(super) fn event(&mut self, event: &Event) -> io::Result<()> {
        match &event.kind {
            EventKind::Started { name } => {
                let number = self.begun.len() + 1;
                let begun = Begun { number, name: name.clone(), at: event.at, rest: Vec::new() };
                self.begun.insert(event.step, begun);
                Ok(())
            }
            EventKind::Output { bytes } => self.output(event, bytes),
            EventKind::Cached => self.end(event, "CACHED"),
            EventKind::Done { took } => self.end(event, &format!("DONE {:.1}s", took.as_secs_f64())),
            EventKind::Failed { why } => self.end(event, &format!("ERROR: {why}")),
            EventKind::Cancelled => self.end(event, "CANCELED"),
        }
    }

    fn output(&mut self, event: &Event, bytes: &[u8]) -> io::Result<()> {
        let Some(begun) = self.begun.get_mut(&event.step) else { return Ok(()) };
        begun.rest.extend_from_slice(bytes);
        let Some(end) = begun.rest.iter().rposition(|byte| *byte == b'\n') else { return Ok(()) };
        let whole: Vec<u8> = begun.rest.drain(..=end).collect();
        self.lines(event, &whole)
    }

    fn lines(&mut self, event: &Event, text: &[u8]) -> io::Result<()> {
        self.turn_to(event.step)?;
        let Some(begun) = self.begun.get(&event.step) else { return Ok(()) };
        let seconds = event.at.saturating_duration_since(begun.at).as_secs_f64();
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            // A program that redraws its line ends it with a return: only what it came to is kept.
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let line = line.rsplit(|byte| *byte == b'\r').next().unwrap_or_default();
            write!(self.out, "#{} {seconds:.3} ", begun.number)?;
            self.out.write_all(line)?;
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }

    fn end(&mut self, event: &Event, how: &str) -> io::Result<()> {
        let rest = self.begun.get_mut(&event.step).map(|begun| std::mem::take(&mut begun.rest)).unwrap_or_default();
        if !rest.is_empty() {
            self.lines(event, &rest)?;
        }
        self.turn_to(event.step)?;
        let Some(begun) = self.begun.get(&event.step) else { return Ok(()) };
        writeln!(self.out, "#{} {how}\n", begun.number)?;
        self.current = None;
        self.out.flush()
    }

    /// Says whose lines follow.
    fn turn_to(&mut self, step: StepNumber) -> io::Result<()> {
        if self.current == Some(step) {
            return Ok(());
        }
        if let Some(before) = self.current.take().and_then(|before| self.begun.get(&before)) {
            writeln!(self.out, "#{} ...\n", before.number)?;
        }
        let Some(begun) = self.begun.get(&step) else { return Ok(()) };
        self.current = Some(step);
        writeln!(self.out, "#{} {}", begun.number, begun.name)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn steps_by_turns() {
        let mut out = Vec::new();
        let mut plain = Plain::new(&mut out);
        let begin = Instant::now();
        let started = |name: &str| EventKind::Started { name: name.to_owned() };
        let said = |text: &str| EventKind::Output { bytes: text.as_bytes().to_vec() };
        for (step, millis, kind) in [
            (4, 0, started("[a 1/2] FROM scratch")),
            (4, 0, EventKind::Cached),
            (7, 1, started("[a 2/2] RUN make")),
            (9, 1, started("[b 2/2] RUN test")),
            (7, 15, said("cc main.c\nlin")),
            (9, 20, said("one\r\n10%\r100%\n")),
            (7, 30, said("k\n")),
            (7, 1201, EventKind::Done { took: Duration::from_millis(1200) }),
            (9, 1300, said("not whole")),
            (9, 1300, EventKind::Failed { why: "exit code 2".to_owned() }),
        ] {
            plain.event(&Event { step, at: begin + Duration::from_millis(millis), kind }).unwrap();
        }
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @"
        #1 [a 1/2] FROM scratch
        #1 CACHED

        #2 [a 2/2] RUN make
        #2 0.014 cc main.c
        #2 ...

        #3 [b 2/2] RUN test
        #3 0.019 one
        #3 0.019 100%
        #3 ...

        #2 [a 2/2] RUN make
        #2 0.029 link
        #2 DONE 1.2s

        #3 [b 2/2] RUN test
        #3 1.299 not whole
        #3 ERROR: exit code 2
        ");
    }
}
