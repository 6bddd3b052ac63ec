//! `services.*.sysctls`: kernel parameters of its namespaces.

use crate::keys::Key;

const KEY: Key = Key::new("services.web.sysctls");

#[test]
fn forms() {
    KEY.prints(&[
        ("{net.core.somaxconn: 1024}", r#"{"net.core.somaxconn": "1024"}"#),
        ("[net.core.somaxconn=1024]", r#"{"net.core.somaxconn": "1024"}"#),
        ("{a: 1.5, b: true, c: }", r#"{"a": "1.5", "b": "true", "c": ""}"#),
    ]);
}

#[test]
fn mistakes() {
    KEY.refuses(&[
        ("{a: [1]}", "3:18 `sysctls.a` in service `web` must be a string, number or boolean, found a list"),
        ("[5]", "3:15 `sysctls` in service `web` must be a string, found a number"),
        ("a=b", "3:14 `sysctls` in service `web` must be a mapping or a list, found a string"),
    ]);
}

#[test]
fn merged() {
    KEY.merges(&[("{a: 1, b: 2}", "[b=3]", r#"{"a": "1", "b": "3"}"#)]);
}

#[test]
fn when_run() {
    let machine = "it would be set for the whole machine: a container has only `net.*`, `fs.mqueue.*`, `kernel.domainname` and, of System V IPC, `kernel.msg*`, `kernel.sem` and `kernel.shm*` of its own";
    KEY.runs(&[
        ("{net.core.somaxconn: 1024, kernel.shmmax: 1, fs/mqueue/msg_max: 9, kernel.domainname: x}", ""),
        ("{kernel.panic: 0}", &format!("3:15 invalid `services.web.sysctls.kernel.panic`: {machine}")),
        ("[vm.swappiness=1]", &format!("3:15 invalid `services.web.sysctls.vm.swappiness`: {machine}")),
        (
            "{kernel.hostname: x}",
            "3:15 invalid `services.web.sysctls.kernel.hostname`: the host name is set with `hostname`",
        ),
        ("{net..x: 1}", "3:15 invalid `services.web.sysctls.net..x`: it is no name of a kernel parameter"),
    ]);
}

#[test]
fn when_they_are_those_of_the_host() {
    let key = |mode| Key::new("services.web.sysctls").and(mode);
    for (mode, parameter, what) in [
        (
            "    image: nginx\n    network_mode: host\n",
            "net.core.somaxconn",
            "`net.*` would be set for the host, with `network_mode: host`",
        ),
        (
            "    image: nginx\n    ipc: host\n",
            "kernel.sem",
            "the parameters of IPC would be set for the host, with `ipc: host`",
        ),
        (
            "    image: nginx\n    uts: host\n",
            "kernel.domainname",
            "`kernel.domainname` would be set for the host, with `uts: host`",
        ),
    ] {
        key(mode).runs(&[(&format!("{{{parameter}: 0}}"), &format!("3:5 invalid `services.web.sysctls`: {what}"))]);
        key("    image: nginx\n    network_mode: none\n").runs(&[(&format!("{{{parameter}: 0}}"), "")]);
    }
}
