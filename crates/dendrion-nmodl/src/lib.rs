//! Translates NEURON's NMODL files to Dendrion's equation language.
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
//! assert_eq!(mechanism.definition.parameter("g").map(|g| g.unit.text.as_str()), Some("S/cm2"));
//! # Ok::<(), dendrion_nmodl::NmodlError>(())
//! ```
//!
//! NMODL does not convert units, and its formulas need not be dimensionally consistent: all numbers are in NEURON's
//! units (mV, ms, mM, mA/cm2 or nA). The equations therefore compute with pure numbers. The potential and
//! each parameter are divided by their unit where they are used, and the result is multiplied by the unit of the
//! current at the end. Currents into the cell are positive in Dendrion; in NEURON they are negative, except
//! electrode currents.
//!
//! [`read`] splits the file into tokens, parses them, executes the statements symbolically, and builds a
//! syntax tree of the equation language from the final expressions of the variables. The positions of that
//! tree refer to the file, so that errors in the equations show its lines. Calls to routines are inlined, but
//! every intermediate value is named, so the length of the text is proportional to that of the file.
//! Unsupported statements result in errors with a line number.

mod constants;
mod defs;
mod emit;
mod error;
mod lex;
mod logic;
mod lower;
mod names;
mod parse;
mod syntax;
mod terms;
mod units;
mod verbatim;

pub use error::NmodlError;

use dendrion_language::Definition;
use error::Span;
use syntax::{File, Head};

/// Maximum length of a text in the equation language, in bytes.
const LONGEST_TEXT: usize = 100_000;

/// The kind of a mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Distributed over the membrane (`SUFFIX`).
    Density,
    /// Located at a point (`POINT_PROCESS`).
    Point,
    /// Located at a point and driven by spikes (`POINT_PROCESS` with `NET_RECEIVE`).
    Receptor,
}

/// A translated mechanism.
#[derive(Clone, Debug, PartialEq)]
pub struct Mechanism {
    /// The name in NEURON.
    pub name: String,
    /// The kind of mechanism.
    pub kind: Kind,
    /// The equations. [`dendrion_language::define`] creates the same definition from their text.
    pub definition: Definition,
    /// Notes about dropped statements and assumptions, each with its line in the file.
    pub notes: Vec<String>,
}

/// Translates the text of a `.mod` file.
///
/// # Errors
/// Returns the first error or unsupported statement, with its position.
pub fn read(source: &str) -> Result<Mechanism, NmodlError> {
    read_reserving(source, &[])
}

/// Translates the text of a `.mod` file. Underscores are appended to the names of parameters that are listed
/// in `reserved`.
///
/// # Errors
/// As for [`read`].
pub fn read_reserving(source: &str, reserved: &[&str]) -> Result<Mechanism, NmodlError> {
    dendrion_language::with_stack(|| read_text(source, reserved))
}

fn read_text(source: &str, reserved: &[&str]) -> Result<Mechanism, NmodlError> {
    // Lines end with CR LF in files from Windows, and with CR alone in very old files.
    let source = &*source.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let lexed = lex::lex(source)?;
    let (mut file, comments) = parse::parse(source, lexed)?;
    let (name, kind) = head(source, &file)?;
    let (output, mut notes) = lower::lower(source, &file, (&comments, reserved))?;
    notes.append(std::mem::take(&mut file.notes));
    let parameters = output.parameters.clone();
    let header = format!("{}\nTranslated from the NMODL file of '{name}'.", file.title);
    let (syntax, given) = emit::emit(output, header.trim());
    for (parameter, _) in parameters.iter().zip(given).filter(|(_, given)| !given) {
        if let Some(span) = parameter.span {
            let message = format!("the parameter '{}' has no effect and is omitted", parameter.source_name);
            notes.add(source, span, message);
        }
    }
    let definition = dendrion_language::check(source, &syntax).map_err(|error| {
        let message =
            format!("internal error: the translation is invalid; please report this file. {}", error.message);
        NmodlError { message, ..error }
    })?;
    if definition.text.len() > LONGEST_TEXT {
        let length = definition.text.len();
        let message = format!("the translated text has {length} bytes; expected at most {LONGEST_TEXT}");
        return Err(NmodlError::new(source, Span::default(), message));
    }
    Ok(Mechanism { name, kind, definition, notes: notes.texts() })
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
            let message =
                "NET_RECEIVE is not allowed in a density mechanism; replace SUFFIX with POINT_PROCESS";
            return Err(NmodlError::new(source, *span, message));
        }
        (Head::Point, None) => Kind::Point,
        (Head::Point, Some(_)) => Kind::Receptor,
    };
    Ok((name.text.to_string(), kind))
}
