//! An image of what a container has changed: the layers of its image, one more over them, and a configuration.

use std::collections::BTreeMap;
use std::io::Read;
use std::str::FromStr;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::digest::Digest;
use super::layer::{self, LayerError};
use super::store::{Store, StoreError};
use crate::name::RegistryReference;
use crate::sys::{RootDir, random};

/// What an image is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// The id of the image of the container.
    pub base: String,
    /// What the container was told beyond that, then what is to be different.
    pub changes: Vec<Change>,
    /// Who has made it.
    pub author: String,
    /// What has changed.
    pub message: String,
}

/// Why a container cannot be made an image of.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The container was made of a directory, or its image is gone.
    #[error("image `{base}` has no layers to go over")]
    NoLayers {
        /// The image.
        base: String,
    },
    /// Its configuration is not what it should be.
    #[error("the configuration of image `{base}` is no object")]
    Config {
        /// The image.
        base: String,
    },
    /// What has changed cannot be kept as a layer.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes an image of `layer`, a tar archive of changes, and lets `reference` name it, if given. Returns its id.
///
/// # Errors
/// [`CommitError`].
pub fn commit(
    store: &Store,
    committed: &Committed,
    reference: Option<&RegistryReference>,
    layer: impl Read + Send,
    now: Timestamp,
) -> Result<String, CommitError> {
    // Until the image names them, nobody is to take its layers away.
    let _kept = store.hold()?;
    let base = || committed.base.clone();
    let known = committed.base.parse::<Digest>().ok().map(|id| store.config(id)).transpose()?.flatten();
    let (config, mut diff_ids) = known.ok_or_else(|| CommitError::NoLayers { base: base() })?;
    let config = serde_json::from_str(&config).map_err(|_| CommitError::Config { base: base() })?;
    let Value::Object(config) = config else { return Err(CommitError::Config { base: base() }) };
    diff_ids.push(add_layer(store, layer)?);
    let config = Value::Object(configured(config, committed, &diff_ids, now)).to_string();
    Ok(store.add_image(reference, config, diff_ids)?.to_string())
}

/// Unpacks a layer among the others, and gives its diff id.
fn add_layer(store: &Store, tar: impl Read + Send) -> Result<Digest, CommitError> {
    // What it is called shows when all of it was read.
    let staging = store.stage(Digest::of(random::hex(32).as_bytes()))?;
    let root = RootDir::open(staging.path()).map_err(LayerError::Directory)?;
    // It is the container's own: what fits there fits here.
    let unpacked = layer::unpack(tar, u64::MAX, &root)?;
    let _lock = store.lock_layer(unpacked.diff_id)?;
    if !store.has_layer(unpacked.diff_id) {
        staging.commit_as(store.layer_path(unpacked.diff_id)).map_err(|error| store.io(error))?;
    }
    Ok(unpacked.diff_id)
}

/// The configuration document of the new image. See <https://github.com/opencontainers/image-spec/blob/main/config.md>.
fn configured(
    mut document: Map<String, Value>,
    committed: &Committed,
    diff_ids: &[Digest],
    now: Timestamp,
) -> Map<String, Value> {
    let mut config = match document.remove("config") {
        Some(Value::Object(config)) => config,
        _ => Map::new(),
    };
    committed.changes.iter().for_each(|change| change.apply(&mut config));
    document.insert("config".to_owned(), config.into());
    document.insert("created".to_owned(), json!(now.to_string()));
    // What Docker knew of the container that the image was made in.
    document.remove("container");
    document.remove("container_config");
    document.remove("author");
    let mut step = json!({"created": now.to_string(), "created_by": "rcompose commit"});
    if !committed.author.is_empty() {
        document.insert("author".to_owned(), json!(committed.author));
        step["author"] = json!(committed.author);
    }
    if !committed.message.is_empty() {
        step["comment"] = json!(committed.message);
    }
    match document.entry("history").or_insert_with(|| json!([])) {
        Value::Array(history) => history.push(step),
        other => *other = json!([step]),
    }
    let diff_ids: Vec<String> = diff_ids.iter().map(ToString::to_string).collect();
    document.insert("rootfs".to_owned(), json!({"type": "layers", "diff_ids": diff_ids}));
    document
}

/// A change of what the containers of an image run: one of the instructions of a Dockerfile that say nothing of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// `CMD`.
    Cmd(Vec<String>),
    /// `ENTRYPOINT`.
    Entrypoint(Vec<String>),
    /// `ENV`.
    Env(BTreeMap<String, String>),
    /// `EXPOSE`.
    Expose(Vec<String>),
    /// `LABEL`.
    Label(BTreeMap<String, String>),
    /// `ONBUILD`.
    OnBuild(String),
    /// `STOPSIGNAL`.
    StopSignal(String),
    /// `USER`.
    User(String),
    /// `VOLUME`.
    Volume(Vec<String>),
    /// `WORKDIR`.
    WorkDir(String),
}

/// A text is no such instruction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME or WORKDIR with what follows it: {rule}"
)]
pub struct InvalidChange {
    /// What is wrong with it.
    pub rule: &'static str,
}

impl FromStr for Change {
    type Err = InvalidChange;

    fn from_str(text: &str) -> Result<Self, InvalidChange> {
        let invalid = |rule| InvalidChange { rule };
        let text = text.trim();
        let (word, rest) = text.split_once([' ', '\t']).ok_or_else(|| invalid("there is only one word"))?;
        let rest = rest.trim();
        if rest.is_empty() {
            return Err(invalid("there is only one word"));
        }
        let list = || json_list(rest).unwrap_or_else(|| rest.split_whitespace().map(str::to_owned).collect());
        let in_shell = || ["/bin/sh", "-c", rest].map(str::to_owned).to_vec();
        Ok(match word.to_ascii_uppercase().as_str() {
            "CMD" => Self::Cmd(json_list(rest).unwrap_or_else(in_shell)),
            "ENTRYPOINT" => Self::Entrypoint(json_list(rest).unwrap_or_else(in_shell)),
            "ENV" => Self::Env(assignments(rest).ok_or_else(|| invalid("variables are NAME=VALUE"))?),
            "EXPOSE" => Self::Expose(list()),
            "LABEL" => Self::Label(assignments(rest).ok_or_else(|| invalid("labels are NAME=VALUE"))?),
            "ONBUILD" => Self::OnBuild(rest.to_owned()),
            "STOPSIGNAL" => Self::StopSignal(rest.to_owned()),
            "USER" => Self::User(rest.to_owned()),
            "VOLUME" => Self::Volume(list()),
            "WORKDIR" => Self::WorkDir(rest.to_owned()),
            _ => return Err(invalid("there is no such instruction, or it says something of files")),
        })
    }
}

/// `["a", "b"]`; `None` for anything else, which is a text.
fn json_list(text: &str) -> Option<Vec<String>> {
    serde_json::from_str(text).ok()
}

/// `A=1 B="x y" C=x\ y`, or of a single one `A x y`; `None` for what is neither.
fn assignments(text: &str) -> Option<BTreeMap<String, String>> {
    let first = text.split_whitespace().next()?;
    if !first.contains('=') {
        let (name, value) = text.split_once([' ', '\t'])?;
        return Some([(name.to_owned(), value.trim().to_owned())].into());
    }
    let mut found = BTreeMap::new();
    for word in words(text)? {
        let (name, value) = word.split_once('=')?;
        found.insert(name.to_owned(), value.to_owned());
    }
    Some(found)
}

/// Words as a shell takes them apart: by blanks, but for those in quotes or behind a backslash.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let (mut word, mut quote) = (None::<String>, None);
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, quote) {
            ('\\', None | Some('"')) => word.get_or_insert_default().extend(characters.next()),
            (_, Some(open)) if character == open => quote = None,
            ('"' | '\'', None) => {
                word.get_or_insert_default();
                quote = Some(character);
            }
            (_, None) if character.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

impl Change {
    /// Changes the `config` of a configuration document.
    fn apply(&self, config: &mut Map<String, Value>) {
        match self {
            Self::Cmd(command) => drop(config.insert("Cmd".to_owned(), json!(command))),
            Self::Entrypoint(command) => drop(config.insert("Entrypoint".to_owned(), json!(command))),
            Self::Env(variables) => {
                let mut all: Vec<String> = texts(config.get("Env"));
                for (name, value) in variables {
                    let prefix = format!("{name}=");
                    let assigned = format!("{prefix}{value}");
                    match all.iter_mut().find(|known| known.starts_with(&prefix)) {
                        Some(known) => *known = assigned,
                        None => all.push(assigned),
                    }
                }
                config.insert("Env".to_owned(), json!(all));
            }
            Self::Label(labels) => {
                labels
                    .iter()
                    .for_each(|(name, value)| drop(object(config, "Labels").insert(name.clone(), json!(value))));
            }
            Self::Expose(ports) => {
                for port in ports {
                    let port = if port.contains('/') { port.clone() } else { format!("{port}/tcp") };
                    object(config, "ExposedPorts").insert(port, json!({}));
                }
            }
            Self::Volume(paths) => {
                paths.iter().for_each(|path| drop(object(config, "Volumes").insert(path.clone(), json!({}))));
            }
            Self::OnBuild(instruction) => {
                let mut all = texts(config.get("OnBuild"));
                all.push(instruction.clone());
                config.insert("OnBuild".to_owned(), json!(all));
            }
            Self::StopSignal(signal) => drop(config.insert("StopSignal".to_owned(), json!(signal))),
            Self::User(user) => drop(config.insert("User".to_owned(), json!(user))),
            Self::WorkDir(path) => {
                let before = config.get("WorkingDir").and_then(Value::as_str).unwrap_or("/").to_owned();
                let path = std::path::Path::new("/").join(before).join(path);
                config.insert("WorkingDir".to_owned(), json!(path));
            }
        }
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    value.and_then(|value| serde_json::from_value(value.clone()).ok()).unwrap_or_default()
}

/// The object at `key`, made where there is none: builders write `null` for what is absent.
fn object<'a>(config: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let value = config.entry(key).or_insert_with(|| json!({}));
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("it was made one")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions() {
        let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        for (text, change) in [
            ("CMD [\"serve\", \"-p\", \"80\"]", Change::Cmd(list(&["serve", "-p", "80"]))),
            ("cmd serve -p 80", Change::Cmd(list(&["/bin/sh", "-c", "serve -p 80"]))),
            ("ENTRYPOINT [\"/entry\"]", Change::Entrypoint(list(&["/entry"]))),
            ("ENV A=1 B=\"x y\" C=x\\ y D=''", Change::Env(map(&[("A", "1"), ("B", "x y"), ("C", "x y"), ("D", "")]))),
            ("ENV A x y", Change::Env(map(&[("A", "x y")]))),
            ("EXPOSE 80 53/udp", Change::Expose(list(&["80", "53/udp"]))),
            ("LABEL tier=front", Change::Label(map(&[("tier", "front")]))),
            ("ONBUILD RUN make", Change::OnBuild("RUN make".to_owned())),
            ("STOPSIGNAL SIGINT", Change::StopSignal("SIGINT".to_owned())),
            ("USER me", Change::User("me".to_owned())),
            ("VOLUME [\"/a\", \"/b\"]", Change::Volume(list(&["/a", "/b"]))),
            ("WORKDIR  /srv ", Change::WorkDir("/srv".to_owned())),
        ] {
            assert_eq!(text.parse(), Ok(change), "{text}");
        }
        for text in ["", "CMD", "FROM x", "RUN make", "ENV A", "ENV A=\"x", "LABEL a=1 b"] {
            assert!(text.parse::<Change>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_configuration_with_changes() {
        let base = json!({
            "architecture": "amd64",
            "os": "linux",
            "author": "before",
            "container_config": {},
            "config": {"Env": ["PATH=/bin", "A=0"], "WorkingDir": "/srv", "Labels": null, "Cmd": ["old"]},
            "rootfs": {"type": "layers", "diff_ids": []},
            "history": [{"created_by": "base"}],
        });
        let Value::Object(base) = base else { unreachable!() };
        let texts = ["CMD [\"new\"]", "ENV A=1 B=2", "LABEL x=y", "EXPOSE 80", "WORKDIR sub", "VOLUME /data"];
        let changes = texts.iter().map(|text| text.parse().unwrap()).collect();
        let committed = Committed { changes, message: "why".to_owned(), ..Committed::default() };
        let layer = Digest::of(b"layer");
        let document = configured(base, &committed, &[layer], Timestamp::UNIX_EPOCH);
        assert_eq!(
            Value::Object(document),
            json!({
                "architecture": "amd64",
                "os": "linux",
                "created": "1970-01-01T00:00:00Z",
                "config": {
                    "Env": ["PATH=/bin", "A=1", "B=2"],
                    "WorkingDir": "/srv/sub",
                    "Labels": {"x": "y"},
                    "ExposedPorts": {"80/tcp": {}},
                    "Volumes": {"/data": {}},
                    "Cmd": ["new"],
                },
                "rootfs": {"type": "layers", "diff_ids": [layer.to_string()]},
                "history": [
                    {"created_by": "base"},
                    {"created": "1970-01-01T00:00:00Z", "created_by": "rcompose commit", "comment": "why"},
                ],
            })
        );
    }
}
