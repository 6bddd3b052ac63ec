//! What holds for any text.

use proptest::prelude::*;
use rcompose::compose::to_yaml;

use crate::Case;

/// Words a compose file is made of, so that random files get past the first phase.
fn fragment() -> impl Strategy<Value = String> {
    let words = [
        "services",
        "web",
        "image",
        "ports",
        "80:80",
        "volumes",
        "a:/b",
        "${X:-",
        "}",
        "$",
        "<<",
        "*a",
        "&a ",
        "!reset ",
        "!override ",
        "[",
        "]",
        "{",
        "}",
        ": ",
        ", ",
        "\n",
        "\n  ",
        "\n    ",
        "- ",
        "null",
        "networks",
        "environment",
        "é",
        "\"",
        "'",
        "depends_on",
        "healthcheck",
        "test",
        "10s",
        "deploy",
        "secrets",
        "file",
        "#",
        "---\n",
        "\t",
    ];
    proptest::sample::select(words.to_vec()).prop_map(str::to_owned)
}

fn scalar() -> impl Strategy<Value = String> {
    "[a-z0-9:/.=$-]{0,8}".prop_map(|text| format!("'{}'", text.replace('$', "$$")))
}

/// The keys of a service with random values of the right shape.
fn service_keys() -> impl Strategy<Value = String> {
    let key = proptest::sample::select(vec![
        "user",
        "command",
        "environment",
        "labels",
        "ports",
        "volumes",
        "dns",
        "tmpfs",
        "networks",
        "depends_on",
        "extra_hosts",
        "secrets",
        "ulimits",
        "env_file",
        "profiles",
        "healthcheck",
    ]);
    let value = prop_oneof![
        scalar(),
        proptest::collection::vec(scalar(), 0..3).prop_map(|items| format!("[{}]", items.join(", "))),
        proptest::collection::btree_map("[a-z]{1,3}", scalar(), 0..3).prop_map(|map| {
            let entries: Vec<String> = map.iter().map(|(key, value)| format!("{key}: {value}")).collect();
            format!("{{{}}}", entries.join(", "))
        }),
    ];
    let entries = proptest::collection::btree_map(key, value, 0..6);
    entries.prop_map(|map| map.iter().map(|(key, value)| format!("    {key}: {value}\n")).collect())
}

fn file(keys: &str) -> String {
    format!("services:\n  web:\n    image: nginx\n{keys}")
}

proptest! {
    #[test]
    fn no_text_panics(fragments in proptest::collection::vec(fragment(), 0..40)) {
        Case::new(&fragments.concat()).shown();
    }

    #[test]
    fn any_bytes_at_all(text in ".{0,200}") {
        Case::new(&text).shown();
    }

    #[test]
    fn merging_never_panics(base in service_keys(), over in service_keys()) {
        Case::new(&file(&base)).file("compose.override.yaml", &file(&over)).shown();
    }

    #[test]
    fn a_file_merged_with_itself_is_itself(keys in service_keys()) {
        let alone = Case::new(&file(&keys));
        let twice = Case::new(&file(&keys)).file("compose.override.yaml", &file(&keys));
        if let (Ok(alone), Ok(twice)) = (alone.load(), twice.load()) {
            prop_assert_eq!(alone.project.services, twice.project.services);
        }
    }

    #[test]
    fn an_empty_file_changes_nothing(keys in service_keys()) {
        let alone = Case::new(&file(&keys));
        let under = Case::new("services: {}").file("compose.override.yaml", &file(&keys));
        prop_assert_eq!(alone.load().map(|loaded| loaded.project.services).ok(), under.load().map(|loaded| loaded.project.services).ok());
    }

    #[test]
    fn what_is_printed_loads_to_the_same(keys in service_keys()) {
        // What profiles switch off is not printed.
        if let Ok(loaded) = Case::new(&file(&keys)).load() && loaded.project.disabled.is_empty() {
            let printed = to_yaml(&loaded.project);
            let again = Case::new(&printed).load().map_err(|error| TestCaseError::fail(format!("{}\n{printed}", crate::describe(&error))))?;
            prop_assert_eq!(again.project, loaded.project, "{}", printed);
        }
    }
}
