//! What happens to one thing.

use std::fmt;

/// Something happened to a network, a volume, an image or a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// To what: `Container shop-db-1`.
    pub id: String,
    /// What.
    pub status: Status,
    /// More about it, in a few words; may be empty.
    pub detail: String,
    /// How far it is, where that is counted.
    pub amount: Option<Amount>,
}

/// How many bytes are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount {
    /// So far.
    pub current: u64,
    /// In the end, if known.
    pub total: Option<u64>,
}

impl Event {
    /// `status` of the thing called `id`.
    #[must_use]
    pub fn new(id: impl Into<String>, status: Status) -> Self {
        Self { id: id.into(), status, detail: String::new(), amount: None }
    }

    /// With more about it.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    /// The event as a line: `Container shop-db-1  Started`.
    pub(super) fn line(&self) -> String {
        let line = format!("{}  {}", self.id, self.status);
        if self.detail.is_empty() { line } else { format!("{line} {}", self.detail) }
    }
}

macro_rules! statuses {
    ($($variant:ident $phase:ident $doc:literal),* $(,)?) => {
        /// What happens, in the words of docker compose.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Status {
            $(#[doc = $doc] $variant,)*
        }

        impl Status {
            /// Whether that is the end of it.
            #[must_use]
            pub fn phase(self) -> Phase {
                match self {
                    $(Self::$variant => Phase::$phase,)*
                }
            }
        }
    };
}

statuses! {
    Pulling Working "An image is fetched.",
    Pulled Done "An image is there.",
    Building Working "A step of a build is carried out.",
    Built Done "It is done, or an image is there.",
    Cached Done "It was done before.",
    Pushing Working "An image or an artifact is sent.",
    Pushed Done "It is there.",
    Copying Working "Files are copied.",
    Copied Done "They are there.",
    Exporting Working "The files of a container are written to an archive.",
    Exported Done "They are there.",
    Committing Working "An image is made of a container.",
    Committed Done "It is made.",
    Publishing Working "A project is sent to a registry.",
    Published Done "It is there.",
    Creating Working "A network, a volume or a container is made.",
    Created Done "It is made.",
    Recreate Working "A container is replaced.",
    Recreated Done "It is replaced.",
    Starting Working "A container is started.",
    Started Done "It is started.",
    Updated Done "It is changed, and runs on.",
    Running Done "It ran already.",
    Restarting Working "It is stopped and started.",
    Waiting Working "Something waits for a container to be healthy, or to end.",
    Ready Done "Its turn has come.",
    Healthy Done "Its health check passed.",
    Exited Done "It ended, with code 0.",
    Stopping Working "A container is stopped.",
    Stopped Done "It is stopped.",
    Killing Working "It is killed.",
    Killed Done "It is killed.",
    Paused Done "All its processes are stopped until it goes on.",
    Unpaused Done "It goes on.",
    Saving Working "A volume is copied to a snapshot.",
    Saved Done "It is in the snapshot.",
    Restoring Working "A volume is made what a snapshot has of it.",
    Restored Done "It is.",
    Removing Working "A network, a volume or a container is removed.",
    Removed Done "It is removed.",
    Skipped Warning "It was left out.",
    Warning Warning "Something about it may not be meant.",
    Error Failed "It failed.",
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The variants are named for what is shown.
        fmt::Debug::fmt(self, formatter)
    }
}

/// How far a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// On its way.
    Working,
    /// Where it should be.
    Done,
    /// Left as it was.
    Warning,
    /// Failed.
    Failed,
}
