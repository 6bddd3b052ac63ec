//! The binary: an internal role is dispatched before any thread exists; else the command line runs.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    match arguments.get(1).and_then(|role| role.to_str()) {
        Some(rcompose::supervisor::ROLE) => rcompose::cli::supervise(&arguments[2..]),
        Some(role) if role.starts_with("__") => {
            rcompose::runtime::dispatch(role).unwrap_or_else(|| rcompose::cli::main(arguments))
        }
        _ => rcompose::cli::main(arguments),
    }
}
