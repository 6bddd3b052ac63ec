//! Reads containers' logs as lines, and waits for them to grow.

use std::io;
use std::path::Path;
use std::task::Poll;

use super::logs::{Line, SourceId, Stream};
use crate::runtime::log::{self, Follower, Reader, Watch};
use jiff::Timestamp;

/// The lines of one log: records that were split for their length are joined.
#[derive(Debug)]
pub(super) struct Lines {
    source: SourceId,
    reader: Reader,
    /// What stdout and stderr have begun and not ended.
    begun: [Vec<u8>; 2],
}

impl Lines {
    /// The lines of the log at `path`, from its beginning.
    pub(super) fn open(path: &Path, source: SourceId) -> io::Result<Self> {
        Ok(Self { source, reader: Reader::open(path)?, begun: Default::default() })
    }

    /// The last `count` lines of the log at `path`, found from its end.
    pub(super) fn tail(path: &Path, source: SourceId, count: usize) -> io::Result<Self> {
        Ok(Self { source, reader: Reader::tail(path, count)?, begun: Default::default() })
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
    lines: Lines,
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
        self.logs.push(Followed { lines, since, grown: true, watch: follower.watch()? });
        Ok(())
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
        self.drain()
    }

    /// What is there now.
    pub(super) fn drain(&mut self) -> io::Result<Vec<Line>> {
        let mut new = Vec::new();
        for followed in &mut self.logs {
            followed.grown = false;
            for line in &mut followed.lines {
                let line = line?;
                if line.time >= followed.since {
                    new.push(line);
                }
            }
        }
        new.sort_by_key(|line| line.time);
        Ok(new)
    }
}
