//! What builds, and Compose files, take from other machines: commits of git repositories and files of web servers.
//!
//! What came once is kept in a [`Cache`], whole or not at all.

mod cache;
mod context;
mod git;
mod git_error;
mod web;

pub use cache::{Cache, CacheError, Staging};
pub use context::{ContextError, RemoteContext, fetch_context, git_reference, read_context};
pub use git::{CheckedOut, Checkout, check_out};
pub use git_error::GitError;
pub use web::{Download, WebError, download, is_web_address};
