//! Writes a network as a document.

mod cells;
mod connection;
mod injection;
mod morphology;
mod population;
mod values;

use std::collections::BTreeMap;

use dendrion_model::{Dtype, Error, Generator, Network, Role, Signal};
use serde_json::{Map, Value, json};

use crate::arrays::Array;
use crate::extras::{Extras, Record};
use crate::read::FORMAT;
use crate::words;
use values::Writer;

type Table = Map<String, Value>;

/// A network as a document, with the arrays that the document refers to.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    table: Table,
    /// The arrays, by name.
    pub arrays: BTreeMap<String, Array>,
}

impl Document {
    /// Sets the file that contains the arrays, and the SHA-256 checksum of its content in hexadecimal.
    pub fn name_arrays(&mut self, file: &str, sha256: &str) {
        self.table.insert("arrays".into(), json!({ "file": file, "sha256": sha256 }));
    }

    /// Returns the document in JSON.
    pub fn json(&self) -> String {
        let mut text = serde_json::to_string_pretty(&self.table).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Returns the document in TOML.
    ///
    /// # Errors
    /// Returns an error for values that TOML cannot represent, such as seeds of 2^63 or more.
    pub fn toml(&self) -> Result<String, String> {
        ::toml::to_string(&self.table).map_err(|e| e.to_string())
    }
}

/// Converts a network to a document.
///
/// # Errors
/// Returns an error if a generator's spikes are computed by a function, or if detailed cells have properties that do
/// not follow from their morphology, and [`Error::OutOfMemory`] if an array cannot be copied.
pub fn document(network: &Network, extras: &Extras) -> Result<Document, Error> {
    let mut writer = Writer::new(extras);
    let mut table = settings(network, extras);
    let mut section = |name: &str, entries: Table| {
        if !entries.is_empty() {
            table.insert(name.into(), Value::Object(entries));
        }
    };
    section("populations", populations(network, &mut writer)?);
    let generators = network.generators.iter().map(|g| Ok((g.path.clone(), writer.generator(g)?.into())));
    section("generators", generators.collect::<Result<_, Error>>()?);
    let connections =
        network.projections.iter().map(|p| (p.path.clone(), writer.projection(network, p).into()));
    section("connections", connections.collect());
    section("injections", injection::injections(network, &mut writer));
    section("record", extras.records.iter().map(|r| (r.name.clone(), record(r).into())).collect());
    match writer.refused {
        Some(error) => Err(error),
        None => Ok(Document { table, arrays: writer.arrays }),
    }
}

/// Writes all populations. A group of detailed cells is one entry.
fn populations(network: &Network, writer: &mut Writer<'_>) -> Result<Table, Error> {
    let mut table = Table::new();
    for (i, p) in network.populations.iter().enumerate() {
        let entry = match &p.role {
            Role::Neurons => writer.population(p),
            Role::Cells(cable) => {
                let rest = &network.populations[i..];
                let others = rest.iter().skip(1).take_while(|p| p.role.cells() == Some(i)).count();
                writer.cells(&rest[..=others], cable, i)?
            }
            Role::Membrane { .. } | Role::Placed { .. } => continue,
        };
        table.insert(p.path.clone(), entry.into());
    }
    Ok(table)
}

fn settings(network: &Network, extras: &Extras) -> Table {
    let dtype = match network.dtype {
        Dtype::Float32 => "float32",
        Dtype::Float64 => "float64",
    };
    let mut table = Table::new();
    table.insert("dendrion".into(), FORMAT.into());
    table.insert("dt".into(), network.dt.into());
    table.insert("seed".into(), network.seed.into());
    if let Some(seed) = network.noise_seed {
        table.insert("noise_seed".into(), seed.into());
    }
    table.insert("dtype".into(), dtype.into());
    if let Some(threads) = network.threads {
        table.insert("threads".into(), threads.into());
    }
    if let Some(duration) = extras.duration {
        table.insert("duration".into(), duration.into());
    }
    table
}

fn record(record: &Record) -> Table {
    let mut table = Table::new();
    table.insert("of".into(), record.of.clone().into());
    table.insert("variable".into(), record.variable.clone().into());
    if let Some(every) = record.every {
        table.insert("every".into(), every.into());
    }
    if let Some(indices) = &record.indices {
        table.insert("indices".into(), indices.clone().into());
    }
    table
}

impl Writer<'_> {
    fn generator(&mut self, g: &Generator) -> Result<Table, Error> {
        let mut table = Table::new();
        let kind = words::name_of(&words::GENERATORS, g.kind()).unwrap_or_default();
        table.insert("kind".into(), kind.into());
        table.insert("size".into(), g.size.into());
        match &g.signal {
            Signal::Pushed => {
                let what = "its spikes are computed by a function, which cannot be stored in a file; use a generator with a table of spikes instead";
                return Err(Error::structure(&g.path, what));
            }
            Signal::Spikes { indices, times } => {
                table.insert("indices".into(), self.indices(&format!("{}.indices", g.path), indices));
                table.insert("times".into(), self.floats(&format!("{}.times", g.path), times));
            }
            Signal::Current(wave) => {
                table.insert("width".into(), wave.width.into());
                if let Some(interval) = wave.interval {
                    table.insert("interval".into(), interval.into());
                }
                table.insert("waveform".into(), self.floats(&format!("{}.waveform", g.path), &wave.values));
            }
            Signal::Poisson | Signal::Bernoulli | Signal::Dc => {}
        }
        self.params(&mut table, &g.path, g.kind(), &g.params);
        if g.start != 0.0 {
            table.insert("start".into(), g.start.into());
        }
        if let Some(stop) = g.stop {
            table.insert("stop".into(), stop.into());
        }
        if !g.breaks.is_empty() {
            table.insert("changes".into(), self.floats(&format!("{}.changes", g.path), &g.breaks));
        }
        if let Some(stream) = &g.stream {
            table.insert("stream".into(), stream.clone().into());
        }
        self.frozen(&mut table, &g.path);
        Ok(table)
    }
}
