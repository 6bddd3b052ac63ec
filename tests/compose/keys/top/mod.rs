//! The keys of the top level.

mod configs;
mod extensions;
mod include;
mod models;
mod name;
mod networks;
mod secrets;
mod services;
mod version;
mod volumes;
