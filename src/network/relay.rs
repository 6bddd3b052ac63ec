//! What the kernel's address translation cannot do: TCP from ::1, which never leaves the loopback, and from one family to
//! the other. Connections are accepted here and made again to the container; everything else goes past this.
//!
//! One task a connection on the thread of the supervisor, and no buffer for one that is idle: what is read goes into one
//! that all share and on from there, and only what the other side has no room for yet is kept. Either side may end what it
//! sends and go on receiving.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustix::net::{self as socket, Shutdown, sockopt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::PortReservation;

/// Bytes that are read at once.
const BUFFER: usize = 128 * 1024;
/// How long a side may be silent before it is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// How long to wait for a descriptor to become free.
const RESPITE: Duration = Duration::from_millis(100);

thread_local! {
    static SHARED: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]);
}

/// Connections to ports of this machine, made again to those of a container.
#[derive(Debug)]
pub struct Relay {
    listener: TcpListener,
    to: SocketAddr,
}

/// Why a port cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen for connections to port {port}")]
pub struct RelayError {
    port: u16,
    source: io::Error,
}

impl Relay {
    /// Listens on the reserved ports, of which the first is led to `to`. Must be called within a tokio runtime with IO.
    ///
    /// # Errors
    /// [`RelayError`].
    pub fn listen(reservation: PortReservation, to: SocketAddr) -> Result<Vec<Self>, RelayError> {
        /// How many connections wait to be accepted, at most.
        const BACKLOG: i32 = 4096;
        let port = reservation.port();
        let listen = |(nth, fd)| {
            // For the next supervisor to have the port at once: connections that are over keep it from all who do not say so.
            sockopt::set_socket_reuseaddr(&fd, true)?;
            socket::listen(&fd, BACKLOG)?;
            rustix::io::ioctl_fionbio(&fd, true)?;
            let listener = TcpListener::from_std(std::net::TcpListener::from(fd))?;
            Ok(Self { listener, to: SocketAddr::new(to.ip(), to.port().saturating_add(nth)) })
        };
        let relays: io::Result<Vec<Self>> = (0..).zip(reservation.into_sockets()).map(listen).collect();
        relays.map_err(|source| RelayError { port, source })
    }

    /// Relays, for as long as this is polled. Connections end with it. Must be called within a local set.
    pub async fn serve(self) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((client, _)) => _ = connections.spawn_local(relay(client, self.to)),
                    // Too many files are open, or the client is gone already: one waits for the first to pass.
                    Err(_) => tokio::time::sleep(RESPITE).await,
                },
                Some(_) = connections.join_next() => {}
            }
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
