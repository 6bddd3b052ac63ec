//! Short files that stand for very much: refused at once, with their place.

use crate::{Case, messages};

const ENDLESS: &str = "this leads to more files than a project has: they lead from one to the next more than 32 times";

#[test]
fn includes_without_end() {
    // A link to its own directory has files below it without end; here they are written out.
    let text = "include: [one/compose.yaml]\nservices: {a: {image: x}}";
    let mut case = Case::new(text);
    let mut path = String::new();
    for _ in 0..150 {
        path += "one/";
        case = case.file(&format!("{path}compose.yaml"), text);
    }
    assert!(case.shown().starts_with(&format!("error: {ENDLESS}\n")), "{}", case.shown());
}

#[test]
fn includes_that_multiply() {
    let text = "include: [one/compose.yaml, one/compose.yaml]\nservices: {a: {image: x}}";
    let mut case = Case::new(text);
    for depth in 1..50 {
        case = case.file(&format!("{}compose.yaml", "one/".repeat(depth)), text);
    }
    assert!(case.shown().contains("this leads to more files than a project has: there are more than 500"));
}

#[test]
fn services_that_extend_one_another_without_end() {
    let chain = |length: usize| {
        let links: String = (1..length).map(|n| format!("  s{n}: {{extends: s{}}}\n", n - 1)).collect();
        format!("services:\n  s0: {{image: x}}\n{links}")
    };
    assert_eq!(messages(&chain(30)), [] as [&str; 0]);
    assert_eq!(messages(&chain(2000)).first().map(String::as_str), Some(ENDLESS));
}

#[test]
fn ranges_of_ports() {
    let ranges =
        |count: usize| format!("services: {{a: {{image: x, ports: [{}]}}}}", vec!["1-60000"; count].join(", "));
    assert_eq!(messages(&ranges(1)), [] as [&str; 0]);
    let too_many = "invalid `ports`: the ranges of this project stand for more than 200000 ports";
    assert!(messages(&ranges(4)).iter().all(|message| message == too_many));
}

#[test]
fn variables_that_double() {
    let doubling = "A=${A:-x}${A:-x}\n".repeat(40);
    let shown = Case::new("services: {a: {image: 'x:1'}}").file(".env", &doubling).shown();
    assert!(shown.starts_with("error: its variables make it longer than a megabyte"), "{shown}");
    assert!(shown.contains("--> .env:21:3"), "{shown}");
    let many = format!("services:\n  a:\n    image: 'x:1'\n    dns: [{}]", vec!["'$A'"; 200].join(", "));
    let shown = Case::new(&many).variable("A", &"x".repeat(500_000)).shown();
    assert!(
        shown.starts_with("error: invalid template: the variables of these files stand for more than 64 megabytes")
    );
}
