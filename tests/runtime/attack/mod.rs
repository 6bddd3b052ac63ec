//! What images, programs and users have tried on container runtimes: a test for each kind of attack. The first line of
//! each that has advisories names them, from which `docs/security.md` is made.

mod binary;
mod image;
mod process;
mod race;
mod user;
