//! A layer in the making: the layers below it, seen with what is changed over them, until it becomes a layer of the store.
//!
//! ```text
//! store/layers/… ─┐
//! store/layers/… ─┼─▶ overlay, mounted nowhere ─▶ RootDir: COPY writes, RUN runs in it
//! work-…/upper  ──┘
//!        │ seal: no sockets, times not after SOURCE_DATE_EPOCH
//!        ├─▶ tar, never written ─▶ sha256 = diff id
//!        └─▶ rename ─▶ store/layers/<diff id>
//! ```
//!
//! Nothing of it is mounted anywhere: if this process is killed, only a directory stays, which
//! [`Store::clear_abandoned`](crate::image::Store::clear_abandoned) removes.

mod error;
mod hash;
mod seal;
mod stubs;
mod tidy;
mod workspace;

pub use error::WorkspaceError;
pub use seal::Sealed;
pub use stubs::Stub;
pub use workspace::Workspace;
