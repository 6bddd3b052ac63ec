//! Events as `events` prints them.

use jiff::tz::TimeZone;
use serde_json::json;

use crate::supervisor::Happening;

/// `2026-01-02 03:04:05.000006 container start 0123… (image=web:1, name=shop-web-1)`.
#[must_use]
pub fn as_text(happening: &Happening, zone: &TimeZone) -> String {
    let Happening { time, container, action, attributes, .. } = happening;
    let time = time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.6f");
    let attributes: Vec<_> = attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{time} container {action} {container} ({})\n", attributes.join(", "))
}

/// An object on a line, with the fields of docker compose.
#[must_use]
pub fn as_json(happening: &Happening, zone: &TimeZone) -> String {
    let Happening { time, service, container, action, attributes } = happening;
    let time = time.to_zoned(zone.clone());
    let zone = if time.offset().is_zero() { "Z".to_owned() } else { time.strftime("%:z").to_string() };
    let value = json!({
        "time": format!("{}{zone}", time.strftime("%Y-%m-%dT%H:%M:%S%.f")),
        "type": "container",
        "service": service,
        "id": container,
        "action": action,
        "attributes": attributes,
    });
    format!("{value}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::{ContainerId, ServiceName};

    #[test]
    fn formats() {
        let happening = Happening {
            time: "2026-01-02T03:04:05.000006Z".parse().unwrap(),
            service: ServiceName::new("web").unwrap(),
            container: ContainerId::new("ab".repeat(32)).unwrap(),
            action: "die".to_owned(),
            attributes: [("name", "shop-web-1"), ("exitCode", "3")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        };
        let id = "ab".repeat(32);
        assert_eq!(
            as_text(&happening, &TimeZone::UTC),
            format!("2026-01-02 03:04:05.000006 container die {id} (exitCode=3, name=shop-web-1)\n")
        );
        assert_eq!(
            as_json(&happening, &TimeZone::UTC),
            format!(
                "{{\"action\":\"die\",\"attributes\":{{\"exitCode\":\"3\",\"name\":\"shop-web-1\"}},\"id\":\"{id}\",\
                 \"service\":\"web\",\"time\":\"2026-01-02T03:04:05.000006Z\",\"type\":\"container\"}}\n"
            )
        );
    }
}
