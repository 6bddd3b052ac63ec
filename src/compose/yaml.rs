//! YAML text to trees of nodes that know where they came from.
//!
//! Scalars keep their text as written (`1.10` stays `1.10`); what type they have is asked for later. Aliases and `<<`
//! are resolved here, so that nothing later knows of them. Tree size and depth are bounded: aliases of aliases grow
//! exponentially, and everything after this phase recurses.

use std::collections::HashMap;
use std::collections::btree_map::Entry as MapEntry;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, StrInput, options};

use super::diagnostic::DiagnosticKind;
use super::node::{Entry, Mapping, Node, Scalar, Style, Tag, Value};
use super::report::{Origin, Report, SourceId};
use super::scalar::{Resolved, resolve};

/// Nesting beyond which a file is refused, aliases expanded.
const MAX_DEPTH: usize = 100;
/// Nodes that the aliases of a document may copy; a long text counts as several.
const MAX_COPIED: usize = 1_000_000;
/// Nodes that a source may hold: each takes about a hundred bytes, however few it takes in the text.
const MAX_NODES: usize = 4_000_000;
/// Bytes of text that count as a node.
const BYTES_A_NODE: usize = 64;

/// Parses all documents of a source, of which there may be none; mistakes go to `report`. `None` when it is not YAML.
pub(super) fn parse(report: &Report, source: SourceId) -> Option<Vec<Node>> {
    let text = &report.source(source).text;
    let options = options! { emit_comments: false, flow_nesting_limit: MAX_DEPTH, block_nesting_limit: MAX_DEPTH };
    let parser = Parser::new_from_str_with_options(text, options);
    let mut builder = Builder {
        parser,
        report,
        source,
        // An anchor that nothing refers to need not be kept.
        aliases: text.contains('*'),
        anchors: HashMap::new(),
        open: Vec::new(),
        copies: MAX_COPIED,
        nodes: MAX_NODES,
        depth: 0,
    };
    let documents = match builder.documents() {
        Ok(documents) => documents,
        Err(Stop::Syntax(error)) => {
            let at = error.marker().byte_offset().unwrap_or(text.len());
            // A tab is blamed where what follows it begins.
            let before = text.get(..at).unwrap_or(text);
            let tabs = before.trim_end_matches('\t').len();
            let (at, help) = match tabs < before.len() && error.info().contains("tab") {
                true => (tabs, Some("indent with blanks: YAML takes no tabs for it".to_owned())),
                false => (at, None),
            };
            report.error_with_help(Origin::new(source, at..at + 1), DiagnosticKind::Syntax(error.info()), help);
            return None;
        }
        Err(Stop::TooLarge(origin)) => {
            report.error(origin, DiagnosticKind::TooLarge);
            return None;
        }
    };
    Some(documents)
}

enum Stop {
    Syntax(ScanError),
    TooLarge(Origin),
}

struct Anchored {
    node: Node,
    size: usize,
    depth: usize,
}

struct Builder<'t> {
    parser: Parser<'t, StrInput<'t>>,
    report: &'t Report,
    source: SourceId,
    anchors: HashMap<usize, Anchored>,
    aliases: bool,
    /// The anchors of the collections that are being built.
    open: Vec<usize>,
    /// How many nodes aliases may still copy.
    copies: usize,
    /// How many nodes may still be read.
    nodes: usize,
    depth: usize,
}

impl<'t> Builder<'t> {
    fn next(&mut self) -> Result<Option<(Event<'t>, Origin)>, Stop> {
        match self.parser.next_event() {
            None => Ok(None),
            Some(Err(error)) => Err(Stop::Syntax(error)),
            Some(Ok((event, span))) => {
                let range = span.byte_range().unwrap_or_default();
                Ok(Some((event, Origin::new(self.source, range))))
            }
        }
    }

    fn documents(&mut self) -> Result<Vec<Node>, Stop> {
        let mut documents = Vec::new();
        while let Some((event, origin)) = self.next()? {
            if matches!(event, Event::DocumentStart(..)) {
                self.anchors.clear();
                self.copies = MAX_COPIED;
            } else if event.is_node() {
                let node = self.node(event, origin)?;
                // A document without content says nothing.
                if !node.is_null() {
                    documents.push(node);
                }
            }
        }
        Ok(documents)
    }

    /// Builds the node that `event` begins.
    fn node(&mut self, event: Event<'t>, mut origin: Origin) -> Result<Node, Stop> {
        self.nodes = self.nodes.checked_sub(1).ok_or(Stop::TooLarge(origin))?;
        let anchor = event.anchor_id().filter(|_| self.aliases);
        let (tag, plain) = self.tag(&event, origin);
        let value = match event {
            Event::Alias(id) => return self.alias(id, origin),
            Event::Scalar(text, style, ..) => {
                if plain == Some(true) && matches!(resolve(&text), Resolved::String | Resolved::Timestamp) {
                    let reason = format!("`{text}` is not of the type that its tag says");
                    self.report.error(origin, DiagnosticKind::InvalidValue { what: "value".to_owned(), reason });
                }
                let plain = plain.unwrap_or(style == ScalarStyle::Plain);
                let style = if plain { Style::Plain } else { Style::Quoted };
                Value::Scalar(Scalar { text: text.into_owned(), style })
            }
            Event::SequenceStart(..) => self.nested(anchor, origin, |builder| builder.sequence(&mut origin))?,
            Event::MappingStart(..) => self.nested(anchor, origin, |builder| builder.mapping(&mut origin))?,
            _ => Value::Invalid,
        };
        let node = Node { origin, tag, value };
        if let Some(id) = anchor {
            let (size, depth) = node.measure();
            let size = size + long_texts(&node);
            // Those inside another one are copied with it, so that chains of anchors would be copied many times over.
            if !self.open.is_empty() {
                self.spend(size, origin)?;
            }
            self.anchors.insert(id, Anchored { node: node.clone(), size, depth });
        }
        Ok(node)
    }

    fn nested(
        &mut self,
        anchor: Option<usize>,
        origin: Origin,
        build: impl FnOnce(&mut Self) -> Result<Value, Stop>,
    ) -> Result<Value, Stop> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Stop::TooLarge(origin));
        }
        self.open.extend(anchor);
        let value = build(self)?;
        if anchor.is_some() {
            self.open.pop();
        }
        self.depth -= 1;
        Ok(value)
    }

    fn sequence(&mut self, origin: &mut Origin) -> Result<Value, Stop> {
        let mut items = Vec::new();
        while let Some((event, at)) = self.next()? {
            if matches!(event, Event::SequenceEnd) {
                origin.end = at.end;
                break;
            }
            items.push(self.node(event, at)?);
        }
        Ok(Value::Sequence(items))
    }

    fn mapping(&mut self, origin: &mut Origin) -> Result<Value, Stop> {
        let mut mapping = Mapping::new();
        let mut merged: Option<(Origin, Node)> = None;
        while let Some((event, at)) = self.next()? {
            if matches!(event, Event::MappingEnd) {
                origin.end = at.end;
                break;
            }
            let key = self.node(event, at)?;
            let Some((event, at)) = self.next()? else { break };
            let value = self.node(event, at)?;
            let Value::Scalar(Scalar { text, style }) = key.value else {
                self.report.error(key.origin, DiagnosticKind::KeyNotScalar);
                continue;
            };
            if style == Style::Plain && !matches!(resolve(&text), Resolved::String) {
                let help = format!("write it in quotes: \"{text}\"");
                self.report.error_with_help(key.origin, DiagnosticKind::KeyNotString(text), Some(help));
                continue;
            }
            if style == Style::Plain && text == "<<" {
                match &merged {
                    None => merged = Some((key.origin, value)),
                    Some((first, _)) => self.duplicate(text, key.origin, *first),
                }
                continue;
            }
            match mapping.entry(text) {
                MapEntry::Vacant(place) => drop(place.insert(Entry { key: key.origin, value })),
                MapEntry::Occupied(first) => self.duplicate(first.key().clone(), key.origin, first.get().key),
            }
        }
        if let Some((_, node)) = merged {
            self.merge(&mut mapping, node, true);
        }
        Ok(Value::Mapping(mapping))
    }

    fn duplicate(&self, key: String, origin: Origin, first: Origin) {
        self.report.error_with_label(origin, DiagnosticKind::DuplicateKey(key), (first, "first defined here"));
    }

    /// Applies `<<`: a key of the mapping itself wins, then the first mapping that has it.
    fn merge(&self, mapping: &mut Mapping, node: Node, list: bool) {
        match node.value {
            Value::Mapping(entries) => {
                for (key, entry) in entries {
                    mapping.entry(key).or_insert(entry);
                }
            }
            Value::Sequence(items) if list => {
                for item in items {
                    self.merge(mapping, item, false);
                }
            }
            Value::Invalid => {}
            _ => self.report.error(node.origin, DiagnosticKind::MergeKey),
        }
    }

    fn alias(&mut self, id: usize, origin: Origin) -> Result<Node, Stop> {
        if self.open.contains(&id) {
            self.report.error(origin, DiagnosticKind::AliasCycle);
            return Ok(Node { origin, tag: None, value: Value::Invalid });
        }
        let Some((size, depth)) = self.anchors.get(&id).map(|anchored| (anchored.size, anchored.depth)) else {
            return Ok(Node { origin, tag: None, value: Value::Invalid });
        };
        self.spend(size, origin)?;
        if self.depth + depth > MAX_DEPTH {
            return Err(Stop::TooLarge(origin));
        }
        let node = self.anchors[&id].node.clone();
        self.report.notes().alias(node.origin, origin);
        Ok(node)
    }

    fn spend(&mut self, nodes: usize, origin: Origin) -> Result<(), Stop> {
        self.copies = self.copies.checked_sub(nodes).ok_or(Stop::TooLarge(origin))?;
        Ok(())
    }

    /// The tag of a node, and whether a scalar is to be read as if it had no quotes, where the tag says so. A tag that means
    /// nothing here is only warned of, as Compose accepts it.
    fn tag(&self, event: &Event<'_>, origin: Origin) -> (Option<Tag>, Option<bool>) {
        let Some(tag) = event.tag() else { return (None, None) };
        match tag.original().as_str() {
            "!reset" => (Some(Tag::Reset), None),
            "!override" => (Some(Tag::Override), None),
            "!" => (None, None),
            _ if tag.is_yaml_core_schema_tag("str") => (None, Some(false)),
            _ if ["null", "bool", "int", "float"].iter().any(|kind| tag.is_yaml_core_schema_tag(kind)) => {
                (None, Some(true))
            }
            // Compose takes the bytes that such a text encodes for a text.
            _ if tag.original() == "!!binary" => {
                let help = Some("write the text itself".to_owned());
                self.report.error_with_help(origin, DiagnosticKind::UnknownTag("!!binary".to_owned()), help);
                (None, None)
            }
            _ if tag.is_yaml_core_schema() => (None, None),
            other => {
                self.report.warning(origin, DiagnosticKind::UnknownTag(other.to_owned()));
                (None, None)
            }
        }
    }
}

/// How many nodes the texts of a tree count as, beyond those that they are in.
fn long_texts(node: &Node) -> usize {
    match &node.value {
        Value::Invalid => 0,
        Value::Scalar(scalar) => scalar.text.len() / BYTES_A_NODE,
        Value::Sequence(items) => items.iter().map(long_texts).sum(),
        Value::Mapping(entries) => {
            entries.iter().map(|(key, entry)| key.len() / BYTES_A_NODE + long_texts(&entry.value)).sum()
        }
    }
}
