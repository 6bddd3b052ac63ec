//! Random ids.

use rustix::rand::{GetRandomFlags, getrandom};

/// `bytes` random bytes (at most 256) as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: usize) -> String {
    let mut buffer = vec![0; bytes.min(256)];
    // getrandom(2): never short and never interrupted for up to 256 bytes, once the pool is seeded at boot.
    getrandom(&mut buffer, GetRandomFlags::empty()).expect("the kernel has a random pool");
    hex::encode(buffer)
}
