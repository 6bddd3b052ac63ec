//! System call filters, compiled by ourselves: Docker's default profile, and what a specification asks for.
//!
//! ```text
//! default ───────┐
//!                ├──▶ Policy ──compile──▶ program ──▶ sys::seccomp::install
//! linux.seccomp ─┘    number → rules      a binary search
//! ```

mod agent;
mod architecture;
mod compile;
mod default;
#[cfg(test)]
mod interpreter;
mod policy;
mod portable;
mod specification;

use std::path::Path;

use oci_spec::runtime::{LinuxSeccomp, LinuxSeccompAction, LinuxSeccompFilterFlag};
use rustix::thread::CapabilitySet;

pub(super) use agent::{Agent, AgentError};
pub(super) use portable::portable;

use super::capability::Sets;
use super::{Config, Seccomp};
use crate::sys::seccomp::{FilterFlags, Instruction};

/// Why there is no filter for a specification.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SeccompError {
    #[error("action {action} cannot return error number {errno}")]
    Errno { action: LinuxSeccompAction, errno: u32 },
    #[error("a system call has no argument {0}: they are numbered from 0 to 5")]
    Argument(usize),
    #[error("the default action cannot be SCMP_ACT_NOTIFY")]
    NotifyByDefault,
    #[error("`write` cannot have the action SCMP_ACT_NOTIFY: it is needed to hand over the listener")]
    NotifyWrite,
    #[error("action SCMP_ACT_NOTIFY needs a `listenerPath`")]
    NoListener,
    #[error("the filter has {0} instructions, of which the kernel takes {most}", most = compile::MOST)]
    TooLong(usize),
}

/// A filter, ready to be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) program: Vec<Instruction>,
    pub(super) flags: FilterFlags,
}

/// The filter of a container's processes, if they are to have one. It depends on what the container may do, not on what
/// one of its processes may: an exec with more rights is filtered like the others.
pub(super) fn filter(config: &Config) -> Result<Option<Filter>, SeccompError> {
    match config.seccomp {
        Seccomp::Default => {
            let process = config.spec.process().as_ref();
            Ok(Some(default_filter(Sets::of(process.and_then(|process| process.capabilities().as_ref())).bounding)))
        }
        Seccomp::Specified => {
            config.spec.linux().as_ref().and_then(|linux| linux.seccomp().as_ref()).map(specified).transpose()
        }
    }
}

fn default_filter(capabilities: CapabilitySet) -> Filter {
    Filter { program: compile::compile(&default::policy(capabilities)), flags: FilterFlags::SPEC_ALLOW }
}

fn specified(seccomp: &LinuxSeccomp) -> Result<Filter, SeccompError> {
    let program = compile::compile(&specification::policy(seccomp)?);
    if program.len() > compile::MOST {
        return Err(SeccompError::TooLong(program.len()));
    }
    let mut flags = match seccomp.flags() {
        // As runc: kernels before 5.16 slow filtered processes down without.
        None => FilterFlags::SPEC_ALLOW,
        Some(flags) => flags.iter().map(|flag| self::flag(*flag)).collect(),
    };
    if listener(seccomp)?.is_some() {
        flags |= FilterFlags::NEW_LISTENER;
        // Of a single thread there is nothing to synchronise, and the kernel takes only one of the two.
        flags -= FilterFlags::TSYNC;
    } else {
        flags -= FilterFlags::WAIT_KILLABLE_RECV;
    }
    Ok(Filter { program, flags })
}

/// Who is to answer for calls with the action `SCMP_ACT_NOTIFY`, if there are any.
pub(super) fn listener(seccomp: &LinuxSeccomp) -> Result<Option<&Path>, SeccompError> {
    let notify = |action: LinuxSeccompAction| action == LinuxSeccompAction::ScmpActNotify;
    let any = seccomp.syscalls().iter().flatten().any(|syscall| notify(syscall.action()));
    match (any, seccomp.listener_path()) {
        (false, _) => Ok(None),
        (true, Some(path)) => Ok(Some(path)),
        (true, None) => Err(SeccompError::NoListener),
    }
}

fn flag(flag: LinuxSeccompFilterFlag) -> FilterFlags {
    match flag {
        LinuxSeccompFilterFlag::SeccompFilterFlagLog => FilterFlags::LOG,
        LinuxSeccompFilterFlag::SeccompFilterFlagTsync => FilterFlags::TSYNC,
        LinuxSeccompFilterFlag::SeccompFilterFlagSpecAllow => FilterFlags::SPEC_ALLOW,
        LinuxSeccompFilterFlag::SeccompFilterFlagWaitKillableRecv => FilterFlags::WAIT_KILLABLE_RECV,
    }
}
