//! `rcompose oci`: one verb a file; errors are logged as runc logs them, for engines read that.

mod attend;
mod console;
mod create;
mod events;
mod exec;
mod list;
mod log;
mod ps;
mod run;
mod spec;
mod update;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::args::{OciArgs, OciDeleteArgs, OciKillArgs, OciVerb};
use crate::cli::output;
use crate::runtime::oci::{Id, OciError, Root, features, parse_signal};

use log::Log;

/// Where the state of containers is unless told otherwise.
const ROOT: &str = "/run/rcompose-oci";

/// Runs a verb. What goes wrong has been told when this returns.
pub(in crate::cli) fn run(args: &OciArgs) -> ExitCode {
    let log = match Log::open(args) {
        Ok(log) => log,
        Err(error) => {
            Log::default().error(&OciError::Channel(error), "");
            return ExitCode::FAILURE;
        }
    };
    match dispatch(args, &log) {
        Ok(code) => code,
        Err(failure) => {
            log.error(&failure.error, failure.verb);
            ExitCode::from(failure.code)
        }
    }
}

/// What a verb ends with when it fails.
struct Failure {
    error: OciError,
    /// What runc puts before the error; may be empty.
    verb: &'static str,
    code: u8,
}

impl<E: Into<OciError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { error: error.into(), verb: "", code: 1 }
    }
}

fn dispatch(args: &OciArgs, log: &Log) -> Result<ExitCode, Failure> {
    let root = root(args)?;
    let failed = |verb| move |error| Failure { error, verb, code: 1 };
    match &args.verb {
        OciVerb::Create(create) => create::run(&root, args, create, log).map_err(failed("create failed")),
        OciVerb::Run(run) => run::run(&root, args, run, log).map_err(failed("run failed")),
        OciVerb::Start(start) => {
            for hook in root.container(&Id::new(&start.id)?)?.start()? {
                log.warn(&hook);
            }
            Ok(ExitCode::SUCCESS)
        }
        OciVerb::State(state) => {
            let state = root.container(&Id::new(&state.id)?)?.state()?;
            print(&format!("{}\n", serde_json::to_string_pretty(&state).map_err(io::Error::from)?))
        }
        OciVerb::Kill(args) => kill(&root, args),
        OciVerb::Delete(args) => delete(&root, args, log),
        OciVerb::Exec(exec) => {
            exec::run(&root, exec, log).map_err(|error| Failure { error, verb: "exec failed", code: 255 })
        }
        OciVerb::Ps(args) => ps::run(&root, args),
        OciVerb::Pause(pause) => Ok(root.container(&Id::new(&pause.id)?)?.pause().map(|()| ExitCode::SUCCESS)?),
        OciVerb::Resume(resume) => Ok(root.container(&Id::new(&resume.id)?)?.resume().map(|()| ExitCode::SUCCESS)?),
        OciVerb::Update(args) => update::run(&root, args),
        OciVerb::Events(args) => events::run(&root, args),
        OciVerb::List(args) => list::run(&root, args),
        OciVerb::Features => print(&format!("{:#}\n", features())),
        OciVerb::Spec(args) => spec::run(args),
    }
}

fn root(args: &OciArgs) -> Result<Root, OciError> {
    let path = args.root.clone().unwrap_or_else(|| {
        let own = std::env::var_os("XDG_RUNTIME_DIR").filter(|_| !rustix::process::geteuid().is_root());
        own.map_or_else(|| PathBuf::from(ROOT), |directory| PathBuf::from(directory).join("rcompose-oci"))
    });
    Root::new(&path)
}

fn kill(root: &Root, args: &OciKillArgs) -> Result<ExitCode, Failure> {
    let container = root.container(&Id::new(&args.id)?)?;
    match container.kill(parse_signal(&args.signal)?, args.all) {
        // What is not there has been killed.
        Err(OciError::NotRunning) if args.all => Ok(ExitCode::SUCCESS),
        result => Ok(result.map(|()| ExitCode::SUCCESS)?),
    }
}

fn delete(root: &Root, args: &OciDeleteArgs, log: &Log) -> Result<ExitCode, Failure> {
    match root.container(&Id::new(&args.id)?) {
        Err(OciError::NotFound) if args.force => {}
        container => {
            for hook in container?.delete(args.force)? {
                log.warn(&hook);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print(text: &str) -> Result<ExitCode, Failure> {
    output::print(text)?;
    Ok(ExitCode::SUCCESS)
}
