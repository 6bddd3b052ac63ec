//! Words for what explains a failure: how containers ended, what they said last, who waits for whom.

use std::fmt::Write as _;

use crate::compose::model::Condition;
use crate::supervisor::{Ending, Evidence, FailedProbe, Pending, Wait};

/// The facts about a container, each on lines of their own, indented.
#[must_use]
pub fn told(evidence: &Evidence) -> String {
    let mut text = String::new();
    let name = &evidence.container;
    if let Some(ending) = &evidence.ended {
        let _ = writeln!(text, "  {name} ended with code {}{}", ending.code, meaning(ending));
    }
    for probe in &evidence.probes {
        let _ = writeln!(text, "  a probe of {name} {}", failed(probe));
    }
    if !evidence.lines.is_empty() {
        let _ = writeln!(text, "  the last lines of {name}:");
        evidence.lines.iter().for_each(|line| _ = writeln!(text, "    | {line}"));
    }
    text
}

/// Who waits for what, and what is known of that.
#[must_use]
pub fn waiting(wait: &Wait) -> String {
    let Wait { services, condition, state, evidence } = wait;
    let name = &evidence.container;
    let names: Vec<&str> = services.iter().map(|service| service.as_str()).collect();
    let who = match names.as_slice() {
        [] => "this command waits".to_owned(),
        [one] => format!("{one} waits"),
        [first @ .., last] => format!("{} and {last} wait", first.join(", ")),
    };
    let what = match condition {
        Condition::ServiceStarted => "to run",
        Condition::ServiceHealthy => "to be healthy",
        Condition::ServiceCompletedSuccessfully => "to complete",
    };
    let state = match state {
        Pending::Created => "is not started yet".to_owned(),
        Pending::Changing => "is being started or stopped".to_owned(),
        Pending::Running => "runs".to_owned(),
        Pending::Restarting(code) => format!("ended with code {code} and is started again"),
    };
    let mut text = format!("  {who} for {name} {what}, which {state}\n");
    // That it is to be started again is said; of what has not been started there is nothing else.
    let known = Evidence { ended: None, ..evidence.clone() };
    text.push_str(&told(&known));
    text
}

/// What a code says beside its number: as shells and the kernel use them.
fn meaning(ending: &Ending) -> String {
    let said = match ending.code {
        _ if ending.oom => {
            let limit = ending.memory_limit.map_or_else(String::new, |limit| format!(" of {}m", limit >> 20));
            return format!(": out of memory: the kernel killed a process of it (see its `mem_limit`{limit})");
        }
        126 => "its command, or one that it ran, cannot be executed",
        127 => "its command, or one that it ran, was not found",
        130 => "interrupted (SIGINT)",
        131 => "it quit on SIGQUIT",
        132 => "it crashed: illegal instruction (SIGILL)",
        134 => "it aborted (SIGABRT)",
        135 => "it crashed: bus error (SIGBUS)",
        136 => "it crashed: arithmetic error (SIGFPE)",
        137 => "it was killed (SIGKILL)",
        139 => "it crashed: invalid memory access (SIGSEGV)",
        141 => "nobody reads any more what it writes (SIGPIPE)",
        143 => "it was asked to end (SIGTERM)",
        code @ 129..=192 => return format!(": signal {} ended it", code - 128),
        _ => return String::new(),
    };
    format!(": {said}")
}

fn failed(probe: &FailedProbe) -> String {
    let output = probe.output.trim();
    let output = output.replace('\n', "\n    | ");
    match (probe.code, output.is_empty()) {
        (Some(code), true) => format!("failed with code {code}"),
        (Some(code), false) => format!("failed with code {code}: {output}"),
        (None, _) => format!("failed: {output}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::{ContainerName, ServiceName};

    fn evidence() -> Evidence {
        let container = ContainerName::new("shop-db-1").unwrap();
        Evidence { container, ended: None, probes: Vec::new(), lines: Vec::new() }
    }

    fn ended(code: i32, oom: bool) -> Option<Ending> {
        Some(Ending { code, oom, memory_limit: oom.then_some(64 << 20) })
    }

    #[test]
    fn a_container_that_ended() {
        let lines = ["loading".to_owned(), "FATAL: no such table".to_owned()].to_vec();
        insta::assert_snapshot!(told(&Evidence { ended: ended(1, false), lines, ..evidence() }), @"
          shop-db-1 ended with code 1
          the last lines of shop-db-1:
            | loading
            | FATAL: no such table
        ");
        let codes = [126, 127, 137, 139, 143, 150, 200].map(|code| meaning(&ended(code, false).unwrap()));
        insta::assert_snapshot!(codes.join("\n"), @"
        : its command, or one that it ran, cannot be executed
        : its command, or one that it ran, was not found
        : it was killed (SIGKILL)
        : it crashed: invalid memory access (SIGSEGV)
        : it was asked to end (SIGTERM)
        : signal 22 ended it
        ");
        insta::assert_snapshot!(told(&Evidence { ended: ended(137, true), ..evidence() }), @"  shop-db-1 ended with code 137: out of memory: the kernel killed a process of it (see its `mem_limit` of 64m)");
    }

    #[test]
    fn a_container_that_is_unhealthy() {
        let probe = |code, output: &str| FailedProbe { code, output: output.to_owned() };
        let probes = vec![probe(Some(1), ""), probe(Some(2), "no answer\n"), probe(None, "timed out after 1s")];
        insta::assert_snapshot!(told(&Evidence { probes, ..evidence() }), @"
          a probe of shop-db-1 failed with code 1
          a probe of shop-db-1 failed with code 2: no answer
          a probe of shop-db-1 failed: timed out after 1s
        ");
    }

    #[test]
    fn who_waits_for_whom() {
        let service = |name: &str| ServiceName::new(name).unwrap();
        let wait = |services, condition, state| Wait { services, condition, state, evidence: evidence() };
        let waits = [
            wait(vec![service("web")], Condition::ServiceHealthy, Pending::Running),
            wait(
                vec![service("web"), service("api"), service("job")],
                Condition::ServiceCompletedSuccessfully,
                Pending::Restarting(3),
            ),
            wait(vec![], Condition::ServiceStarted, Pending::Created),
        ];
        insta::assert_snapshot!(waits.iter().map(waiting).collect::<String>(), @"
          web waits for shop-db-1 to be healthy, which runs
          web, api and job wait for shop-db-1 to complete, which ended with code 3 and is started again
          this command waits for shop-db-1 to run, which is not started yet
        ");
    }
}
