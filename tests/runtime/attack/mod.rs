//! What images, programs and users have tried on container runtimes: a test for each kind of attack. The first line of
//! each names the advisories, from which `docs/security.md` is made.

mod binary;
mod image;
mod race;
mod user;
