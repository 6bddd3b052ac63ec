//! Plans as text, and what must hold of every plan.
#![expect(clippy::unwrap_used, reason = "test harness")]

mod action;
mod down;
mod properties;
mod up;
mod world;
