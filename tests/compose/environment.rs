//! Variables: where they come from and who wins.

use crate::Case;

const PRINT: &str = "services:\n  web:\n    image: nginx\n    environment: {SEEN: \"${V:-nothing}\"}\n";

fn seen(case: &Case) -> String {
    let project = case.load().unwrap().project;
    project.services["web"].environment["SEEN"].clone()
}

#[test]
fn precedence() {
    let dotenv = || Case::new(PRINT).file(".env", "V=dotenv\n").file("a.env", "V=a\nW=1\n").file("b.env", "V=${V}b\n");
    assert_eq!(seen(&Case::new(PRINT)), "nothing");
    assert_eq!(seen(&dotenv()), "dotenv");
    assert_eq!(seen(&dotenv().variable("V", "shell")), "shell");
    assert_eq!(seen(&dotenv().variable("COMPOSE_DISABLE_ENV_FILE", "1")), "nothing");
    assert_eq!(seen(&dotenv().with(|options| options.env_files = vec!["a.env".into(), "b.env".into()])), "ab");
    assert_eq!(seen(&dotenv().variable("COMPOSE_ENV_FILES", "b.env,a.env")), "a");
    let missing = dotenv().with(|options| options.env_files = vec!["no.env".into()]);
    assert_eq!(missing.shown(), "cannot read `/shop/no.env`");
}

#[test]
fn the_environment_of_a_service() {
    let case = Case::new(
        "services:\n  web:\n    image: nginx\n    env_file:\n      - one.env\n      - {path: two.env, required: false}\n      - {path: gone.env, required: false}\n      - {path: raw.env, format: raw}\n    environment:\n      - OWN=environment\n      - FROM_DOTENV\n      - NOWHERE\n      - HIDDEN\n",
    )
    .file(".env", "FROM_DOTENV=dotenv\nINHERITED=yes\n")
    .file("one.env", "A=one\nB=one\nOWN=one\nHIDDEN=one\nINHERITED\n")
    .file("two.env", "B=two\nC=${A}-${FROM_DOTENV}\n")
    .file("raw.env", "R=\"$A\"\n");
    let project = case.load().unwrap().project;
    let shown: Vec<String> =
        project.services["web"].environment.iter().map(|(key, value)| format!("{key}={value}")).collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    A=one
    B=two
    C=one-dotenv
    FROM_DOTENV=dotenv
    INHERITED=yes
    OWN=environment
    R="$A"
    "#);
}

#[test]
fn the_project_name_is_a_variable() {
    let case = Case::new("name: My Shop\nservices: {a: {image: 'x:${COMPOSE_PROJECT_NAME}'}}");
    assert_eq!(case.load().unwrap().project.services["a"].image.to_string(), "x:myshop");
}

#[test]
fn a_secret_from_a_missing_variable() {
    let text = "services: {a: {image: x, secrets: [s]}}\nsecrets: {s: {environment: TOKEN}, unused: {environment: NO}}";
    let error = Case::new(text).load().unwrap_err();
    insta::assert_snapshot!(crate::describe(&error), @r#"
    error: invalid `environment` in secret `s`: the variable `TOKEN` is not set
     --> compose.yaml:2:28
      |
    2 | secrets: {s: {environment: TOKEN}, unused: {environment: NO}}
      |                            ^^^^^
    "#);
    assert!(Case::new(text).variable("TOKEN", "t").load().is_ok());
}
