//! What shells complete: commands and flags as the parser knows them, and the services and projects that there are.
//!
//! `rcompose completion SHELL` prints a script by which the shell asks this program, with the line so far, whenever somebody
//! presses the key for it.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, Command, CommandFactory as _};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter as _};
use clap_complete::env::{CompleteEnv, Shells};

use super::args::{Args, Globals, Shell};
use super::context::Context;
use crate::compose::LoadOptions;
use crate::name::ProjectName;
use crate::state::ContainerRecord;

/// Set by the shell that asks.
pub(super) const VARIABLE: &str = "RCOMPOSE_COMPLETE";

/// Answers a shell that asks how the line in `arguments` goes on.
pub(super) fn answer(arguments: Vec<OsString>) -> ExitCode {
    let line: Vec<String> = arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let asked = CompleteEnv::with_factory(move || command(&line)).var(VARIABLE);
    match asked.try_complete(arguments, std::env::current_dir().ok().as_deref()) {
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// The script that has `shell` ask.
pub(super) fn script(shell: Shell) -> String {
    let shells = Shells::builtins();
    let completer = shells.completer(shell.name()).expect("all that the flag takes are there");
    let mut text = Vec::new();
    completer
        .write_registration(VARIABLE, "rcompose", "rcompose", "rcompose", &mut text)
        .expect("a vector takes everything");
    String::from_utf8_lossy(&text).into_owned()
}

/// The commands, with what is known only on this machine; `line` tells which project is meant.
fn command(line: &[String]) -> Command {
    let globals = globals(line);
    Args::command().mut_arg("project_name", |arg| arg.add(ArgValueCompleter::new(projects))).mut_subcommands(
        move |command| {
            let globals = globals.clone();
            command.mut_args(move |arg| with_services(arg, &globals))
        },
    )
}

fn with_services(arg: Arg, globals: &Globals) -> Arg {
    let names: Vec<String> = arg.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect();
    let globals = globals.clone();
    match names.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["SERVICE"] => arg.add(ArgValueCompleter::new(move |current: &OsStr| matching(current, services(&globals)))),
        ["SERVICE=NUMBER"] => arg.add(ArgValueCompleter::new(move |current: &OsStr| {
            matching(current, services(&globals).into_iter().map(|name| name + "=").collect())
        })),
        ["SOURCE" | "TARGET"] => arg.add(ArgValueCompleter::new(move |current: &OsStr| {
            let mut found = matching(current, services(&globals).into_iter().map(|name| name + ":").collect());
            found.extend(PathCompleter::any().complete(current));
            found
        })),
        _ => arg,
    }
}

fn matching(current: &OsStr, names: Vec<String>) -> Vec<CompletionCandidate> {
    let begun = current.to_string_lossy();
    names.into_iter().filter(|name| name.starts_with(&*begun)).map(CompletionCandidate::new).collect()
}

/// The services of the Compose file; without one, those that have containers.
fn services(globals: &Globals) -> Vec<String> {
    let context = Context::new(globals.clone());
    let resolved = context.load_options(&[]).ok().and_then(|options| {
        let options = LoadOptions { profiles: vec!["*".to_owned()], ..options };
        context.check(&options).ok()
    });
    if let Some((resolved, _)) = resolved {
        return resolved.keys("services").into_iter().map(str::to_owned).collect();
    }
    let Some(project) = context.project_name() else { return Vec::new() };
    let records: Vec<ContainerRecord<serde::de::IgnoredAny>> =
        context.layout.project(project).read_containers().unwrap_or_default();
    let mut services: Vec<String> = records.into_iter().map(|record| record.service.to_string()).collect();
    services.sort();
    services.dedup();
    services
}

fn projects(current: &OsStr) -> Vec<CompletionCandidate> {
    let context = Context::new(globals(&[]));
    let names = context.layout.project_names().unwrap_or_default();
    matching(current, names.iter().map(ToString::to_string).collect())
}

/// The flags of a line that is not complete, as far as they say which project is meant.
fn globals(line: &[String]) -> Globals {
    let mut globals = Globals::default();
    // The line begins behind `--`, with the name of this program; flags of the command mean other things.
    let mut words = line.iter().skip_while(|word| *word != "--").skip(2);
    while let Some(word) = words.next() {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag, Some(value.to_owned())),
            _ => (word.as_str(), None),
        };
        let mut value = || value.clone().or_else(|| words.next().cloned());
        match flag {
            "-f" | "--file" => globals.files.extend(value().map(PathBuf::from)),
            "-p" | "--project-name" => {
                globals.project_name = value().and_then(|name| ProjectName::new(name).ok());
            }
            "--project-directory" => globals.project_directory = value().map(PathBuf::from),
            "--env-file" => globals.env_files.extend(value().map(PathBuf::from)),
            word if word.starts_with('-') => {}
            _ => break,
        }
    }
    globals
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn which_project_a_line_means() {
        let line = |text: &str| globals(&text.split(' ').map(str::to_owned).collect::<Vec<_>>());
        let found = line("rcompose -- rcompose -f a.yaml --file=b.yaml -p shop logs -f we");
        assert_eq!(found.files, [PathBuf::from("a.yaml"), PathBuf::from("b.yaml")]);
        assert_eq!(found.project_name.unwrap().as_str(), "shop");
        assert_eq!(line("rcompose -- rcompose --project-directory d up").project_directory, Some(PathBuf::from("d")));
    }

    #[test]
    fn every_shell_has_a_script() {
        for shell in Shell::value_variants() {
            assert!(script(*shell).contains(VARIABLE), "{shell:?}");
        }
    }
}
