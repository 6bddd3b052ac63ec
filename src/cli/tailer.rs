//! Reads containers' logs as lines, and waits for them to grow.

use std::io;
use std::path::{Path, PathBuf};
use std::task::Poll;

use super::logs::{Line, SourceId, Stream};
use crate::runtime::log::{self, Follower, Reader, Watch};
use jiff::Timestamp;

/// How many bytes of each log are held at once when it is followed: what fits into the caches of a processor.
const AT_ONCE: usize = 512 << 10;

/// The lines of one log: records that were split for their length are joined.
#[derive(Debug)]
pub(super) struct Lines {
    path: PathBuf,
    source: SourceId,
    reader: Reader,
    /// What stdout and stderr have begun and not ended.
    begun: [Vec<u8>; 2],
}

impl Lines {
    /// The lines of the log at `path`, from its beginning.
    pub(super) fn open(path: &Path, source: SourceId) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), source, reader: Reader::open(path)?, begun: Default::default() })
    }

    /// The last `count` lines of the log at `path`, found from its end.
    pub(super) fn tail(path: &Path, source: SourceId, count: usize) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), source, reader: Reader::tail(path, count)?, begun: Default::default() })
    }
}

impl Iterator for Lines {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let record = match self.reader.next()? {
                Ok(record) => record,
                Err(error) => return Some(Err(error)),
            };
            let (stream, begun) = match record.stream {
                log::Stream::Stdout => (Stream::Stdout, &mut self.begun[0]),
                log::Stream::Stderr => (Stream::Stderr, &mut self.begun[1]),
            };
            let mut text = record.line.into_bytes();
            if text.last() == Some(&b'\n') {
                text.pop();
            }
            if record.goes_on {
                begun.append(&mut text);
            } else {
                if !begun.is_empty() {
                    begun.append(&mut text);
                    text = std::mem::take(begun);
                }
                return Some(Ok(Line { time: record.time, source: self.source, stream, text }));
            }
        }
    }
}

/// Several logs that are followed.
#[derive(Debug, Default)]
pub(super) struct Tailer {
    logs: Vec<Followed>,
}

#[derive(Debug)]
struct Followed {
    path: PathBuf,
    lines: Lines,
    /// What was there already is left out when it is older. What comes later is new, whatever the clock says by then.
    since: Timestamp,
    grown: bool,
    watch: Watch,
}

impl Tailer {
    /// Follows the log at `path`, leaving out what was written before `since`.
    pub(super) fn add(&mut self, path: &Path, source: SourceId, since: Timestamp) -> io::Result<()> {
        // Before the reader reaches the end: what is written in between must be told.
        let follower = Follower::open(path)?;
        self.follow(Lines::open(path, source)?, follower, since)
    }

    /// Goes on with `lines`, whose log `follower` was watching before they were read.
    pub(super) fn follow(&mut self, lines: Lines, follower: Follower, since: Timestamp) -> io::Result<()> {
        self.logs.push(Followed { path: lines.path.clone(), lines, since, grown: true, watch: follower.watch()? });
        Ok(())
    }

    /// Whether the log at `path` is followed.
    pub(super) fn has(&self, path: &Path) -> bool {
        self.logs.iter().any(|followed| followed.path == path)
    }

    /// Waits until a log grows; returns what is new. Safe to cancel.
    pub(super) async fn next(&mut self) -> io::Result<Vec<Line>> {
        std::future::poll_fn(|context| {
            for followed in &mut self.logs {
                if let Poll::Ready(grown) = followed.watch.poll_grown(context) {
                    grown?;
                    followed.grown = true;
                }
            }
            if self.logs.iter().any(|followed| followed.grown) {
                Poll::Ready(io::Result::Ok(()))
            } else {
                Poll::Pending
            }
        })
        .await?;
        self.some()
    }

    /// What is there now, all of it: nobody may be writing any more.
    pub(super) fn drain(&mut self) -> io::Result<Vec<Line>> {
        self.read(usize::MAX)
    }

    /// Some of what is there now: who writes without a pause keeps nobody from seeing what was written. What is left comes
    /// with the next call.
    pub(super) fn some(&mut self) -> io::Result<Vec<Line>> {
        self.read(AT_ONCE)
    }

    /// What is there now, of each log not much more than so many bytes.
    fn read(&mut self, most: usize) -> io::Result<Vec<Line>> {
        let mut new = Vec::new();
        for followed in &mut self.logs {
            followed.grown = false;
            let mut bytes = 0_usize;
            let mut is_at_end = true;
            for line in &mut followed.lines {
                let line = line?;
                bytes += line.text.len() + 1;
                if line.time >= followed.since {
                    new.push(line);
                }
                if bytes >= most {
                    followed.grown = true;
                    is_at_end = false;
                    break;
                }
            }
            if is_at_end {
                followed.since = Timestamp::MIN;
            }
        }
        new.sort_by_key(|line| line.time);
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::logs::{LogFormat, LogWriter};
    use crate::cli::style::Paint;
    use std::io::Write as _;

    #[tokio::test]
    async fn a_clock_that_is_set_back_hides_nothing_that_is_new() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut log = fs_err::File::create(&path).unwrap();
        let mut write = |text: &str, time: &str| {
            writeln!(log, r#"{{"log":"{text}\n","stream":"stdout","time":"{time}"}}"#).unwrap();
        };
        let format = LogFormat { prefix: false, timestamps: false, paint: Paint::PLAIN, json: false, joined: false };
        let source = LogWriter::new(Vec::new(), Vec::new(), format).add("web-1");
        write("old", "2026-01-02T11:00:00Z");
        write("new", "2026-01-02T12:00:01Z");
        let (mut tailer, began) = (Tailer::default(), "2026-01-02T12:00:00Z".parse().unwrap());
        tailer.add(&path, source, began).unwrap();
        let texts = |lines: Vec<Line>| -> Vec<String> {
            lines.into_iter().map(|line| String::from_utf8(line.text).unwrap()).collect()
        };
        assert_eq!(texts(tailer.drain().unwrap()), ["new"]);
        // An hour earlier, by the clock.
        write("newer", "2026-01-02T11:00:02Z");
        assert_eq!(texts(tailer.drain().unwrap()), ["newer"]);
    }
}
