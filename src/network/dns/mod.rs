//! The name server at 127.0.0.11 of every container: who is on my networks, and everything else from the machine's own
//! name servers.

mod answer;
mod names;
mod resolver;
mod upstream;

pub use names::Names;
pub use resolver::{Port53, Resolver, ResolverError, View};
