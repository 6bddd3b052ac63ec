//! An event as docker compose prints it with `--progress json`.

use serde::Serialize;

use super::event::{Event, Phase};

#[derive(Serialize)]
struct Fields<'event> {
    id: &'event str,
    status: &'static str,
    text: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    details: &'event str,
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<u64>,
}

/// `event` as an object, without a line end.
pub(super) fn line(event: &Event) -> String {
    let total = event.amount.and_then(|amount| amount.total);
    let fields = Fields {
        id: &event.id,
        status: match event.status.phase() {
            Phase::Working => "Working",
            Phase::Done => "Done",
            Phase::Warning => "Warning",
            Phase::Failed => "Error",
        },
        text: event.status.to_string(),
        details: &event.detail,
        current: event.amount.map(|amount| amount.current),
        total,
        percent: event.amount.zip(total).and_then(|(amount, total)| percent(amount.current, total)),
    };
    serde_json::to_string(&fields).expect("fields are text and numbers, which serialize")
}

/// `current` of `total` in percent, at most 100; `None` of nothing.
fn percent(current: u64, total: u64) -> Option<u64> {
    u64::try_from(u128::from(current.min(total)) * 100 / u128::from((total > 0).then_some(total)?)).ok()
}
