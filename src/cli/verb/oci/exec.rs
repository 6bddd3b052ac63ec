//! `exec`.

use std::io;
use std::os::fd::AsFd;
use std::process::ExitCode;

use oci_spec::runtime::{Capabilities, Capability, Process};

use super::attend::{attend, hold_signals};
use super::console::Receiver;
use super::create::{TERMINAL, write_pid};
use super::log::Log;
use crate::cli::args::OciExecArgs;
use crate::runtime::oci::{Container, Exec, Id, OciError, Root, parse_cgroups, read_process};
use crate::runtime::{ExecChild, ExecOptions, Stdio};

pub(super) fn run(root: &Root, args: &OciExecArgs, log: &Log) -> Result<ExitCode, OciError> {
    let container = root.container(&Id::new(&args.id)?)?;
    let (process, user) = process(&container, args, log)?;
    let has_terminal = process.terminal() == Some(true);
    let console = args.console_socket.as_deref().map(Receiver::connect).transpose()?;
    let pidfd = args.pidfd_socket.as_deref().map(Receiver::connect).transpose()?;
    match (has_terminal, args.detach, console.is_some()) {
        (true, true, false) => {
            return Err(OciError::Terminal(
                "cannot allocate tty if the process is detached without setting console socket",
            ));
        }
        (false, _, true) => return Err(OciError::Terminal("cannot use console socket if the process has no tty")),
        _ => {}
    }
    let options = ExecOptions {
        process,
        user,
        detach: args.detach,
        privileged: false,
        orphan: args.detach,
        ignore_paused: args.ignore_paused,
        cgroups: parse_cgroups(&args.cgroup)?,
        // As `run`.
        plain_newlines: console.is_none(),
    };
    let exec = Exec { options, preserve_fds: args.preserve_fds };
    log.debug(&format!("running a process in container {}", args.id));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    let stdio = Stdio { stdin: stdin.as_fd(), stdout: stdout.as_fd(), stderr: stderr.as_fd() };
    if !args.detach {
        hold_signals()?;
    }
    let mut child = runtime.block_on(container.exec(&exec, stdio))?;
    if args.detach {
        // What started it is about to leave: from then on it is the caller's subreaper's.
        runtime.block_on(child.wait())?;
    }
    drop(runtime);
    let terminal = child.take_terminal();
    if let (Some(console), Some(master)) = (&console, &terminal) {
        console.send(master.as_fd(), TERMINAL)?;
    }
    if let Some(receiver) = &pidfd {
        receiver.send(child.process_pidfd()?.as_fd(), "pidfd")?;
    }
    if let Some(path) = &args.pid_file {
        write_pid(path, child.pid())?;
    }
    if args.detach {
        return Ok(ExitCode::SUCCESS);
    }
    let code = attend(terminal, ended(&child), |signal| drop(child.signal(signal)))?;
    Ok(ExitCode::from(u8::try_from(code & 0xff).unwrap_or(255)))
}

async fn ended(child: &ExecChild) -> Result<i32, OciError> {
    Ok(child.wait().await?)
}

/// What the flags, or the file, say to run; and as whom, where that is to be looked up in the container.
fn process(container: &Container, args: &OciExecArgs, log: &Log) -> Result<(Process, Option<String>), OciError> {
    if let Some(path) = &args.process {
        let (mut process, warnings) = read_process(path)?;
        warnings.iter().for_each(|warning| log.warning(warning));
        if args.tty {
            process.set_terminal(Some(true));
        }
        return Ok((process, None));
    }
    if args.command.is_empty() {
        return Err(OciError::NoCommand);
    }
    let mut process = container.process()?;
    process.set_args(Some(args.command.clone()));
    process.set_terminal(Some(args.tty));
    if let Some(directory) = &args.cwd {
        process.set_cwd(directory.clone());
    }
    process.env_mut().get_or_insert_default().extend(args.env.iter().cloned());
    if let Some(label) = &args.process_label {
        process.set_selinux_label(Some(label.clone()));
    }
    if let Some(profile) = &args.apparmor {
        process.set_apparmor_profile(Some(profile.clone()));
    }
    if args.no_new_privs {
        process.set_no_new_privileges(Some(true));
    }
    add_capabilities(&mut process, &args.cap)?;
    let user = set_user(&mut process, args);
    Ok((process, user))
}

/// Numbers are taken as they are; a name is for the container's own files to tell.
fn set_user(process: &mut Process, args: &OciExecArgs) -> Option<String> {
    let mut user = process.user().clone();
    let named = args.user.as_deref().and_then(|text| {
        let (uid, gid) = text.split_once(':').map_or((text, None), |(uid, gid)| (uid, Some(gid)));
        match (uid.parse(), gid.map(str::parse)) {
            (Ok(uid), None) => {
                user.set_uid(uid);
                None
            }
            (Ok(uid), Some(Ok(gid))) => {
                user.set_uid(uid).set_gid(gid);
                None
            }
            _ => Some(text.to_owned()),
        }
    });
    if !args.additional_gids.is_empty() {
        let mut groups = user.additional_gids().clone().unwrap_or_default();
        groups.extend(&args.additional_gids);
        user.set_additional_gids(Some(groups));
    }
    process.set_user(user);
    named
}

fn add_capabilities(process: &mut Process, names: &[String]) -> Result<(), OciError> {
    let mut sets = process.capabilities().clone().unwrap_or_default();
    for name in names {
        let upper = name.to_ascii_uppercase();
        let capability: Capability = upper
            .strip_prefix("CAP_")
            .unwrap_or(&upper)
            .parse()
            .map_err(|_| OciError::UnknownCapability(name.clone()))?;
        let with = |set: &Option<Capabilities>| {
            let mut set = set.clone().unwrap_or_default();
            set.insert(capability);
            Some(set)
        };
        sets.set_bounding(with(sets.bounding()));
        sets.set_effective(with(sets.effective()));
        sets.set_permitted(with(sets.permitted()));
        // The kernel gives a user other than root only these, and only what the configuration lets be inherited.
        if sets.inheritable().as_ref().is_some_and(|inheritable| inheritable.contains(&capability)) {
            sets.set_ambient(with(sets.ambient()));
        }
    }
    if !names.is_empty() {
        process.set_capabilities(Some(sets));
    }
    Ok(())
}
