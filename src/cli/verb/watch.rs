//! `rcompose watch`.

use std::process::ExitCode;
use std::rc::Rc;

use super::up::{Bringing, Timing};
use crate::cli::args::WatchArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::interrupt::interruptible;
use crate::cli::progress::ProgressMode;
use crate::cli::switches::Switches;
use crate::cli::watch::{Rules, Watch};
use crate::plan::UpOptions;

pub(in crate::cli) async fn run(context: &Context, args: WatchArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let (mut project, switches) = match args.no_up {
        true => (context.load(&args.services)?, Switches::default()),
        false => context.load_to_run(&args.services, false)?,
    };
    // What cannot be watched is said before anything is started.
    let rules = Rules::of(context, &project, &args.services)?;
    if !args.no_up {
        let mut globals = context.globals.clone();
        if args.quiet {
            globals.progress = Some(ProgressMode::Quiet);
        }
        let bringing = Bringing {
            title: "watch",
            quiet_pull: args.quiet,
            quiet_build: args.quiet,
            ignore_orphans: false,
            yes: false,
            switches,
            timing: Timing::none(),
        };
        let options = UpOptions { services: args.services, ..UpOptions::default() };
        bringing.to_the_end(&Context::new(globals), &mut project, options).await?;
    }
    if !context.globals.dry_run {
        interruptible(Watch::new(context, &project, rules, Rc::default()).run()).await?;
    }
    Ok(ExitCode::SUCCESS)
}
