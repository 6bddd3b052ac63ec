//! What a project asks of this machine that its files cannot tell: whether it has the programs and modules they name.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;
use super::error::CliError;
use crate::compose::model::{OciRuntime, Project};
use crate::compose::{Diagnostic, Findings, Judgement, Question};
use crate::name::ServiceName;
use crate::network::Queue;
use crate::runtime::{FoundRuntime, Runtimes, has_apparmor, may_set_oom_score};
use crate::state::Layout;

/// Looks for what `services` name: where the runtimes of the project are, and what is missing or done in another way.
///
/// # Errors
/// [`CliError::Runtimes`].
pub(super) fn judge(
    context: &Context,
    project: &Project,
    findings: &Findings,
    services: &BTreeSet<&ServiceName>,
) -> Result<(BTreeMap<String, OciRuntime>, Vec<Diagnostic>), CliError> {
    let runtimes = context.runtimes()?;
    let mut found = BTreeMap::new();
    for name in project.services.values().filter_map(|service| service.runtime.as_ref()) {
        if let FoundRuntime::Program(program) = runtimes.find(name) {
            found.insert(name.clone(), OciRuntime { path: program.path, args: program.args });
        }
    }
    Ok((found, findings.judged(services, |_, question| judgement(question, &runtimes, &context.layout))))
}

fn judgement(question: &Question, runtimes: &Runtimes, layout: &Layout) -> Judgement {
    let value = question.value.as_deref().unwrap_or_default();
    match question.attribute.as_str() {
        "runtime" => match runtimes.find(value) {
            FoundRuntime::Program(_) => Judgement::Obeyed,
            FoundRuntime::Own => {
                Judgement::Instead("it is not installed here: rcompose's own runtime does its work".to_owned())
            }
            FoundRuntime::Nothing(reason) => Judgement::Refused(reason),
        },
        "oom_score_adj" if value.parse().is_ok_and(|score| !may_set_oom_score(score)) => Judgement::Refused(
            "to spare a process more than others takes CAP_SYS_RESOURCE, which rcompose does not have here".to_owned(),
        ),
        // Profiles are of the machine; labels are made of a policy's contexts, of which nothing is known here.
        "security_opt" if value.starts_with("apparmor") => match has_apparmor() {
            true => Judgement::Obeyed,
            false => Judgement::Refused("this kernel does not run AppArmor".to_owned()),
        },
        "security_opt" => Judgement::Refused("labels of SELinux are not supported yet".to_owned()),
        "storage_opt.size" => match layout.keeps_quotas() {
            true => Judgement::Obeyed,
            false => Judgement::Refused(format!(
                "the file system of `{}` has no project quotas: mount it (ext4 or XFS) with the option `prjquota`",
                layout.root().display()
            )),
        },
        "x-rcompose.network.delay" | "x-rcompose.network.loss" => of_kernel(Queue::Netem, "netem"),
        attribute if attribute.starts_with("x-rcompose.network.rate") => of_kernel(Queue::Tbf, "tbf"),
        _ => Judgement::Obeyed,
    }
}

/// Whether the kernel has what holds packets back.
fn of_kernel(queue: Queue, name: &str) -> Judgement {
    if queue.is_missing() {
        Judgement::Refused(format!("this kernel has no {name} ({})", queue.option()))
    } else {
        Judgement::Obeyed
    }
}
