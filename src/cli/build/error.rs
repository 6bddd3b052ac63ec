//! Why services are not built, and how that is told.

use std::io;
use std::path::PathBuf;

use super::failure::StepFailure;
use crate::build::dockerfile::{Mistake, Warning};
use crate::build::remote::ContextError;
use crate::build::run::KeyError;
use crate::build::share::PlaceError;
use crate::build::{OutputError, SolveError};
use crate::cli::error::{as_text, pull_hint};
use crate::cli::style::Paint;
use crate::image::{DepotError, PullError};
use crate::name::{InvalidReference, ServiceName};
use crate::text::Span;

/// Why services are not built.
#[derive(Debug, thiserror::Error)]
pub enum BuildFailure {
    /// Their Dockerfiles are not understood.
    #[error("{}", mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Mistakes {
        /// All that is wrong.
        mistakes: Vec<Mistake>,
    },
    /// They break rules, and say that this is an error.
    #[error("nothing is built: a Dockerfile says `check=error=true`, and breaks rules")]
    Forbidden {
        /// What that is.
        warnings: Vec<Warning>,
    },
    /// A base image cannot be had.
    #[error("{}:{}:{}: cannot begin with image `{image}`", span.source.name, span.line(), span.column())]
    Base {
        /// The image.
        image: String,
        /// Why.
        source: Box<PullError>,
        /// Where it is asked for.
        span: Box<Span>,
        /// What was likely meant.
        help: Option<String>,
    },
    /// A step failed.
    #[error(transparent)]
    Step(Box<StepFailure>),
    /// Something else did.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// An image cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A context cannot be brought here.
    #[error(transparent)]
    Fetch(#[from] ContextError),
    /// An entry of `cache_from` or `cache_to` is not understood.
    #[error("`{key}` of service `{service}`")]
    CachePlace {
        /// The service.
        service: ServiceName,
        /// The key.
        key: &'static str,
        /// Why.
        source: PlaceError,
    },
    /// The cache cannot be written where others are to have it.
    #[error("cannot write the cache of service `{service}`")]
    CacheTo {
        /// The service.
        service: String,
        /// Why.
        source: Box<DepotError>,
    },
    /// What builds keep is in use.
    #[error("nothing is removed: images are being built or fetched")]
    CacheBusy,
    /// `--memory` is no amount.
    #[error("`{text}` is no amount of memory")]
    Memory {
        /// What it is.
        text: String,
    },
    /// It has an image and nothing to build it from.
    #[error("service `{service}` has no `build`")]
    NothingToBuild {
        /// The service.
        service: ServiceName,
    },
    /// Its context, or something of it, cannot be read.
    #[error("cannot read `{}`, which service `{service}` is built from", path.display())]
    Context {
        /// The service.
        service: ServiceName,
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its context is a file.
    #[error("`{}`, which service `{service}` is built from, is not a directory", path.display())]
    ContextNotDirectory {
        /// The service.
        service: ServiceName,
        /// The file.
        path: PathBuf,
    },
    /// A context is to be that of a service which is not built.
    #[error("additional context `{context}` of service `{service}` is `service:{on}`, but no service `{on}` is built")]
    ContextOfService {
        /// The service.
        service: ServiceName,
        /// The context.
        context: String,
        /// The other service.
        on: String,
    },
    /// A context in the layout of OCI has no such image.
    #[error("there is no image `{context}`, which service `{service}` is built with")]
    NoLayout {
        /// The service.
        service: ServiceName,
        /// The context.
        context: String,
    },
    /// An image in the layout of OCI cannot be used.
    #[error(transparent)]
    Layout(#[from] DepotError),
    /// Its Dockerfile cannot be read.
    #[error("cannot read the Dockerfile of service `{service}`")]
    Dockerfile {
        /// The service.
        service: ServiceName,
        /// Where it should be.
        path: PathBuf,
        /// What is there that looks like one.
        others: Vec<String>,
        /// Why, with the path.
        source: io::Error,
    },
    /// `build.network` is none that can be had.
    #[error("service `{service}` cannot be built on network `{network}`: there are `default`, `none` and `host`")]
    Network {
        /// The service.
        service: ServiceName,
        /// The network.
        network: String,
    },
    /// A secret has no content here.
    #[error("secret `{secret}`, which service `{service}` is built with, is not known here")]
    Secret {
        /// The service.
        service: ServiceName,
        /// The secret.
        secret: String,
    },
    /// What is to sign for its programs is neither an agent nor a key.
    #[error("cannot use `{}` as SSH key `{id}` of service `{service}`", path.display())]
    SshKey {
        /// The service.
        service: ServiceName,
        /// What it is to be called.
        id: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
    /// What it is to be called is no name for an image that is built.
    #[error("the image of service `{service}` cannot be called `{name}`: it is built here")]
    Name {
        /// The service.
        service: ServiceName,
        /// The name.
        name: String,
    },
    /// A base image for another machine cannot be had.
    #[error("{}:{}:{}: cannot begin with image `{image}` for {platform}", span.source.name, span.line(), span.column())]
    ForeignBase {
        /// The image.
        image: String,
        /// What it is wanted for.
        platform: String,
        /// Where it is asked for.
        span: Box<Span>,
        /// Why.
        source: Box<DepotError>,
    },
    /// A context is to be what comes of a service that is not built with this one.
    #[error("service `{service}` is built from `{wanted}`, which is not built")]
    NotATarget {
        /// The service.
        service: String,
        /// The other one.
        wanted: String,
    },
    /// Services are built from one another.
    #[error("service `{service}` is built from itself, by way of its contexts or stages")]
    Circle {
        /// One of them.
        service: String,
    },
    /// The name of an image.
    #[error(transparent)]
    Reference(#[from] InvalidReference),
}

impl BuildFailure {
    /// The whole of it, as the user is told.
    pub(in crate::cli) fn render(&self, paint: Paint) -> String {
        match self {
            Self::Mistakes { mistakes } => {
                let color = paint == Paint::COLOURED;
                mistakes.iter().map(|mistake| mistake.render(color) + "\n").collect::<Vec<_>>().join("\n")
            }
            Self::Forbidden { warnings } => {
                let warnings = warnings.iter().map(|warning| warning.render(paint == Paint::COLOURED) + "\n");
                format!("{}\n{}", warnings.collect::<Vec<_>>().join("\n"), as_text(self, None, paint))
            }
            Self::Step(failure) => failure.render(paint),
            _ => as_text(self, self.hint().as_deref(), paint),
        }
    }

    /// What to do about it.
    pub(in crate::cli) fn hint(&self) -> Option<String> {
        match self {
            Self::Base { help: Some(help), .. } => Some(help.clone()),
            Self::Base { source, .. } => pull_hint(source),
            Self::Memory { .. } => Some("say 512m or 2g".to_owned()),
            Self::NoLayout { .. } => Some(
                "it is a directory with an `index.json`: `oci-layout://DIR`, with `:TAG` or `@DIGEST` behind it"
                    .to_owned(),
            ),
            Self::CacheBusy => Some("try again when that is done".to_owned()),
            Self::Dockerfile { others, source, .. } if source.kind() == io::ErrorKind::NotFound => match &others[..] {
                [] => Some("write one, or say with `build.dockerfile` where it is, seen from the context".to_owned()),
                others => Some(format!("there is `{}`: say so with `build.dockerfile`", others.join("`, `"))),
            },
            Self::SshKey { .. } => Some("give it to an agent: `ssh-add KEY`, then `ssh: [default]`".to_owned()),
            _ => None,
        }
    }
}
