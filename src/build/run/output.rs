//! What a command writes, line by line, as it comes.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};

use super::Cancel;
use crate::runtime::log::Stream;

/// How long a line is told at most, in bytes; the rest of it is told as another.
const LONGEST: usize = 64 * 1024;

/// A pipe of a command, and what has come of the line that it is at.
struct Pipe {
    stream: Stream,
    /// `None` when it has ended.
    fd: Option<OwnedFd>,
    line: Vec<u8>,
}

/// Both pipes of a command.
pub(super) struct Output([Pipe; 2]);

impl Output {
    /// Pipes, and the ends of the command.
    pub(super) fn new() -> io::Result<(Self, [OwnedFd; 2])> {
        let pipe = |stream| -> io::Result<(Pipe, OwnedFd)> {
            let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
            rustix::io::ioctl_fionbio(&read, true)?;
            Ok((Pipe { stream, fd: Some(read), line: Vec::new() }, write))
        };
        let (stdout, stdout_end) = pipe(Stream::Stdout)?;
        let (stderr, stderr_end) = pipe(Stream::Stderr)?;
        Ok((Self([stdout, stderr]), [stdout_end, stderr_end]))
    }

    /// Tells `sink` each line, without its end, until `ended` becomes readable, and then all that is left. Calls `stop`, once,
    /// when the word is said.
    pub(super) fn tell(
        mut self,
        ended: BorrowedFd<'_>,
        cancel: &Cancel,
        mut stop: impl FnMut(),
        sink: &mut dyn FnMut(Stream, &[u8]),
    ) -> io::Result<()> {
        let mut buffer = vec![0; LONGEST];
        let mut stopped = false;
        loop {
            let mut watched = vec![PollFd::from_borrowed_fd(ended, PollFlags::IN)];
            if !stopped {
                watched.push(PollFd::from_borrowed_fd(cancel.as_fd(), PollFlags::IN));
            }
            let pipes = self.0.iter().filter_map(|pipe| pipe.fd.as_ref());
            watched.extend(pipes.map(|fd| PollFd::new(fd, PollFlags::IN)));
            match poll(&mut watched, None) {
                Err(Errno::INTR) => continue,
                ready => ready?,
            };
            let has_ended = !watched[0].revents().is_empty();
            let is_cancelled = !stopped && !watched[1].revents().is_empty();
            drop(watched);
            for pipe in &mut self.0 {
                pipe.read(&mut buffer, sink)?;
            }
            if is_cancelled {
                stop();
                stopped = true;
            }
            if has_ended {
                // What was written before the end was in the pipes by then.
                self.0.iter_mut().for_each(|pipe| pipe.finish(sink));
                return Ok(());
            }
        }
    }
}

impl Pipe {
    /// Reads what there is.
    fn read(&mut self, buffer: &mut [u8], sink: &mut dyn FnMut(Stream, &[u8])) -> io::Result<()> {
        while let Some(fd) = &self.fd {
            match rustix::io::read(fd, &mut *buffer) {
                Ok(0) => self.fd = None,
                Ok(count) => self.take(&buffer[..count], sink),
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn take(&mut self, mut bytes: &[u8], sink: &mut dyn FnMut(Stream, &[u8])) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            match self.line.is_empty() {
                true => sink(self.stream, &bytes[..end]),
                false => {
                    self.line.extend_from_slice(&bytes[..end]);
                    sink(self.stream, &self.line);
                    self.line.clear();
                }
            }
            bytes = &bytes[end + 1..];
        }
        self.line.extend_from_slice(bytes);
        if self.line.len() >= LONGEST {
            self.finish(sink);
        }
    }

    /// Tells a line that has no end.
    fn finish(&mut self, sink: &mut dyn FnMut(Stream, &[u8])) {
        if !self.line.is_empty() {
            sink(self.stream, &self.line);
            self.line.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(chunks: &[&[u8]]) -> Vec<String> {
        let mut pipe = Pipe { stream: Stream::Stdout, fd: None, line: Vec::new() };
        let mut lines = Vec::new();
        let mut sink = |_, line: &[u8]| lines.push(String::from_utf8_lossy(line).into_owned());
        chunks.iter().for_each(|chunk| pipe.take(chunk, &mut sink));
        pipe.finish(&mut sink);
        lines
    }

    #[test]
    fn lines() {
        assert_eq!(told(&[b"one\ntw", b"o\n\nthree"]), ["one", "two", "", "three"]);
        let long = vec![b'x'; LONGEST];
        assert_eq!(told(&[&long, b"y\n"]).iter().map(String::len).collect::<Vec<_>>(), [LONGEST, 1]);
        assert!(told(&[]).is_empty());
    }
}
