//! The sockets at 127.0.0.11, made inside a container's network namespace and served from outside it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, UdpSocket};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::rc::Rc;

use simple_dns::RCODE;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::answer::{self, Answer, Transport};
use super::connection;
use super::desk::Desk;
use super::names::Names;
use super::redirect::redirect;
use super::view::View;
use crate::network::nft::{NftError, Nftables};
use crate::sys::netns::in_netns;

/// Where every container's name server is, as with Docker.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);
const PORT: u16 = 53;
/// The largest question that is looked at, bytes.
pub(super) const LARGEST_QUERY: usize = 1500;

/// Why a container has no name server.
#[derive(Debug, thiserror::Error)]
pub enum ResolverError {
    /// The container's namespace could not be entered.
    #[error("cannot enter the network namespace of the container")]
    Enter(#[source] io::Error),
    /// Its address could not be taken.
    #[error("cannot listen for name lookups on 127.0.0.11 in the container")]
    Bind(#[source] io::Error),
    /// Port 53 could not be led to it, and belongs to the container's own name server.
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
    netns: OwnedFd,
    redirect: Option<Nftables>,
}

impl Resolver {
    /// Takes 127.0.0.11 in `netns`, whose loopback must be up. It listens on whichever ports are free, and the kernel leads
    /// there what is sent to port 53, which stays the container's: it may be a name server itself, now or later. Only on a
    /// kernel without nftables it takes port 53.
    ///
    /// # Errors
    /// [`ResolverError::Enter`], [`ResolverError::Bind`], [`ResolverError::Redirect`].
    pub fn bind(netns: BorrowedFd<'_>) -> Result<Self, ResolverError> {
        let own = netns.try_clone_to_owned().map_err(ResolverError::Enter)?;
        in_netns(netns, || {
            let (udp, tcp) = listen(0).map_err(ResolverError::Bind)?;
            let port =
                |address: io::Result<SocketAddr>| address.map(|address| address.port()).map_err(ResolverError::Bind);
            match redirect(ADDRESS, PORT, port(udp.local_addr())?, port(tcp.local_addr())?) {
                Ok(nftables) => Ok(Self { udp, tcp, netns: own, redirect: Some(nftables) }),
                Err(error) => {
                    let (udp, tcp) = listen(PORT).map_err(|_| ResolverError::Redirect(error))?;
                    Ok(Self { udp, tcp, netns: own, redirect: None })
                }
            }
        })
        .map_err(ResolverError::Enter)?
    }

    /// Answers the container's questions from `names` and by its `view` as they are at that moment, for as long as it is polled; dropping
    /// the future ends whatever is under way. Takes a tokio runtime with IO and time, and a `LocalSet`.
    ///
    /// # Errors
    /// [`ResolverError::Receive`] when the sockets fail; it never ends otherwise.
    pub async fn serve(self, names: watch::Receiver<Names>, view: watch::Receiver<View>) -> Result<(), ResolverError> {
        let udp = Rc::new(tokio::net::UdpSocket::from_std(self.udp).map_err(ResolverError::Receive)?);
        let tcp = tokio::net::TcpListener::from_std(self.tcp).map_err(ResolverError::Receive)?;
        let desk = Rc::new(Desk::new(names, view, self.netns));
        // Closed only when the container is gone: see `Nftables`.
        let _redirect = self.redirect;
        tokio::select! {
            result = answer_datagrams(udp, Rc::clone(&desk)) => result,
            () = connection::accept(tcp, desk) => Ok(()),
        }
    }
}

fn listen(port: u16) -> io::Result<(UdpSocket, TcpListener)> {
    let address = SocketAddrV4::new(ADDRESS, port);
    let udp = UdpSocket::bind(address)?;
    let tcp = TcpListener::bind(address)?;
    udp.set_nonblocking(true)?;
    tcp.set_nonblocking(true)?;
    Ok((udp, tcp))
}

/// Answers at once what the table has; what it has not waits for a name server in a task of its own. After some questions
/// without a pause tokio lets other tasks run: one container's flood does not keep the others waiting.
async fn answer_datagrams(udp: Rc<tokio::net::UdpSocket>, desk: Rc<Desk>) -> Result<(), ResolverError> {
    let mut packet = [0; LARGEST_QUERY];
    let mut forwarded = JoinSet::new();
    loop {
        let (length, client) = tokio::select! {
            received = udp.recv_from(&mut packet) => received.map_err(ResolverError::Receive)?,
            Some(_) = forwarded.join_next() => continue,
        };
        let query = &packet[..length];
        let reply = match desk.answer(query, Transport::Udp) {
            Answer::Ignore => None,
            Answer::Reply(reply) => Some(reply),
            Answer::Forward(_) if !desk.has_room() => answer::failure(query, RCODE::Refused, Transport::Udp),
            Answer::Forward(name) => {
                let (query, udp, desk) = (query.to_vec(), Rc::clone(&udp), Rc::clone(&desk));
                forwarded.spawn_local(async move {
                    if let Some(reply) = desk.ask_others(&query, &name, Transport::Udp).await {
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
