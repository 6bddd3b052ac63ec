//! Which files are read, and what the project is called.

use crate::Case;

const ONE: &str = "services: {a: {image: x}}\n";

fn files(case: &Case) -> Vec<String> {
    let files = case.load().unwrap().project.files;
    files.iter().map(|file| file.display().to_string()).collect()
}

fn name(case: &Case) -> String {
    match case.load() {
        Ok(loaded) => loaded.project.name.to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_search_takes_the_override_along_and_climbs() {
    let both = Case::new(ONE).file("compose.override.yaml", ONE).file("docker-compose.override.yml", ONE);
    assert_eq!(files(&both), ["/shop/compose.yaml", "/shop/compose.override.yaml"]);
    let below = Case::new(ONE).with(|options| options.working_dir = "/shop/a/b".into());
    assert_eq!(files(&below), ["/shop/compose.yaml"]);
    assert_eq!(below.load().unwrap().project.working_dir.to_str(), Some("/shop"));
    let elsewhere = Case::new(ONE).with(|options| options.working_dir = "/else".into());
    assert_eq!(elsewhere.shown(), "no compose file in `/else` or any directory above it");
}

#[test]
fn the_best_of_several_names_is_used_with_a_warning() {
    insta::assert_snapshot!(Case::new(ONE).file("docker-compose.yml", ONE).warnings(), @"
    warning[ignored-files]: several compose files found, ignoring docker-compose.yml
     --> compose.yaml:1:1
      |
    1 | services: {a: {image: x}}
      | ^
    ");
}

#[test]
fn given_files() {
    let given = |case: Case| case.file("sub/a.yaml", ONE).file("b.yaml", ONE);
    let flags = given(Case::new(ONE)).with(|options| options.files = vec!["sub/a.yaml".into(), "b.yaml".into()]);
    assert_eq!(files(&flags), ["/shop/sub/a.yaml", "/shop/b.yaml"]);
    assert_eq!(flags.load().unwrap().project.working_dir.to_str(), Some("/shop/sub"));
    let variable = given(Case::new(ONE)).variable("COMPOSE_FILE", "sub/a.yaml:b.yaml");
    assert_eq!(files(&variable), files(&flags));
    let dotenv = given(Case::new(ONE)).file(".env", "COMPOSE_FILE=b.yaml,sub/a.yaml\nCOMPOSE_PATH_SEPARATOR=,\n");
    assert_eq!(files(&dotenv), ["/shop/b.yaml", "/shop/sub/a.yaml"]);
    let missing = Case::new(ONE).with(|options| options.files = vec!["no.yaml".into()]);
    assert_eq!(missing.shown(), "cannot read `/shop/no.yaml`");
}

#[test]
fn standard_input() {
    let mut case = Case::new(ONE).with(|options| options.files = vec!["-".into()]);
    case.files.0.insert("-".into(), ONE.to_owned());
    assert_eq!(files(&case), ["-"]);
    assert_eq!(case.load().unwrap().project.working_dir.to_str(), Some("/shop"));
}

#[test]
fn the_project_is_named() {
    let named = || Case::new("name: In File\nservices: {a: {image: x}}").file("compose.override.yaml", "services: {}");
    assert_eq!(name(&Case::new(ONE)), "shop");
    assert_eq!(name(&named()), "infile");
    assert_eq!(name(&named().variable("COMPOSE_PROJECT_NAME", "env")), "env");
    let flag =
        named().variable("COMPOSE_PROJECT_NAME", "env").with(|options| options.project_name = Some("flag".into()));
    assert_eq!(name(&flag), "flag");
    insta::assert_snapshot!(name(&Case::new(ONE).with(|options| options.project_name = Some("BAD".into()))), @"invalid project name `BAD`: must consist only of lowercase alphanumeric characters, hyphens, and underscores as well as start with a letter or number");
    assert_eq!(name(&Case::new("name: a-${X:-b}\nservices: {}")), "a-b");
    let directory = Case::new(ONE).file("/Other Dir/compose.yaml", ONE);
    let directory = directory.with(|options| options.project_directory = Some("../Other Dir".into()));
    assert_eq!(name(&directory), "otherdir");
}

#[test]
fn version_is_obsolete() {
    insta::assert_snapshot!(Case::new("version: '3'\nservices: {a: {image: x}}").warnings(), @"
    warning[obsolete-version]: `version` is obsolete and ignored
     --> compose.yaml:1:10
      |
    1 | version: '3'
      |          ^^^
    ");
}
