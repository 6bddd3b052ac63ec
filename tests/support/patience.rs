//! How long to wait, on machines of every speed.

use std::sync::OnceLock;
use std::time::Duration;

/// What `duration` is here: as long on a common machine, and as many times longer as the environment variable `SLOWER` says,
/// 30 under emulation. See `docs/testing.md`.
#[expect(clippy::disallowed_methods, reason = "how fast the machine is concerns the tests alone")]
pub(crate) fn patient(duration: Duration) -> Duration {
    static SLOWER: OnceLock<u32> = OnceLock::new();
    let slower = SLOWER.get_or_init(|| std::env::var("SLOWER").map_or(1, |text| text.parse().unwrap()));
    duration * *slower
}
