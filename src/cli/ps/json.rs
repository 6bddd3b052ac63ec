//! A container as docker compose prints it with `ps --format json`: same fields, same order.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Length, Publisher, Row, age, displayed, quoted};

/// The fields, in the order of the alphabet.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Fields<'row> {
    command: String,
    created_at: String,
    exit_code: i32,
    health: &'static str,
    #[serde(rename = "ID")]
    id: &'row str,
    image: &'row str,
    labels: String,
    local_volumes: String,
    mounts: String,
    name: &'row str,
    names: &'row str,
    networks: String,
    ports: String,
    project: &'row str,
    publishers: &'row [Publisher],
    running_for: String,
    service: &'row str,
    size: &'static str,
    state: &'static str,
    status: String,
}

/// `row` as an object on one line.
pub(super) fn line(row: &Row, now: Timestamp, length: Length) -> String {
    serde_json::to_string(&fields(row, now, length)).expect("fields are text and numbers, which serialize")
}

/// What templates may name of `row`.
pub(super) fn value(row: &Row, now: Timestamp, length: Length) -> Value {
    let mut value =
        serde_json::to_value(fields(row, now, length)).expect("fields are text and numbers, which serialize");
    value["Label"] = json!(row.labels);
    value
}

fn fields(row: &Row, now: Timestamp, length: Length) -> Fields<'_> {
    let labels: Vec<_> = row.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let volumes = row.mounts.iter().filter(|mount| !mount.starts_with('/')).count();
    Fields {
        command: quoted(&row.command, length),
        created_at: row.created.strftime("%Y-%m-%d %H:%M:%S +0000 UTC").to_string(),
        exit_code: row.state.exit_code(),
        health: row.state.health(),
        id: if length == Length::Short { row.id.short() } else { row.id.as_str() },
        image: &row.image,
        labels: labels.join(","),
        local_volumes: volumes.to_string(),
        mounts: row.mounts.join(","),
        name: row.name.as_str(),
        names: row.name.as_str(),
        networks: row.networks.join(","),
        ports: displayed(&row.ports),
        project: row.project.as_str(),
        publishers: &row.ports,
        running_for: age(row.created, now),
        service: row.service.as_str(),
        // docker prints this too when nobody asked for sizes, which take long to count.
        size: "0B",
        state: row.state.name().as_str(),
        status: row.state.status(now),
    }
}
