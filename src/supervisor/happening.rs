//! What happens to containers, told to whoever listens, with the last of what has happened before, under earlier
//! supervisors too.
//!
//! A listener is no client: the supervisor does not stay for it. What is left to be told is told before it leaves.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Notify, broadcast};

use super::control::Event;
use super::observe::Record;
use super::server::say;
use crate::name::{ContainerId, ProjectName, ServiceName};
use crate::state::{Journal, Layout, REMEMBERED};

/// How long a listener may take to read what is left when the supervisor leaves.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Something that happened to a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// When.
    pub time: Timestamp,
    /// The container's service.
    pub service: ServiceName,
    /// The container.
    pub container: ContainerId,
    /// What, in docker's words: `create`, `start`, `health_status: healthy`, `die`, …
    pub action: String,
    /// More about it, and the container's name, image and labels.
    pub attributes: BTreeMap<String, String>,
}

/// What has happened, and who is told.
#[derive(Debug)]
pub(super) struct Happenings {
    /// As much as Docker remembers.
    last: RefCell<VecDeque<Happening>>,
    /// The same on disk.
    journal: RefCell<Journal>,
    /// Gone when nothing more will happen.
    live: RefCell<Option<broadcast::Sender<Happening>>>,
    listeners: Cell<usize>,
    /// Notified when a listener has gone.
    gone: Notify,
}

/// What has happened in a project after a moment, as far as it is remembered: told without a supervisor.
#[must_use]
pub fn remembered(layout: &Layout, project: &ProjectName, after: Timestamp) -> Vec<Happening> {
    // What a later version has written, or half a line of a full disk, is nothing to fail for.
    let read = layout.read_journal(project).into_iter().filter_map(|line| serde_json::from_str(&line).ok());
    read.filter(|happening: &Happening| happening.time > after).collect()
}

/// Whether `action` says of a container what is known of it.
fn is_known(last: &VecDeque<Happening>, container: &ContainerId, action: &str) -> bool {
    const HEALTH: &str = "health_status: ";
    let mut before = last.iter().rev().filter(|it| it.container == *container).map(|it| it.action.as_str());
    match action {
        // A container that waits for its restart has died already when it is told to stop.
        "die" => before.next() == Some("die"),
        // A supervisor that takes a container over asks for its health as of one that has just started.
        _ if action.starts_with(HEALTH) => {
            before.find(|it| it.starts_with(HEALTH) || matches!(*it, "start" | "die")) == Some(action)
        }
        _ => false,
    }
}

impl Happenings {
    /// Goes on where the last supervisor of the project ended.
    pub(super) fn resume(layout: &Layout, project: &ProjectName) -> Self {
        Self {
            last: RefCell::new(remembered(layout, project, Timestamp::MIN).into()),
            journal: RefCell::new(layout.open_journal(project)),
            live: RefCell::new(Some(broadcast::channel(REMEMBERED).0)),
            listeners: Cell::default(),
            gone: Notify::default(),
        }
    }

    /// Tells that `action` has happened to the container of `record`.
    pub(super) fn note(&self, record: &Record, action: &str, more: &[(&str, String)]) {
        const COMPOSE: &str = "com.docker.compose.";
        let labels = record.labels.iter().filter(|(name, _)| !name.starts_with(COMPOSE));
        let mut attributes: BTreeMap<String, String> =
            labels.map(|(name, value)| (name.clone(), value.clone())).collect();
        attributes.insert("name".to_owned(), record.name.to_string());
        attributes.insert("image".to_owned(), record.image.to_string());
        attributes.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let mut last = self.last.borrow_mut();
        if is_known(&last, &record.id, action) {
            return;
        }
        // Never the same moment twice, so that who has heard of one knows which come after it.
        let after = last.back().and_then(|before| before.time.checked_add(Duration::from_nanos(1)).ok());
        let happening = Happening {
            time: after.map_or_else(Timestamp::now, |after| after.max(Timestamp::now())),
            service: record.service.clone(),
            container: record.id.clone(),
            action: action.to_owned(),
            attributes,
        };
        if let Ok(line) = serde_json::to_string(&happening) {
            self.journal.borrow_mut().add(&line);
        }
        if let Some(live) = &*self.live.borrow() {
            // Nobody listening is fine.
            let _ = live.send(happening.clone());
        }
        if last.len() == REMEMBERED {
            last.pop_front();
        }
        last.push_back(happening);
    }

    /// Tells a listener of all that has happened after `after`, and goes on as it happens, until it hangs up.
    pub(super) async fn tell(
        &self,
        after: Timestamp,
        mut reader: BufReader<OwnedReadHalf>,
        mut writer: OwnedWriteHalf,
    ) {
        let Some(mut live) = self.live.borrow().as_ref().map(broadcast::Sender::subscribe) else { return };
        self.listeners.set(self.listeners.get() + 1);
        let before: Vec<Happening> = self.last.borrow().iter().filter(|it| it.time > after).cloned().collect();
        let telling = async {
            for happening in before {
                say(&mut writer, &Event::Happened(happening)).await?;
            }
            say(&mut writer, &Event::Done).await?;
            loop {
                match live.recv().await {
                    Ok(happening) => say(&mut writer, &Event::Happened(happening)).await?,
                    // It reads too slowly, and goes on with what is still there.
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return Ok(()),
                }
            }
        };
        let mut rest = [0; 8];
        tokio::select! {
            told = telling => drop::<std::io::Result<()>>(told),
            _ = reader.read(&mut rest) => {}
        }
        self.listeners.set(self.listeners.get() - 1);
        self.gone.notify_one();
    }

    /// Lets the listeners hear what is left. Nothing happens any more.
    pub(super) async fn finish(&self) {
        self.live.take();
        let all_gone = async {
            while self.listeners.get() > 0 {
                self.gone.notified().await;
            }
        };
        // One that does not read is not waited for.
        let _ = tokio::time::timeout(LAST_WORDS, all_gone).await;
    }
}
