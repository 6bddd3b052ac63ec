//! Requests that are made to come out as something else.

use rcompose::runtime::{Config, ExecOptions, Signal, probe};

use crate::exec::{long, sh};
use crate::harness::{Host, block_on, failure, start};

/// CVE-2024-21626: a working directory that is a descriptor of the runtime's.
#[test]
fn a_working_directory_is_no_descriptor() {
    let host = Host::new();
    for number in [3, 5, 7, 8, 9, 10, 64, 65] {
        let mut config = host.config(&["pwd"]);
        config.spec.process_mut().as_mut().unwrap().set_cwd(format!("/proc/self/fd/{number}").into());
        let (code, error) = failure(&config);
        assert_eq!(code, 125);
        assert!(error.starts_with("cannot change to working directory"), "{error}");
    }
}

/// CVE-2024-21626: nor is that of a further process, which is left with its three streams.
#[test]
fn a_working_directory_of_an_exec_is_no_descriptor() {
    let host = Host::new();
    running(&host, async |config| {
        for number in 3..20 {
            let mut options = sh(config, "pwd");
            options.process.set_cwd(format!("/proc/self/fd/{number}").into());
            let error = probe(&config.directory, &options, long(), 0).await.unwrap_err();
            assert!(error.to_string().contains("working directory"), "{error}");
        }
        // 3 is ls's own.
        let probe = probe(&config.directory, &sh(config, "ls /proc/self/fd"), long(), 99).await.unwrap();
        assert_eq!(probe.output, b"0\n1\n2\n3\n");
    });
}

/// CVE-2026-30892: what is no user does not come out as root.
#[test]
fn a_user_of_an_exec_that_is_none_is_refused() {
    let host = Host::new();
    running(&host, async |config| {
        for user in ["1000:", "daemon:", ":0", "-1", "4294967295", "4294967296", "18446744073709551616", "1:-1", "x"] {
            let options = ExecOptions { user: Some(user.to_owned()), ..sh(config, "id -u") };
            match probe(&config.directory, &options, long(), 99).await {
                Err(error) => assert!(error.to_string().contains(user.split(':').next().unwrap()), "{user}: {error}"),
                Ok(probe) => panic!("{user}: {probe:?}"),
            }
        }
    });
}

/// CVE-2022-36109: the first group is one of the further ones, which no program leaves, for either kind of process.
#[test]
fn the_first_group_is_not_left() {
    let host = Host::new();
    let script = "grep Groups: /proc/self/status | cut -f2";
    let of_user = |user: &'static str| move |config: &mut Config| config.user = Some(user.to_owned());
    assert_eq!(host.sh_with(script, of_user("1234:56")).text().trim(), "56");
    assert_eq!(host.sh_with(script, of_user("0")).text().trim(), "0");
    running(&host, async |config| {
        let options = ExecOptions { user: Some("1234:56".to_owned()), ..sh(config, script) };
        let probe = probe(&config.directory, &options, long(), 99).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&probe.output).trim(), "56");
    });
}

/// CVE-2022-24769, CVE-2022-29162: no capability is inheritable, of neither kind of process.
#[test]
fn nothing_is_inheritable() {
    let host = Host::new();
    let script = "grep -E 'Cap(Inh|Amb)' /proc/self/status | cut -f2 | sort -u";
    let none = "0000000000000000";
    assert_eq!(host.sh(script).text(), none);
    running(&host, async |config| {
        let options = ExecOptions { user: Some("1000".to_owned()), ..sh(config, script) };
        let probe = probe(&config.directory, &options, long(), 99).await.unwrap();
        assert_eq!(String::from_utf8(probe.output).unwrap().trim_end(), none);
    });
}

/// Gives `work` a container that sleeps.
fn running(host: &Host, work: impl AsyncFn(&Config)) {
    block_on(async {
        let config = host.config(&["sleep", "100"]);
        let (handle, _) = start(&config).await.unwrap();
        work(&config).await;
        handle.signal(Signal::KILL).unwrap();
        handle.exited().await.unwrap();
    });
}
