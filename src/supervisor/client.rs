//! The client's end of the socket: finds the project's supervisor, starting one when there is none.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::control::{ACCEPTED, Event, Request};
use crate::name::ProjectName;
use crate::state::{Layout, ProjectLayout};
use crate::sys::create_private_dir_all;

/// How often a client looks again while the lock is held by a supervisor that does not answer: one that is just
/// starting or just leaving. 5 ms apart, so 10 s in all.
const ATTEMPTS: u32 = 2000;

/// A failure to talk to the supervisor.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A supervisor cannot be started.
    #[error("cannot start the supervisor of project `{project}`")]
    Spawn {
        /// The project.
        project: ProjectName,
        /// Why.
        source: io::Error,
    },
    /// The supervisor started and ended again.
    #[error("the supervisor of project `{project}` ended at once: {log}")]
    Ended {
        /// The project.
        project: ProjectName,
        /// What it wrote to its log.
        log: String,
    },
    /// Nobody answers although the project's lock is held.
    #[error("the supervisor of project `{project}` does not answer")]
    Silent {
        /// The project.
        project: ProjectName,
    },
    /// The supervisor ended in the middle of a request.
    #[error("the supervisor of project `{project}` ended in the middle of the request")]
    Lost {
        /// The project.
        project: ProjectName,
    },
    /// The supervisor speaks another protocol.
    #[error("the supervisor of project `{project}` is of another version of rcompose")]
    Protocol {
        /// The project.
        project: ProjectName,
        /// What could not be read.
        source: serde_json::Error,
    },
}

/// A connection to the project's supervisor with a request on its way.
#[derive(Debug)]
pub struct Client {
    project: ProjectName,
    lines: Lines<BufReader<OwnedReadHalf>>,
    // Held open: a closed connection cancels the request.
    writer: OwnedWriteHalf,
}

impl Client {
    /// Sends `request` to the project's supervisor, which is started when none runs.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn request(layout: &Layout, project: &ProjectName, request: &Request) -> Result<Self, ClientError> {
        let mut line =
            serde_json::to_vec(request).map_err(|source| ClientError::Protocol { project: project.clone(), source })?;
        line.push(b'\n');
        let paths = layout.project(project);
        // Held until the request is accepted: the supervisor waits for the client that started it.
        let mut _started = None;
        for _ in 0..ATTEMPTS {
            if let Ok(stream) = UnixStream::connect(paths.socket()).await
                && let Some(client) = Self::offer(project, stream, &line).await
            {
                return Ok(client);
            }
            match spawn(layout, project).await? {
                Spawned::Ready(child) => _started = Some(child),
                // Another one holds the lock: it is about to listen, or about to be gone.
                Spawned::Busy => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
        Err(ClientError::Silent { project: project.clone() })
    }

    /// Listens to what happens in the project, and has happened after a moment; `None` when it has no supervisor, and none is
    /// started.
    ///
    /// # Errors
    /// [`ClientError::Protocol`].
    pub async fn listen(
        layout: &Layout,
        project: &ProjectName,
        after: jiff::Timestamp,
    ) -> Result<Option<Self>, ClientError> {
        let request = Request::Events { after };
        let mut line = serde_json::to_vec(&request)
            .map_err(|source| ClientError::Protocol { project: project.clone(), source })?;
        line.push(b'\n');
        match UnixStream::connect(layout.project(project).socket()).await {
            Ok(stream) => Ok(Self::offer(project, stream, &line).await),
            Err(_) => Ok(None),
        }
    }

    /// Sends a request; `None` when the supervisor is leaving and has not taken it.
    async fn offer(project: &ProjectName, stream: UnixStream, request: &[u8]) -> Option<Self> {
        let (reader, mut writer) = stream.into_split();
        writer.write_all(request).await.ok()?;
        let mut reader = BufReader::new(reader);
        let mut accepted = Vec::new();
        reader.read_until(b'\n', &mut accepted).await.ok()?;
        (accepted == ACCEPTED).then(|| Self { project: project.clone(), lines: reader.lines(), writer })
    }

    /// The next event; `None` when the supervisor has no more to say.
    ///
    /// # Errors
    /// [`ClientError::Lost`] and [`ClientError::Protocol`]. Safe to cancel: no event is lost.
    pub async fn next(&mut self) -> Result<Option<Event>, ClientError> {
        let line = self.lines.next_line().await.map_err(|_| ClientError::Lost { project: self.project.clone() })?;
        line.map(|line| {
            serde_json::from_str(&line)
                .map_err(|source| ClientError::Protocol { project: self.project.clone(), source })
        })
        .transpose()
    }

    /// Says that this client is attached to the container that waits for it.
    ///
    /// # Errors
    /// [`ClientError::Lost`].
    pub async fn attached(&mut self) -> Result<(), ClientError> {
        self.writer.write_all(b"\n").await.map_err(|_| ClientError::Lost { project: self.project.clone() })
    }

    /// Whose supervisor this is.
    #[must_use]
    pub fn project(&self) -> &ProjectName {
        &self.project
    }
}

enum Spawned {
    /// It listens, and waits for us as long as its standard input is open.
    Ready(tokio::process::Child),
    Busy,
}

/// What the supervisor answers on its standard output, which is closed thereafter.
pub(super) const READY: u8 = b'r';
/// Another supervisor has the project's lock.
pub(super) const BUSY: u8 = b'b';

async fn spawn(layout: &Layout, project: &ProjectName) -> Result<Spawned, ClientError> {
    let failed = |source| ClientError::Spawn { project: project.clone(), source };
    let paths = layout.project(project);
    let log = open_log(&paths).map_err(failed)?;
    let mut command = std::process::Command::new("/proc/self/exe");
    command.arg0("rcompose").args(super::arguments(project, layout));
    // Its own process group: a Ctrl-C at the terminal is for the client.
    command.process_group(0).current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
    let mut child = tokio::process::Command::from(command).spawn().map_err(failed)?;
    let mut answer = [0];
    let stdout = child.stdout.as_mut().expect("stdout is piped");
    match tokio::io::AsyncReadExt::read(stdout, &mut answer).await.map_err(failed)? {
        1 if answer[0] == READY => Ok(Spawned::Ready(child)),
        1 => Ok(Spawned::Busy),
        _ => {
            let log = fs_err::read_to_string(paths.supervisor_log()).unwrap_or_default();
            Err(ClientError::Ended { project: project.clone(), log: log.lines().last().unwrap_or_default().to_owned() })
        }
    }
}

fn open_log(paths: &ProjectLayout) -> io::Result<std::fs::File> {
    let path = paths.supervisor_log();
    create_private_dir_all(path.parent().expect("the log is in the project's run directory"))?;
    Ok(fs_err::OpenOptions::new().create(true).append(true).open(path)?.into_parts().0)
}
