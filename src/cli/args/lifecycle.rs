//! `rcompose start`, `stop`, `restart`, `kill`, `pause`, `unpause`, `rm`, `wait` and `port`: containers as they are.

use std::time::Duration;

use super::InvalidValue;
use super::value::{grace, seconds};
use crate::cli::timings::TimingsTo;
use crate::name::ServiceName;
use crate::supervisor::lower::signal_number;

/// The flags of `start`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct StartArgs {
    /// Wait until the services run and are healthy
    #[arg(long)]
    pub wait: bool,
    /// Seconds that --wait waits at most
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub wait_timeout: Option<Duration>,
    /// Tell where the time went: as a waterfall, or in a file that ends in .svg or .json
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub timings: Option<TimingsTo>,
    /// Only these services, and what they depend on
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,
}

/// The flags of `stop`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct StopArgs {
    /// Seconds a container has to stop before it is killed (-1: for ever) [default: its stop_grace_period]
    #[arg(short, long, value_name = "SECONDS", value_parser = grace, allow_negative_numbers = true)]
    pub timeout: Option<Duration>,
    /// Only these services
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,
}

/// The flags of `restart`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct RestartArgs {
    /// Leave services alone that depend on these with `restart: true`
    #[arg(long)]
    pub no_deps: bool,
    /// Seconds a container has to stop before it is killed (-1: for ever) [default: its stop_grace_period]
    #[arg(short, long, value_name = "SECONDS", value_parser = grace, allow_negative_numbers = true)]
    pub timeout: Option<Duration>,
    /// Only these services
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,
}

/// The flags of `kill`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct KillArgs {
    /// Kill containers too whose services the Compose file no longer has
    #[arg(long, env = super::REMOVE_ORPHANS, hide_env = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub remove_orphans: bool,
    /// Signal to send
    #[arg(short, long, value_name = "SIGNAL", default_value = "SIGKILL")]
    pub signal: SignalNumber,
    /// Only these services
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,
}

/// A signal, as `kill --signal` takes it: `SIGHUP`, `hup`, `1`, `RTMIN+3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignalNumber(pub i32);

impl std::str::FromStr for SignalNumber {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        signal_number(text).map(Self).ok_or_else(|| InvalidValue::Signal { text: text.to_owned() })
    }
}

/// The flags of `pause` and `unpause`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct PauseArgs {
    /// Only these services
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,
}

/// The flags of `rm`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct RmArgs {
    /// Do not ask
    #[arg(short, long)]
    pub force: bool,
    /// Stop the containers first
    #[arg(short, long)]
    pub stop: bool,
    /// Remove their anonymous volumes too
    #[arg(short, long)]
    pub volumes: bool,
    /// Only these services
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,
}

/// The flags of `wait`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct WaitArgs {
    /// Take the project down when they have ended
    #[arg(long)]
    pub down_project: bool,
    /// The services
    #[arg(value_name = "SERVICE", required = true)]
    pub services: Vec<ServiceName>,
}

/// The flags of `port`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct PortArgs {
    /// Which of the service's containers [default: the lowest number that runs]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub index: Option<u32>,
    /// tcp, udp or sctp
    #[arg(long, value_name = "PROTOCOL", default_value = "tcp", value_parser = protocol)]
    pub protocol: String,
    /// The service
    #[arg(value_name = "SERVICE")]
    pub service: ServiceName,
    /// The port in the container
    #[arg(value_name = "PORT")]
    pub port: u16,
}

/// A protocol of ports, in either case.
fn protocol(text: &str) -> Result<String, String> {
    let lower = text.to_ascii_lowercase();
    if matches!(lower.as_str(), "tcp" | "udp" | "sctp") {
        Ok(lower)
    } else {
        Err("expected tcp, udp or sctp".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Command;
    use crate::cli::args::tests::parse;

    fn service(name: &str) -> ServiceName {
        ServiceName::new(name).unwrap()
    }

    #[test]
    fn a_timeout_is_a_number_of_seconds() {
        let error = parse("stop -t soon").unwrap_err();
        assert!(error.contains("'soon'") && error.contains("expected a whole number of seconds"), "{error}");
    }

    #[test]
    fn every_flag_has_the_spelling_of_docker_compose() {
        let web = vec![service("web")];
        let second = Some(Duration::from_secs(1));
        for (line, command) in [
            (
                "start --wait --wait-timeout 1 web",
                Command::Start(StartArgs { wait: true, wait_timeout: second, timings: None, services: web.clone() }),
            ),
            ("stop -t 1 web", Command::Stop(StopArgs { timeout: second, services: web.clone() })),
            (
                "restart --no-deps --timeout 1 web",
                Command::Restart(RestartArgs { no_deps: true, timeout: second, services: web.clone() }),
            ),
            (
                "kill -s hup --remove-orphans web",
                Command::Kill(KillArgs { remove_orphans: true, signal: SignalNumber(1), services: web.clone() }),
            ),
            ("kill", Command::Kill(KillArgs { remove_orphans: false, signal: SignalNumber(9), services: Vec::new() })),
            ("pause web", Command::Pause(PauseArgs { services: web.clone() })),
            ("unpause web", Command::Unpause(PauseArgs { services: web.clone() })),
            ("rm -f -s -v web", Command::Rm(RmArgs { force: true, stop: true, volumes: true, services: web.clone() })),
            ("wait --down-project web", Command::Wait(WaitArgs { down_project: true, services: web })),
            (
                "port --index 2 --protocol UDP web 53",
                Command::Port(PortArgs {
                    index: Some(2),
                    protocol: "udp".to_owned(),
                    service: service("web"),
                    port: 53,
                }),
            ),
        ] {
            assert_eq!(parse(line).unwrap().command, command, "{line}");
        }
        for line in ["kill -s FROB", "wait", "port web", "port web 99999", "port --protocol icmp web 1", "stop -t soon"]
        {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
