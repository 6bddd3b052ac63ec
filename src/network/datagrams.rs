//! The relay of datagrams: for each client a socket of its own to the container, whose replies go back from the address that the
//! client has sent to, until neither has said anything for a while.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use nix::libc::{in_pktinfo, in6_pktinfo};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg, setsockopt, sockopt,
};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, timeout_at};

use super::relay::SHARED;
use super::relay_room::RelayRoom;

/// How long both sides may be silent before they are forgotten.
const IDLE: Duration = Duration::from_secs(90);
/// How many clients one port has at once; one more takes the place of that which has been silent the longest.
const MOST_CLIENTS: usize = 1024;

/// Datagrams to a port of this machine, sent on to that of a container.
pub(super) struct Datagrams {
    socket: Rc<UdpSocket>,
    to: SocketAddr,
    clients: HashMap<Client, Conversation>,
    /// Each ends with the client that it is for.
    replies: JoinSet<Client>,
}

/// Who sends, and to which address of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Client {
    address: SocketAddr,
    reached: Reached,
}

/// The address of this machine that a datagram was sent to, with the number of the link where the address means nothing
/// without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Reached {
    V4(Ipv4Addr),
    V6(Ipv6Addr, u32),
}

struct Conversation {
    server: Rc<UdpSocket>,
    /// When either side last said something.
    last: Rc<Cell<Instant>>,
    task: AbortHandle,
}

/// Makes a bound socket one that tells which address a datagram was sent to.
pub(super) fn receive_from(fd: OwnedFd) -> io::Result<UdpSocket> {
    let is_ipv4 = SocketAddr::try_from(rustix::net::getsockname(&fd)?)?.is_ipv4();
    if is_ipv4 {
        setsockopt(&fd, sockopt::Ipv4PacketInfo, &true)?;
    } else {
        setsockopt(&fd, sockopt::Ipv6RecvPacketInfo, &true)?;
    }
    rustix::io::ioctl_fionbio(&fd, true)?;
    UdpSocket::from_std(std::net::UdpSocket::from(fd))
}

impl Datagrams {
    pub(super) fn new(socket: UdpSocket, to: SocketAddr) -> Self {
        Self { socket: Rc::new(socket), to, clients: HashMap::new(), replies: JoinSet::new() }
    }

    /// Relays for as long as this is polled.
    pub(super) async fn serve(mut self, room: &RelayRoom) {
        loop {
            let socket = Rc::clone(&self.socket);
            tokio::select! {
                ready = socket.readable() => {
                    if ready.is_err() {
                        return;
                    }
                    self.pass_on(room).await;
                }
                Some(ended) = self.replies.join_next() => {
                    // One that made room for another is forgotten already.
                    if let Ok(client) = ended
                        && self.clients.get(&client).is_some_and(|conversation| conversation.task.is_finished())
                    {
                        self.clients.remove(&client);
                    }
                }
            }
        }
    }

    /// Sends one datagram on. One that cannot be is lost, as datagrams are.
    async fn pass_on(&mut self, room: &RelayRoom) {
        let Ok((client, datagram)) = SHARED.with_borrow_mut(|buffer| {
            receive(&self.socket, buffer).map(|(client, length)| (client, buffer[..length].to_vec()))
        }) else {
            return;
        };
        if !self.clients.contains_key(&client) && self.begin(client, room).await.is_none() {
            return;
        }
        if let Some(conversation) = self.clients.get(&client) {
            conversation.last.set(Instant::now());
            // The first error is that nobody listened there a moment ago: the answer to an earlier datagram.
            let send = || conversation.server.try_send(&datagram);
            let _ = send().or_else(|_| send());
        }
    }

    /// Begins to carry what the container says back to a new client.
    async fn begin(&mut self, client: Client, room: &RelayRoom) -> Option<()> {
        if self.clients.len() >= MOST_CLIENTS {
            let silent = self.clients.iter().min_by_key(|(_, conversation)| conversation.last.get());
            if let Some(conversation) =
                silent.map(|(client, _)| *client).and_then(|client| self.clients.remove(&client))
            {
                conversation.task.abort();
            }
        }
        let place = room.enter()?;
        let server = Rc::new(connect(self.to).await.ok()?);
        let last = Rc::new(Cell::new(Instant::now()));
        let (socket, from, heard) = (Rc::clone(&self.socket), Rc::clone(&server), Rc::clone(&last));
        let task = self.replies.spawn_local(async move {
            carry_back(&from, &socket, client, &heard).await;
            drop(place);
            client
        });
        self.clients.insert(client, Conversation { server, last, task });
        Some(())
    }
}

async fn connect(to: SocketAddr) -> io::Result<UdpSocket> {
    let own =
        if to.is_ipv4() { SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)) } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(own).await?;
    socket.connect(to).await?;
    // Until the runtime has been told so once, it takes a socket for one that cannot be written to.
    socket.writable().await?;
    Ok(socket)
}

/// Carries replies to a client until nobody has said anything for [`IDLE`].
async fn carry_back(server: &UdpSocket, socket: &UdpSocket, client: Client, last: &Cell<Instant>) {
    loop {
        match timeout_at(last.get() + IDLE, server.readable()).await {
            Err(_) if last.get().elapsed() >= IDLE => return,
            // The client has said something meanwhile.
            Err(_) => {}
            Ok(Err(_)) => return,
            Ok(Ok(())) => SHARED.with_borrow_mut(|buffer| {
                // An error is that nobody listens there, for now.
                if let Ok(length) = server.try_recv(buffer) {
                    last.set(Instant::now());
                    let _ = send(socket, client, &buffer[..length]);
                }
            }),
        }
    }
}

fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<(Client, usize)> {
    socket.try_io(Interest::READABLE, || {
        let mut space = nix::cmsg_space!(in6_pktinfo);
        let mut parts = [IoSliceMut::new(buffer)];
        let message =
            recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::MSG_DONTWAIT)?;
        let address = message.address.as_ref().and_then(plain).ok_or(io::ErrorKind::InvalidData)?;
        let reached = message.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::Ipv4PacketInfo(told) => {
                Some(Reached::V4(Ipv4Addr::from(told.ipi_spec_dst.s_addr.to_ne_bytes())))
            }
            ControlMessageOwned::Ipv6PacketInfo(told) => {
                let to = Ipv6Addr::from(told.ipi6_addr.s6_addr);
                Some(Reached::V6(to, if to.is_unicast_link_local() { told.ipi6_ifindex } else { 0 }))
            }
            _ => None,
        });
        let client = Client { address, reached: reached.ok_or(io::ErrorKind::InvalidData)? };
        Ok((client, message.bytes))
    })
}

/// Sends to the client from the address that it knows.
fn send(socket: &UdpSocket, client: Client, datagram: &[u8]) -> io::Result<()> {
    let mut ipv4 = in_pktinfo { ipi_ifindex: 0, ipi_spec_dst: address_of([0; 4]), ipi_addr: address_of([0; 4]) };
    let mut ipv6 = in6_pktinfo { ipi6_addr: nix::libc::in6_addr { s6_addr: [0; 16] }, ipi6_ifindex: 0 };
    let from = match client.reached {
        Reached::V4(address) => {
            ipv4.ipi_spec_dst = address_of(address.octets());
            ControlMessage::Ipv4PacketInfo(&ipv4)
        }
        Reached::V6(address, link) => {
            ipv6.ipi6_addr.s6_addr = address.octets();
            ipv6.ipi6_ifindex = link;
            ControlMessage::Ipv6PacketInfo(&ipv6)
        }
    };
    socket.try_io(Interest::WRITABLE, || {
        let to = SockaddrStorage::from(client.address);
        sendmsg(socket.as_raw_fd(), &[IoSlice::new(datagram)], &[from], MsgFlags::MSG_DONTWAIT, Some(&to))?;
        Ok(())
    })
}

fn address_of(octets: [u8; 4]) -> nix::libc::in_addr {
    nix::libc::in_addr { s_addr: u32::from_ne_bytes(octets) }
}

fn plain(address: &SockaddrStorage) -> Option<SocketAddr> {
    let ipv4 = address.as_sockaddr_in().map(|address| SocketAddr::V4((*address).into()));
    ipv4.or_else(|| address.as_sockaddr_in6().map(|address| SocketAddr::V6((*address).into())))
}
