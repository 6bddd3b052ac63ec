//! `dockerfile` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    rcompose_fuzz::dockerfile(bytes);
});
