//! The shim's side: the socket, and who is connected to it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::event::PollFlags;
use rustix::fs::{AtFlags, Mode};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

use super::{INPUT_CHUNK, Input, SOCKET, kind, send_packet};
use crate::runtime::log::Stream;

/// How many may be connected at once; more are turned away.
const CLIENTS: usize = 32;

/// Those who listen to a container, and the socket where more come.
#[derive(Debug)]
pub(in crate::runtime) struct Server {
    listener: OwnedFd,
    clients: Vec<Client>,
}

#[derive(Debug)]
struct Client {
    fd: OwnedFd,
    /// What it has not been told of, in bytes.
    missed: u64,
    sends_input: bool,
}

impl Server {
    /// Listens in the run directory.
    pub(in crate::runtime) fn bind(directory: &Path) -> rustix::io::Result<Self> {
        let directory = super::open_directory(directory)?;
        // Of an earlier run.
        match rustix::fs::unlinkat(&directory, SOCKET, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error),
        }
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let listener = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        // Whoever may write to it may type into the container.
        let before = rustix::process::umask(Mode::from(0o177));
        let bound = rustix::net::bind(&listener, &super::address(&directory)?);
        rustix::process::umask(before);
        bound?;
        rustix::net::listen(&listener, 16)?;
        Ok(Self { listener, clients: Vec::new() })
    }

    /// What to wait for.
    pub(in crate::runtime) fn watched(&self, input: &Input) -> impl Iterator<Item = (BorrowedFd<'_>, PollFlags)> {
        // Input waits in a client's socket while that before it waits for the container. Not even a client's end is
        // watched then: it would be told again and again.
        let clients = self.clients.iter().filter(|_| input.has_room()).map(|client| {
            let told = if client.missed > 0 { PollFlags::OUT } else { PollFlags::empty() };
            (client.fd.as_fd(), PollFlags::IN | told)
        });
        std::iter::once((self.listener.as_fd(), PollFlags::IN)).chain(clients)
    }

    /// Lets in who knocks, and takes what clients have sent.
    pub(in crate::runtime) fn serve(&mut self, input: &mut Input, buffer: &mut [u8]) {
        while let Ok(fd) = rustix::net::accept_with(&self.listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
            if self.clients.len() < CLIENTS {
                self.clients.push(Client { fd, missed: 0, sends_input: false });
            }
        }
        self.clients.retain_mut(|client| {
            client.tell_missed();
            client.take(input, buffer)
        });
    }

    /// Tells everyone what the container wrote.
    pub(in crate::runtime) fn tell(&mut self, stream: Stream, bytes: &[u8]) {
        let kind = match stream {
            Stream::Stdout => kind::STDOUT,
            Stream::Stderr => kind::STDERR,
        };
        for client in &mut self.clients {
            client.tell_missed();
            if client.missed > 0 || !client.send(kind, bytes) {
                client.missed += bytes.len() as u64;
            }
        }
    }

    /// Tells everyone how the container ended.
    pub(in crate::runtime) fn tell_exit(&mut self, code: i32) {
        for client in &mut self.clients {
            client.tell_missed();
            client.send(kind::EXITED, &code.to_ne_bytes());
        }
    }
}

impl Client {
    /// Says what it has missed, when it takes that.
    fn tell_missed(&mut self) {
        if self.missed > 0 && self.send(kind::MISSED, &self.missed.to_ne_bytes()) {
            self.missed = 0;
        }
    }

    /// False when it took nothing: its buffer is full, or it has left, of which reading tells.
    fn send(&self, kind: u8, bytes: &[u8]) -> bool {
        send_packet(&self.fd, kind, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT).is_ok()
    }

    /// Takes what it has sent as long as the container takes that; false when it has left.
    fn take(&mut self, input: &mut Input, buffer: &mut [u8]) -> bool {
        while input.has_room() {
            let buffer = &mut buffer[..=INPUT_CHUNK];
            let count = match rustix::net::recv(&self.fd, &mut *buffer, RecvFlags::DONTWAIT) {
                Ok((count @ 1.., _)) => count,
                Err(Errno::AGAIN | Errno::INTR) => return true,
                _ => {
                    if self.sends_input {
                        input.client_left();
                    }
                    return false;
                }
            };
            let packet = &buffer[1..count];
            match buffer[0] {
                kind::WILL_SEND => self.sends_input = true,
                kind::INPUT => {
                    self.sends_input = true;
                    input.push(packet);
                }
                kind::END_OF_INPUT => {
                    self.sends_input = false;
                    input.client_left();
                }
                kind::RESIZE => {
                    if let Some(size) = packet.first_chunk() {
                        input.resize(super::winsize(*size));
                    }
                }
                // Of a later version.
                _ => {}
            }
        }
        true
    }
}
