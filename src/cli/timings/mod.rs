//! Where the time of a command went: what was done when, what came after what, and the chain of these that the whole took
//! as long as.
//!
//! ```text
//! Stopwatch (files, pulls, the way to the supervisor) ─┐              ┌─▶ text
//! StepTime … (what the supervisor did)                ─┴─▶ Timings ───┼─▶ json
//!                                                                     └─▶ svg
//! ```

mod json;
mod report;
mod svg;
mod text;

pub use report::{Report, TimingsTo};

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use crate::supervisor::{StepTime, Work, now};

/// Waits that are shorter are none.
const NOTABLE: Duration = Duration::from_millis(1);

/// What is done in a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The Compose file is read and the plan made.
    Load,
    /// An image is fetched.
    Pull,
    /// The supervisor is found or started.
    Connect,
    /// A provider does its part.
    Provide,
    /// What the supervisor does.
    Step(Work),
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Load => "load",
            Self::Pull => "pull",
            Self::Connect => "connect",
            Self::Provide => "provide",
            Self::Step(Work::Create) => "create",
            Self::Step(Work::Update) => "update",
            Self::Step(Work::Prepare) => "prepare",
            Self::Step(Work::Replace) => "replace",
            Self::Step(Work::Start) => "start",
            Self::Step(Work::Started) => "started",
            Self::Step(Work::Healthy) => "healthy",
            Self::Step(Work::Completed) => "completed",
            Self::Step(Work::Stop) => "stop",
            Self::Step(Work::Remove) => "remove",
            Self::Step(Work::Change) => "change",
        })
    }
}

/// Something that took time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// What it was done to: `db`, `web-2`, `image postgres:15`.
    pub row: String,
    /// What was done.
    pub kind: Kind,
    /// When it began, since the command did.
    pub begin: Duration,
    /// When it ended.
    pub end: Duration,
    /// The spans that it came after.
    pub after: Vec<usize>,
    /// Whether the whole would have been quicker if this had been.
    pub is_critical: bool,
}

impl Span {
    fn took(&self) -> Duration {
        self.end.saturating_sub(self.begin)
    }
}

/// Where the time of a command went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timings {
    /// The project.
    pub project: String,
    /// How long it took.
    pub total: Duration,
    /// What was done, in order of the beginnings.
    pub spans: Vec<Span>,
}

/// What the command itself takes time for.
#[derive(Debug, Clone)]
pub struct Stopwatch {
    begun: Duration,
    noted: Rc<RefCell<Vec<Noted>>>,
    /// What the supervisor did for earlier requests of the command.
    steps: Rc<RefCell<Vec<StepTime>>>,
}

type Noted = (Kind, String, Duration, Duration);

impl Stopwatch {
    /// One that runs from now on.
    #[must_use]
    pub fn start() -> Self {
        Self { begun: now(), noted: Rc::default(), steps: Rc::default() }
    }

    /// Notes that something was done to `row`, from `begun` until now.
    pub fn note(&self, kind: Kind, row: &str, begun: Duration) {
        self.noted.borrow_mut().push((kind, row.to_owned(), begun, now()));
    }

    /// Notes that the files were read since the start; again, it says nothing.
    pub fn loaded(&self) {
        if !self.noted.borrow().iter().any(|(kind, ..)| *kind == Kind::Load) {
            self.note(Kind::Load, "compose file", self.begun);
        }
    }

    /// Adds what the supervisor did for a request that is not the last.
    pub fn add(&self, steps: Vec<StepTime>) {
        let mut all = self.steps.borrow_mut();
        let next = all.iter().map(|step| step.step + 1).max().unwrap_or(0);
        // Each plan counts its own steps.
        all.extend(steps.into_iter().map(|mut step| {
            step.step += next;
            step.after.iter_mut().for_each(|after| *after += next);
            step
        }));
    }

    /// All that was done, with what the supervisor did last.
    #[must_use]
    pub fn timings(&self, project: &str, steps: Vec<StepTime>) -> Timings {
        self.add(steps);
        let steps = self.steps.take();
        Timings::new(project, (self.begun, now()), &self.noted.borrow(), steps)
    }
}

impl Timings {
    fn new(project: &str, (begun, ended): (Duration, Duration), noted: &[Noted], mut steps: Vec<StepTime>) -> Self {
        let mut spans: Vec<Span> = Vec::new();
        for (kind, row, begin, end) in noted {
            // Pulls begin together, and each of the others when all before it is done.
            let is_before = |(_, span): &(usize, &Span)| !(*kind == Kind::Pull && span.kind == Kind::Pull);
            let after = spans.iter().enumerate().filter(is_before).map(|(index, _)| index).collect();
            let (row, kind) = (row.clone(), *kind);
            spans.push(Span { row, kind, begin: *begin, end: *end, after, is_critical: false });
        }
        steps.sort_by_key(|step| (step.begun, step.step));
        let first = spans.len();
        let places: BTreeMap<usize, usize> =
            steps.iter().enumerate().map(|(index, step)| (step.step, first + index)).collect();
        let rows = Rows::of(&steps);
        let noted = spans.iter().enumerate().map(|(index, span)| (index, span.end)).collect::<Vec<_>>();
        let last = |begun: Duration| noted.iter().rev().find(|(_, end)| *end <= begun).map(|(index, _)| *index);
        for step in &steps {
            let mut after: Vec<usize> = step.after.iter().filter_map(|step| places.get(step).copied()).collect();
            if after.is_empty() {
                after.extend(last(step.begun));
            }
            let (row, kind) = (rows.of_step(step, project), Kind::Step(step.work));
            spans.push(Span { row, kind, begin: step.begun, end: step.ended, after, is_critical: false });
        }
        for span in &mut spans {
            (span.begin, span.end) = (span.begin.saturating_sub(begun), span.end.saturating_sub(begun));
        }
        let mut timings = Self { project: project.to_owned(), total: ended.saturating_sub(begun), spans };
        timings.mark_critical();
        timings
    }

    /// Marks what ended last, and of what it came after always that which ended last.
    fn mark_critical(&mut self) {
        let latest = |spans: &[Span], among: &mut dyn Iterator<Item = usize>| {
            among.max_by_key(|index| (spans[*index].end, std::cmp::Reverse(*index)))
        };
        let mut next = latest(&self.spans, &mut (0..self.spans.len()));
        while let Some(index) = next {
            self.spans[index].is_critical = true;
            let after = self.spans[index].after.clone();
            next = latest(&self.spans, &mut after.into_iter().filter(|earlier| *earlier != index));
        }
    }

    /// The critical path, from its beginning.
    pub fn critical(&self) -> impl Iterator<Item = &Span> {
        let mut path: Vec<&Span> = self.spans.iter().filter(|span| span.is_critical).collect();
        path.sort_by_key(|span| (span.begin, span.end));
        path.into_iter()
    }

    /// The rows in order of their beginnings, with what was done to each.
    #[must_use]
    pub fn rows(&self) -> Vec<(&str, Vec<&Span>)> {
        let mut rows: Vec<(&str, Vec<&Span>)> = Vec::new();
        for span in &self.spans {
            match rows.iter_mut().find(|(row, _)| *row == span.row) {
                Some((_, spans)) => spans.push(span),
                None => rows.push((&span.row, vec![span])),
            }
        }
        rows
    }

    /// Since when `span` has waited for something else to be as it needs it, and for what.
    #[must_use]
    pub fn wait(&self, span: &Span) -> Option<(Duration, &str)> {
        if span.kind != Kind::Step(Work::Start) {
            return None;
        }
        let last = span.after.iter().map(|index| &self.spans[*index]).max_by_key(|earlier| earlier.end)?;
        let own = self.spans.iter().filter(|earlier| earlier.row == span.row && earlier.end <= span.begin);
        let since = own.map(|earlier| earlier.end).max().unwrap_or_default();
        let is_wait = last.row != span.row && span.begin.saturating_sub(since) >= NOTABLE;
        is_wait.then_some((since, &last.row))
    }
}

/// What the containers of services are called: by the service alone where it has one.
struct Rows<'a>(BTreeMap<&'a str, std::collections::BTreeSet<&'a str>>);

impl<'a> Rows<'a> {
    fn of(steps: &'a [StepTime]) -> Self {
        let mut containers: BTreeMap<&str, std::collections::BTreeSet<&str>> = BTreeMap::new();
        for step in steps.iter().filter(|step| matches!(step.work, Work::Create | Work::Start)) {
            if let Some(service) = &step.service {
                containers.entry(service.as_str()).or_default().insert(&step.subject);
            }
        }
        Self(containers)
    }

    fn of_step(&self, step: &StepTime, project: &str) -> String {
        match &step.service {
            Some(service) if self.0.get(service.as_str()).is_some_and(|of| of.len() == 1) => service.to_string(),
            _ => {
                let own = step.subject.strip_prefix(project).and_then(|rest| rest.strip_prefix(['-', '_']));
                own.unwrap_or(&step.subject).to_owned()
            }
        }
    }
}

/// A length of time with three digits: `12.3 ms`, `1.92 s`.
fn short(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    match time.as_micros() {
        0..9_995 => format!("{milliseconds:.2} ms"),
        9_995..99_950 => format!("{milliseconds:.1} ms"),
        99_950..999_500 => format!("{milliseconds:.0} ms"),
        999_500..9_995_000 => format!("{:.2} s", time.as_secs_f64()),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::ServiceName;

    /// A web server that waits for a database which is pulled; a cache beside them.
    pub(super) fn shop() -> Timings {
        let at = Duration::from_millis;
        let step = |step, after: &[usize], work, subject: &str, begun: u64, ended: u64| StepTime {
            step,
            after: after.to_vec(),
            work,
            subject: subject.to_owned(),
            service: subject
                .split('-')
                .next()
                .filter(|name| !name.contains(' '))
                .map(|name| ServiceName::new(name).unwrap()),
            begun: at(5000 + begun),
            ended: at(5000 + ended),
        };
        let noted = [
            (Kind::Load, "compose file".to_owned(), at(5000), at(5010)),
            (Kind::Pull, "image redis:7".to_owned(), at(5010), at(5300)),
            (Kind::Pull, "image postgres:15".to_owned(), at(5010), at(5400)),
            (Kind::Connect, "supervisor".to_owned(), at(5400), at(5408)),
        ];
        let steps = vec![
            step(0, &[], Work::Create, "network default", 410, 413),
            step(1, &[0], Work::Create, "db-1", 413, 420),
            step(2, &[0], Work::Create, "cache-1", 413, 421),
            step(3, &[0], Work::Create, "web-1", 413, 422),
            step(4, &[1], Work::Start, "db-1", 420, 432),
            step(5, &[2], Work::Start, "cache-1", 421, 430),
            step(6, &[4], Work::Healthy, "db", 432, 1300),
            step(7, &[3, 6], Work::Start, "web-1", 1300, 1312),
        ];
        Timings::new("shop", (at(5000), at(6320)), &noted, steps)
    }

    #[test]
    fn the_critical_path_is_what_the_end_waited_for() {
        let timings = shop();
        let path: Vec<_> = timings.critical().map(|span| format!("{} {}", span.row, span.kind)).collect();
        let expected = ["compose file load", "image postgres:15 pull", "supervisor connect", "network default create"];
        assert_eq!(path[..4], expected);
        assert_eq!(path[4..], ["db create", "db start", "db healthy", "web start"]);
    }

    #[test]
    fn who_waits_for_others_is_told_from_who_works() {
        let timings = shop();
        let waits: Vec<_> = timings.spans.iter().filter_map(|span| Some((&*span.row, timings.wait(span)?))).collect();
        assert_eq!(waits, [("web", (Duration::from_millis(422), "db"))]);
    }

    #[test]
    fn containers_of_one_service_are_told_apart_when_there_are_several() {
        let step = |step, work, subject: &str| StepTime {
            step,
            after: Vec::new(),
            work,
            subject: subject.to_owned(),
            service: Some(ServiceName::new("web").unwrap()),
            begun: Duration::ZERO,
            ended: Duration::ZERO,
        };
        let steps = vec![step(0, Work::Start, "web-1"), step(1, Work::Start, "web-2"), step(2, Work::Healthy, "web")];
        let timings = Timings::new("shop", (Duration::ZERO, Duration::ZERO), &[], steps);
        assert_eq!(timings.rows().iter().map(|(row, _)| *row).collect::<Vec<_>>(), ["web-1", "web-2", "web"]);
    }

    #[test]
    fn three_digits() {
        for (microseconds, text) in
            [(0, "0.00 ms"), (1234, "1.23 ms"), (12_345, "12.3 ms"), (123_456, "123 ms"), (1_920_000, "1.92 s")]
        {
            assert_eq!(short(Duration::from_micros(microseconds)), text);
        }
    }
}
