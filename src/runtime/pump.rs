//! The loop in which a shim spends its life: what the container writes goes to its log and to those who are attached,
//! what they send goes to the container.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::pipe::PipeFlags;

use super::attach::{CHUNK, Input, Server, Stdin};
use super::external::Orphans;
use super::guardian::Keeper;
use super::log::{Stream, Writer};
use crate::sys::memory;
use crate::sys::pidfd::PidFd;

/// How often one stream is read before the other has its turn.
const READS: usize = 8;
/// How often a stream is read after the container's end: more than a pipe holds. Without a bound, a process of a shared
/// pid namespace that holds the other end could go on for ever.
const LAST_READS: usize = 64;
/// How much a pipe holds, in bytes.
const PIPE: usize = 256 * 1024;
/// How long a shim is idle until it gives back the memory that a burst took.
const IDLE: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// The shim's ends of what a container reads and writes.
#[derive(Debug, Default)]
pub(super) struct Ends {
    output: Vec<Output>,
    input: Input,
}

/// What the container writes to.
#[derive(Debug)]
struct Output {
    stream: Stream,
    fd: OwnedFd,
    /// Whether one that is read tells all that it has, as a pipe does and a terminal does not.
    tells_all: bool,
}

/// The container's ends: standard input, output and error.
pub(super) type Standard = [OwnedFd; 3];

impl Ends {
    /// Both ends of three pipes, or of two and `/dev/null`.
    pub(super) fn pipes(stdin: Stdin) -> io::Result<(Self, Standard)> {
        let (stdin_read, stdin_write) = match stdin {
            Stdin::Null => (super::spawn::null()?, None),
            Stdin::Open | Stdin::Once => {
                let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
                nonblocking(&write)?;
                (read, Some(write))
            }
        };
        let (stdout, stdout_write) = pipe()?;
        let (stderr, stderr_write) = pipe()?;
        let output = vec![
            Output { stream: Stream::Stdout, fd: stdout, tells_all: true },
            Output { stream: Stream::Stderr, fd: stderr, tells_all: true },
        ];
        let input = Input::pipe(stdin_write, stdin == Stdin::Once);
        Ok((Self { output, input }, [stdin_read, stdout_write, stderr_write]))
    }

    /// The master of a terminal, in place of pipes.
    pub(super) fn terminal(master: OwnedFd, stdin: Stdin) -> io::Result<Self> {
        nonblocking(&master)?;
        let again = || rustix::io::fcntl_dupfd_cloexec(&master, 0);
        let typed = if stdin == Stdin::Null { None } else { Some(again()?) };
        let input = Input::terminal(again()?, typed);
        Ok(Self { input, output: vec![Output { stream: Stream::Stdout, fd: master, tells_all: false }] })
    }
}

/// Goes on until `init` has ended, and what it wrote is in the log.
pub(super) fn run(
    ends: &mut Ends,
    log: &mut Writer,
    server: &mut Option<Server>,
    init: &PidFd,
    keeper: &mut Option<Keeper>,
    orphans: Option<&Orphans>,
) {
    // One for all: a shim is small. Its pages are there once they have been used.
    let mut buffer = vec![0; CHUNK];
    let mut swollen = false;
    // Who came while the program was held hears all of it.
    if let Some(server) = server {
        server.serve(&mut ends.input, &mut buffer);
    }
    loop {
        let woken = wait(ends, log, server.as_ref(), (init, orphans), keeper.as_ref(), swollen);
        if let Some(orphans) = orphans {
            orphans.reap();
        }
        if let Some(keeper) = keeper {
            keeper.tick(woken.bereaved);
        }
        if woken.idle {
            buffer = vec![0; CHUNK];
            log.shrink();
            memory::trim();
            swollen = false;
        }
        let ended = woken.ended;
        let reads = if ended { LAST_READS } else { READS };
        ends.output.retain(|output| read(output, reads, &mut buffer, log, server, &mut swollen));
        if let Some(server) = server {
            server.serve(&mut ends.input, &mut buffer);
        }
        ends.input.write();
        if ended || ends.output.is_empty() {
            log.finish();
        } else {
            log.flush();
        }
        if ended {
            return;
        }
    }
}

/// What happened, beside that there is something to read.
#[derive(Debug, Default)]
struct Woken {
    ended: bool,
    bereaved: bool,
    idle: bool,
}

fn wait(
    ends: &Ends,
    log: &Writer,
    server: Option<&Server>,
    (init, orphans): (&PidFd, Option<&Orphans>),
    keeper: Option<&Keeper>,
    swollen: bool,
) -> Woken {
    let guardian = keeper.and_then(Keeper::descriptor);
    let mut watched = vec![PollFd::new(init, PollFlags::IN)];
    watched.extend(guardian.map(|guardian| PollFd::from_borrowed_fd(guardian, PollFlags::IN)));
    watched.extend(ends.output.iter().map(|output| PollFd::new(&output.fd, PollFlags::IN)));
    let writable = [ends.input.waits_for(), log.waits_for()];
    watched.extend(writable.into_iter().flatten().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::OUT)));
    watched.extend(orphans.map(|orphans| PollFd::from_borrowed_fd(orphans.descriptor(), PollFlags::IN)));
    let clients = server.into_iter().flat_map(|server| server.watched(&ends.input));
    watched.extend(clients.map(|(fd, events)| PollFd::from_borrowed_fd(fd, events)));
    let due = keeper.and_then(Keeper::timeout);
    let timeout = due.or(swollen.then_some(IDLE));
    match poll(&mut watched, timeout.as_ref()) {
        Ok(0) => Woken { idle: swollen && due.is_none(), ..Woken::default() },
        Ok(_) => {
            let is_ready = |index: usize| !watched[index].revents().is_empty();
            Woken { ended: is_ready(0), bereaved: guardian.is_some() && is_ready(1), idle: false }
        }
        Err(_) => Woken::default(),
    }
}

/// Reads a stream until there is no more for now; false when there will be no more.
fn read(
    output: &Output,
    reads: usize,
    buffer: &mut [u8],
    log: &mut Writer,
    server: &mut Option<Server>,
    swollen: &mut bool,
) -> bool {
    for _ in 0..reads {
        match rustix::io::read(&output.fd, &mut *buffer) {
            Ok(0) => return false,
            Ok(count) => {
                log.append(output.stream, &buffer[..count]);
                if let Some(server) = server {
                    server.tell(output.stream, &buffer[..count]);
                }
                *swollen |= count >= CHUNK / 4;
                if count < buffer.len() && output.tells_all {
                    return true;
                }
            }
            Err(Errno::AGAIN) => return true,
            Err(Errno::INTR) => {}
            // A terminal without a process answers EIO.
            Err(_) => return false,
        }
    }
    true
}

/// A pipe whose reading end does not block.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    nonblocking(&read)?;
    // What waits here while the shim waits for a processor does not hold the container up. Where the user has too many
    // such pages already, it stays as it is.
    let _ = rustix::pipe::fcntl_setpipe_size(&read, PIPE);
    Ok((read, write))
}

fn nonblocking(fd: impl AsFd) -> io::Result<()> {
    Ok(rustix::io::ioctl_fionbio(fd, true)?)
}
