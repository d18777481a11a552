//! Reads a document as a network.

mod cells;
mod connection;
mod context;
mod generator;
mod morphology;
mod names;
mod parts;
mod placed;
mod population;
mod surrogate;
mod table;
mod values;

use dendrion_language::Span;
use dendrion_model::{Dtype, Network};

use crate::arrays::Arrays;
use crate::extras::Extras;
use crate::node::{Node, Value};
use context::{Context, Read};
use names::Names;
use table::Table;

/// The version of the format that is written.
pub(crate) const FORMAT: usize = 2;
/// The supported versions. Version 1 refers to its arrays file by name only, without a checksum.
pub(crate) const FORMATS: [usize; 2] = [1, FORMAT];

pub(crate) use connection::numbered;
pub(crate) use context::Places;
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
        let first = network.populations.len();
        let (made, own) = population::read(&cx, &path.name, node, first, &mut extras)?;
        names.populations.insert(path.name.clone(), first);
        made.iter().enumerate().for_each(|(k, p)| names.add_members(p, first + k));
        extras.populations.insert(path.name.clone(), own);
        network.populations.extend(made);
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
        network.injections.extend(connection::injections(
            &cx,
            &names,
            &path.name,
            node,
            &network.populations,
        )?);
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
    let format = top.need("dendrion", "the format version, 2")?;
    let version = top.whole_of(format, "dendrion")?;
    if !FORMATS.iter().any(|known| *known as u64 == version) {
        let message = format!("dendrion = {version}: unknown format version; expected 1 or 2");
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
