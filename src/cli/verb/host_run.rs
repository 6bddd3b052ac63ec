//! `rcompose host-run`: this process becomes the program, once its network is made.

use std::os::fd::AsRawFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use crate::cli::args::HostRunArgs;
use crate::cli::block_on;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output;
use crate::cli::verb::network::remove::finish;
use crate::runtime::host_program;
use crate::supervisor::{Client, HOSTS, HostRun, RESOLV_CONF, Request, not_up};

pub(in crate::cli) fn run(context: &Context, args: &HostRunArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let project = context.resolve_name()?;
    let paths = context.layout.project(&project);
    let [program, arguments @ ..] = &args.command[..] else { return Ok(ExitCode::SUCCESS) };
    let command = program.to_string_lossy().into_owned();
    if !paths.exists() {
        // A supervisor would have nothing to supervise.
        return Err(CliError::Failed { failures: vec![not_up(&project)] });
    }
    if context.globals.dry_run {
        output::print(&format!("run `{command}` on networks of project {project}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(directory) = &args.workdir {
        std::env::set_current_dir(directory)
            .map_err(|source| CliError::Directory { directory: directory.clone(), source })?;
    }
    let network = host_program::network()?;
    let request = Request::HostRun(HostRun {
        netns: network.as_raw_fd(),
        networks: args.networks.clone(),
        name: args.name.clone(),
        command: command.clone(),
    });
    // No signal is taken here: each does to this process what it will do to the program, as far as that lets it.
    block_on(async { finish(context, Client::request(&context.layout, &project, &request).await?).await })?;
    let file = |name| paths.lease_file(std::process::id(), name);
    host_program::enter(network, &file(RESOLV_CONF), &file(HOSTS))?;
    let given = args.env.iter().filter_map(|variable| Some((&variable.name, variable.value.as_ref()?)));
    let source = Command::new(program).args(arguments).envs(given).exec();
    Err(CliError::HostCommand { command, source })
}
