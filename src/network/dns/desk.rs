//! Where the questions of one container are taken, however they came.

use std::cell::Cell;
use std::os::fd::OwnedFd;

use simple_dns::RCODE;
use tokio::sync::{Semaphore, watch};

use super::answer::{self, Answer, Transport};
use super::names::Names;
use super::upstream;
use super::view::View;

/// Questions of one container that wait for name servers; one more is refused. Less than all containers of a project may
/// have: one that asks without end leaves room for the others.
const MOST_WAITING: usize = 256;

/// What one container's questions are answered from.
#[derive(Debug)]
pub(super) struct Desk {
    names: watch::Receiver<Names>,
    view: watch::Receiver<View>,
    netns: OwnedFd,
    room: Semaphore,
    random: Cell<u64>,
}

impl Desk {
    /// A desk for the container of `netns`.
    pub(super) fn new(names: watch::Receiver<Names>, view: watch::Receiver<View>, netns: OwnedFd) -> Self {
        let mut seed = [0; 8];
        // Which replica comes first is no secret: zeros would do.
        let _ = rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::NONBLOCK);
        let random = Cell::new(u64::from_ne_bytes(seed));
        Self { names, view, netns, room: Semaphore::new(MOST_WAITING), random }
    }

    /// What to do about a packet.
    pub(super) fn answer(&self, packet: &[u8], transport: Transport) -> Answer {
        answer::answer(packet, &self.names.borrow(), &self.view.borrow(), self.next_turn(), transport)
    }

    /// What the name servers for `name` say to `query`; why they were not asked, where that is so.
    pub(super) async fn ask_others(&self, query: &[u8], name: &str, transport: Transport) -> Option<Vec<u8>> {
        let (servers, all) = {
            let view = self.view.borrow();
            (view.servers(name), view.room.clone())
        };
        let Some(servers) = servers else {
            // There is nothing beyond these networks. SERVFAIL would say so too, but some C libraries ask again and
            // again then.
            return answer::failure(query, RCODE::NameError, transport);
        };
        let (Ok(_own), Ok(_shared)) = (self.room.try_acquire(), all.0.try_acquire()) else {
            return answer::failure(query, RCODE::Refused, transport);
        };
        let netns = servers.from_container.then_some(&self.netns);
        upstream::forward(query, &servers.addresses, netns, transport).await
    }

    /// Whether nobody else will be asked, and so [`Desk::ask_others`] does not wait.
    pub(super) fn has_room(&self) -> bool {
        self.room.available_permits() > 0
    }

    /// At random: a counter would give a client that asks for two things in turn always the same of two addresses.
    /// (Weyl sequence, mixed as in splitmix64.)
    fn next_turn(&self) -> usize {
        let state = self.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.random.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        usize::try_from(mixed >> 40).unwrap_or(0)
    }
}
