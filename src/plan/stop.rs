//! The plan of stopping: what `up` does when it is interrupted.

use std::time::Duration;

use super::draft::Draft;
use super::take_down::{Leaving, Then, take_down};
use super::{Cause, Observed, Plan};
use crate::name::ServiceName;

pub(super) fn plan(observed: &Observed, services: &[ServiceName], timeout: Option<Duration>) -> Plan {
    let mut draft = Draft::default();
    let stopping = observed
        .containers
        .iter()
        .filter(|container| services.is_empty() || services.contains(&container.service))
        .map(|container| Leaving { container, cause: Cause::Requested, then: Then::Stay, after: Vec::new() });
    take_down(&mut draft, None, observed, stopping.collect(), timeout);
    draft.finish(Vec::new())
}
