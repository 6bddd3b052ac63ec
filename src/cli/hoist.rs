//! Global flags may also stand after the command: they are put before it, where the parser takes them.

use std::ffi::{OsStr, OsString};

use clap::{Arg, ArgAction, Command};

/// `arguments` with the flags of `program` that stand behind one of its commands put before it. What a command's own flags
/// are called is the command's, and so is everything that it hands on: `exec db psql -f x`.
pub(super) fn hoisted(program: &Command, arguments: Vec<OsString>) -> Vec<OsString> {
    let mut rest = arguments.iter().cloned();
    let mut front: Vec<OsString> = rest.next().into_iter().collect();
    let mut command = loop {
        let Some(word) = rest.next() else { return arguments };
        let found = flag(program, &word);
        if let Some(subcommand) = program.find_subcommand(&word) {
            // Engines drive it as they drive runc, to the letter.
            if subcommand.get_name() == "oci" {
                return arguments;
            }
            break (subcommand, vec![word]);
        }
        let Some(wants_value) = found else { return arguments };
        front.push(word);
        front.extend(rest.next().filter(|_| wants_value));
    };
    let mut places = 0;
    while let Some(word) = rest.next() {
        let (of, back) = (&mut command.0, &mut command.1);
        if word == "--" {
            back.push(word);
            break;
        }
        if !is_flag(&word) {
            match of.find_subcommand(&word).filter(|_| places == 0) {
                Some(subcommand) => *of = subcommand,
                None => places += 1,
            }
            back.push(word);
            if hands_on(of) == Some(places) {
                break;
            }
            continue;
        }
        let (to, wants_value) = match (flag(of, &word), flag(program, &word)) {
            (Some(wants_value), _) => (back, wants_value),
            (None, Some(wants_value)) => (&mut front, wants_value),
            (None, None) => (back, false),
        };
        to.push(word);
        if wants_value {
            to.extend(rest.next());
        }
    }
    front.into_iter().chain(command.1).chain(rest).collect()
}

fn is_flag(word: &OsStr) -> bool {
    word.as_encoded_bytes().starts_with(b"-") && word != "-"
}

/// Whether `word` is a flag of `command`, or several of one letter, and if so whether the next word is its value.
fn flag(command: &Command, word: &OsStr) -> Option<bool> {
    let word = word.to_str()?;
    if let Some(long) = word.strip_prefix("--") {
        let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
        let is_meant = |arg: &&Arg| arg.get_long_and_visible_aliases().is_some_and(|names| names.contains(&name));
        let arg = command.get_arguments().filter(|arg| is_taken(arg)).find(is_meant)?;
        return Some(value.is_none() && wants_value(arg));
    }
    let mut letters = word.strip_prefix('-')?.chars();
    let first = letters.next()?;
    let find = |letter| command.get_arguments().filter(|arg| is_taken(arg)).find(|arg| arg.get_short() == Some(letter));
    let mut arg = find(first)?;
    loop {
        if wants_value(arg) {
            return Some(letters.as_str().is_empty());
        }
        match letters.next() {
            Some(letter) => arg = find(letter)?,
            None => return Some(false),
        }
    }
}

/// Whether it is a flag that means something to the command, and does not stand in its place.
fn is_taken(arg: &Arg) -> bool {
    !matches!(arg.get_action(), ArgAction::Version | ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong)
}

fn wants_value(arg: &Arg) -> bool {
    arg.get_action().takes_values() && arg.get_num_args().is_none_or(|count| count.min_values() > 0)
}

/// The place from which on words are another program's.
fn hands_on(command: &Command) -> Option<usize> {
    command.get_positionals().position(Arg::is_trailing_var_arg_set).map(|place| place + 1)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::args::Args;

    #[test]
    fn what_goes_before_the_command() {
        for (line, expected) in [
            ("up -d", "up -d"),
            ("up -d -f a.yaml --profile x web", "-f a.yaml --profile x up -d web"),
            ("-f a.yaml up --file b.yaml --file=c.yaml", "-f a.yaml --file b.yaml --file=c.yaml up"),
            ("up -p shop -pshop", "-p shop -pshop up"),
            ("up -t 3 -d --scale web=2 --progress plain", "--progress plain up -t 3 -d --scale web=2"),
            // Flags of the command's own.
            ("logs -f web", "logs -f web"),
            ("logs -fn 3 -p shop", "-p shop logs -fn 3"),
            ("rm -fsv", "rm -fsv"),
            ("down -v", "down -v"),
            // What is handed on.
            ("exec db psql -f x --profile y", "exec db psql -f x --profile y"),
            ("exec -T -p shop db psql -p 1", "-p shop exec -T db psql -p 1"),
            ("exec -u 1 --project-name shop db ls", "--project-name shop exec -u 1 db ls"),
            ("host-run psql -p 1", "host-run psql -p 1"),
            ("up -- -f", "up -- -f"),
            ("oci run -p x", "oci run -p x"),
            ("network ls -p shop", "-p shop network ls"),
            ("up --frob -f a", "-f a up --frob"),
            ("frob -f a", "frob -f a"),
            ("-f a", "-f a"),
            ("", ""),
        ] {
            let words = |line: &str| -> Vec<OsString> {
                std::iter::once("rcompose").chain(line.split_whitespace()).map(OsString::from).collect()
            };
            assert_eq!(hoisted(&Args::command(), words(line)), words(expected), "{line}");
        }
    }

    #[test]
    fn the_parser_takes_them() {
        let line = ["rcompose", "logs", "-f", "--file", "a.yaml", "-p", "shop"].map(OsString::from);
        let args = crate::cli::parse(line.to_vec()).unwrap();
        assert_eq!(args.globals.files, [std::path::PathBuf::from("a.yaml")]);
        assert_eq!(args.globals.project_name.unwrap().as_str(), "shop");
    }
}
