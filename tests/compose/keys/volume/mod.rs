//! The keys of `volumes.*`.

mod driver;
mod driver_opts;
mod external;
mod labels;
mod name;
