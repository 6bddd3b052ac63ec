//! Lines as people read them: `web-1  | ` in the colour of the container, then the line as it was written.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::{Line, Stream};
use crate::cli::style::Paint;

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogFormat {
    /// Whether each line says which container wrote it.
    pub prefix: bool,
    /// Whether each line says when it was written.
    pub timestamps: bool,
    /// Whether prefixes have colours.
    pub paint: Paint,
    /// Whether each line is an object, with all of that in it; what is not UTF-8 is replaced.
    pub json: bool,
    /// Whether all lines go to one stream, for `grep` to find what services complain of.
    pub joined: bool,
}

/// A container whose lines are written: its place in the [`LogWriter`] that gave the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(usize);

/// Writes lines of several containers, what they wrote to stderr apart from what they wrote to stdout.
#[derive(Debug)]
pub struct LogWriter<O, E> {
    stdout: O,
    stderr: E,
    format: LogFormat,
    labels: Vec<String>,
    /// The name of each container, and its service, for objects.
    names: Vec<(String, String)>,
    /// What is written before the lines of each, in its colour.
    prefixes: Vec<String>,
    /// A line with all that belongs to it, so that it is passed on in one piece.
    whole: Vec<u8>,
}

/// Five colours that are readable on light and dark alike, then the same in bold.
const COLOURS: [AnsiColor; 5] =
    [AnsiColor::Cyan, AnsiColor::Yellow, AnsiColor::Green, AnsiColor::Magenta, AnsiColor::Blue];

impl<O: Write, E: Write> LogWriter<O, E> {
    /// Writes to `stdout` and `stderr`, which should be buffered by line at most: see [`Self::flush`].
    pub fn new(stdout: O, stderr: E, format: LogFormat) -> Self {
        Self { stdout, stderr, format, labels: Vec::new(), names: Vec::new(), prefixes: Vec::new(), whole: Vec::new() }
    }

    /// Adds a container, called `label`: its name without the project, `web-1`. It gets the next colour, and all
    /// prefixes written from now on are as wide as the longest needs. A label added before keeps its colour.
    pub fn add(&mut self, label: &str) -> SourceId {
        if let Some(index) = self.labels.iter().position(|known| known == label) {
            return SourceId(index);
        }
        self.labels.push(label.to_owned());
        self.names.push((label.to_owned(), String::new()));
        let width = self.labels.iter().map(|label| label.chars().count()).max().unwrap_or_default();
        let prefixes = self.labels.iter().enumerate();
        self.prefixes =
            prefixes.map(|(index, label)| self.painted(SourceId(index), &format!("{label:width$}  | "))).collect();
        SourceId(self.labels.len() - 1)
    }

    /// Says which container of which service a source is.
    pub fn name(&mut self, source: SourceId, container: &str, service: &str) {
        self.names[source.0] = (container.to_owned(), service.to_owned());
    }

    /// Writes a line.
    ///
    /// # Errors
    /// When the stream it belongs to takes no more.
    pub fn line(&mut self, line: &Line) -> io::Result<()> {
        if self.format.json {
            return self.object(line);
        }
        let whole = &mut self.whole;
        whole.clear();
        if self.format.prefix {
            whole.extend_from_slice(self.prefixes[line.source.0].as_bytes());
        }
        if self.format.timestamps {
            // Of fixed width, so that the lines below one another line up.
            write!(whole, "{:.9} ", line.time)?;
        }
        whole.extend_from_slice(&line.text);
        whole.push(b'\n');
        match line.stream {
            Stream::Stderr if !self.format.joined => self.stderr.write_all(whole),
            Stream::Stdout | Stream::Stderr => self.stdout.write_all(whole),
        }
    }

    fn object(&mut self, line: &Line) -> io::Result<()> {
        let (container, service) = &self.names[line.source.0];
        let stream = match line.stream {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        };
        let object = serde_json::json!({
            "time": format!("{:.9}", line.time),
            "container": container,
            "service": service,
            "stream": stream,
            "line": String::from_utf8_lossy(&line.text),
        });
        writeln!(self.stdout, "{object}")
    }

    /// Writes which containers the lines will be of: those that have been added.
    ///
    /// # Errors
    /// When stdout takes no more.
    pub fn attaching(&mut self) -> io::Result<()> {
        match self.labels.is_empty() {
            true => Ok(()),
            false => writeln!(self.stdout, "Attaching to {}", self.labels.join(", ")),
        }
    }

    /// Writes that a container exited, whether for want of memory, and whether it is about to be restarted.
    ///
    /// # Errors
    /// When stdout takes no more.
    pub fn exited(&mut self, source: SourceId, code: i32, oom: bool, restarting: bool) -> io::Result<()> {
        let why = if oom { " (out of memory)" } else { "" };
        let after = if restarting { " (restarting)" } else { "" };
        self.status(source, &format!("exited with code {code}{why}{after}"))
    }

    /// Writes that a container was recreated.
    ///
    /// # Errors
    /// When stdout takes no more.
    pub fn recreated(&mut self, source: SourceId) -> io::Result<()> {
        self.status(source, "has been recreated")
    }

    fn status(&mut self, source: SourceId, what: &str) -> io::Result<()> {
        let text = format!("{} {what}", self.labels[source.0]);
        writeln!(self.stdout, "{}", self.painted(source, &text))
    }

    /// Passes everything written so far on. Call it when no more lines are there at once.
    ///
    /// # Errors
    /// When a stream takes no more.
    pub fn flush(&mut self) -> io::Result<()> {
        self.stdout.flush()?;
        self.stderr.flush()
    }

    fn painted(&self, source: SourceId, text: &str) -> String {
        let (round, index) = (source.0 / COLOURS.len(), source.0 % COLOURS.len());
        let style = Style::new().fg_color(Some(COLOURS[index].into()));
        self.format.paint.apply(if round % 2 == 1 { style.bold() } else { style }, text)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    const PLAIN: LogFormat =
        LogFormat { prefix: true, timestamps: false, paint: Paint::PLAIN, json: false, joined: false };

    fn writer(format: LogFormat) -> LogWriter<Vec<u8>, Vec<u8>> {
        LogWriter::new(Vec::new(), Vec::new(), format)
    }

    fn line(source: SourceId, text: &str) -> Line {
        let time = Timestamp::new(1_700_000_000, 1_000).unwrap();
        Line { time, source, stream: Stream::Stdout, text: text.as_bytes().to_vec() }
    }

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn prefixes_line_up() {
        let mut logs = writer(PLAIN);
        let (web, migrate) = (logs.add("web-1"), logs.add("migrate-1"));
        logs.line(&line(web, "ready")).unwrap();
        logs.line(&line(migrate, "")).unwrap();
        logs.line(&Line { stream: Stream::Stderr, ..line(web, "warning") }).unwrap();
        logs.exited(migrate, 0, false, false).unwrap();
        logs.exited(web, 1, false, true).unwrap();
        logs.exited(web, 137, true, false).unwrap();
        logs.recreated(web).unwrap();
        insta::assert_snapshot!(text(logs.stdout).replace(" \n", " $\n"), @"
        web-1      | ready
        migrate-1  | $
        migrate-1 exited with code 0
        web-1 exited with code 1 (restarting)
        web-1 exited with code 137 (out of memory)
        web-1 has been recreated
        ");
        insta::assert_snapshot!(text(logs.stderr), @"web-1      | warning");
    }

    #[test]
    fn the_parts_of_a_line_are_optional() {
        for (prefix, timestamps, expected) in [
            (true, false, "web-1  | ready\n"),
            (true, true, "web-1  | 2023-11-14T22:13:20.000001000Z ready\n"),
            (false, true, "2023-11-14T22:13:20.000001000Z ready\n"),
            (false, false, "ready\n"),
        ] {
            let mut logs = writer(LogFormat { prefix, timestamps, ..PLAIN });
            let web = logs.add("web-1");
            logs.line(&line(web, "ready")).unwrap();
            assert_eq!(text(logs.stdout), expected);
        }
    }

    #[test]
    fn lines_on_one_stream() {
        let mut logs = writer(LogFormat { joined: true, ..PLAIN });
        let web = logs.add("web-1");
        logs.line(&line(web, "ready")).unwrap();
        logs.line(&Line { stream: Stream::Stderr, ..line(web, "warning") }).unwrap();
        assert!(logs.stderr.is_empty());
        insta::assert_snapshot!(text(logs.stdout), @"
        web-1  | ready
        web-1  | warning
        ");
    }

    #[test]
    fn lines_as_objects() {
        let mut logs = writer(LogFormat { json: true, ..PLAIN });
        let web = logs.add("web-1");
        logs.name(web, "shop-web-1", "web");
        logs.line(&Line { text: b"a \"b\" \xff".to_vec(), stream: Stream::Stderr, ..line(web, "") }).unwrap();
        assert!(logs.stderr.is_empty(), "all of them on one stream");
        insta::assert_snapshot!(text(logs.stdout), @r#"{"container":"shop-web-1","line":"a \"b\" �","service":"web","stream":"stderr","time":"2023-11-14T22:13:20.000001000Z"}"#);
    }

    #[test]
    fn what_a_container_wrote_is_not_touched() {
        let mut logs = writer(PLAIN);
        let web = logs.add("web-1");
        logs.line(&Line { text: b"\x1b[31m\xff".to_vec(), ..line(web, "") }).unwrap();
        assert_eq!(logs.stdout, b"web-1  | \x1b[31m\xff\n");
    }

    #[test]
    fn colours_go_round_plain_then_bold() {
        let mut logs = writer(LogFormat { paint: Paint::COLOURED, ..PLAIN });
        for number in 0..11 {
            let source = logs.add(&format!("w{number:02}"));
            logs.line(&line(source, "x")).unwrap();
        }
        assert_eq!(logs.add("w00"), SourceId(0));
        insta::assert_snapshot!(text(logs.stdout).replace('\x1b', "^"), @"
        ^[36mw00  | ^[0mx
        ^[33mw01  | ^[0mx
        ^[32mw02  | ^[0mx
        ^[35mw03  | ^[0mx
        ^[34mw04  | ^[0mx
        ^[1m^[36mw05  | ^[0mx
        ^[1m^[33mw06  | ^[0mx
        ^[1m^[32mw07  | ^[0mx
        ^[1m^[35mw08  | ^[0mx
        ^[1m^[34mw09  | ^[0mx
        ^[36mw10  | ^[0mx
        ");
    }
}
