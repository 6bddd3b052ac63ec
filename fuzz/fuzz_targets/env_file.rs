//! `env_file` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    rcompose_fuzz::env_file(bytes);
});
