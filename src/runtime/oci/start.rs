//! `start`: lets a container that waits execute its program.

use super::hook::{self, HookError, Point};
use super::state::Phase;
use super::{Container, OciError, Status, create};
use crate::runtime::RuntimeError;
use crate::runtime::channel::Message;
use crate::runtime::init::text;
use crate::runtime::seccomp::{Agent, AgentError};
use crate::runtime::spawn::unexpected;

impl Container {
    /// Executes its program; returns when that has been executed, with the `poststart` hooks that failed.
    ///
    /// # Errors
    /// [`OciError::AlreadyRunning`], [`OciError::HasStopped`], [`OciError::NoProcess`]; [`OciError::Runtime`] when the
    /// program cannot be executed or a `startContainer` hook failed: then the container has stopped.
    pub fn start(&mut self) -> Result<Vec<HookError>, OciError> {
        let lock = self.locked()?;
        match self.status_when_locked()? {
            Status::Created if !self.record.has_process => return Err(OciError::NoProcess),
            Status::Created => {}
            Status::Creating => return Err(OciError::Creating("start")),
            Status::Running | Status::Paused => return Err(OciError::AlreadyRunning),
            Status::Stopped => return Err(OciError::HasStopped),
        }
        self.release()?;
        drop(lock);
        let config = self.config()?;
        let state = self.hook_state(Status::Running);
        let directory = Some(self.record.bundle.as_path());
        // The container runs: these only warn.
        Ok(hook::run_each(Point::Poststart, config.spec.hooks().as_ref(), &state, directory)
            .into_iter()
            .filter_map(Result::err)
            .collect())
    }

    fn release(&mut self) -> Result<(), OciError> {
        let agent = self.agent().map_err(agent_failure)?;
        let init = create::connect(&self.directory).map_err(|_| OciError::InitGone)?;
        match init.receive()? {
            Some((Message::Ready { .. }, _)) => {}
            _ => return Err(OciError::InitGone),
        }
        // Before the word is given: if we die in between, so does init, and that is found out by looking.
        self.record.phase = Phase::Started;
        self.write()?;
        init.send(&Message::Start, &[]).map_err(|_| OciError::InitGone)?;
        let mut message = init.receive()?;
        if let (Some((Message::Listener { number }, _)), Some(agent)) = (&message, agent) {
            let (process, pidfd) = self.record.init.zip(self.init()?).ok_or(OciError::InitGone)?;
            agent.hand_over((&pidfd, process.pid), *number, &init).map_err(agent_failure)?;
            message = init.receive()?;
        }
        match message {
            // The program has been executed, which closed the other end.
            None => Ok(()),
            Some((message, _)) => {
                // It ends at once; whoever looks next is to see that.
                if let Some(init) = self.init()? {
                    let _ = init.wait_exited();
                }
                Err(unexpected(message).into())
            }
        }
    }

    /// Who answers for its system calls, if anybody.
    fn agent(&self) -> Result<Option<Agent>, AgentError> {
        let Ok(config) = self.config() else { return Ok(None) };
        let state = serde_json::from_str(&self.hook_state(Status::Creating)).unwrap_or_default();
        Ok(Agent::connect(&config)?.map(|agent| agent.of_container(state)))
    }
}

fn agent_failure(error: AgentError) -> OciError {
    RuntimeError::Container { code: 125, error: text(&error) }.into()
}
