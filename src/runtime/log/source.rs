//! One file of a log, read record by record. What is not whole yet is read again later: it may be taken back.

use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use memchr::memchr;

use super::backward::{self, BEGUN, Chunks};
use super::chunk::{HEAD, Head, MAGIC};
use super::lines::whole_characters;
use super::{Format, Record};

/// How much is read at once, in bytes.
const BLOCK: usize = 128 * 1024;

/// A file, and how far it has been read.
#[derive(Debug)]
pub(super) struct Source {
    file: fs_err::File,
    /// Known once something has been read.
    format: Option<Format>,
    /// Of the end of the buffer, in the file.
    position: u64,
    buffer: Vec<u8>,
    /// Where in the buffer the next record or chunk begins.
    start: usize,
    /// The chunk whose lines are being read, and what is left of it in the buffer.
    chunk: Option<(Head, Range<usize>)>,
}

/// Lines that have begun and not ended, across files.
#[derive(Debug, Default)]
pub(super) struct Begun([Vec<u8>; 2]);

impl Source {
    /// At the beginning of a file.
    pub(super) fn new(file: fs_err::File) -> Self {
        Self { file, format: None, position: 0, buffer: Vec::new(), start: 0, chunk: None }
    }

    /// At the `count`th line from the end of a file, or at its first: with what has begun before, and how many lines
    /// there are from there on.
    pub(super) fn tail(file: fs_err::File, count: usize) -> io::Result<(Self, Begun, usize)> {
        let mut this = Self::new(file);
        this.fill(1)?;
        (this.buffer, this.start) = (Vec::new(), 0);
        if this.format != Some(Format::Chunks) {
            let (position, found) = backward::lines(&this.file, count)?;
            this.position = position;
            return Ok((this, Begun::default(), found));
        }
        let chunks = Chunks::open(this.file.try_clone()?)?;
        let place = chunks.tail(count)?;
        this.position = place.position;
        if let Some((head, rest)) = place.rest {
            this.start = rest.len();
            this.chunk = Some((head, 0..rest.len()));
            this.buffer = rest;
        }
        Ok((this, Begun(place.begun), place.lines))
    }

    /// The file itself.
    pub(super) fn file(&self) -> &fs_err::File {
        &self.file
    }

    /// The file itself, to be read from its beginning.
    pub(super) fn into_file(self) -> fs_err::File {
        self.file
    }

    /// The next record; `None` at the present end.
    pub(super) fn record(&mut self, begun: &mut Begun) -> io::Result<Option<Record>> {
        loop {
            let found = match self.format {
                Some(Format::Json) => self.line()?,
                Some(Format::Chunks) => self.part(begun)?,
                None => {
                    if self.fill(BLOCK)? {
                        continue;
                    }
                    Found::End
                }
            };
            match found {
                Found::Record(record) => return Ok(Some(record)),
                Found::Nothing => {}
                Found::End => {
                    // What is there in part may be cut off again, when the disk is full.
                    self.position -= (self.buffer.len() - self.start) as u64;
                    self.buffer.truncate(self.start);
                    return Ok(None);
                }
            }
        }
    }

    /// The next line of JSON.
    fn line(&mut self) -> io::Result<Found> {
        let mut looked = 0;
        let end = loop {
            let unread = &self.buffer[self.start..];
            if let Some(end) = memchr(b'\n', &unread[looked..]) {
                break self.start + looked + end + 1;
            }
            looked = unread.len();
            if !self.fill(BLOCK)? {
                return Ok(Found::End);
            }
        };
        let record = serde_json::from_slice(&self.buffer[self.start..end]);
        self.start = end;
        // A line cut short by a full disk or a killed shim is skipped.
        Ok(record.map_or(Found::Nothing, |record: Record| Found::Record(record.of_json())))
    }

    /// The next line of the present chunk, or the next chunk.
    fn part(&mut self, begun: &mut Begun) -> io::Result<Found> {
        let Some((head, left)) = &mut self.chunk else {
            return self.next_chunk();
        };
        let Head { stream, time, .. } = *head;
        let begun = &mut begun.0[stream as usize];
        let bytes = &self.buffer[left.clone()];
        let record = |line: Vec<u8>, goes_on| Found::Record(Record { line: text(line), stream, time, goes_on });
        if let Some(end) = memchr(b'\n', bytes) {
            left.start += end + 1;
            begun.extend_from_slice(&bytes[..=end]);
            return Ok(record(std::mem::take(begun), false));
        }
        begun.extend_from_slice(bytes);
        let ends = head.ends;
        self.chunk = None;
        if ends {
            return Ok(record(std::mem::take(begun), false));
        }
        if begun.len() >= BEGUN {
            let rest = begun.split_off(whole_characters(begun));
            return Ok(record(std::mem::replace(begun, rest), true));
        }
        Ok(Found::Nothing)
    }

    fn next_chunk(&mut self) -> io::Result<Found> {
        loop {
            let unread = &self.buffer[self.start..];
            let head = Head::decode(unread);
            match head {
                Some(head) if head.whole() <= unread.len() => {
                    let begin = self.start + HEAD;
                    self.chunk = Some((head, begin..begin + head.length));
                    self.start += head.whole();
                    return Ok(Found::Nothing);
                }
                // Nothing that was written by a shim: what follows may be.
                None if unread.len() >= HEAD => {
                    self.start += 1 + memchr(MAGIC, &unread[1..]).unwrap_or(unread.len() - 1);
                }
                _ if self.fill(head.map_or(BLOCK, |head| head.whole().max(BLOCK)))? => {}
                _ => return Ok(Found::End),
            }
        }
    }

    /// Reads up to `count` bytes more; false at the end of the file.
    fn fill(&mut self, count: usize) -> io::Result<bool> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let length = self.buffer.len();
        self.buffer.resize(length + count, 0);
        let result = self.file.file().read_at(&mut self.buffer[length..], self.position);
        self.buffer.truncate(length + *result.as_ref().unwrap_or(&0));
        let count = result?;
        self.position += count as u64;
        if self.format.is_none()
            && let Some(first) = self.buffer.first()
        {
            self.format = Some(if *first == MAGIC { Format::Chunks } else { Format::Json });
        }
        Ok(count > 0)
    }
}

/// What a step of reading came to.
enum Found {
    Record(Record),
    Nothing,
    End,
}

/// Bytes that are no UTF-8 are replaced.
fn text(line: Vec<u8>) -> String {
    String::from_utf8(line).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
