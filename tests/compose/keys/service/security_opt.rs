//! `services.*.security_opt`: options of security modules.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.security_opt");

#[test]
fn forms() {
    KEY.prints(&[
        ("['no-new-privileges:true']", r#"["no-new-privileges:true"]"#),
        ("['label:disable', apparmor=x]", r#"["label:disable", "apparmor=x"]"#),
        ("['seccomp=unconfined']", r#"["seccomp=unconfined"]"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("[a, a]", "3:23 `a` stands twice in `security_opt` in service `web`"),
        ("[5]", "3:20 `security_opt` in service `web` must be a string, found a number"),
        ("a", "3:19 `security_opt` in service `web` must be a list, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[
        ("[a]", "[b]", r#"["a", "b"]"#),
        // Docker Compose 2.40.3 refuses it.
        ("[a]", "[a, b]", r#"["a", "b"]"#),
    ]);
}

#[test]
fn when_run() {
    KEY.runs(&[
        // Whether there is such a module is for the machine to say.
        ("['label=user:x', apparmor=x]", ""),
        ("['label:disable', apparmor=unconfined, 'seccomp=unconfined', 'seccomp:a.json', systempaths=unconfined]", ""),
        ("['no-new-privileges:true']", ""),
    ]);
}
