//! What the cable of a container carries: bandwidth, delay and loss in each direction.
//!
//! ```text
//!  bridge ──▶ rv… ─ queues ───────────────────▶ eth0    what the container receives
//!  bridge ◀── rv… ◀─ ru… ─ queues ◀── rv… ◀──── eth0    what it sends
//! ```
//!
//! All of it is on the machine's side: what is set on `eth0`, a container with `NET_ADMIN` could take off. Only what leaves
//! an interface can be queued, so what comes from the container takes a detour over an interface of its own (`ifb`), and
//! goes on as if it had come in a moment later. The other way, to drop what is too much as it comes in (`police`), makes
//! TCP slower than the rate, cannot delay, and is missing in more kernels.

use rustix::io::Errno;

use super::bridge::delete_bridge;
use super::link::{self, INFO_KIND, LINKINFO};
use super::message::Message;
use super::netlink::{Connection, NetlinkError};
use super::queue::{self, Shape};
use super::{BridgeError, sysctl};

/// How the names of the interfaces begin that packets of containers take a detour over.
pub const DETOUR_PREFIX: &str = "ru";
/// What the kernel gives a link if nobody says.
const USUAL_MTU: u32 = 1500;

/// The machine's end of a container's cable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostEnd {
    /// Its name.
    pub host_interface: String,
    /// The name of the interface for the detour: at most 15 bytes, unique on the machine.
    pub detour: String,
    /// Bytes a packet may have, if not 1500.
    pub mtu: Option<u32>,
}

/// What a cable carries.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Shaping {
    /// To the container.
    pub inward: Shape,
    /// From it.
    pub outward: Shape,
}

/// Why a cable could not be shaped.
#[derive(Debug, thiserror::Error)]
pub enum ShapingError {
    /// The namespace could not be talked to.
    #[error("cannot reach the network")]
    Connect(#[source] NetlinkError),
    /// An end of the cable is not there.
    #[error("cannot find `{0}`")]
    Find(String),
    /// The interface for the detour could not be made.
    #[error("cannot make `{detour}`, an interface of the kind `ifb`, to limit what a container sends")]
    Detour {
        /// Its name.
        detour: String,
        /// What went wrong.
        source: NetlinkError,
    },
    /// A queue could not be made.
    #[error("cannot limit what leaves `{interface}`")]
    Queue {
        /// The interface.
        interface: String,
        /// What went wrong.
        source: NetlinkError,
    },
    /// What the container sends could not be sent over the detour.
    #[error("cannot send what comes from `{interface}` over `{detour}`")]
    Redirect {
        /// The machine's end of the cable.
        interface: String,
        /// The interface for the detour.
        detour: String,
        /// What went wrong.
        source: NetlinkError,
    },
}

/// Has the cable of `end` carry `now` in place of `before`, which may be unknown. Where the kinds of limits stay the same,
/// no packet is lost.
///
/// # Errors
/// [`ShapingError`] by step. What was done stays, to be taken off by another [`shape`] or with the cable.
pub fn shape(end: &HostEnd, before: Option<&Shaping>, now: &Shaping) -> Result<(), ShapingError> {
    let mut host = Connection::route().map_err(ShapingError::Connect)?;
    let index = find(&mut host, &end.host_interface)?;
    let unchanged = |of: fn(&Shaping) -> &Shape| before.is_some_and(|before| of(before).has_queues_of(of(now)));
    let mtu = end.mtu.unwrap_or(USUAL_MTU);
    if !unchanged(|shaping| &shaping.inward) {
        clear(&mut host, queue::no_queues(index));
    }
    send(&mut host, now.inward.queues(index, mtu), &end.host_interface)?;
    let has_detour = unchanged(|shaping| &shaping.outward);
    if !has_detour {
        clear(&mut host, queue::unfiltered(index));
        clear(&mut host, link::delete_link(&end.detour));
    }
    if now.outward.is_plain() {
        return Ok(());
    }
    if !has_detour {
        make_detour(&mut host, &end.detour)?;
    }
    let detour = find(&mut host, &end.detour)?;
    send(&mut host, now.outward.queues(detour, mtu), &end.detour)?;
    if has_detour {
        return Ok(());
    }
    // The last: from here on what the container sends goes that way.
    let redirect = vec![queue::filtered(index), queue::redirected(index, detour)];
    host.request(redirect).map_err(|(_, source)| ShapingError::Redirect {
        interface: end.host_interface.clone(),
        detour: end.detour.clone(),
        source,
    })
}

/// Removes the interface that what came over a cable took a detour by; it is fine if there is none. All else goes with
/// the cable.
///
/// # Errors
/// [`BridgeError::Delete`].
pub fn remove_detour(detour: &str) -> Result<(), BridgeError> {
    delete_bridge(detour)
}

fn find(host: &mut Connection, name: &str) -> Result<u32, ShapingError> {
    link::index(host, name).map_err(ShapingError::Connect)?.ok_or_else(|| ShapingError::Find(name.to_owned()))
}

/// Takes off what may be there. What cannot be taken off is in the way of what comes next, which says so.
fn clear(host: &mut Connection, request: Message) {
    let _ = host.request(vec![request]);
}

fn send(host: &mut Connection, queues: Vec<Message>, interface: &str) -> Result<(), ShapingError> {
    if queues.is_empty() {
        // The kernel takes no datagram without a request.
        return Ok(());
    }
    let failed = |(_, source)| ShapingError::Queue { interface: interface.to_owned(), source };
    host.request(queues).map_err(failed)
}

fn make_detour(host: &mut Connection, name: &str) -> Result<(), ShapingError> {
    let detour = link::new_link(name).nest(LINKINFO, |info| info.string(INFO_KIND, "ifb"));
    match host.request(vec![detour]) {
        // Another cable cannot have the name: it is this one's of an earlier time.
        Err((_, error)) if error.errno() == Some(Errno::EXIST) => {}
        result => result.map_err(|(_, source)| ShapingError::Detour { detour: name.to_owned(), source })?,
    }
    // It has no address and needs none, but it works as well with one.
    let _ = sysctl::disable_ipv6(name);
    Ok(())
}
