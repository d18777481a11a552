//! Reads a document as a network.

mod connection;
mod generator;
mod names;
mod parts;
mod population;
mod surrogate;
mod table;
mod values;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use dendrion_language::{Span, TextError};
use dendrion_model::{Dtype, Error, Network};

use crate::arrays::Arrays;
use crate::extras::Extras;
use crate::node::{Key, Node, Value};
use names::Names;
use table::Table;

/// The version of the format that is written.
pub(crate) const FORMAT: usize = 2;
/// The supported versions. Version 1 refers to its arrays file by name only, without a checksum.
pub(crate) const FORMATS: [usize; 2] = [1, FORMAT];

type Read<T> = Result<T, TextError>;

/// State shared by all readers.
pub(crate) struct Context<'a> {
    text: &'a str,
    arrays: RefCell<&'a mut dyn Arrays>,
    places: RefCell<Places>,
    /// Total number of sources of explicit connections so far. The memory that they need is not proportional
    /// to the size of the file.
    sources: Cell<usize>,
}

/// Maximum total number of sources of explicit connections.
const SOURCES: usize = 1 << 26;

impl<'a> Context<'a> {
    fn new(text: &'a str, arrays: &'a mut dyn Arrays) -> Self {
        let (arrays, places) = (RefCell::new(arrays), RefCell::default());
        Self { text, arrays, places, sources: Cell::new(0) }
    }

    /// Counts sources of explicit connections and returns an error if there are too many.
    fn afford(&self, sources: usize) -> Result<(), String> {
        self.sources.set(self.sources.get().saturating_add(sources));
        if self.sources.get() <= SOURCES {
            return Ok(());
        }
        Err(format!(
            "given connections have {} sources in total: expected at most {SOURCES}",
            self.sources.get()
        ))
    }

    /// Creates an error at a position.
    fn at(&self, span: Span, message: impl Into<String>) -> TextError {
        TextError::new(self.text, span, message)
    }
}

/// Positions of modules and their parameters in a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Places(BTreeMap<String, (Span, BTreeMap<String, Span>)>);

impl Places {
    fn note(&mut self, module: &str, span: Span, keys: &[(Key, Node)]) {
        let (_, known) = self.0.entry(module.to_string()).or_insert_with(|| (span, BTreeMap::new()));
        known.extend(keys.iter().map(|(key, value)| {
            (key.name.clone(), Span::new(key.span.start, value.span.end.max(key.span.end)))
        }));
    }

    /// Returns the position of an entry of a module, or of the module if the entry is unknown.
    pub(crate) fn of(&self, module: &str, entry: &str) -> Span {
        self.0.get(module).map_or(Span::default(), |(span, keys)| keys.get(entry).copied().unwrap_or(*span))
    }

    /// Returns the position and the message of a network error.
    pub(crate) fn locate(&self, error: &Error) -> (Span, String) {
        let (module, parameter) = match error {
            Error::Parameter { module, parameter, .. } => (module, Some(parameter.as_str())),
            Error::UnknownName { module, name, .. } => (module, Some(name.as_str())),
            Error::Text { module, .. } => (module, Some("equations")),
            Error::Memory { module, .. } | Error::OutOfMemory { module, .. } => (module, Some("size")),
            Error::Structure { module, .. }
            | Error::Run { module, .. }
            | Error::Limit { module, .. }
            | Error::Connectivity { module, .. }
            | Error::Divergence { population: module, .. }
            | Error::State { module, .. }
            | Error::File { path: module, .. } => (module, None),
            Error::Interrupted => return (Span::default(), error.to_string()),
        };
        let Some((span, keys)) = self.0.get(module) else { return (Span::default(), error.to_string()) };
        let key = parameter.and_then(|p| {
            // `gL[1]` belongs to the entry `gL`, and `surrogate alpha` to `surrogate`. The engine uses
            // different names for some entries.
            let name = p.split(['[', ' ']).next().unwrap_or(p);
            let other = match name {
                "w" => "weight",
                "p" => "prob",
                _ => "kind",
            };
            keys.get(name).or_else(|| keys.get(other))
        });
        (key.copied().unwrap_or(*span), error.to_string())
    }
}

/// Reads a network and the other contents of a file, without validating them.
pub(crate) fn network(
    text: &str,
    document: &Node,
    arrays: &mut dyn Arrays,
) -> Read<(Network, Extras, Places)> {
    let cx = Context::new(text, arrays);
    let top = Table::new(&cx, "network", document)?;
    let (mut network, mut extras) = settings(&cx, &top)?;
    let mut names = Names::default();
    top.each("populations", |path, node| {
        names.add_path(&cx, path, node)?;
        let (population, own) = population::read(&cx, &path.name, node, &mut extras)?;
        names.populations.insert(path.name.clone(), network.populations.len());
        names.add_members(&population, network.populations.len());
        extras.populations.insert(path.name.clone(), own);
        network.populations.push(population);
        Ok(())
    })?;
    top.each("generators", |path, node| {
        names.add_path(&cx, path, node)?;
        names.generators.insert(path.name.clone(), network.generators.len());
        network.generators.push(generator::read(&cx, &path.name, node, &mut extras)?);
        Ok(())
    })?;
    top.each("connections", |path, node| {
        names.add_path(&cx, path, node)?;
        let projection = connection::read(&cx, &names, &path.name, node, &network, &mut extras)?;
        network.projections.push(projection);
        Ok(())
    })?;
    top.each("injections", |path, node| {
        names.add_path(&cx, path, node)?;
        network.injections.push(connection::injection(&cx, &names, &path.name, node)?);
        Ok(())
    })?;
    top.each("record", |name, node| {
        extras.records.push(connection::record(&cx, &names, name, node)?);
        Ok(())
    })?;
    top.finish()?;
    Ok((network, extras, cx.places.into_inner()))
}

fn settings(cx: &Context<'_>, top: &Table<'_, '_>) -> Read<(Network, Extras)> {
    let format = top.need("dendrion", "the version of the format, 2")?;
    let version = top.whole_of(format, "dendrion")?;
    if !FORMATS.iter().any(|known| *known as u64 == version) {
        let message = format!("dendrion = {version}: unknown version of the format; expected 1 or 2");
        return Err(cx.at(format.span, message));
    }
    let mut network = Network::new(top.number("dt")?.unwrap_or(0.1));
    network.seed = top.whole("seed")?.unwrap_or(0);
    network.noise_seed = top.whole("noise_seed")?;
    network.dtype = match top.choice("dtype", &["float64", "float32"])? {
        Some("float32") => Dtype::Float32,
        _ => Dtype::Float64,
    };
    network.threads = top.size("threads")?;
    // The reference to the schema, which is used by editors.
    top.text("$schema")?;
    // The arrays file has already been opened.
    top.get("arrays");
    let extras = Extras { duration: top.time("duration")?, ..Extras::default() };
    Ok((network, extras))
}

/// The file that contains a document's arrays.
pub(crate) struct ArraysFile {
    pub(crate) name: String,
    /// The expected SHA-256 checksum of its content, in hexadecimal.
    pub(crate) sha256: Option<String>,
    /// Position of the reference in the text.
    pub(crate) span: Span,
}

/// Reads the reference to the arrays file: `arrays = "NAME"` or `arrays = { file = "NAME", sha256 = "HEX" }`.
pub(crate) fn arrays_file(text: &str, document: &Node) -> Read<Option<ArraysFile>> {
    let none = &mut crate::arrays::NoArrays;
    let cx = Context::new(text, none);
    let top = Table::new(&cx, "network", document)?;
    let Some(node) = top.get("arrays") else { return Ok(None) };
    let (name, sha256) = match &node.value {
        Value::Text(name) => (name.clone(), None),
        Value::Table(_) => {
            let table = Table::new(&cx, "arrays", node)?;
            let file = table.need("file", "the name of an npz file in the folder of the model")?;
            let name = table.text_of(file, "file")?.to_string();
            let sha256 = table.text("sha256")?;
            table.finish()?;
            (name, sha256)
        }
        _ => {
            return Err(top.wrong(
                node,
                "arrays",
                "the name of an npz file, or { file = ..., sha256 = ... }",
            ));
        }
    };
    // Only files in the folder of the model are allowed.
    if name.is_empty() || name.contains(['/', '\\', ':']) || name == ".." {
        let message = format!(
            "arrays = {name:?}: expected the name of a file in the folder of the model, without a path"
        );
        return Err(cx.at(node.span, message));
    }
    let is_hash =
        |s: &String| s.len() == 64 && s.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
    if let Some(wrong) = sha256.as_ref().filter(|s| !is_hash(s)) {
        let message = format!("arrays: sha256 = {wrong:?}: expected 64 lower-case hexadecimal digits");
        return Err(cx.at(node.span, message));
    }
    Ok(Some(ArraysFile { name, sha256, span: node.span }))
}
