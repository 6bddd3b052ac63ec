//! The sockets at 127.0.0.11, made inside a container's network namespace and served from outside it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, UdpSocket};
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use simple_dns::RCODE;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::answer::{self, Answer, Transport, answer};
use super::names::Names;
use super::upstream;
use crate::network::nft::expression as step;
use crate::network::nft::{self, Chain, Family, Hook, NftError, Nftables, Table};
use crate::network::{Subnet, TransportProtocol};
use crate::sys::netns::in_netns;

/// Where every container's name server is, as with Docker.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);
const PORT: u16 = 53;
/// The largest question that is looked at, bytes.
const LARGEST_QUERY: usize = 1500;
/// Questions of one container that wait for a name server of the machine; one more is refused.
const MOST_FORWARDED: usize = 256;
/// Connections of one container; one more waits.
const MOST_CONNECTIONS: usize = 16;
/// How long a connection may take over its next question, or over taking an answer.
const IDLE: Duration = Duration::from_secs(10);
/// The pause after a connection could not be accepted: want of descriptors does not pass at once.
const BREATH: Duration = Duration::from_millis(100);

/// Who owns port 53 of the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port53 {
    /// The resolver, if it is free: nothing is translated, nothing in the container's firewall can break it.
    Resolver,
    /// The container, which is a name server itself (its image exposes the port): the resolver is on another port, and
    /// an nftables table inside the container leads to it, as Docker does for every container.
    Container,
}

/// What a container sees of the world of names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// The networks it is on, the first with the first say.
    pub networks: Vec<String>,
    /// The name servers that are asked for what nobody here has, seen from the supervisor. None for a container that is
    /// on internal networks only: it must not reach the outside, be it by a name.
    pub upstream: Vec<SocketAddr>,
}

/// Why a container has no name server.
#[derive(Debug, thiserror::Error)]
pub enum ResolverError {
    /// The container's namespace could not be entered.
    #[error("cannot enter the network namespace of the container")]
    Enter(#[source] io::Error),
    /// Its address could not be taken.
    #[error("cannot listen for name lookups on 127.0.0.11 in the container")]
    Bind(#[source] io::Error),
    /// Port 53 could not be led to it.
    #[error("cannot redirect name lookups in the container")]
    Redirect(#[source] NftError),
    /// The sockets are of no use any more.
    #[error("cannot receive name lookups of the container")]
    Receive(#[source] io::Error),
}

/// The name server of one container, from [`Resolver::bind`] until it or the future of [`Resolver::serve`] is dropped.
#[derive(Debug)]
pub struct Resolver {
    udp: UdpSocket,
    tcp: TcpListener,
    redirect: Option<Nftables>,
}

impl Resolver {
    /// Takes 127.0.0.11 in `netns`, whose loopback must be up. Where port 53 is taken already (a name server in the
    /// container was there first: the supervisor was restarted) it goes on as for [`Port53::Container`].
    ///
    /// # Errors
    /// [`ResolverError::Enter`], [`ResolverError::Bind`], [`ResolverError::Redirect`].
    pub fn bind(netns: BorrowedFd<'_>, port53: Port53) -> Result<Self, ResolverError> {
        in_netns(netns, || match port53 {
            Port53::Resolver => match Self::listen(PORT) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => Self::listen_elsewhere(),
                result => result.map_err(ResolverError::Bind),
            },
            Port53::Container => Self::listen_elsewhere(),
        })
        .map_err(ResolverError::Enter)?
    }

    /// Listens on whichever ports are free, and has the kernel lead there what the container sends to port 53.
    fn listen_elsewhere() -> Result<Self, ResolverError> {
        let mut resolver = Self::listen(0).map_err(ResolverError::Bind)?;
        let port = |address: io::Result<SocketAddr>| address.map(|address| address.port()).map_err(ResolverError::Bind);
        let (udp, tcp) = (port(resolver.udp.local_addr())?, port(resolver.tcp.local_addr())?);
        resolver.redirect = Some(redirect(udp, tcp).map_err(ResolverError::Redirect)?);
        Ok(resolver)
    }

    fn listen(port: u16) -> io::Result<Self> {
        let address = SocketAddrV4::new(ADDRESS, port);
        let udp = UdpSocket::bind(address)?;
        let tcp = TcpListener::bind(address)?;
        udp.set_nonblocking(true)?;
        tcp.set_nonblocking(true)?;
        Ok(Self { udp, tcp, redirect: None })
    }

    /// Answers the container's questions from `names` as they are at that moment, for as long as it is polled; dropping
    /// the future ends whatever is under way. Takes a tokio runtime with IO and time.
    ///
    /// # Errors
    /// [`ResolverError::Receive`] when the sockets fail; it never ends otherwise.
    pub async fn serve(self, names: watch::Receiver<Names>, view: View) -> Result<(), ResolverError> {
        let udp = Arc::new(tokio::net::UdpSocket::from_std(self.udp).map_err(ResolverError::Receive)?);
        let tcp = tokio::net::TcpListener::from_std(self.tcp).map_err(ResolverError::Receive)?;
        let view = Arc::new(view);
        // Closed only when the container is gone: see `Nftables`.
        let _redirect = self.redirect;
        tokio::select! {
            result = answer_datagrams(udp, names.clone(), Arc::clone(&view)) => result,
            () = accept_connections(tcp, names, view) => Ok(()),
        }
    }
}

/// Answers at once what the table has; what it has not waits for a name server of the machine in a task of its own.
async fn answer_datagrams(
    udp: Arc<tokio::net::UdpSocket>,
    names: watch::Receiver<Names>,
    view: Arc<View>,
) -> Result<(), ResolverError> {
    let mut packet = [0; LARGEST_QUERY];
    let mut turn = 0usize;
    let mut forwarded = JoinSet::new();
    loop {
        let (length, client) = tokio::select! {
            received = udp.recv_from(&mut packet) => received.map_err(ResolverError::Receive)?,
            Some(_) = forwarded.join_next() => continue,
        };
        let query = &packet[..length];
        turn = turn.wrapping_add(1);
        let answer = answer(query, &names.borrow(), &view.networks, turn, Transport::Udp);
        let reply = match answer {
            Answer::Ignore => None,
            Answer::Reply(reply) => Some(reply),
            Answer::Forward if forwarded.len() >= MOST_FORWARDED => answer::failure(query, RCODE::Refused),
            Answer::Forward => {
                let (query, udp, view) = (query.to_vec(), Arc::clone(&udp), Arc::clone(&view));
                forwarded.spawn(async move {
                    if let Some(reply) = upstream::forward(&query, &view.upstream, Transport::Udp).await {
                        // As below.
                        let _ = udp.try_send_to(&reply, client);
                    }
                });
                None
            }
        };
        if let Some(reply) = reply {
            // A client whose buffer is full asks again; nobody waits for it.
            let _ = udp.try_send_to(&reply, client);
        }
    }
}

/// Talks to each client in a task of its own.
async fn accept_connections(tcp: tokio::net::TcpListener, names: watch::Receiver<Names>, view: Arc<View>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = tcp.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok((stream, _)) => { connections.spawn(converse(stream, names.clone(), Arc::clone(&view))); }
                Err(_) => tokio::time::sleep(BREATH).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Answers one question after the other on `stream`, until the client closes it, says something that is none or takes
/// too long.
async fn converse(mut stream: TcpStream, names: watch::Receiver<Names>, view: Arc<View>) {
    let mut turn = 0usize;
    while let Ok(Some(query)) = timeout(IDLE, next_query(&mut stream)).await {
        turn = turn.wrapping_add(1);
        let answered = answer(&query, &names.borrow(), &view.networks, turn, Transport::Tcp);
        let reply = match answered {
            Answer::Ignore => None,
            Answer::Reply(reply) => Some(reply),
            Answer::Forward => upstream::forward(&query, &view.upstream, Transport::Tcp).await,
        };
        let Some((reply, length)) = reply.and_then(|reply| u16::try_from(reply.len()).ok().map(|size| (reply, size)))
        else {
            return;
        };
        let framed = [&length.to_be_bytes()[..], &reply].concat();
        if !matches!(timeout(IDLE, stream.write_all(&framed)).await, Ok(Ok(()))) {
            return;
        }
    }
}

/// The next question, or `None` at the end of the stream or of what is reasonable.
async fn next_query(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let length = usize::from(stream.read_u16().await.ok()?);
    if length > LARGEST_QUERY {
        return None;
    }
    let mut query = vec![0; length];
    stream.read_exact(&mut query).await.ok()?;
    Some(query)
}

/// Leads what the container sends to 127.0.0.11, port 53, to the resolver's ports. The calling thread is in the
/// container's namespace.
fn redirect(udp: u16, tcp: u16) -> Result<Nftables, NftError> {
    let rule = |protocol: TransportProtocol, port| {
        let to_resolver = step::destination_in(&Subnet::containing(ADDRESS, 32));
        let lookup = [step::is_transport(protocol.number()), step::is_destination_port(PORT)].concat();
        [to_resolver, lookup, step::send_to(ADDRESS, port)].concat()
    };
    let mut nftables = Nftables::open()?;
    let table = Table {
        family: Family::Ipv4,
        name: "rcompose-dns".to_owned(),
        maps: Vec::new(),
        chains: vec![Chain {
            name: "output",
            hook: Some(Hook::OUTPUT_NAT),
            rules: vec![rule(TransportProtocol::Udp, udp), rule(TransportProtocol::Tcp, tcp)],
        }],
    };
    nft::replace(&mut nftables, &table)?;
    Ok(nftables)
}
