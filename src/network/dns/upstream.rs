//! Passing a question on to name servers, and telling their replies from what others send.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream as Stream, UdpSocket as Socket};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use simple_dns::RCODE;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::answer::{self, Transport};
use super::question;
use crate::sys::netns::in_netns;

/// How long a server may take: the last one as long as with Docker, the others half of that, for a client gives up after
/// five seconds.
const PATIENCE: Duration = Duration::from_secs(4);
const SHORT_PATIENCE: Duration = Duration::from_secs(2);
/// After this the question is sent once more: a datagram may have been lost.
const REPEAT: Duration = Duration::from_secs(1);
/// SERVFAIL and REFUSED, which say something about the server, not about the name.
const TRY_ANOTHER: [u8; 2] = [2, 5];

/// The first usable reply of `servers`, asked one after the other by the transport that the client used, from `netns` if
/// that is given; a failure of our own when none has one. `None` for what is not a question.
pub(super) async fn forward(
    query: &[u8],
    servers: &[SocketAddr],
    netns: Option<&OwnedFd>,
    transport: Transport,
) -> Option<Vec<u8>> {
    let end = question::end(query)?;
    let mut failed = None;
    for (index, server) in servers.iter().enumerate() {
        let patience = if index + 1 == servers.len() { PATIENCE } else { SHORT_PATIENCE };
        let asked = timeout(patience, ask(query, *server, netns, transport));
        let Ok(Ok(mut reply)) = asked.await else { continue };
        fit(query, end, &mut reply, transport);
        if !TRY_ANOTHER.contains(&question::code(&reply)) {
            return Some(reply);
        }
        failed = Some(reply);
    }
    failed.or_else(|| answer::failure(query, RCODE::ServerFailure, transport))
}

/// Makes a reply one to `query`, whose question ends at `end`: with its identifier, the question as the client wrote it, which
/// may compare letter by letter, and no more than it takes.
fn fit(query: &[u8], end: usize, reply: &mut Vec<u8>, transport: Transport) {
    reply[..2].copy_from_slice(&query[..2]);
    reply[question::HEADER..end].copy_from_slice(&query[question::HEADER..end]);
    if reply.len() > answer::limit(query, transport) {
        question::cut_short(reply, end);
    }
}

/// What the client of `query` is sent when a server sends `reply` to it, under its identifier; `None` if that is none. What
/// `forward` does without its sockets, for those who throw packets at it.
#[must_use]
pub fn relayed(query: &[u8], reply: &[u8]) -> Option<Vec<u8>> {
    let end = question::end(query)?;
    let mut reply = question::is_answered_by(query, reply).then(|| reply.to_vec())?;
    fit(query, end, &mut reply, Transport::Udp);
    Some(reply)
}

/// Asks under an identifier of its own, from a socket of its own: the number and the port, both chosen at random, are what
/// a forger has to guess, and a container cannot choose either.
async fn ask(query: &[u8], server: SocketAddr, netns: Option<&OwnedFd>, transport: Transport) -> io::Result<Vec<u8>> {
    let mut query = query.to_vec();
    rustix::rand::getrandom(&mut query[..2], rustix::rand::GetRandomFlags::empty())?;
    match transport {
        Transport::Udp => ask_by_datagram(&query, open(netns, || datagram_socket(server))?).await,
        Transport::Tcp => ask_by_connection(&query, open(netns, || connection(server))?).await,
    }
}

/// A socket belongs for ever to the namespace that it was made in.
fn open<T>(netns: Option<&OwnedFd>, make: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    match netns {
        Some(netns) => in_netns(netns.as_fd(), make)?,
        None => make(),
    }
}

fn datagram_socket(server: SocketAddr) -> io::Result<Socket> {
    let any: SocketAddr =
        if server.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = Socket::bind(any)?;
    socket.connect(server)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// A connection that is on its way: whoever writes to it waits until it is there.
fn connection(server: SocketAddr) -> io::Result<Stream> {
    let family = if server.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    match rustix::net::connect(&socket, &server) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket.into()),
        Err(error) => Err(error.into()),
    }
}

async fn ask_by_datagram(query: &[u8], socket: Socket) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::from_std(socket)?;
    socket.send(query).await?;
    if let Ok(reply) = timeout(REPEAT, reply_to(query, &socket)).await {
        return reply;
    }
    socket.send(query).await?;
    reply_to(query, &socket).await
}

/// The next datagram that is a reply; others are passed over.
async fn reply_to(query: &[u8], socket: &UdpSocket) -> io::Result<Vec<u8>> {
    loop {
        socket.readable().await?;
        match receive(query, socket) {
            Ok(Some(reply)) => return Ok(reply),
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// Not async, for the buffer to be on the stack for a moment, and not in every question that waits.
fn receive(query: &[u8], socket: &UdpSocket) -> io::Result<Option<Vec<u8>>> {
    let mut datagram = [0; 1 << 16];
    let length = socket.try_recv(&mut datagram)?;
    let reply = &datagram[..length];
    Ok(question::is_answered_by(query, reply).then(|| reply.to_vec()))
}

async fn ask_by_connection(query: &[u8], stream: Stream) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::from_std(stream)?;
    stream.ready(Interest::WRITABLE).await?;
    let length = u16::try_from(query.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes()[..], query].concat()).await?;
    let length = stream.read_u16().await?;
    let mut reply = vec![0; length.into()];
    stream.read_exact(&mut reply).await?;
    if question::is_answered_by(query, &reply) { Ok(reply) } else { Err(io::ErrorKind::InvalidData.into()) }
}
