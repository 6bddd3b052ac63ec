//! Profiles and services named on the command line.

use rcompose::compose::LoadError;

use crate::Case;

const PROFILES: &str = "services:\n  web: {image: x}\n  debug: {image: x, profiles: [dev], depends_on: [web], networks: [n]}\n  seed: {image: x, profiles: [dev, seed]}\nnetworks: {n: , unused: }\n";

fn on(case: &Case) -> String {
    let project = case.load().unwrap().project;
    let list = |names: Vec<String>| names.join(" ");
    let on = list(project.services.keys().map(ToString::to_string).collect());
    let off = list(project.disabled.keys().map(ToString::to_string).collect());
    let networks = list(project.networks.keys().map(ToString::to_string).collect());
    format!("{on} / {off} / {networks}")
}

#[test]
fn profiles() {
    let with = |profiles: &[&str]| {
        let profiles: Vec<String> = profiles.iter().map(ToString::to_string).collect();
        Case::new(PROFILES).with(|options| options.profiles = profiles)
    };
    assert_eq!(on(&with(&[])), "web / debug seed / default");
    assert_eq!(on(&with(&["seed"])), "seed web / debug / default");
    assert_eq!(on(&with(&["*"])), "debug seed web /  / default n");
    assert_eq!(on(&with(&[]).variable("COMPOSE_PROFILES", "dev")), "debug seed web /  / default n");
    assert_eq!(on(&with(&["seed"]).variable("COMPOSE_PROFILES", "dev")), "seed web / debug / default");
    assert_eq!(on(&with(&[]).with(|options| options.services = vec!["debug".into()])), "debug seed web /  / default n");
}

#[test]
fn a_dependency_that_is_off() {
    let text = "services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, profiles: [p]}\n";
    insta::assert_snapshot!(Case::new(text).shown(), @"
    error: service `a` depends on `b`, which is switched off by its profiles
     --> compose.yaml:2:30
      |
    2 |   a: {image: x, depends_on: [b]}
      |                              ^
      |
    help: switch it on with `--profile p`, or set `required: false`
    ");
    assert!(Case::new(&text.replace("[b]", "{b: {condition: service_started, required: false}}")).load().is_ok());
}

#[test]
fn a_service_that_is_not_there() {
    let case = Case::new(PROFILES).with(|options| options.services = vec!["wbe".into()]);
    let error = case.load().unwrap_err();
    assert_eq!(error.to_string(), "no such service: wbe");
    assert!(matches!(error, LoadError::NoSuchService { nearest: Some(nearest), .. } if nearest == "web"));
}
