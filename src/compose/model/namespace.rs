//! `pid` and `ipc`: whose namespace a container is in.

use std::fmt;
use std::str::FromStr;

use super::word::as_text;
use crate::name::ServiceName;

/// `pid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PidMode {
    /// The host's processes.
    Host,
    /// Those of a service's container.
    Service(ServiceName),
    /// Those of another container.
    Container(String),
}

/// `ipc`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IpcMode {
    /// Its own, which others may join.
    Shareable,
    /// Its own.
    Private,
    /// The host's.
    Host,
    /// Its own, without `/dev/shm`.
    None,
    /// That of a service's container.
    Service(ServiceName),
    /// That of another container.
    Container(String),
}

impl FromStr for PidMode {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.split_once(':')) {
            ("host", _) => Ok(Self::Host),
            (_, Some(("service", name))) => service(name).map(Self::Service),
            (_, Some(("container", name))) => Ok(Self::Container(name.to_owned())),
            _ => Err("must be `host`, `service:NAME` or `container:NAME`".to_owned()),
        }
    }
}

impl fmt::Display for PidMode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => formatter.write_str("host"),
            Self::Service(name) => write!(formatter, "service:{name}"),
            Self::Container(name) => write!(formatter, "container:{name}"),
        }
    }
}

impl FromStr for IpcMode {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.split_once(':')) {
            ("shareable", _) => Ok(Self::Shareable),
            ("private", _) => Ok(Self::Private),
            ("host", _) => Ok(Self::Host),
            ("none", _) => Ok(Self::None),
            (_, Some(("service", name))) => service(name).map(Self::Service),
            (_, Some(("container", name))) => Ok(Self::Container(name.to_owned())),
            _ => Err("must be `shareable`, `private`, `host`, `none`, `service:NAME` or `container:NAME`".to_owned()),
        }
    }
}

impl fmt::Display for IpcMode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shareable => formatter.write_str("shareable"),
            Self::Private => formatter.write_str("private"),
            Self::Host => formatter.write_str("host"),
            Self::None => formatter.write_str("none"),
            Self::Service(name) => write!(formatter, "service:{name}"),
            Self::Container(name) => write!(formatter, "container:{name}"),
        }
    }
}

fn service(name: &str) -> Result<ServiceName, String> {
    ServiceName::new(name).map_err(|error| error.to_string())
}

as_text!(PidMode, IpcMode);
