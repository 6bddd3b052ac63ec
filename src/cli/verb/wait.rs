//! `rcompose wait`: until containers have ended; no supervisor is needed.

use std::process::ExitCode;

use tokio::task::JoinSet;

use super::down;
use crate::cli::args::{DownArgs, WaitArgs};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::interrupt::interruptible;
use crate::cli::output;
use crate::cli::select::{check_known, services};
use crate::runtime::Handle;
use crate::supervisor::Configuration;

/// The exit code when a container cannot be waited for, as docker compose has it.
const FAILED: u8 = 42;

pub(in crate::cli) async fn run(context: &Context, args: WaitArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let project = context.resolve_name()?;
    let paths = context.layout.project(&project);
    let records = paths.read_containers::<Configuration>()?;
    check_known(context, &args.services, &services(&records))?;
    let mut waits = JoinSet::new();
    for record in records.into_iter().filter(|record| args.services.contains(&record.service)) {
        if let Some(handle) = Handle::adopt(paths.container(&record.id).run())? {
            waits.spawn_local(async move { (record, handle.exited().await) });
        }
    }
    if waits.is_empty() {
        return Err(CliError::NothingRuns { project });
    }
    let code = interruptible(async {
        let mut last = 0;
        while let Some(ended) = waits.join_next().await {
            match ended {
                Ok((record, Ok(exit))) => {
                    let code = exit.code;
                    output::print(&format!("container {:?} exited with status code {code}\n", record.name.as_str()))?;
                    last = u8::try_from(code & 0xff).unwrap_or(FAILED);
                }
                Ok((record, Err(error))) => {
                    output::warn(output::paint(&context.globals), &format!("{}: {error}", record.name));
                    return Ok(FAILED);
                }
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            }
        }
        Ok(last)
    })
    .await?;
    if args.down_project {
        down::run(context, DownArgs { remove_orphans: true, ..DownArgs::default() }).await?;
    }
    Ok(ExitCode::from(code))
}
