//! The keys of `services.*.build`.

mod additional_contexts;
mod args;
mod cache_from;
mod cache_to;
mod context;
mod dockerfile;
mod dockerfile_inline;
mod entitlements;
mod extra_hosts;
mod isolation;
mod labels;
mod network;
mod no_cache;
mod no_cache_filter;
mod platforms;
mod privileged;
mod provenance;
mod pull;
mod sbom;
mod secrets;
mod shm_size;
mod ssh;
mod tags;
mod target;
mod ulimits;
