//! The name server at 127.0.0.11 of every container: who is on my networks, and everything else from the machine's own
//! name servers.

mod answer;
mod connection;
mod desk;
mod names;
mod question;
mod redirect;
mod resolv_conf;
mod resolver;
mod upstream;
mod view;

pub use answer::answered;
pub use names::Names;
pub use resolv_conf::{ResolvConf, follow};
pub use resolver::{Resolver, ResolverError};
pub use upstream::relayed;
pub use view::{Link, Room, Upstream, View};
