//! `develop.watch`: what is saved on this machine comes into the containers.
//!
//! ```text
//! kernel ──▶ Tree::hear ──▶ Batch ──(quiet)──▶ Tree::settle ──▶ Rule::of ──▶ copy ──▶ restart ──▶ exec
//!                                                                              ▲
//! supervisor ──▶ a container has started ──▶ all that the rules copy ──────────┘
//! ```
//!
//! Files are written straight into the roots of the containers ([`crate::runtime::files`]): no program in them takes part, and
//! nothing comes back. A container that starts meanwhile may know nothing of what was saved before, or while it was down: it
//! gets all of it.

mod batch;
mod change;
mod error;
mod pattern;
mod rule;
mod tree;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use jiff::Timestamp;

use super::context::Context;
use super::error::CliError;
use super::output;
use super::select::select;
use super::style;
use crate::compose::model::Project;
use crate::name::ServiceName;
use crate::supervisor::{Arrival, Client, Event};

use batch::Batch;
use change::Copied;
use rule::{Changes, Rule};
use tree::Tree;

pub(super) use error::WatchError;

/// What is to be watched.
#[derive(Debug, Clone)]
pub(super) struct Rules(Rc<[Rule]>);

impl Rules {
    /// What `services` (all when there are none) say. What a container has mounted is there already, and is left out with a
    /// warning.
    ///
    /// # Errors
    /// [`CliError::NoSuchService`], [`WatchError::Nothing`], [`WatchError::Rebuild`], or a pattern that is none.
    pub(super) fn of(context: &Context, project: &Project, services: &[ServiceName]) -> Result<Self, CliError> {
        let paint = output::paint(&context.globals);
        let (mut rules, mut any) = (Vec::new(), false);
        for (name, service) in select(project, services)? {
            for config in service.develop.iter().flat_map(|develop| &develop.watch) {
                any = true;
                let rule = Rule::new(name, service, config)?;
                let Some(source) = rule.mounted(service) else {
                    rules.push(rule);
                    continue;
                };
                let message = format!(
                    "`{}` of service `{name}` is not watched: its containers have `{}` mounted",
                    rule.root.display(),
                    source.display()
                );
                output::warn(paint, &message);
            }
        }
        if any { Ok(Self(rules.into())) } else { Err(WatchError::Nothing.into()) }
    }
}

/// Watching, and what it does.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    context: &'a Context,
    project: &'a Project,
    rules: Rc<[Rule]>,
    /// Set while containers are restarted: that they end is no end.
    restarting: Rc<Cell<bool>>,
}

impl<'a> Watch<'a> {
    /// Of the containers of `project`.
    pub(super) fn new(context: &'a Context, project: &'a Project, rules: Rules, restarting: Rc<Cell<bool>>) -> Self {
        Self { context, project, rules: rules.0, restarting }
    }

    /// Watches, and does what changes lead to, until it is dropped.
    ///
    /// # Errors
    /// When the kernel does not tell of changes, or the state cannot be read. What fails in a container is told.
    pub(super) async fn run(&self) -> Result<(), CliError> {
        let (mut tree, mut told) = Tree::watch(Rc::clone(&self.rules))?;
        let (mut batch, mut gone) = (Batch::default(), BTreeSet::new());
        let mut starts = Starts::new(self);
        self.copy_all(&tree, &gone, None, |rule| rule.initial).await?;
        self.say("Watch enabled")?;
        loop {
            tokio::select! {
                next = told.recv() => {
                    // It goes when the tree does.
                    let Some(next) = next else { return Ok(()) };
                    tree.hear(next, &mut batch)?;
                    while let Ok(next) = told.try_recv() {
                        tree.hear(next, &mut batch)?;
                    }
                }
                () = until(batch.due()) => {
                    let changes = tree.settle(&mut batch)?;
                    gone.retain(|path| !changes.changed.contains(path));
                    gone.extend(changes.removed.iter().cloned());
                    self.react(&changes).await?;
                }
                service = starts.next() => {
                    let service = service?;
                    self.copy_all(&tree, &gone, Some(&service), |rule| rule.service == service).await?;
                }
            }
        }
    }

    /// Does what `changes` lead to: first what is built, then all copies, then the restarts, then what is run.
    async fn react(&self, changes: &Changes) -> Result<(), CliError> {
        let mut copies: BTreeMap<&ServiceName, (usize, Vec<Copied<'_>>)> = BTreeMap::new();
        let (mut rebuilds, mut restarts, mut hooks) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for (number, rule) in self.rules.iter().enumerate() {
            let selected = rule.of(changes);
            if selected.len() == 0 {
                continue;
            }
            if rule.target.is_some() {
                let (count, copied) = copies.entry(&rule.service).or_default();
                *count += selected.len();
                copied.push(Copied::of(&self.rules, number, &selected, false));
            }
            if rule.rebuild {
                rebuilds.insert(rule.service.clone());
            }
            if rule.restart {
                restarts.insert(rule.service.clone());
            }
            hooks.extend(rule.exec.as_ref().map(|hook| (&rule.service, hook)));
        }
        for service in &rebuilds {
            self.rebuild(service).await?;
        }
        for (service, (count, copied)) in copies {
            self.say(&format!("Syncing service \"{service}\" after {count} changes were detected"))?;
            self.copy(service, copied).await?;
        }
        for service in restarts {
            self.restart(&service).await?;
        }
        for (service, hook) in hooks {
            self.exec(service, hook).await?;
        }
        Ok(())
    }

    /// Makes what rules copy the same in the containers; `gone` is what was removed since watching began. Only files that are
    /// other ones are written.
    async fn copy_all(
        &self,
        tree: &Tree,
        gone: &BTreeSet<PathBuf>,
        started: Option<&ServiceName>,
        wanted: impl Fn(&Rule) -> bool,
    ) -> Result<(), CliError> {
        let all = Changes { removed: gone.clone(), ..tree.all() };
        let mut copies: BTreeMap<&ServiceName, Vec<Copied<'_>>> = BTreeMap::new();
        for (number, rule) in self.rules.iter().enumerate().filter(|(_, rule)| rule.target.is_some() && wanted(rule)) {
            let copied = Copied::of(&self.rules, number, &rule.of(&all), true);
            copies.entry(&rule.service).or_default().push(copied);
        }
        for (service, copied) in copies {
            let written = self.copy(service, copied).await?;
            if written > 0 {
                let when = if started.is_some() { "as a container has started" } else { "at the beginning" };
                self.say(&format!("Syncing service \"{service}\" {when}: {written} files"))?;
            }
        }
        Ok(())
    }

    /// Prints what happens, as docker compose does.
    fn say(&self, text: &str) -> Result<(), CliError> {
        let paint = self.context.globals.ansi.unwrap_or_default().paint(&std::io::stdout());
        Ok(output::print(&format!("{}{text}\n", paint.apply(style::WATCH, " ⦿ ")))?)
    }

    /// Says what went wrong; watching goes on.
    fn warn(&self, text: &str) {
        output::warn(output::paint(&self.context.globals), text);
    }
}

/// Returns at a moment; never without one.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}

/// The containers that start, while supervisors come and go.
struct Starts<'a> {
    watch: &'a Watch<'a>,
    client: Option<Client>,
    /// When the last that was heard has happened.
    heard: Timestamp,
}

impl<'a> Starts<'a> {
    fn new(watch: &'a Watch<'a>) -> Self {
        Self { watch, client: None, heard: Timestamp::now() }
    }

    /// The service of the next. Safe to cancel.
    async fn next(&mut self) -> Result<ServiceName, CliError> {
        let (layout, project) = (&self.watch.context.layout, &self.watch.project.name);
        loop {
            let Some(client) = &mut self.client else {
                let arrival = Arrival::watch(layout, project)?;
                self.client = Client::listen(layout, project, self.heard).await?;
                if self.client.is_none() {
                    arrival.wait().await?;
                }
                continue;
            };
            match client.next().await {
                Ok(Some(Event::Happened(happening))) => {
                    self.heard = happening.time;
                    if happening.action == "start" {
                        return Ok(happening.service);
                    }
                }
                Ok(Some(_)) => {}
                // One that is killed goes as one that leaves: another one comes.
                Ok(None) | Err(_) => self.client = None,
            }
        }
    }
}
