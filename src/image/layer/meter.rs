//! Limits on what a hostile stream may make us read.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// Bytes that may still be read; shared by a [`MeteredReader`] and whoever sets the limit.
#[derive(Debug, Clone)]
pub(super) struct Allowance(Rc<Cell<u64>>);

impl Allowance {
    pub(super) fn new(bytes: u64) -> Self {
        Self(Rc::new(Cell::new(bytes)))
    }

    pub(super) fn left(&self) -> u64 {
        self.0.get()
    }

    pub(super) fn set(&self, bytes: u64) {
        self.0.set(bytes);
    }

    /// Takes `bytes`; answers whether there were that many.
    pub(super) fn spend(&self, bytes: u64) -> bool {
        let left = self.0.get().checked_sub(bytes);
        self.0.set(left.unwrap_or(0));
        left.is_some()
    }
}

/// Fails with `FileTooLarge` once more is read than allowed.
pub(super) struct MeteredReader<R> {
    pub(super) inner: R,
    pub(super) allowance: Allowance,
}

impl<R: Read> Read for MeteredReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if self.allowance.spend(count as u64) { Ok(count) } else { Err(io::ErrorKind::FileTooLarge.into()) }
    }
}
