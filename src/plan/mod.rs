//! Desired and observed to a graph of operations.

mod observed;
mod operation;

pub use observed::{Health, Observed, ObservedContainer, ObservedState};
pub use operation::{Cause, Operation, Step};
