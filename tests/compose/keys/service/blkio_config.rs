//! `services.*.blkio_config`: limits of block devices.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.blkio_config");

#[test]
fn forms() {
    KEY.prints(&[
        ("{weight: 300}", r#"{"weight": 300}"#),
        ("{weight_device: [{path: /dev/sda, weight: 400}]}", r#"{"weight_device": [{"Path": "/dev/sda", "Weight": 400}]}"#),
        ("{device_read_bps: [{path: /dev/sda, rate: 12mb}], device_write_bps: [{path: /dev/sda, rate: 1024}]}", r#"{"device_read_bps": [{"Path": "/dev/sda", "Rate": "12582912"}], "device_write_bps": [{"Path": "/dev/sda", "Rate": "1024"}]}"#),
        ("{device_read_iops: [{path: /dev/sda, rate: 120}], device_write_iops: [{path: /dev/sda, rate: '30'}]}", r#"{"device_read_iops": [{"Path": "/dev/sda", "Rate": "120"}], "device_write_iops": [{"Path": "/dev/sda", "Rate": "30"}]}"#),
        ("{}", "{}"),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{foo: 1}", "3:20 unknown key `foo` in `blkio_config` of service `web`"),
        ("{weight: a}", "3:28 invalid `blkio_config.weight` in service `web`: `a` is not a whole number"),
        ("{weight_device: [{path: /dev/sda, foo: 1}]}", "3:53 unknown key `foo` in `blkio_config.weight_device` of service `web`"),
        ("{device_read_bps: [{path: /dev/sda, rate: 5q}]}", "3:61 invalid `blkio_config.device_read_bps.rate` in service `web`: `5q` is not a size such as `512m` or `1.5gb`"),
        ("{device_read_bps: {path: /dev/sda}}", "3:37 `blkio_config.device_read_bps` in service `web` must be a list, found a mapping"),
        ("300", "3:19 `blkio_config` in service `web` must be a mapping, found a number"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("{weight: 1}", "{weight: 2}", r#"{"weight": 2}"#),
        (
            "{device_read_bps: [{path: /a, rate: 1}]}",
            "{device_read_bps: [{path: /b, rate: 2}]}",
            r#"{"device_read_bps": [{"Path": "/a", "Rate": "1"}, {"Path": "/b", "Rate": "2"}]}"#,
        ),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[("{weight: 300}", ""), ("{}", "")]);
}
