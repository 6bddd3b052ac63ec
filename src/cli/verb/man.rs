//! `rcompose man`: a page for each command.

use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::cli::args::{Args, ManArgs};
use crate::cli::error::CliError;

pub(in crate::cli) fn run(args: &ManArgs) -> Result<ExitCode, CliError> {
    fs_err::create_dir_all(&args.directory)?;
    clap_mangen::generate_to(Args::command(), &args.directory).map_err(|source| CliError::OutputFile { source })?;
    Ok(ExitCode::SUCCESS)
}
