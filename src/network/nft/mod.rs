//! nftables over netlink: a table with its chains, maps and rules, replaced as one transaction. See `nft(8)` for what
//! they mean and `linux/netfilter/nf_tables.h` for the numbers.

pub(super) mod expression;
pub(super) mod inspect;
mod table;
mod watch;

use std::io;

use rustix::io::Errno;

use super::message::{self, ERROR, Message};
use super::netlink::{self, NetlinkError};
use crate::sys::netlink::NetlinkSocket;

pub use watch::{Disturbance, TableWatch};

pub(super) use table::{Chain, Element, Family, Hook, Map, Part, Table, delete, replace};

/// `NFNL_MSG_BATCH_BEGIN` and `_END`.
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
/// `NFNL_SUBSYS_NFTABLES`.
const SUBSYSTEM: u8 = 10;

/// Why the firewall could not be changed. Nothing of a transaction that fails takes effect.
#[derive(Debug, thiserror::Error)]
pub enum NftError {
    /// The kernel was built without it, or its module cannot be loaded.
    #[error("the kernel has no nftables (CONFIG_NF_TABLES): ports cannot be published and networks not isolated")]
    Unsupported(#[source] io::Error),
    /// A part of the transaction was refused.
    #[error("the kernel refused to {step}")]
    Refused {
        /// What was to be done: `add chain published`.
        step: String,
        /// What the kernel said.
        source: NetlinkError,
    },
    /// The kernel could not be talked to.
    #[error("cannot talk to nftables")]
    Netlink(#[source] NetlinkError),
}

impl NftError {
    /// Whether what was to be deleted is not there.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Refused { source, .. } if source.errno() == Some(Errno::NOENT))
    }
}

/// A change to make, and what to call it if it is refused.
#[derive(Debug)]
struct Step {
    message: Message,
    name: String,
}

impl Step {
    fn new(kind: u16, flags: u16, family: Family, name: String, fill: impl FnOnce(Message) -> Message) -> Self {
        let kind = u16::from(SUBSYSTEM) << 8 | kind;
        // struct nfgenmsg: family, version, resource (unused outside batch markers).
        let message = fill(Message::new(kind, flags, &[family as u8, 0, 0, 0]));
        Self { message, name }
    }
}

/// A connection to nftables of one network namespace, to be kept for as long as changes may come: closing one that has
/// deleted anything waits for the kernel to have really done so, some 15 ms.
#[derive(Debug)]
pub struct Nftables {
    socket: NetlinkSocket,
}

impl Nftables {
    /// Connects to the namespace of the calling thread.
    ///
    /// # Errors
    /// [`NftError::Unsupported`], [`NftError::Netlink`].
    pub fn open() -> Result<Self, NftError> {
        let socket = NetlinkSocket::netfilter().map_err(|error| match error {
            Errno::PROTONOSUPPORT => NftError::Unsupported(error.into()),
            _ => NftError::Netlink(NetlinkError::Open(error.into())),
        })?;
        Ok(Self { socket })
    }

    /// Carries `steps` out, all or none.
    fn commit(&mut self, steps: Vec<Step>) -> Result<(), NftError> {
        let (names, changes): (Vec<String>, Vec<Message>) =
            steps.into_iter().map(|step| (step.name, step.message)).unzip();
        let marker = |kind| Message::new(kind, 0, &[0, 0, 0, SUBSYSTEM]);
        // The marker is number 0, so that the number of a step is its index and one.
        let messages = [marker(BATCH_BEGIN)].into_iter().chain(changes).chain([marker(BATCH_END)]);
        let datagram: Vec<u8> = (0u32..).zip(messages).flat_map(|(number, message)| message.finish(number)).collect();
        let send = |error: Errno| NftError::Netlink(NetlinkError::Send(error.into()));
        self.socket.reserve(datagram.len()).map_err(send)?;
        self.socket.send(&datagram).map_err(send)?;
        first_refusal(&mut self.socket, &names)
    }
}

/// The kernel works through a batch before `send` returns, and answers (nobody having asked for acknowledgements)
/// nothing but errors: no answer is success.
fn first_refusal(socket: &mut NetlinkSocket, names: &[String]) -> Result<(), NftError> {
    let receive = |error: Errno| NftError::Netlink(NetlinkError::Receive(error.into()));
    let mut refused = None;
    // All of them are read, for none to be taken for an answer to the next transaction.
    while let Some(datagram) = socket.receive().map_err(receive)? {
        for reply in message::messages(datagram).filter(|reply| reply.kind == ERROR) {
            if let (None, Some(source)) = (&refused, netlink::refusal(&reply)) {
                refused = Some((reply.sequence as usize, source));
            }
        }
    }
    let Some((number, source)) = refused else { return Ok(()) };
    let step = number.checked_sub(1).and_then(|index| names.get(index));
    Err(match (step, source.errno()) {
        // The marker itself is refused where no nftables is there to take it.
        (None, Some(error @ Errno::OPNOTSUPP)) => NftError::Unsupported(error.into()),
        (None, _) => NftError::Netlink(source),
        (Some(step), _) => NftError::Refused { step: step.clone(), source },
    })
}
