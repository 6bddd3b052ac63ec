//! The keys of `secrets.*`.

mod driver;
mod driver_opts;
mod environment;
mod external;
mod file;
mod labels;
mod name;
mod template_driver;
