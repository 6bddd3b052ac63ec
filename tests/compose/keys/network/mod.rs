//! The keys of `networks.*`.

mod attachable;
mod driver;
mod driver_opts;
mod enable_ipv4;
mod enable_ipv6;
mod external;
mod internal;
mod ipam;
mod labels;
mod name;
