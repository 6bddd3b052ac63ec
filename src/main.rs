//! The binary: dispatches the internal roles before any thread exists, else runs the command line.

fn main() {}
