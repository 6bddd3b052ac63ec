//! `rcompose exec`.

use std::ffi::OsString;

use super::EnvironmentVariable;
use crate::name::ServiceName;

/// The flags of `exec`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ExecArgs {
    /// Run the command in the background
    #[arg(short, long)]
    pub detach: bool,
    /// Set a variable, or pass ours on; repeatable
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    pub env: Vec<EnvironmentVariable>,
    /// Allocate no terminal [default: one if ours is a terminal]
    #[arg(short = 'T', long, alias = "no-TTY")]
    pub no_tty: bool,
    /// Give the command all capabilities, and every system call
    #[arg(long)]
    pub privileged: bool,
    /// Run as this user, and group
    #[arg(short, long, value_name = "USER[:GROUP]")]
    pub user: Option<String>,
    /// Directory inside the container to run the command in
    #[arg(short, long, value_name = "DIR")]
    pub workdir: Option<String>,
    /// Which of the service's containers [default: the lowest number]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub index: Option<u32>,
    /// The service
    #[arg(value_name = "SERVICE")]
    pub service: ServiceName,
    /// The command and its arguments
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<OsString>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Command;
    use crate::cli::args::tests::parse;

    fn command(line: &str) -> Vec<OsString> {
        let Command::Exec(exec) = parse(line).unwrap().command else { panic!() };
        exec.command
    }

    #[test]
    fn what_follows_the_service_is_the_commands_own() {
        assert_eq!(command("exec db psql -U postgres -c x"), ["psql", "-U", "postgres", "-c", "x"]);
        assert_eq!(command("exec db ls -T --dry-run -e"), ["ls", "-T", "--dry-run", "-e"]);
        assert_eq!(command("exec db sh -c x -- a"), ["sh", "-c", "x", "--", "a"]);
        assert_eq!(command("exec db -- ls"), ["ls"]);
        assert!(parse("exec db").is_err());
    }

    #[test]
    fn flags_come_before_the_service() {
        let args = parse("exec -T -d -e A=1 --env B -u 1:2 -w /srv --index 2 web env").unwrap();
        let Command::Exec(exec) = args.command else { panic!() };
        assert!(exec.no_tty && exec.detach);
        assert_eq!(exec.env.iter().map(|variable| variable.name.as_str()).collect::<Vec<_>>(), ["A", "B"]);
        assert_eq!(exec.user.as_deref(), Some("1:2"));
        assert_eq!(exec.workdir.as_deref(), Some("/srv"));
        assert_eq!(exec.index, Some(2));
        assert_eq!(exec.service.as_str(), "web");
        assert!(parse("exec --index 0 web env").is_err());
    }
}
