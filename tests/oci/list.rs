//! `list`: as a table, as JSON, as ids.

use super::harness::Lab;

#[test]
fn each_form() {
    let lab = Lab::new("sleep 1000");
    assert_eq!(lab.oci("list").text().split_whitespace().count(), 6);
    assert_eq!(lab.oci("list --format json").text(), "null");
    lab.oci("create ID").text();
    let pid = lab.state()["pid"].to_string();
    let table = lab.oci("list");
    let lines: Vec<_> = table.text().lines().collect();
    let cells: Vec<_> = lines[1].split_whitespace().collect();
    assert!(lines[0].starts_with("ID "), "{table:?}");
    assert_eq!(cells[..4], [lab.id(), pid.as_str(), "created", lab.bundle().to_str().unwrap()]);
    assert_eq!(cells[5], "root");
    assert_eq!(lab.oci("list -q").text(), lab.id());
    let json: serde_json::Value = serde_json::from_str(lab.oci("list -f json").text()).unwrap();
    assert_eq!(json[0]["id"], lab.id());
    assert_eq!(json[0]["owner"], "root");
    assert_eq!(json.as_array().unwrap().len(), 1);
}
