//! What the kernel's address translation cannot do: TCP and UDP from ::1, which never leaves the loopback, and from one
//! family to the other. Connections are accepted here and made again to the container; everything else goes past this.
//!
//! One task a connection on the thread of the supervisor, and no buffer for one that is idle: what is read goes into one
//! that all share and on from there, and only what the other side has no room for yet is kept. Either side may end what it
//! sends and go on receiving.
//!
//! A connection takes two descriptors. What there is no room for is refused at once, and not left waiting.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::{self as socket, Shutdown, sockopt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

use super::datagrams::Datagrams;
use super::relay_room::RelayRoom;
use super::{PortReservation, TransportProtocol};

/// Bytes that are read at once: no datagram is longer.
const BUFFER: usize = 128 * 1024;
/// How long a side may be silent before it is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// How long to wait for a descriptor to become free.
const RESPITE: Duration = Duration::from_millis(100);

thread_local! {
    pub(super) static SHARED: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]);
}

/// Connections to ports of this machine, or datagrams, sent on to those of a container.
#[derive(Debug)]
pub struct Relay {
    socket: Socket,
    to: SocketAddr,
}

#[derive(Debug)]
enum Socket {
    Connections(TcpListener),
    Datagrams(UdpSocket),
}

/// Why a port cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on port {port}")]
pub struct RelayError {
    port: u16,
    source: io::Error,
}

impl Relay {
    /// Listens on the reserved ports, of TCP or of UDP, of which the first is led to `to`. Must be called within a tokio
    /// runtime with IO.
    ///
    /// # Errors
    /// [`RelayError`].
    pub fn listen(
        reservation: PortReservation,
        protocol: TransportProtocol,
        to: SocketAddr,
    ) -> Result<Vec<Self>, RelayError> {
        let port = reservation.port();
        let listen = |(nth, fd)| {
            let socket = match protocol {
                TransportProtocol::Udp => Socket::Datagrams(super::datagrams::receive_from(fd)?),
                TransportProtocol::Tcp | TransportProtocol::Sctp => Socket::Connections(accept_from(fd)?),
            };
            Ok(Self { socket, to: SocketAddr::new(to.ip(), to.port().saturating_add(nth)) })
        };
        let relays: io::Result<Vec<Self>> = (0..).zip(reservation.into_sockets()).map(listen).collect();
        relays.map_err(|source| RelayError { port, source })
    }

    /// Relays what there is `room` for, for as long as this is polled. Connections end with it. Must be called within a
    /// local set.
    pub async fn serve(self, room: RelayRoom) {
        match self.socket {
            Socket::Connections(listener) => serve(&listener, self.to, &room).await,
            Socket::Datagrams(socket) => Datagrams::new(socket, self.to).serve(&room).await,
        }
    }
}

fn accept_from(fd: OwnedFd) -> io::Result<TcpListener> {
    /// How many connections wait to be accepted, at most.
    const BACKLOG: i32 = 4096;
    // For the next supervisor to have the port at once: connections that are over keep it from all who do not say so.
    sockopt::set_socket_reuseaddr(&fd, true)?;
    socket::listen(&fd, BACKLOG)?;
    rustix::io::ioctl_fionbio(&fd, true)?;
    TcpListener::from_std(std::net::TcpListener::from(fd))
}

async fn serve(listener: &TcpListener, to: SocketAddr, room: &RelayRoom) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => match room.enter() {
                    Some(place) => _ = connections.spawn_local(async move {
                        relay(client, to).await;
                        drop(place);
                    }),
                    None => reset(&client),
                },
                // Too many files are open, or the client is gone already: one waits for the first to pass.
                Err(_) => tokio::time::sleep(RESPITE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Carries bytes both ways until both have ended, or either has failed. An error is the other side's to see: that its
/// connection is reset.
async fn relay(client: TcpStream, to: SocketAddr) {
    let both = async {
        let server = TcpStream::connect(to).await?;
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
            sockopt::set_socket_keepalive(stream, true)?;
            sockopt::set_tcp_keepidle(stream, KEEPALIVE)?;
        }
        let carried = tokio::try_join!(carry(&client, &server), carry(&server, &client));
        if carried.is_err() {
            reset(&server);
        }
        carried
    };
    if both.await.is_err() {
        reset(&client);
    }
}

/// Has the other side see that a connection did not end well.
fn reset(stream: &TcpStream) {
    // One that is gone already needs no telling.
    let _ = sockopt::set_socket_linger(stream, Some(Duration::ZERO));
}

/// Carries bytes one way until that side has ended.
async fn carry(from: &TcpStream, to: &TcpStream) -> io::Result<()> {
    loop {
        from.readable().await?;
        let (length, mut rest) = match SHARED.with_borrow_mut(|shared| pass(from, to, shared)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            result => result?,
        };
        if length == 0 {
            // Whoever has closed altogether is past being told.
            let _ = socket::shutdown(to, Shutdown::Write);
            return Ok(());
        }
        while !rest.is_empty() {
            to.writable().await?;
            match to.try_write(&rest) {
                Ok(written) => _ = rest.drain(..written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Reads what there is and writes what there is room for; returns how much was read, and what is left of it.
fn pass(from: &TcpStream, to: &TcpStream, shared: &mut [u8]) -> io::Result<(usize, Vec<u8>)> {
    let length = from.try_read(shared)?;
    let read = &shared[..length];
    let written = match to.try_write(read) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
        result => result?,
    };
    Ok((length, read[written..].to_vec()))
}
