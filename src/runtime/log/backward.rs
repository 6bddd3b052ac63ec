//! Reading the files of a log from their end: to find the last lines of one without reading all of it.

use std::io;
use std::os::unix::fs::FileExt as _;

use memchr::{memchr_iter, memrchr, memrchr_iter};

use super::Stream;
use super::chunk::{HEAD, Head, TAIL};

const BLOCK: usize = 64 * 1024;
/// How much of the beginning of a line is looked for before the place where reading begins, in bytes.
pub(super) const BEGUN: usize = 64 * 1024;

/// A place in a file of chunks.
#[derive(Debug)]
pub(super) struct Place {
    /// Where the next whole chunk is.
    pub(super) position: u64,
    /// The chunk before it, and what is left of it.
    pub(super) rest: Option<(Head, Vec<u8>)>,
    /// What the streams have begun before.
    pub(super) begun: [Vec<u8>; 2],
    /// How many lines end from here on.
    pub(super) lines: usize,
}

/// A file of chunks, as far as they are whole.
#[derive(Debug)]
pub(super) struct Chunks {
    file: fs_err::File,
    end: u64,
}

/// Fills `buffer` from a position in a file; false when it has less.
fn read_at(file: &fs_err::File, buffer: &mut [u8], position: u64) -> io::Result<bool> {
    match file.file().read_exact_at(buffer, position) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        result => result.map(|()| true),
    }
}

impl Chunks {
    /// Finds the end of the last whole chunk.
    pub(super) fn open(file: fs_err::File) -> io::Result<Self> {
        let end = file.metadata()?.len();
        let mut this = Self { file, end };
        if this.last()?.is_none() {
            // It is being written, or was when the shim was killed.
            this.end = 0;
            while let Some(head) = this.head(this.end)? {
                let after = this.end + head.whole() as u64;
                if after > end {
                    break;
                }
                this.end = after;
            }
        }
        Ok(this)
    }

    /// Where the last whole chunk ends.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// The last whole chunk.
    pub(super) fn last(&self) -> io::Result<Option<Head>> {
        Ok(self.before(self.end)?.map(|(_, head)| head))
    }

    fn head(&self, position: u64) -> io::Result<Option<Head>> {
        let mut bytes = [0; HEAD];
        Ok(if read_at(&self.file, &mut bytes, position)? { Head::decode(&bytes) } else { None })
    }

    /// The chunk that ends at `end`, and where it begins.
    fn before(&self, end: u64) -> io::Result<Option<(u64, Head)>> {
        let Some(tail) = end.checked_sub((HEAD + TAIL) as u64) else { return Ok(None) };
        let mut length = [0; TAIL];
        if !read_at(&self.file, &mut length, tail + HEAD as u64)? {
            return Ok(None);
        }
        let length = u32::from_le_bytes(length);
        let Some(start) = tail.checked_sub(length.into()) else { return Ok(None) };
        Ok(self.head(start)?.filter(|head| head.tail() == length.to_le_bytes()).map(|head| (start, head)))
    }

    fn bytes(&self, start: u64, head: &Head) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; head.length];
        if read_at(&self.file, &mut bytes, start + HEAD as u64)? {
            return Ok(bytes);
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    }

    /// The place from which on `count` lines end, or the beginning.
    pub(super) fn tail(&self, count: usize) -> io::Result<Place> {
        let mut end = self.end;
        let mut lines = 0;
        while let Some((start, head)) = self.before(end)? {
            if head.ends || count == 0 {
                if lines == count {
                    let begun = self.begun(end, head.unfinished)?;
                    return Ok(Place { position: end, rest: None, begun, lines });
                }
                lines += 1;
            }
            let mut bytes = self.bytes(start, &head)?;
            let ends = memchr_iter(b'\n', &bytes).count();
            if lines + ends > count {
                // The newline after which the wanted lines begin.
                let newline = memrchr_iter(b'\n', &bytes).nth(count - lines).unwrap_or_default();
                let mut unfinished = head.unfinished;
                unfinished[head.stream as usize] = false;
                let rest = Some((head, bytes.split_off(newline + 1)));
                return Ok(Place { position: end, rest, begun: self.begun(start, unfinished)?, lines: count });
            }
            lines += ends;
            end = start;
        }
        Ok(Place { position: 0, rest: None, begun: Default::default(), lines })
    }

    /// What those streams that are `unfinished` at `end` have begun.
    fn begun(&self, end: u64, unfinished: [bool; 2]) -> io::Result<[Vec<u8>; 2]> {
        let mut begun = [Vec::new(), Vec::new()];
        for stream in [Stream::Stdout, Stream::Stderr] {
            let begun = &mut begun[stream as usize];
            let mut end = end;
            let mut goes_on = unfinished[stream as usize];
            while goes_on && begun.len() < BEGUN {
                let Some((start, head)) = self.before(end)? else { break };
                end = start;
                if head.stream != stream {
                    continue;
                }
                let mut bytes = self.bytes(start, &head)?;
                let newline = memrchr(b'\n', &bytes);
                goes_on = newline.is_none() && !head.ends;
                bytes.drain(..newline.map_or(0, |newline| newline + 1));
                begun.splice(..0, bytes);
            }
        }
        Ok(begun)
    }
}

/// The position in a file of the `count`th line from its end, or of its first, and how many lines follow it.
pub(super) fn lines(file: &fs_err::File, count: usize) -> io::Result<(u64, usize)> {
    let mut end = file.metadata()?.len();
    let mut found = 0;
    let mut block = vec![0; BLOCK];
    while end > 0 {
        let start = end.saturating_sub(BLOCK as u64);
        let block = &mut block[..usize::try_from(end - start).unwrap_or(BLOCK)];
        read_at(file, block, start)?;
        for index in memrchr_iter(b'\n', block) {
            // Each newline ends a line; the one before the wanted line marks its beginning.
            if found == count {
                return Ok((start + index as u64 + 1, found));
            }
            found += 1;
        }
        end = start;
    }
    Ok((0, found))
}
