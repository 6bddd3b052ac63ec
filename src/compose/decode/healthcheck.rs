//! `healthcheck`.

use super::field::{Field, Object};
use super::service::duration;
use crate::compose::model::{Healthcheck, Probe};

/// Decodes a health check; `None` when it says nothing.
pub(super) fn healthcheck(object: &Object<'_>) -> Option<Healthcheck> {
    let disabled = object.boolean("disable").unwrap_or(false);
    let test = if disabled { Some(Probe::None) } else { object.get("test").and_then(probe) };
    let check = Healthcheck {
        test,
        interval: object.get("interval").and_then(duration),
        timeout: object.get("timeout").and_then(duration),
        retries: object.get("retries").and_then(|field| field.number("a number of tries")),
        start_period: object.get("start_period").and_then(duration),
        start_interval: object.get("start_interval").and_then(duration),
    };
    (check != Healthcheck::default()).then_some(check)
}

fn probe(field: Field<'_>) -> Option<Probe> {
    let mut words = field.strings();
    if words.is_empty() {
        // An empty test takes the image's, as in Docker.
        return None;
    }
    match words.remove(0).as_str() {
        "NONE" => Some(Probe::None),
        "CMD" if !words.is_empty() => Some(Probe::Command(words)),
        "CMD-SHELL" if words.len() == 1 => Some(Probe::Shell(words.remove(0))),
        "CMD" => {
            field.invalid("`CMD` needs a command");
            None
        }
        "CMD-SHELL" => {
            field.invalid("`CMD-SHELL` takes one string");
            None
        }
        _ => {
            field.invalid("a list must begin with `CMD`, `CMD-SHELL` or `NONE`");
            None
        }
    }
}
