//! NEURON's NMODL files, read as texts in Dendrion's language of equations.
//!
//! ```
//! let source = "
//! NEURON { SUFFIX leak  NONSPECIFIC_CURRENT i  RANGE g, e }
//! PARAMETER { g = 0.001 (S/cm2) <0, 1e9>  e = -70 (mV) }
//! ASSIGNED { v (mV)  i (mA/cm2) }
//! BREAKPOINT { i = g*(v - e) }
//! ";
//! let mechanism = dendrion_nmodl::read(source)?;
//! assert_eq!(mechanism.name, "leak");
//! let definition = dendrion_language::define(&mechanism.text).expect("what is made can be read");
//! assert_eq!(definition.parameter("g").map(|g| g.unit.text.as_str()), Some("S/cm2"));
//! # Ok::<(), dendrion_nmodl::NmodlError>(())
//! ```
//!
//! NMODL converts no units, and its formulas need not fit in their dimensions: numbers are in NEURON's units (mV, ms, mM, mA/cm2 or
//! nA). So the text computes with pure numbers. The potential and each parameter are divided by one of their unit where they are
//! read, and currents get theirs at the end. Currents into the cell are positive in Dendrion; in NEURON they are negative, save
//! those of electrodes.
//!
//! [`read`] goes from characters to tokens to syntax, runs the statements with expressions in place of numbers, and writes down what
//! the variables hold in the end. Routines are written out where they are called; every intermediate value has a name, so that the
//! text grows with what is written. What has no counterpart is refused, by line.

mod constants;
mod defs;
mod emit;
mod error;
mod lex;
mod logic;
mod lower;
mod names;
mod parse;
mod piece;
mod syntax;
mod units;
mod verbatim;

pub use error::NmodlError;

use error::Span;
use syntax::{File, Head};

/// Longer texts are refused by the language of equations, in bytes.
const LONGEST_TEXT: usize = 100_000;

/// What a mechanism is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is spread over the membrane (`SUFFIX`).
    Density,
    /// It sits at one place (`POINT_PROCESS`).
    Point,
    /// It sits at one place and takes spikes (`POINT_PROCESS` with `NET_RECEIVE`).
    Receptor,
}

/// A mechanism as a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mechanism {
    /// Its name in NEURON.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The text, which [`dendrion_language::define`] takes.
    pub text: String,
    /// What was dropped or assumed, each with its line in the file.
    pub notes: Vec<String>,
}

/// Reads the text of a `.mod` file.
///
/// # Errors
/// The first thing that is wrong or has no counterpart, and where.
pub fn read(source: &str) -> Result<Mechanism, NmodlError> {
    read_reserving(source, &[])
}

/// Reads the text of a `.mod` file. Parameters with one of the names in `reserved` get underscores appended.
///
/// # Errors
/// As for [`read`].
pub fn read_reserving(source: &str, reserved: &[&str]) -> Result<Mechanism, NmodlError> {
    dendrion_language::with_stack(|| read_text(source, reserved))
}

fn read_text(source: &str, reserved: &[&str]) -> Result<Mechanism, NmodlError> {
    // Lines end with \n, \r\n, or \r alone in the oldest files.
    let source = &*source.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let lexed = lex::lex(source)?;
    let (mut file, comments) = parse::parse(source, lexed)?;
    let (name, kind) = head(source, &file)?;
    let (output, mut notes) = lower::lower(source, &file, (&comments, reserved))?;
    notes.append(std::mem::take(&mut file.notes));
    let parameters = output.parameters.clone();
    let header = format!("{}\nFrom the NMODL file of '{name}'.", file.title);
    let (text, given) = emit::emit(output, header.trim());
    for (parameter, _) in parameters.iter().zip(given).filter(|(_, given)| !given) {
        if let Some(span) = parameter.span {
            let message = format!("the parameter '{}' changes nothing; it is dropped", parameter.source_name);
            notes.add(source, span, message);
        }
    }
    if text.len() > LONGEST_TEXT {
        let message =
            format!("the file becomes a text of {} bytes; expected at most {LONGEST_TEXT}", text.len());
        return Err(NmodlError::new(source, Span::default(), message));
    }
    if let Err(error) = dendrion_language::define(&text) {
        let message = format!("this is a defect of the reader: the text it made is refused, {error}");
        return Err(NmodlError::new(source, Span::default(), message));
    }
    Ok(Mechanism { name, kind, text, notes: notes.texts() })
}

fn head(source: &str, file: &File<'_>) -> Result<(String, Kind), NmodlError> {
    let Some((head, name)) = file.head else {
        let message =
            "the mechanism has no name; expected NEURON { SUFFIX name } or NEURON { POINT_PROCESS name }";
        return Err(NmodlError::new(source, Span::default(), message));
    };
    let kind = match (head, &file.receive) {
        (Head::Suffix, None) => Kind::Density,
        (Head::Suffix, Some((.., span))) => {
            let message = "NET_RECEIVE in a density mechanism; expected POINT_PROCESS in place of SUFFIX";
            return Err(NmodlError::new(source, *span, message));
        }
        (Head::Point, None) => Kind::Point,
        (Head::Point, Some(_)) => Kind::Receptor,
    };
    Ok((name.text.to_string(), kind))
}
