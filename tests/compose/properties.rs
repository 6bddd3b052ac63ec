//! What holds for any text, and for any files that are right.

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use rcompose::compose::{LeaveOut, resolve};
use serde_json::Value;

use crate::Case;
use crate::keys::printed;

/// Words a compose file is made of, so that random files get past the first phase.
const WORDS: &[&str] = &[
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
    "x-a",
    "extends",
    "include",
    "0x1F",
    "1e400",
    "\u{feff}",
    "\0",
];

/// Any text, with nothing that is a variable, in quotes.
fn text() -> impl Strategy<Value = String> {
    "[a-z0-9 :/.=#,'\"{}é-]{0,8}".prop_map(|text| quoted(&text))
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn name() -> impl Strategy<Value = String> {
    "[a-z]{1,2}"
}

fn list(items: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    btree_set(items, 0..4).prop_map(|items| format!("[{}]", items.into_iter().collect::<Vec<_>>().join(", ")))
}

/// A mapping, or the list of `K=V` that stands for it.
fn assignments() -> impl Strategy<Value = String> {
    let entries = btree_map(name(), "[a-z0-9=: ]{0,4}", 0..4);
    (entries, any::<bool>()).prop_map(|(entries, as_list)| {
        let entry = |(key, value): (String, String)| match as_list {
            true => quoted(&format!("{key}={value}")),
            false => format!("{key}: {}", quoted(&value)),
        };
        let entries = entries.into_iter().map(entry).collect::<Vec<_>>().join(", ");
        if as_list { format!("[{entries}]") } else { format!("{{{entries}}}") }
    })
}

fn port() -> impl Strategy<Value = String> {
    (1..99u16, 1..99u16, select(vec!["tcp", "udp"]), 0..4u8).prop_map(|(host, target, protocol, form)| match form {
        0 => format!("'{host}:{target}/{protocol}'"),
        1 => format!("'127.0.0.1:{host}:{target}'"),
        2 => format!("{{target: {target}, published: '{host}', protocol: {protocol}}}"),
        _ => format!("'{target}'"),
    })
}

fn mount() -> impl Strategy<Value = String> {
    (name(), name(), 0..5u8).prop_map(|(source, target, form)| match form {
        0 => format!("'./{source}:/{target}'"),
        1 => format!("'va:/{target}:ro'"),
        2 => format!("{{type: bind, source: /{source}, target: /{target}}}"),
        3 => format!("{{type: tmpfs, target: /{target}, tmpfs: {{size: 1m}}}}"),
        _ => format!("/x/{target}"),
    })
}

fn seconds() -> impl Strategy<Value = String> {
    (0..4000u32).prop_map(|seconds| format!("{seconds}s"))
}

/// A key of a service with a value that is right, such that what stands twice in a list of one file stays one.
fn key() -> impl Strategy<Value = (&'static str, String)> {
    let of = |key: &'static str, value: BoxedStrategy<String>| value.prop_map(move |value| (key, value)).boxed();
    let word = |words: &[&'static str]| select(words.to_vec()).prop_map(str::to_owned).boxed();
    let health = (vec(text(), 1..3), seconds(), 0..9u8).prop_map(|(words, interval, retries)| {
        format!("{{test: [CMD, {}], interval: {interval}, retries: {retries}}}", words.join(", "))
    });
    let networks = subsequence(vec!["na", "nb"], 1..3).prop_map(|names| format!("[{}]", names.join(", ")));
    let attachments = (list(name()), 0..5u8)
        .prop_map(|(aliases, priority)| format!("{{na: {{aliases: {aliases}, priority: {priority}}}}}"));
    let ulimits = (1..99u32, 1..99u32).prop_map(|(soft, hard)| format!("{{nofile: {{soft: {soft}, hard: {hard}}}}}"));
    let deploy = (0..9u8, 1..99u32).prop_map(|(max, memory)| {
        format!("{{restart_policy: {{max_attempts: {max}}}, resources: {{limits: {{memory: {memory}m}}}}}}")
    });
    let grant = (select(vec!["sa", "sb"]), name())
        .prop_map(|(source, target)| format!("{{source: {source}, target: {target}}}"));
    let dependencies =
        word(&["[db]", "{db: {condition: service_healthy}}", "{db: {condition: service_started, restart: true}}"]);
    prop_oneof![
        of(
            "command",
            prop_oneof![
                vec(text(), 0..4).prop_map(|words| format!("[{}]", words.join(", "))),
                Just("a 'b c'".to_owned())
            ]
            .boxed()
        ),
        of("environment", assignments().boxed()),
        of("labels", assignments().boxed()),
        of("annotations", assignments().boxed()),
        of("sysctls", assignments().boxed()),
        of("ports", list(port()).boxed()),
        of("volumes", list(mount()).boxed()),
        of("dns", list(name()).boxed()),
        of("dns_search", list(name()).boxed()),
        of("cap_add", list(name()).boxed()),
        of("group_add", list(name()).boxed()),
        of("security_opt", list(name()).boxed()),
        of("extra_hosts", list((name(), 1..9u8).prop_map(|(host, last)| format!("'{host}=10.0.0.{last}'"))).boxed()),
        of("expose", list((1..99u16).prop_map(|port| port.to_string())).boxed()),
        of("devices", list((name(), name()).prop_map(|(host, own)| format!("'/dev/{host}:/dev/{own}'"))).boxed()),
        of("secrets", list(grant).boxed()),
        of("networks", prop_oneof![networks, attachments].boxed()),
        of("depends_on", dependencies),
        of("healthcheck", health.boxed()),
        of("ulimits", ulimits.boxed()),
        of("deploy", deploy.boxed()),
        of(
            "logging",
            (name(), text()).prop_map(|(option, value)| format!("{{options: {{{option}: {value}}}}}")).boxed()
        ),
        of("user", text().boxed()),
        of("hostname", text().boxed()),
        of("restart", word(&["always", "no", "on-failure:3"])),
        of("init", word(&["true", "false"])),
        of("tty", word(&["true", "false"])),
        of("cpus", word(&["0.5", "2", "'1.5'"])),
        of("shm_size", word(&["64m", "1gb", "1048576"])),
        of("stop_grace_period", seconds().boxed()),
    ]
}

/// The keys of a service.
fn keys() -> impl Strategy<Value = String> {
    let entries = vec(key(), 0..8).prop_map(|keys| keys.into_iter().collect::<std::collections::BTreeMap<_, _>>());
    entries.prop_map(|keys| keys.iter().map(|(key, value)| format!("    {key}: {value}\n")).collect())
}

const RESOURCES: &str = "networks: {na: , nb: }\nvolumes: {va: }\nsecrets: {sa: {file: a}, sb: {file: b}}\n";

fn file(keys: &str) -> String {
    format!("services:\n  db: {{image: db}}\n  web:\n    image: nginx\n{keys}{RESOURCES}")
}

/// What these files come to.
fn merged(files: &[&str]) -> Result<Value, TestCaseError> {
    come_to(files, LeaveOut::default())
}

/// What these files come to as a file of its own, without what is only implied by them.
fn as_one_file(files: &[&str]) -> Result<String, TestCaseError> {
    Ok(come_to(files, LeaveOut { normalisation: true, ..LeaveOut::default() })?.to_string())
}

fn come_to(files: &[&str], leave_out: LeaveOut) -> Result<Value, TestCaseError> {
    let name = |index: usize| format!("{index}.yaml");
    let case = files.iter().enumerate().fold(Case::new(""), |case, (index, text)| case.file(&name(index), text));
    let case = case.with(|options| {
        options.files = (0..files.len()).map(|index| name(index).into()).collect();
        options.leave_out = leave_out;
    });
    printed(&case).map_err(|mistakes| TestCaseError::fail(format!("{mistakes:?}\n{}", files.join("---\n"))))
}

proptest! {
    #[test]
    fn no_text_panics(fragments in vec(select(WORDS.to_vec()), 0..40)) {
        Case::new(&fragments.concat()).shown();
    }

    #[test]
    fn any_bytes_at_all(text in ".{0,200}") {
        Case::new(&text).shown();
    }

    #[test]
    fn right_files_are_read(keys in keys()) {
        merged(&[&file(&keys)])?;
    }

    #[test]
    fn a_file_merged_with_itself_is_itself(keys in keys()) {
        let text = file(&keys);
        prop_assert_eq!(merged(&[&text, &text])?, merged(&[&text])?);
    }

    #[test]
    fn an_empty_file_changes_nothing(keys in keys()) {
        let text = file(&keys);
        let alone = merged(&[&text])?;
        for empty in ["services: {}\n", "services: {web: {}}\n", "services: {web: }\n", "# nothing\n"] {
            prop_assert_eq!(&merged(&[&text, empty])?, &alone, "{}", empty);
        }
        prop_assert_eq!(&merged(&["services: {}\n", &text])?, &alone);
    }

    #[test]
    fn it_does_not_matter_which_files_are_merged_first(a in keys(), b in keys(), c in keys()) {
        let (a, b, c) = (file(&a), file(&b), file(&c));
        let all = merged(&[&a, &b, &c])?;
        prop_assert_eq!(&merged(&[&as_one_file(&[&a, &b])?, &c])?, &all);
    }

    #[test]
    fn what_is_printed_prints_the_same(a in keys(), b in keys()) {
        let case = Case::new(&file(&a)).file("compose.override.yaml", &file(&b));
        let (resolved, _) = resolve(&case.options, &case.files).map_err(|error| TestCaseError::fail(crate::describe(&error)))?;
        for text in [resolved.to_yaml(), resolved.to_json()] {
            let again = Case::new(&text);
            let (again, _) = resolve(&again.options, &again.files)
                .map_err(|error| TestCaseError::fail(format!("{}\n{text}", crate::describe(&error))))?;
            prop_assert_eq!(again.to_json(), resolved.to_json(), "{}", text);
            prop_assert_eq!(again.to_yaml(), resolved.to_yaml(), "{}", text);
        }
    }

    #[test]
    fn text_without_a_dollar_is_not_touched(text in "[^$\\p{C}]{1,20}") {
        let file = format!("services: {{web: {{image: x, hostname: {}}}}}", quoted(&text));
        prop_assert_eq!(&merged(&[&file])?["services"]["web"]["hostname"], &Value::from(text));
    }

    #[test]
    fn a_doubled_dollar_protects(text in "[a-z${}:?+-]{1,12}") {
        let protected = text.replace('$', "$$");
        let file = format!("services: {{web: {{image: x, hostname: {}}}}}", quoted(&protected));
        let project = Case::new(&file).load().map_err(|error| TestCaseError::fail(crate::describe(&error)))?.project;
        prop_assert_eq!(project.services["web"].hostname.as_deref(), Some(text.as_str()));
        // And again in what is printed, so that it is read the same.
        prop_assert_eq!(&merged(&[&file])?["services"]["web"]["hostname"], &Value::from(protected));
    }

    #[test]
    fn the_value_of_a_variable_is_not_looked_at(value in "[a-z${}:-]{1,12}") {
        let case = Case::new("services: {web: {image: x, hostname: \"a${V}\"}}").variable("V", &value);
        let project = case.load().map_err(|error| TestCaseError::fail(crate::describe(&error)))?.project;
        prop_assert_eq!(project.services["web"].hostname.clone(), Some(format!("a{value}")));
    }

    #[test]
    fn resetting_everything_leaves_what_was_never_there(keys in keys()) {
        let over = file(&keys.lines().map(|line| {
            let key = line.split(':').next().unwrap_or_default();
            format!("{key}: !reset null\n")
        }).collect::<String>());
        prop_assert_eq!(merged(&[&file(&keys), &over])?, merged(&[&file("")])?);
    }

    #[test]
    fn an_override_is_as_if_nothing_was_before(a in keys(), b in keys()) {
        let tagged = b.lines().map(|line| line.replacen(": ", ": !override ", 1) + "\n").collect::<String>();
        let only = |keys: &str| {
            let given: Vec<&str> = b.lines().filter_map(|line| line.split(':').next()).collect();
            keys.lines().filter(|line| !given.contains(&line.split(':').next().unwrap_or_default())).map(|line| format!("{line}\n")).collect::<String>()
        };
        prop_assert_eq!(merged(&[&file(&a), &file(&tagged)])?, merged(&[&file(&(only(&a) + &b))])?);
    }
}
