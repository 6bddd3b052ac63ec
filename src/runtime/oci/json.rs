//! JSON of the runtime specification: an error says where it is, and words that the types of oci-spec do not know are
//! put into theirs.

use std::collections::BTreeSet;
use std::path::Path;

use oci_spec::runtime::Capability;
use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::BundleError;

/// Flags of schedulers, as the specification and as the types call them.
const SCHEDULER_FLAGS: [(&str, &str); 2] =
    [("SCHED_FLAG_RESET_ON_FORK", "SCHED_RESET_ON_FORK"), ("SCHED_FLAG_DL_OVERRUN", "SCHED_FLAG_D_L_OVERRUN")];

/// Parses what the types know as it is.
pub(super) fn parse<T: DeserializeOwned>(path: &Path, text: &[u8]) -> Result<T, BundleError> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| syntax(path, error))?;
    json.end().map_err(|source| BundleError::Syntax { path: path.to_owned(), field: ".".to_owned(), source })?;
    Ok(value)
}

/// Parses what has a process at `pointer`. Returns what of that is ignored, too, as warnings.
pub(super) fn parse_with_process<T: DeserializeOwned>(
    path: &Path,
    text: &[u8],
    pointer: &str,
) -> Result<(T, Vec<String>), BundleError> {
    let error = match parse(path, text) {
        Ok(value) => return Ok((value, Vec::new())),
        Err(error) => error,
    };
    // Not at once: only of the text itself does an error tell line and column.
    let Ok(mut value) = serde_json::from_slice::<Value>(text) else { return Err(error) };
    let warnings = value.pointer_mut(pointer).map(translate_process).unwrap_or_default();
    match serde_path_to_error::deserialize(value).map_err(|error| syntax(path, error)) {
        Ok(value) => Ok((value, warnings)),
        Err(later) if later.field() == error.field() => Err(error),
        Err(later) => Err(later),
    }
}

fn syntax(path: &Path, error: serde_path_to_error::Error<serde_json::Error>) -> BundleError {
    BundleError::Syntax { path: path.to_owned(), field: place(error.path()), source: error.into_inner() }
}

/// A path to a field; its last step is unknown when the text ends there.
fn place(path: &serde_path_to_error::Path) -> String {
    let path = path.to_string();
    let known = path.trim_end_matches('?').trim_end_matches('.');
    if known.is_empty() { ".".to_owned() } else { known.to_owned() }
}

/// Puts a process into the types' words.
fn translate_process(process: &mut Value) -> Vec<String> {
    if let Some(process) = process.as_object_mut()
        && process.get("user").is_none_or(Value::is_null)
    {
        // The schema does not require one: it is root.
        process.insert("user".to_owned(), json!({}));
    }
    for flag in process.pointer_mut("/scheduler/flags").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some((_, known)) = SCHEDULER_FLAGS.iter().find(|(specified, _)| flag.as_str() == Some(*specified)) {
            *flag = json!(known);
        }
    }
    for list in process.pointer_mut("/execCPUAffinity").and_then(Value::as_object_mut).into_iter().flatten() {
        translate_list(list.1);
    }
    let unknown = remove_unknown_capabilities(process);
    if unknown.is_empty() {
        return Vec::new();
    }
    vec![format!("unknown capabilities are ignored: {}", unknown.into_iter().collect::<Vec<_>>().join(", "))]
}

/// A list of processors may be empty and have spaces.
fn translate_list(list: &mut Value) {
    if let Some(text) = list.as_str() {
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        *list = if parts == [""] { Value::Null } else { json!(parts.join(",")) };
    }
}

/// The specification wants a warning for what cannot be granted, and newer kernels have capabilities that nobody here
/// has heard of.
fn remove_unknown_capabilities(process: &mut Value) -> BTreeSet<String> {
    let mut unknown = BTreeSet::new();
    let sets = process.pointer_mut("/capabilities").and_then(Value::as_object_mut);
    for names in sets.into_iter().flat_map(|sets| sets.values_mut()).filter_map(Value::as_array_mut) {
        names.retain(|name| {
            // What is no text at all is a mistake, and left to be told.
            let unheard = name.as_str().filter(|_| Capability::deserialize(name).is_err());
            unknown.extend(unheard.map(str::to_owned));
            unheard.is_none()
        });
    }
    unknown
}

#[cfg(test)]
mod tests {
    use oci_spec::runtime::{LinuxSchedulerFlag, Process};

    use super::*;

    /// A process that has this field, too.
    fn process(field: &str, value: &Value) -> Result<(Process, Vec<String>), String> {
        let mut text = json!({"cwd": "/", "user": {}});
        text[field] = value.clone();
        parse_with_process(Path::new("file"), text.to_string().as_bytes(), "")
            .map_err(|error| crate::runtime::init::text(&error))
    }

    #[test]
    fn flags_of_schedulers_are_the_specifications() {
        use LinuxSchedulerFlag as Flag;
        for (name, expected) in [
            ("SCHED_FLAG_RESET_ON_FORK", Flag::SchedResetOnFork),
            ("SCHED_FLAG_RECLAIM", Flag::SchedFlagReclaim),
            ("SCHED_FLAG_DL_OVERRUN", Flag::SchedFlagDLOverrun),
            ("SCHED_FLAG_KEEP_POLICY", Flag::SchedFlagKeepPolicy),
            ("SCHED_FLAG_KEEP_PARAMS", Flag::SchedFlagKeepParams),
            ("SCHED_FLAG_UTIL_CLAMP_MIN", Flag::SchedFlagUtilClampMin),
            ("SCHED_FLAG_UTIL_CLAMP_MAX", Flag::SchedFlagUtilClampMax),
        ] {
            let (process, warnings) = process("scheduler", &json!({"policy": "SCHED_OTHER", "flags": [name]})).unwrap();
            assert_eq!(process.scheduler().as_ref().unwrap().flags(), &Some(vec![expected]), "{name}");
            assert_eq!(warnings, [""; 0]);
        }
        let error = process("scheduler", &json!({"policy": "SCHED_OTHER", "flags": ["SCHED_FLAG_X"]})).unwrap_err();
        assert!(error.starts_with("`file`: scheduler.flags[0]: unknown variant `SCHED_FLAG_X`"), "{error}");
    }

    /// The other words of the specification's schema that are one of several.
    #[test]
    fn every_other_word_is_known() {
        let knows = |pointer: &str, value: Value| {
            let mut config = json!({"process": {"cwd": "/", "user": {}}, "linux": {
                "seccomp": {"defaultAction": "SCMP_ACT_ALLOW"}}});
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            config.pointer_mut(parent).unwrap()[field] = value;
            let parsed = parse::<oci_spec::runtime::Spec>(Path::new("file"), config.to_string().as_bytes());
            assert!(parsed.is_ok(), "{config}: {parsed:?}");
        };
        let words = |pointer: &str, words: &str, value: fn(&str) -> Value| {
            words.split_whitespace().for_each(|word| knows(pointer, value(word)));
        };
        words("/linux/namespaces", "mount pid network uts ipc user cgroup time", |word| json!([{"type": word}]));
        words(
            "/process/scheduler",
            "SCHED_OTHER SCHED_FIFO SCHED_RR SCHED_BATCH SCHED_ISO SCHED_IDLE SCHED_DEADLINE",
            |word| json!({"policy": word}),
        );
        words(
            "/process/ioPriority",
            "IOPRIO_CLASS_RT IOPRIO_CLASS_BE IOPRIO_CLASS_IDLE",
            |word| json!({"class": word}),
        );
        words(
            "/process/rlimits",
            "RLIMIT_AS RLIMIT_CORE RLIMIT_CPU RLIMIT_DATA RLIMIT_FSIZE RLIMIT_LOCKS RLIMIT_MEMLOCK RLIMIT_MSGQUEUE
             RLIMIT_NICE RLIMIT_NOFILE RLIMIT_NPROC RLIMIT_RSS RLIMIT_RTPRIO RLIMIT_RTTIME RLIMIT_SIGPENDING
             RLIMIT_STACK",
            |word| json!([{"type": word, "soft": 0, "hard": u64::MAX}]),
        );
        words("/linux/personality", "LINUX LINUX32", |word| json!({"domain": word}));
        words(
            "/linux/memoryPolicy",
            "MPOL_DEFAULT MPOL_BIND MPOL_INTERLEAVE MPOL_WEIGHTED_INTERLEAVE MPOL_PREFERRED MPOL_PREFERRED_MANY
             MPOL_LOCAL",
            |word| json!({"mode": word}),
        );
        words(
            "/linux/memoryPolicy",
            "MPOL_F_NUMA_BALANCING MPOL_F_RELATIVE_NODES MPOL_F_STATIC_NODES",
            |word| json!({"mode": "MPOL_DEFAULT", "flags": [word]}),
        );
        words("/linux/devices", "c b u p", |word| json!([{"type": word, "path": "/dev/x"}]));
        words(
            "/linux/seccomp/defaultAction",
            "SCMP_ACT_KILL SCMP_ACT_KILL_PROCESS SCMP_ACT_KILL_THREAD SCMP_ACT_TRAP SCMP_ACT_ERRNO SCMP_ACT_TRACE
             SCMP_ACT_ALLOW SCMP_ACT_LOG SCMP_ACT_NOTIFY",
            |word| json!(word),
        );
        words(
            "/linux/seccomp/flags",
            "SECCOMP_FILTER_FLAG_TSYNC SECCOMP_FILTER_FLAG_LOG SECCOMP_FILTER_FLAG_SPEC_ALLOW
             SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
            |word| json!([word]),
        );
        words(
            "/linux/seccomp/architectures",
            "X86 X86_64 X32 ARM AARCH64 LOONGARCH64 M68K MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64
             PPC64LE S390 S390X SH SHEB PARISC PARISC64 RISCV64",
            |word| json!([format!("SCMP_ARCH_{word}")]),
        );
        words("/linux/seccomp/syscalls", "NE LT LE EQ GE GT MASKED_EQ", |word| {
            json!([{"names": ["x"], "action": "SCMP_ACT_ERRNO",
                "args": [{"index": 0, "value": 0, "op": format!("SCMP_CMP_{word}")}]}])
        });
    }

    #[test]
    fn unknown_capabilities_are_told_and_left_out() {
        let sets = json!({"bounding": ["CAP_CHOWN", "CAP_NEW"], "permitted": ["CAP_NEW", "CAP_OTHER", "CAP_KILL"]});
        let (process, warnings) = process("capabilities", &sets).unwrap();
        assert_eq!(warnings, ["unknown capabilities are ignored: CAP_NEW, CAP_OTHER"]);
        let sets = process.capabilities().clone().unwrap();
        assert_eq!(sets.bounding(), &Some([Capability::Chown].into()));
        assert_eq!(sets.permitted(), &Some([Capability::Kill].into()));
        let error = self::process("capabilities", &json!({"bounding": ["CAP_NEW", 7]})).unwrap_err();
        assert!(error.starts_with("`file`: capabilities.bounding"), "{error}");
    }

    #[test]
    fn lists_of_processors() {
        for (list, expected) in [("", None), (" ", None), ("0, 2-3", Some("0,2-3")), ("1", Some("1"))] {
            let (process, _) = process("execCPUAffinity", &json!({"initial": list})).unwrap();
            let initial = process.exec_cpu_affinity().clone().unwrap().initial().clone();
            assert_eq!(initial.as_deref(), expected, "{list:?}");
        }
        assert!(process("execCPUAffinity", &json!({"initial": "1 2"})).is_err());
    }

    #[test]
    fn without_a_user_it_is_root() {
        for text in [r#"{"cwd": "/"}"#, r#"{"cwd": "/", "user": null}"#] {
            let (process, _) = parse_with_process::<Process>(Path::new("file"), text.as_bytes(), "").unwrap();
            assert_eq!((process.user().uid(), process.user().gid()), (0, 0), "{text}");
        }
    }
}
