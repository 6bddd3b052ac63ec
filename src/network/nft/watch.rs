//! Notices that somebody else changes a table of ours: the kernel tells of each transaction, and who made it.

use std::io;
use std::os::fd::AsFd as _;

use rustix::io::Errno;

use super::{Family, Nftables, SUBSYSTEM};
use crate::network::message::{self, ACK, Message, Received};
use crate::network::netlink::{Connection, NetlinkError};
use crate::sys::netlink::NetlinkSocket;
use crate::sys::readiness::readable;

/// `NFT_MSG_GETTABLE`, and `NFT_MSG_NEWGEN`: the end of a transaction.
const GETTABLE: u16 = 1;
const NEWGEN: u16 = 15;
/// `NFTA_GEN_PROC_NAME`.
const PROGRAM: u16 = 3;

/// What is told of changes in the network namespace that it was opened in.
#[derive(Debug)]
pub struct TableWatch {
    socket: NetlinkSocket,
    table: String,
    /// The address of the socket that our own changes come from.
    own: u32,
    /// Whether the transaction being told has something to do with the table.
    is_touched: bool,
}

/// Somebody else has changed the table, or removed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disturbance {
    /// The name of the program: `nft`; `None` when the kernel had more to tell than there was room for.
    pub by: Option<String>,
}

impl TableWatch {
    /// Begins to listen, in the namespace of the calling thread, for changes to the table of family `inet` that are not made
    /// over `own`.
    pub(in crate::network) fn open(table: String, own: &Nftables) -> Result<Self, NetlinkError> {
        let open = |error: Errno| NetlinkError::Open(error.into());
        let socket = NetlinkSocket::netfilter_changes().map_err(open)?;
        // Our own transactions are told as well, each as a whole.
        socket.reserve(0).map_err(open)?;
        Ok(Self { socket, table, own: own.socket.address().map_err(open)?, is_touched: false })
    }

    /// Waits for the next change by somebody else. Nothing is lost when this is dropped. Must be called within a tokio
    /// runtime with IO.
    ///
    /// # Errors
    /// When the socket fails.
    pub async fn disturbed(&mut self) -> io::Result<Disturbance> {
        loop {
            if let Some(disturbance) = self.next()? {
                return Ok(disturbance);
            }
            readable(self.socket.as_fd())?.readable().await?.clear_ready();
        }
    }

    /// Forgets what has been told so far.
    ///
    /// # Errors
    /// When the socket fails.
    pub fn catch_up(&mut self) -> io::Result<()> {
        while self.next()?.is_some() {}
        Ok(())
    }

    /// The next disturbance that has been told; whatever is told beside it is passed over.
    fn next(&mut self) -> io::Result<Option<Disturbance>> {
        loop {
            let datagram = match self.socket.receive() {
                Ok(None) => return Ok(None),
                Ok(Some(datagram)) => datagram,
                // What was lost may have been anything: the table being there is the least that can be asked.
                Err(Errno::NOBUFS) if is_there(&self.table) => continue,
                Err(Errno::NOBUFS) => return Ok(Some(Disturbance { by: None })),
                Err(error) => return Err(error.into()),
            };
            let mut disturbance = None;
            for message in message::messages(datagram).filter(|message| message.port != self.own) {
                if message.kind == u16::from(SUBSYSTEM) << 8 | NEWGEN {
                    if std::mem::take(&mut self.is_touched) {
                        disturbance = Some(Disturbance { by: attribute(&message, PROGRAM) });
                    }
                } else {
                    self.is_touched |= is_about(&message, &self.table);
                }
            }
            if disturbance.is_some() {
                return Ok(disturbance);
            }
        }
    }
}

/// Whether a change is to the table or something in it: all of them begin with its name.
fn is_about(message: &Received<'_>, table: &str) -> bool {
    message.kind >> 8 == u16::from(SUBSYSTEM)
        && message.payload.first() == Some(&(Family::Inet as u8))
        && attribute(message, 1).as_deref() == Some(table)
}

fn attribute(message: &Received<'_>, kind: u16) -> Option<String> {
    let attributes = message.payload.get(4..).unwrap_or_default();
    let (_, value) = message::attributes(attributes).find(|(found, _)| *found == kind)?;
    Some(String::from_utf8_lossy(value).trim_end_matches('\0').to_owned())
}

/// Whether there is such a table.
fn is_there(table: &str) -> bool {
    let request = Message::new(u16::from(SUBSYSTEM) << 8 | GETTABLE, ACK, &[Family::Inet as u8, 0, 0, 0]);
    let asked = Connection::netfilter().and_then(|mut connection| connection.query(request.string(1, table), |_| ()));
    asked.is_ok()
}
