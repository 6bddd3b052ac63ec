//! What `ps` shows of a container, and in which formats.
//!
//! ```text
//! NAME        IMAGE         COMMAND                  SERVICE   CREATED         STATUS                   PORTS
//! shop-db-1   postgres:15   "docker-entrypoint.s…"   db        3 seconds ago   Up 2 seconds (healthy)   5432/tcp
//! ```

mod json;
mod ports;
mod state;

pub use ports::{Publisher, displayed};
pub use state::{State, StateName};

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::cli::human;
use crate::cli::listing::Listing;
use crate::cli::template::TemplateError;
use crate::name::{ContainerId, ContainerName, ProjectName, ServiceName};

/// A container.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its id.
    pub id: ContainerId,
    /// Its name.
    pub name: ContainerName,
    /// Its image, as the Compose file names it.
    pub image: String,
    /// Its entrypoint and command, joined by spaces.
    pub command: String,
    /// The project it belongs to.
    pub project: ProjectName,
    /// The service it belongs to.
    pub service: ServiceName,
    /// When it was made.
    pub created: Timestamp,
    /// Whether it runs.
    pub state: State,
    /// Its ports, published or not.
    pub ports: Vec<Publisher>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The networks it is attached to, as they are called on this machine.
    pub networks: Vec<String>,
    /// The volumes and directories mounted into it.
    pub mounts: Vec<String>,
}

/// Whether ids and commands are cut to what people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// 12 digits of an id, 20 characters of a command.
    Short,
    /// All of it: `--no-trunc`.
    Full,
}

const LIST: Listing = Listing {
    columns: "{{.Name}}\t{{.Image}}\t{{.Command}}\t{{.Service}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}",
    headers: &[
        ("Command", "COMMAND"),
        ("CreatedAt", "CREATED AT"),
        ("ExitCode", "EXIT CODE"),
        ("Health", "HEALTH"),
        ("ID", "CONTAINER ID"),
        ("Image", "IMAGE"),
        ("Labels", "LABELS"),
        ("LocalVolumes", "LOCAL VOLUMES"),
        ("Mounts", "MOUNTS"),
        ("Name", "NAME"),
        ("Names", "NAMES"),
        ("Networks", "NETWORKS"),
        ("Ports", "PORTS"),
        ("Project", "PROJECT"),
        ("Publishers", "PUBLISHERS"),
        ("RunningFor", "CREATED"),
        ("Service", "SERVICE"),
        ("Size", "SIZE"),
        ("State", "STATE"),
        ("Status", "STATUS"),
    ],
};

/// `rows` in `format`: `table`, `json` (an object a line, with the fields of docker compose), a template, or one in columns
/// after `table`. `now` is what ages are counted to.
///
/// # Errors
/// [`TemplateError`].
pub fn as_list(rows: &[Row], format: &str, now: Timestamp, length: Length) -> Result<String, TemplateError> {
    let values: Vec<_> = rows.iter().map(|row| json::value(row, now, length)).collect();
    LIST.print(&values, format, |index| json::line(&rows[index], now, length))
}

/// What `ps --quiet` prints: an id a line, whole.
#[must_use]
pub fn as_ids(rows: &[Row]) -> String {
    rows.iter().map(|row| format!("{}\n", row.id)).collect()
}

/// What `ps --services` prints: the services that have a container, each once.
#[must_use]
pub fn as_services(rows: &[Row]) -> String {
    let services: std::collections::BTreeSet<_> = rows.iter().map(|row| &row.service).collect();
    services.into_iter().map(|service| format!("{service}\n")).collect()
}

/// How long ago `then` was: `3 minutes ago`.
fn age(then: Timestamp, now: Timestamp) -> String {
    format!("{} ago", human::duration(elapsed(then, now)))
}

/// The time from `then` to `now`: none when a clock was set back in between.
fn elapsed(then: Timestamp, now: Timestamp) -> Duration {
    now.duration_since(then).try_into().unwrap_or_default()
}

/// `command` in quotes, on one line, cut to 20 characters if `length` is short.
fn quoted(command: &str, length: Length) -> String {
    const LONGEST: usize = 20;
    if length == Length::Full || command.chars().count() <= LONGEST {
        return format!("\"{}\"", escaped(command));
    }
    let kept: String = command.chars().take(LONGEST - 1).collect();
    format!("\"{}…\"", escaped(&kept))
}

/// `text` without quotes, line ends and other characters that would break a line of a table.
fn escaped(text: &str) -> String {
    text.chars()
        .flat_map(|c| if c.is_control() || c == '"' || c == '\\' { c.escape_default().collect() } else { vec![c] })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Health;

    fn row(service: &str, digit: char, state: State) -> Row {
        Row {
            id: ContainerId::new(digit.to_string().repeat(64)).unwrap(),
            name: ContainerName::new(format!("shop-{service}-1")).unwrap(),
            image: format!("{service}:1"),
            command: "docker-entrypoint.sh serve".to_owned(),
            project: ProjectName::new("shop").unwrap(),
            service: ServiceName::new(service).unwrap(),
            created: second(0),
            state,
            ports: Vec::new(),
            labels: BTreeMap::new(),
            networks: vec!["shop_default".to_owned()],
            mounts: Vec::new(),
        }
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn rows() -> Vec<Row> {
        let mut db = row("db", 'a', State::Running { since: second(2), health: Health::Healthy });
        db.ports = vec![Publisher {
            url: "127.0.0.1".to_owned(),
            target: 5432,
            published: Some(5432),
            protocol: "tcp".to_owned(),
        }];
        db.labels.insert("com.docker.compose.service".to_owned(), "db".to_owned());
        db.mounts.push("shop_data".to_owned());
        let mut migrate = row("migrate", 'b', State::Exited { code: 1, oom: false, at: second(5) });
        migrate.command = "sh -c \"a\nb\"".to_owned();
        vec![db, migrate]
    }

    #[test]
    fn tables() {
        insta::assert_snapshot!(as_list(&rows(), "table", second(130), Length::Short).unwrap(), @r#"
        NAME             IMAGE       COMMAND                  SERVICE   CREATED         STATUS                     PORTS
        shop-db-1        db:1        "docker-entrypoint.s…"   db        2 minutes ago   Up 2 minutes (healthy)     127.0.0.1:5432->5432/tcp
        shop-migrate-1   migrate:1   "sh -c \"a\nb\""         migrate   2 minutes ago   Exited (1) 2 minutes ago
        "#);
        insta::assert_snapshot!(as_list(&rows()[..1], "table", second(130), Length::Full).unwrap(), @r#"
        NAME        IMAGE     COMMAND                        SERVICE   CREATED         STATUS                   PORTS
        shop-db-1   db:1      "docker-entrypoint.sh serve"   db        2 minutes ago   Up 2 minutes (healthy)   127.0.0.1:5432->5432/tcp
        "#);
        insta::assert_snapshot!(as_list(&[], "table", second(0), Length::Short).unwrap(), @"NAME      IMAGE     COMMAND   SERVICE   CREATED   STATUS    PORTS");
    }

    #[test]
    fn json() {
        insta::assert_snapshot!(as_list(&rows(), "json", second(130), Length::Short).unwrap(), @r#"
        {"Command":"\"docker-entrypoint.s…\"","CreatedAt":"2023-11-14 22:13:20 +0000 UTC","ExitCode":0,"Health":"healthy","ID":"aaaaaaaaaaaa","Image":"db:1","Labels":"com.docker.compose.service=db","LocalVolumes":"1","Mounts":"shop_data","Name":"shop-db-1","Names":"shop-db-1","Networks":"shop_default","Ports":"127.0.0.1:5432->5432/tcp","Project":"shop","Publishers":[{"URL":"127.0.0.1","TargetPort":5432,"PublishedPort":5432,"Protocol":"tcp"}],"RunningFor":"2 minutes ago","Service":"db","Size":"0B","State":"running","Status":"Up 2 minutes (healthy)"}
        {"Command":"\"sh -c \\\"a\\nb\\\"\"","CreatedAt":"2023-11-14 22:13:20 +0000 UTC","ExitCode":1,"Health":"","ID":"bbbbbbbbbbbb","Image":"migrate:1","Labels":"","LocalVolumes":"0","Mounts":"","Name":"shop-migrate-1","Names":"shop-migrate-1","Networks":"shop_default","Ports":"","Project":"shop","Publishers":[],"RunningFor":"2 minutes ago","Service":"migrate","Size":"0B","State":"exited","Status":"Exited (1) 2 minutes ago"}
        "#);
    }

    #[test]
    fn templates() {
        let list = |format| as_list(&rows(), format, second(130), Length::Short);
        assert_eq!(
            list("{{.Name}}: {{.State}} {{.Label \"com.docker.compose.service\"}}").unwrap(),
            "shop-db-1: running db\nshop-migrate-1: exited \n"
        );
        insta::assert_snapshot!(list("table {{.Names}}\\t{{.ExitCode}}\\t{{.RunningFor}}").unwrap(), @"
        NAMES            EXIT CODE   CREATED
        shop-db-1        0           2 minutes ago
        shop-migrate-1   1           2 minutes ago
        ");
        assert!(list("{{.Nmae}}").is_err());
    }

    #[test]
    fn ids_and_services() {
        let mut rows = rows();
        rows.push(rows[0].clone());
        assert_eq!(as_ids(&rows[..1]), format!("{}\n", "a".repeat(64)));
        assert_eq!(as_services(&rows), "db\nmigrate\n");
    }

    #[test]
    fn a_clock_set_back_is_no_error() {
        assert_eq!(age(second(5), second(0)), "Less than a second ago");
    }
}
