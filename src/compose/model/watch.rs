//! `develop`.

use super::Hook;
use super::element::element;
use super::word::words;

element! {
    /// What `watch` does.
    pub struct Develop {
        /// `watch`.
        watch: Vec<WatchRule>,
    }
}

element! {
    /// One of `develop.watch`.
    pub struct WatchRule {
        /// `path` on the host; absolute.
        path: String,
        /// `action`.
        action: Option<WatchAction>,
        /// `target`: the path in the container.
        target: Option<String>,
        /// `exec`: what runs after a sync.
        exec: Option<Hook>,
        /// `include`.
        include: Vec<String>,
        /// `ignore`.
        ignore: Vec<String>,
        /// `initial_sync`.
        initial_sync: bool,
    }
}

words! {
    /// What a change leads to.
    pub enum WatchAction {
        /// A new image and new containers.
        Rebuild = "rebuild",
        /// A copy into the containers.
        Sync = "sync",
        /// A restart.
        Restart = "restart",
        /// A copy, then a restart.
        SyncRestart = "sync+restart",
        /// A copy, then a command.
        SyncExec = "sync+exec",
    }
    else "must be `rebuild`, `sync`, `restart`, `sync+restart` or `sync+exec`"
}
