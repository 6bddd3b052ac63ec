//! The keys of `services.*.deploy`.

mod endpoint_mode;
mod labels;
mod mode;
mod placement;
mod replicas;
mod resources;
mod restart_policy;
mod rollback_config;
mod update_config;
