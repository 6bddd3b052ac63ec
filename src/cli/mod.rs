//! Arguments in, text and exit code out.
//!
//! What a command says is made by pure functions here, from plain values and a clock; what it does is done below.

pub mod args;
mod attached;
pub mod build;
mod complete;
mod confirm;
mod container;
mod contents;
mod context;
pub mod copy;
pub mod detach_keys;
pub mod error;
pub mod events;
pub mod evidence;
mod follow;
mod footer;
mod generated;
pub mod graph;
mod hoist;
pub mod human;
mod images;
pub mod interrupt;
mod join;
mod kernel;
pub mod listing;
pub mod logs;
mod machine;
mod menu;
mod models;
mod moment;
pub mod net;
pub mod network;
mod network_settings;
mod one_off;
mod outcome;
mod output;
pub mod progress;
pub mod provider;
pub mod ps;
mod publish;
mod relay;
pub mod remote;
mod rmi;
mod select;
mod signals;
pub mod stats;
pub mod style;
mod supervise;
mod svg;
mod switches;
pub mod table;
mod tailer;
pub mod template;
pub mod terminal;
pub mod timings;
mod verb;
pub mod version;
pub mod viz;
mod watch;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser};
use tokio::task::LocalSet;

use args::{Args, Command};
use context::Context;
use error::CliError;
use progress::ProgressMode;

pub use supervise::supervise;

/// Runs the command line `arguments`, of which the first is the name of the binary.
#[must_use]
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    if std::env::var_os(complete::VARIABLE).is_some() {
        return complete::answer(arguments);
    }
    let args = match parse(arguments) {
        Ok(args) => args,
        Err(answer) => {
            // Nowhere is left to tell that the output is closed.
            let _ = answer.print();
            return answer_code(&answer);
        }
    };
    run(&args).unwrap_or_else(|error| {
        report(&error, &args);
        error.exit_code()
    })
}

/// Parses a command line.
///
/// # Errors
/// What to print instead of running a command: what is wrong, or the help or version that was asked for.
pub fn parse(arguments: Vec<OsString>) -> Result<Args, clap::Error> {
    Args::try_parse_from(hoist::hoisted(&Args::command(), arguments))
}

fn run(args: &Args) -> Result<ExitCode, CliError> {
    let mut context = Context::new(args.globals.clone());
    match args.command.clone() {
        Command::Version(version) => {
            output::print(&version::text(&version))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Completion(completion) => {
            output::print(&complete::script(completion.shell))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Man(man) => verb::man::run(&man),
        Command::Alpha(alpha) => verb::alpha::run(&context, &alpha),
        Command::Bridge(_) => Err(CliError::NoBridge),
        Command::Config(config) => verb::config::run(&context, &config),
        Command::Ps(ps) => verb::ps::run(&context, &ps),
        Command::Ls(ls) => verb::ls::run(&context, &ls),
        Command::Images(images) => verb::images::run(&context, &images),
        Command::Volumes(volumes) => verb::volumes::run(&context, &volumes),
        Command::Snapshot(snapshot) => block_on(verb::snapshot::run(&context, snapshot)),
        Command::Events(events) => block_on(verb::events::run(&context, events)),
        Command::Stats(stats) => block_on(verb::stats::run(&context, stats)),
        Command::Top(top) => verb::top::run(&context, &top),
        Command::Attach(attach) => block_on(verb::attach::run(&context, attach)),
        Command::Exec(exec) => block_on(verb::exec::run(&context, exec)),
        Command::Run(run) => block_on(verb::run::run(&mut context, *run)),
        Command::Cp(cp) => verb::cp::run(&context, &cp),
        Command::Export(export) => verb::export::run(&context, &export),
        Command::Commit(commit) => verb::commit::run(&context, &commit),
        Command::HostRun(host_run) => verb::host_run::run(&context, &host_run),
        Command::Up(up) => block_on(verb::up::run(&context, up)),
        Command::Build(build) => block_on(verb::build::run(&context, build)),
        Command::Down(down) => block_on(verb::down::run(&context, down)),
        Command::Start(start) => block_on(verb::act::start(&context, start)),
        Command::Stop(stop) => block_on(verb::act::stop(&context, stop)),
        Command::Restart(restart) => block_on(verb::act::restart(&context, restart)),
        Command::Kill(kill) => block_on(verb::act::kill(&context, kill)),
        Command::Pause(pause) => block_on(verb::act::pause(&context, pause)),
        Command::Unpause(unpause) => block_on(verb::act::unpause(&context, unpause)),
        Command::Rm(rm) => block_on(verb::act::rm(&context, rm)),
        Command::Wait(wait) => block_on(verb::wait::run(&context, wait)),
        Command::Watch(watch) => block_on(verb::watch::run(&context, watch)),
        Command::Port(port) => verb::port::run(&context, &port),
        Command::Create(create) => block_on(verb::create::create(&context, create)),
        Command::Scale(scale) => block_on(verb::create::scale(&context, scale)),
        Command::Logs(logs) => block_on(verb::logs::run(&context, logs)),
        Command::Graph(graph) => verb::graph::run(&context, &graph),
        Command::Net(net) => verb::net::run(&context, &net),
        Command::Network(network) => block_on(verb::network::run(&context, network)),
        Command::Oci(oci) => Ok(verb::oci::run(&oci)),
        Command::Push(push) => block_on(verb::push::run(&mut context, push)),
        Command::Publish(publish) => verb::publish::run(&context, &publish),
        Command::Pull(pull) => block_on(verb::pull::run(&mut context, pull)),
    }
}

/// Runs a command that waits for several things at once.
pub(in crate::cli) fn block_on<T>(command: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, command)
}

/// The exit code for what the parser says in place of a command: as with docker compose, 1 for any mistake.
fn answer_code(answer: &clap::Error) -> ExitCode {
    match answer.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        // No command at all: the help is the answer.
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn report(error: &CliError, args: &Args) {
    if error.is_silent() {
        return;
    }
    let stderr = io::stderr();
    let text = match args.globals.progress {
        Some(ProgressMode::Json) => error::as_json(error),
        _ => error.render(args.globals.ansi.unwrap_or_default().paint(&stderr)),
    };
    // Nowhere is left to tell that stderr is closed.
    let _ = stderr.lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_exit_with_1_and_answers_with_0() {
        for (line, code) in [
            (vec!["--help"], 0),
            (vec!["up", "--help"], 0),
            (vec!["-v"], 0),
            (vec![], 0),
            (vec!["frobnicate"], 1),
            (vec!["up", "--frobnicate"], 1),
            (vec!["exec", "db"], 1),
        ] {
            let arguments = std::iter::once("rcompose").chain(line.iter().copied()).map(OsString::from).collect();
            assert_eq!(answer_code(&parse(arguments).unwrap_err()), ExitCode::from(code), "{line:?}");
        }
    }
}
