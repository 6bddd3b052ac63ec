//! Of a process: what the kernel would refuse halfway, or silently take for something else.

use oci_spec::runtime::{LinuxSchedulerFlag, LinuxSchedulerPolicy, Process, Scheduler};

use super::SpecError;
use crate::runtime::init::number_list;
use crate::runtime::security_module;

/// Checks a container's first process or a further one.
pub(in crate::runtime) fn check(process: &Process) -> Result<(), SpecError> {
    if process.command_line().is_some() {
        return Err(SpecError::Unsupported { field: "process.commandLine".to_owned(), reason: ": this is Linux" });
    }
    if process.user().username().is_some() {
        return Err(SpecError::Unsupported { field: "process.user.username".to_owned(), reason: ": this is Linux" });
    }
    if !process.cwd().is_absolute() {
        return Err(SpecError::invalid("process.cwd", format!("`{}` is not absolute", process.cwd().display())));
    }
    let profile = process.apparmor_profile().as_deref().unwrap_or_default();
    // The word for no profile needs no module.
    if !matches!(profile, "" | "unconfined") && !security_module::has_apparmor() {
        let reason = format!("`{profile}` is for AppArmor, which this kernel does not run");
        return Err(SpecError::invalid("process.apparmorProfile", reason));
    }
    let label = process.selinux_label().as_deref().unwrap_or_default();
    if !label.is_empty() && !security_module::has_selinux() {
        let reason = format!("`{label}` is for SELinux, which this kernel does not run");
        return Err(SpecError::invalid("process.selinuxLabel", reason));
    }
    if process.user().umask().is_some_and(|umask| umask > 0o777) {
        return Err(SpecError::invalid("process.user.umask", "it has more than the nine bits of permissions"));
    }
    if let Some(score) = process.oom_score_adj().filter(|score| !(-1000..=1000).contains(score)) {
        return Err(SpecError::invalid("process.oomScoreAdj", format!("{score} is not from -1000 to 1000")));
    }
    for (index, rlimit) in process.rlimits().iter().flatten().enumerate() {
        let field = format!("process.rlimits[{index}]");
        if rlimit.soft() > rlimit.hard() {
            return Err(SpecError::invalid(field, "`soft` is more than `hard`"));
        }
        if process.rlimits().iter().flatten().take(index).any(|earlier| earlier.typ() == rlimit.typ()) {
            return Err(SpecError::invalid(field, format!("there are two of type `{}`", rlimit.typ())));
        }
    }
    if let Some(priority) = process.io_priority().as_ref().filter(|given| !(0..=7).contains(&given.priority())) {
        let reason = format!("{} is not from 0 to 7", priority.priority());
        return Err(SpecError::invalid("process.ioPriority.priority", reason));
    }
    if let Some(affinity) = process.exec_cpu_affinity() {
        for (field, list) in [("initial", affinity.initial()), ("final", affinity.cpu_affinity_final())] {
            number_list(list.as_deref().unwrap_or_default()).map_err(|list| {
                let reason = format!("`{list}` is no list of processors");
                SpecError::invalid(format!("process.execCPUAffinity.{field}"), reason)
            })?;
        }
    }
    process.scheduler().as_ref().map_or(Ok(()), scheduler)
}

fn scheduler(scheduler: &Scheduler) -> Result<(), SpecError> {
    use LinuxSchedulerPolicy as Policy;
    let field = |name: &str| format!("process.scheduler.{name}");
    let policy = *scheduler.policy();
    let only_for =
        |name: &str, given: bool, policies: &[Policy], names: &str| match given && !policies.contains(&policy) {
            true => Err(SpecError::invalid(field(name), format!("it is for {names} only"))),
            false => Ok(()),
        };
    if policy == Policy::SchedIso {
        return Err(SpecError::Unsupported {
            field: field("policy"),
            reason: " as `SCHED_ISO`: Linux has no such policy",
        });
    }
    let utilization = [LinuxSchedulerFlag::SchedFlagUtilClampMin, LinuxSchedulerFlag::SchedFlagUtilClampMax];
    if scheduler.flags().iter().flatten().any(|flag| utilization.contains(flag)) {
        // The specification has no field for the bounds that these flags announce.
        return Err(SpecError::Unsupported { field: field("flags"), reason: " for bounds of utilization" });
    }
    if let Some(nice) = scheduler.nice().filter(|nice| !(-20..=19).contains(nice)) {
        return Err(SpecError::invalid(field("nice"), format!("{nice} is not from -20 to 19")));
    }
    let real_time = [Policy::SchedFifo, Policy::SchedRr];
    let priority = scheduler.priority().unwrap_or_default();
    only_for("priority", priority != 0, &real_time, "SCHED_FIFO and SCHED_RR")?;
    if real_time.contains(&policy) && !(1..=99).contains(&priority) {
        return Err(SpecError::invalid(field("priority"), format!("{priority} is not from 1 to 99")));
    }
    for (name, value) in
        [("runtime", scheduler.runtime()), ("deadline", scheduler.deadline()), ("period", scheduler.period())]
    {
        only_for(name, value.is_some_and(|value| value != 0), &[Policy::SchedDeadline], "SCHED_DEADLINE")?;
    }
    Ok(())
}
