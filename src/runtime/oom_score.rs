//! How soon processes are ended when memory runs out, as far as this process may say it.

use std::path::Path;

/// Where it is said of this process.
const OWN: &str = "/proc/self/oom_score_adj";

/// Whether a process that this one starts may have this score: the kernel says by which one it would not take from this
/// process itself, which has it for a moment.
#[must_use]
pub fn may_set_oom_score(score: i32) -> bool {
    let Ok(own) = fs_err::read_to_string(OWN) else { return true };
    // To be ended sooner, any process may ask for.
    if own.trim().parse().is_ok_and(|own: i32| score >= own) {
        return true;
    }
    let set = |score: &str| fs_err::write(Path::new(OWN), score);
    // One that it may not have has not changed anything.
    set(&score.to_string()).is_ok_and(|()| set(own.trim()).is_ok())
}
