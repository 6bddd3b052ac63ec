//! `network ls`: the columns, lines of JSON and templates of docker.

use serde_json::{Value, json};

use super::Shown;
use crate::cli::listing::Listing;
use crate::cli::template::TemplateError;
use crate::network::IpFamily;

const LIST: Listing = Listing {
    columns: "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}",
    headers: &[
        ("CreatedAt", "CREATED AT"),
        ("Driver", "DRIVER"),
        ("ID", "NETWORK ID"),
        ("IPv4", "IPV4"),
        ("IPv6", "IPV6"),
        ("Internal", "INTERNAL"),
        ("Labels", "LABELS"),
        ("Name", "NAME"),
        ("Scope", "SCOPE"),
    ],
};

/// `networks` in `format`: `table`, `json`, a template, or one in columns after `table`.
///
/// # Errors
/// [`TemplateError`].
pub fn as_list(networks: &[Shown], format: &str, whole_ids: bool) -> Result<String, TemplateError> {
    let values: Vec<Value> = networks.iter().map(|network| fields(network, whole_ids)).collect();
    LIST.print(&values, format, |index| values[index].to_string())
}

/// What `network ls --quiet` prints: an id a line.
#[must_use]
pub fn as_short_ids(networks: &[Shown], whole_ids: bool) -> String {
    networks.iter().map(|network| format!("{}\n", id(network, whole_ids))).collect()
}

fn id(network: &Shown, whole: bool) -> String {
    let mut id = network.record.id();
    if !whole {
        id.truncate(12);
    }
    id
}

/// The fields of a network, all of them texts as with docker.
fn fields(network: &Shown, whole_ids: bool) -> Value {
    let record = &network.record;
    let labels: Vec<_> = network.labels().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let created = record.created_at.map(|at| at.strftime("%Y-%m-%d %H:%M:%S%.f +0000 UTC").to_string());
    json!({
        "CreatedAt": created.unwrap_or_default(),
        "Driver": record.driver(),
        "ID": id(network, whole_ids),
        "IPv4": network.has(IpFamily::V4).to_string(),
        "IPv6": network.has(IpFamily::V6).to_string(),
        "Internal": record.internal.to_string(),
        "Labels": labels.join(","),
        "Name": record.name,
        "Scope": "local",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::network::tests::shown;

    #[test]
    fn formats() {
        let networks = [shown()];
        let list = |format| as_list(&networks, format, false).unwrap();
        insta::assert_snapshot!(list("table"), @"
        NETWORK ID     NAME        DRIVER    SCOPE
        e7fd03371f77   shop_back   bridge    local
        ");
        insta::assert_snapshot!(list("json"), @r#"{"CreatedAt":"2026-01-02 03:04:05 +0000 UTC","Driver":"bridge","ID":"e7fd03371f77","IPv4":"true","IPv6":"true","Internal":"true","Labels":"com.docker.compose.network=back,com.docker.compose.project=shop,tier=back","Name":"shop_back","Scope":"local"}"#);
        insta::assert_snapshot!(list("table {{.Name}}\\t{{.Internal}}"), @"
        NAME        INTERNAL
        shop_back   true
        ");
        assert_eq!(list("{{.Name}}: {{.Driver}}"), "shop_back: bridge\n");
        assert_eq!(as_short_ids(&networks, true), format!("{}\n", networks[0].record.id()));
        assert_eq!(as_short_ids(&networks, false).len(), 13);
        assert!(as_list(&networks, "{{.Size}}", false).is_err());
    }
}
