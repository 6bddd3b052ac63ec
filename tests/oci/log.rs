//! Errors, as engines read them: the last record of the log.

use super::harness::Lab;

#[test]
fn json_records() {
    let lab = Lab::new("true");
    let log = lab.directory.path().join("log.json");
    let line = format!("--log {} --log-format json start ID", log.display());
    let outcome = lab.oci(&line);
    assert_eq!(outcome.stderr, "container does not exist\n");
    lab.oci(&line);
    let text = fs_err::read_to_string(&log).unwrap();
    assert_eq!(text.lines().count(), 2, "{text}");
    let record: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(record["level"], "error");
    assert_eq!(record["msg"], "container does not exist");
    let time: jiff::Timestamp = record["time"].as_str().unwrap().parse().unwrap();
    assert!(time.duration_until(jiff::Timestamp::now()).as_secs() < 60);
}

#[test]
fn a_log_that_cannot_be_opened() {
    let lab = Lab::new("true");
    let outcome = lab.oci("--log /no/such/directory/log list");
    assert!(outcome.error().contains("/no/such/directory/log"), "{outcome:?}");
}

#[test]
fn debugging_says_more() {
    let lab = Lab::new("true");
    assert!(lab.oci("--debug run ID").stderr.contains("level=debug"));
    assert_eq!(lab.oci("run ID").stderr, "");
}
