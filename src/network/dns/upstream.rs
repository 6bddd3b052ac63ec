//! Passing a question on, as it came, to the name servers of the machine.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use simple_dns::RCODE;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::answer::{self, Transport};

/// How long one server may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// The largest datagram that is taken from a server, bytes.
const LARGEST_REPLY: usize = 4096;

/// The first usable reply of `servers`, asked one after the other by the transport that the client used; a failure of our own
/// when none has one. `None` for what is not a question.
pub(super) async fn forward(query: &[u8], servers: &[SocketAddr], transport: Transport) -> Option<Vec<u8>> {
    let mut last = None;
    for server in servers {
        let asked = timeout(PATIENCE, async {
            match transport {
                Transport::Udp => ask_by_datagram(query, *server).await,
                Transport::Tcp => ask_by_connection(query, *server).await,
            }
        });
        let Ok(Ok(reply)) = asked.await else { continue };
        if !says_try_another(&reply) {
            return Some(reply);
        }
        last = Some(reply);
    }
    last.or_else(|| answer::failure(query, RCODE::ServerFailure))
}

/// A socket of its own for each question: the port that the kernel picks is half of what a forger has to guess.
async fn ask_by_datagram(query: &[u8], server: SocketAddr) -> io::Result<Vec<u8>> {
    let local: SocketAddr =
        if server.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(local).await?;
    socket.connect(server).await?;
    socket.send(query).await?;
    let mut reply = vec![0; LARGEST_REPLY];
    loop {
        let length = socket.recv(&mut reply).await?;
        if answers(query, &reply[..length]) {
            reply.truncate(length);
            return Ok(reply);
        }
    }
}

async fn ask_by_connection(query: &[u8], server: SocketAddr) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(query.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes()[..], query].concat()).await?;
    let length = stream.read_u16().await?;
    let mut reply = vec![0; length.into()];
    stream.read_exact(&mut reply).await?;
    if answers(query, &reply) { Ok(reply) } else { Err(io::ErrorKind::InvalidData.into()) }
}

/// Whether `reply` is one, to a question with this identifier.
fn answers(query: &[u8], reply: &[u8]) -> bool {
    reply.len() >= 12 && reply[..2] == query[..2] && reply[2] & 0x80 != 0
}

/// SERVFAIL and REFUSED say something about the server, not about the name.
fn says_try_another(reply: &[u8]) -> bool {
    matches!(reply[3] & 0x0f, 2 | 5)
}
