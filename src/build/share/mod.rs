//! The cache of builds, shared between machines: `cache_from` and `cache_to`.
//!
//! ```text
//! records of steps ─▶ Document ─┬▶ configuration of a manifest whose layers are theirs: a registry, a directory ─┐
//!                               └▶ in the configuration of the image itself: inline ────────────────────────────┤
//! step ─▶ key ─▶ Imported ◀─────────────────────────────────────────────────────────────────────────────────────┘
//!                  └▶ its layer, once somebody needs its files
//! ```
//! Keys are made of content alone, so that they mean the same on every machine.

mod document;
mod export;
mod imported;
mod place;

pub use document::Document;
pub use export::{bring_all, export, with_inline};
pub use imported::Imported;
pub use place::{CacheFrom, CachePlace, CacheTo, PlaceError};
