//! `services.*.stop_grace_period`: how long it may take to end.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.stop_grace_period");

#[test]
fn forms() {
    KEY.prints(&[
        ("10s", "10s"),
        ("1m30s", "1m30s"),
        ("1h5m30s20ms", "1h5m30.02s"),
        ("'0'", "0s"),
        ("0s", "0s"),
        ("500us", "500µs"),
        ("1.5s", "1.5s"),
        ("2d", "48h0m0s"),
        ("1w", "168h0m0s"),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("5", "3:24 `stop_grace_period` in service `web` must be a string such as `10s`, found a number"),
        ("'5'", "3:25 invalid `stop_grace_period` in service `web`: `5` is not a duration such as `10s` or `1m30s`"),
        ("5x", "3:24 invalid `stop_grace_period` in service `web`: unknown unit `x` in the duration `5x`"),
        ("1m 30s", "3:24 invalid `stop_grace_period` in service `web`: unknown unit `m ` in the duration `1m 30s`"),
        ("''", "3:24 invalid `stop_grace_period` in service `web`: `` is not a duration such as `10s` or `1m30s`"),
        ("[5s]", "3:24 `stop_grace_period` in service `web` must be a string such as `10s`, found a list"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("1s", "2s", "2s"), ("1s", "null", "1s")]);
}

#[test]
fn when_run() {
    KEY.runs(&[("10s", "")]);
}
