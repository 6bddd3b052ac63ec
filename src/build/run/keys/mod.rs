//! Private keys of this machine as an SSH agent: programs have them sign, and never see them.
//!
//! ```text
//! key file ─▶ openssh: what is in it ─▶ Key: public blob, signature ─▶ agent: answers of the protocol
//! ```
//! See <https://datatracker.ietf.org/doc/html/draft-ietf-sshm-ssh-agent>.

mod agent;
mod big;
mod key;
mod openssh;
mod wire;

pub(super) use agent::serve;
pub use key::{Key, KeyError};
