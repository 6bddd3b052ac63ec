//! `logging` of a service as the runtime takes it. Pure: the name of this machine is an argument.

use std::collections::BTreeMap;

use super::observe::Record;
use crate::compose::model::{Logging, SyslogServer, log_names};
use crate::runtime::log::{Driver, Format, Limits, Options, Syslog, SyslogAddress, SyslogFormat};

/// As much as Docker's `local` keeps.
const LOCAL: Limits = Limits { max_size: 20_000_000, max_files: 5 };

/// What is kept of a container's output, and where else it goes.
pub(super) fn options(record: &Record, machine: &str) -> Options {
    let Some(logging) = &record.config.service.logging else { return Options::default() };
    let driver = logging.driver.as_deref().unwrap_or_default();
    let format = if driver == "json-file" { Format::Json } else { Format::Chunks };
    // What goes elsewhere is kept as `local` would, so that it can be shown.
    let default = if matches!(driver, "" | "json-file") { Limits::default() } else { LOCAL };
    let limits = Limits {
        max_size: logging.max_size().unwrap_or(default.max_size),
        max_files: logging.max_file().unwrap_or(default.max_files),
    };
    let mut attributes = attributes(record, logging);
    let tag = logging.options.get("tag").filter(|tag| !tag.is_empty());
    let driver = match driver {
        "none" => Driver::None,
        "syslog" => Driver::Syslog(syslog(record, logging, machine)),
        "journald" => Driver::Journald(journal_fields(record, logging, std::mem::take(&mut attributes))),
        _ => {
            if let Some(tag) = tag {
                attributes.insert("tag".to_owned(), expand(record, tag));
            }
            Driver::File
        }
    };
    Options { limits, attributes, driver, format }
}

fn syslog(record: &Record, logging: &Logging, machine: &str) -> Syslog {
    Syslog {
        address: match logging.syslog_address() {
            None => SyslogAddress::Local,
            Some(SyslogServer::Unix(path)) => SyslogAddress::Unix(path),
            Some(SyslogServer::Unixgram(path)) => SyslogAddress::Unixgram(path),
            Some(SyslogServer::Udp(address)) => SyslogAddress::Udp(address),
            Some(SyslogServer::Tcp(address)) => SyslogAddress::Tcp(address),
        },
        facility: logging.syslog_facility(),
        format: match logging.options.get("syslog-format").map(String::as_str) {
            Some("rfc3164") => SyslogFormat::Rfc3164,
            Some("rfc5424") => SyslogFormat::Rfc5424,
            Some("rfc5424micro") => SyslogFormat::Rfc5424Micro,
            _ => SyslogFormat::Local,
        },
        tag: tag(record, logging),
        hostname: machine.to_owned(),
    }
}

/// Docker's fields, and what `labels` and `env` name.
fn journal_fields(
    record: &Record,
    logging: &Logging,
    attributes: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let tag = tag(record, logging);
    let mut fields: BTreeMap<_, _> = attributes
        .into_iter()
        .map(|(name, value)| (field_name(&name), value))
        .filter(|(name, _)| !name.is_empty())
        .collect();
    fields.extend(
        [
            ("CONTAINER_ID", record.id.short().to_owned()),
            ("CONTAINER_ID_FULL", record.id.to_string()),
            ("CONTAINER_NAME", record.name.to_string()),
            ("CONTAINER_TAG", tag.clone()),
            ("IMAGE_NAME", record.config.service.image.to_string()),
            ("SYSLOG_IDENTIFIER", tag),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    fields
}

/// A name that the journal takes: capitals, digits and underscores, of which the first is none.
fn field_name(text: &str) -> String {
    let name: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    name.trim_start_matches('_').to_owned()
}

/// The labels and variables that the options name, of those that there are; and those whose names match.
fn attributes(record: &Record, logging: &Logging) -> BTreeMap<String, String> {
    let lowered = &record.config.lowered;
    let environment = lowered.spec.process().as_ref().and_then(|process| process.env().clone()).unwrap_or_default();
    let variables = environment.iter().filter_map(|variable| variable.split_once('='));
    let labels = lowered.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let wanted = |option: &str| {
        let names = logging.options.get(option).map_or("", String::as_str).split(',');
        let names: Vec<_> = names.map(str::trim).collect();
        let pattern = logging.options.get(&format!("{option}-regex")).and_then(|pattern| log_names(pattern));
        move |name: &str| names.contains(&name) || pattern.as_ref().is_some_and(|pattern| pattern.is_match(name))
    };
    let (is_label, is_variable) = (wanted("labels"), wanted("env"));
    let labels = labels.filter(|(name, _)| is_label(name));
    let variables = variables.filter(|(name, _)| is_variable(name));
    labels.chain(variables).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn tag(record: &Record, logging: &Logging) -> String {
    let template = logging.options.get("tag").filter(|tag| !tag.is_empty()).map_or("{{.ID}}", String::as_str);
    expand(record, template)
}

/// Puts what there is to know of a container in place of the expressions in `template`, which are known ones.
fn expand(record: &Record, template: &str) -> String {
    let image_id = record.config.lowered.labels.get("com.docker.compose.image").map_or("", String::as_str);
    let mut text = template.replace("{{ .", "{{.").replace(" }}", "}}");
    for (name, value) in [
        ("ID", record.id.short().to_owned()),
        ("FullID", record.id.to_string()),
        ("Name", record.name.to_string()),
        ("ImageID", image_id.trim_start_matches("sha256:").chars().take(12).collect()),
        ("ImageFullID", image_id.to_owned()),
        ("ImageName", record.config.service.image.to_string()),
        ("DaemonName", "rcompose".to_owned()),
    ] {
        text = text.replace(&format!("{{{{.{name}}}}}"), &value);
    }
    text
}
