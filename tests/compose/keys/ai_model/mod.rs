//! The keys of `models.*`.

mod context_size;
mod model;
mod name;
mod runtime_flags;
