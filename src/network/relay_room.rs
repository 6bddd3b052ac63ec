//! How much all relays of a process may carry at once.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Descriptors of a connection: one to the client, one to the container.
const EACH: u64 = 2;
/// Descriptors that are kept for everything else, and which part of all, at least.
const KEPT: u64 = 256;
const KEPT_PART: u64 = 8;
/// Nobody needs more, and each takes some memory.
const MOST: u64 = 1 << 16;

/// Room for connections, shared by the relays of a process.
#[derive(Clone)]
pub struct RelayRoom {
    places: Arc<Semaphore>,
    size: usize,
    /// Whether somebody has been told that it is full, since it was half empty.
    is_told: Rc<Cell<bool>>,
    tell: Rc<dyn Fn(usize)>,
}

/// A place for one connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Place(#[expect(dead_code, reason = "held for its end")] OwnedSemaphorePermit);

impl RelayRoom {
    /// As much as a process with so many `descriptors` has. When it is full, `tell` is called with the number of connections
    /// that it holds; and again only after half of them have ended.
    #[must_use]
    pub fn new(descriptors: u64, tell: impl Fn(usize) + 'static) -> Self {
        let kept = KEPT.max(descriptors / KEPT_PART);
        let size = (descriptors.saturating_sub(kept) / EACH).clamp(1, MOST);
        let size = usize::try_from(size).unwrap_or(1);
        Self { places: Arc::new(Semaphore::new(size)), size, is_told: Rc::default(), tell: Rc::new(tell) }
    }

    /// A place for one more, if there is any.
    pub(super) fn enter(&self) -> Option<Place> {
        if self.places.available_permits() > self.size / 2 {
            self.is_told.set(false);
        }
        let place = Arc::clone(&self.places).try_acquire_owned().ok().map(Place);
        if place.is_none() && !self.is_told.replace(true) {
            (self.tell)(self.size);
        }
        place
    }
}

impl fmt::Debug for RelayRoom {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RelayRoom({} of {})", self.places.available_permits(), self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told_is_told_once() {
        let told = Rc::new(Cell::new(0));
        let count = Rc::clone(&told);
        let room = RelayRoom::new(KEPT + 8 * EACH, move |size| {
            assert_eq!(size, 8);
            count.set(count.get() + 1);
        });
        let places: Vec<Place> = std::iter::from_fn(|| room.enter()).collect();
        assert!(room.enter().is_none());
        assert_eq!((places.len(), told.get()), (8, 1));
        drop(places);
        let _places: Vec<Place> = std::iter::from_fn(|| room.enter()).collect();
        assert_eq!(told.get(), 2, "full once more");
    }

    #[test]
    fn some_descriptors_are_kept_for_others() {
        for (descriptors, size) in [(0, 1), (1024, 384), (20_000, 8_750), (1 << 20, 1 << 16), (u64::MAX, 1 << 16)] {
            assert_eq!(RelayRoom::new(descriptors, |_| ()).size, size, "{descriptors}");
        }
    }
}
