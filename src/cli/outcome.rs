//! How an attached `up` ends when its containers do: pure bookkeeping.

use super::args::Ending;
use crate::name::ServiceName;

/// What the exits of containers say about the end of `up`.
#[derive(Debug)]
pub(super) struct Outcome {
    ending: Ending,
    /// The code of the exit that ended everything, or of the service that `--exit-code-from` chose.
    code: Option<i32>,
    is_over: bool,
}

impl Outcome {
    /// Before any exit.
    pub(super) fn new(ending: Ending) -> Self {
        Self { ending, code: None, is_over: false }
    }

    /// Takes in the end of a container of `service`.
    pub(super) fn exited(&mut self, service: &ServiceName, code: i32) {
        let is_end = !self.is_over && self.ending.is_reached_by(code);
        self.is_over |= is_end;
        let counts = match &self.ending {
            // Whichever ended first, its own end or its stop: the code is that of the chosen one.
            Ending::CodeFrom(chosen) | Ending::FailureCodeFrom(chosen) => chosen == service,
            _ => is_end,
        };
        if counts && self.is_over {
            self.code = Some(code);
        }
    }

    /// Whether everything else is to be stopped.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// The code to exit with, when an exit ended everything; 0 when the chosen service had no container.
    pub(super) fn code(&self) -> Option<i32> {
        self.is_over.then(|| self.code.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ending: Ending, exits: &[(&str, i32)], code: Option<i32>) {
        let mut outcome = Outcome::new(ending.clone());
        for (service, code) in exits {
            outcome.exited(&ServiceName::new(*service).unwrap(), *code);
        }
        assert_eq!(outcome.code(), code, "{ending:?} {exits:?}");
    }

    #[test]
    fn the_first_exit_ends_or_none_does() {
        check(Ending::AllExited, &[("web", 3)], None);
        check(Ending::AnyExit, &[("web", 3), ("db", 137)], Some(3));
        check(Ending::AnyFailure, &[("once", 0), ("web", 3), ("db", 137)], Some(3));
        check(Ending::AnyFailure, &[("once", 0)], None);
    }

    #[test]
    fn the_code_is_that_of_the_chosen_service() {
        let from = |service| Ending::CodeFrom(ServiceName::new(service).unwrap());
        check(from("test"), &[("test", 4), ("db", 137)], Some(4));
        check(from("test"), &[("db", 1), ("test", 143)], Some(143));
        check(from("test"), &[("db", 1)], Some(0));
    }
}
