//! What `rcompose net` shows: who reaches whom and why, from records alone.
//!
//! ```text
//! records ─▶ facts ─▶ verdict ─┬▶ table   text
//!              │               ├▶ json
//!              └───────────────┴▶ dot     a picture
//! ```

mod dot;
mod facts;
mod json;
mod problem;
mod rules;
mod table;
mod verdict;

pub use dot::as_dot;
pub(in crate::cli) use dot::{node, quoted};
pub use facts::{Container, Endpoint, Facts, Place};
pub use json::{as_json, verdict_as_json};
pub use problem::{Owner, Problem};
pub use table::{as_text, problems_as_text, verdict_as_text};
pub use verdict::{Obstacle, Reach, Verdict, Way, judge};

#[cfg(test)]
mod tests;
