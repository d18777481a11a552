//! What mechanisms of a compartment tell each other through ions.

use std::collections::{HashMap, HashSet};

use super::slots::{Held, Role};
use super::{Import, Lowered, Lowerer};
use crate::defs::Leaf;
use crate::piece::Piece;
use crate::syntax::{Head, Ion, Name};

/// For each ion, what NEURON gives it: the reversal potential (mV), and the concentrations inside and outside (mM).
const DEFAULTS: [(&str, f64, f64, f64); 3] =
    [("na", 50.0, 10.0, 140.0), ("k", -77.0, 54.4, 2.5), ("ca", 132.457_934_163_700_9, 5e-5, 2.0)];
const OTHERS: (&str, f64, f64, f64) = ("", 0.0, 1.0, 1.0);

fn defaults(ion: &str) -> (&'static str, f64, f64, f64) {
    DEFAULTS.into_iter().find(|(name, ..)| *name == ion).unwrap_or(OTHERS)
}

/// The concentration inside that NEURON begins with (mM).
pub(super) fn inside(ion: &str) -> f64 {
    defaults(ion).2
}

/// What mechanisms share of an ion.
///
/// NEURON tells upper and lower case apart, so `ca` and `Ca` are two ions. `na`, `k` and `ca` have the names that
/// `dendrion.channels` uses. The names of all other ions contain the ion exactly as it is spelled, and begin and end so that no two
/// of them, and none of the library's, can be equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantity {
    /// The sum of the currents into the cell (pA).
    Current,
    /// The concentration inside (mM).
    Inside,
}

impl Quantity {
    /// The name by which mechanisms share it.
    fn shared(self, ion: &str) -> String {
        let library = match ion {
            "na" => "Na",
            "k" => "K",
            "ca" => "Ca",
            _ => {
                return match self {
                    Self::Current => format!("ion_{ion}_current"),
                    Self::Inside => format!("ion_{ion}_inside"),
                };
            }
        };
        match self {
            Self::Current => format!("I_{library}"),
            Self::Inside => library.to_string(),
        }
    }
}

impl<'t> Lowerer<'_, 't> {
    pub(super) fn ions(&mut self) -> Lowered<()> {
        let file = self.file;
        let mut seen = HashSet::new();
        let mut owners: HashMap<&str, &str> = HashMap::new();
        for ion in &file.ions {
            if !seen.insert(ion.name.text) {
                let message = format!("the ion '{}' is used twice; expected one USEION", ion.name.text);
                return Err(self.error(ion.name.span, message));
            }
            for name in ion.reads.iter().chain(&ion.writes) {
                let owner = *owners.entry(name.text).or_insert(ion.name.text);
                if owner != ion.name.text {
                    let message = format!(
                        "'{}' belongs to both ions '{owner}' and '{}'; expected ions whose variables have different names",
                        name.text, ion.name.text
                    );
                    return Err(self.error(name.span, message));
                }
            }
        }
        let mut seen = HashSet::new();
        let written = file.ions.iter().flat_map(|ion| &ion.writes);
        for name in file.nonspecific.iter().chain(&file.electrode).chain(written) {
            if !seen.insert(name.text) {
                return Err(self.error(name.span, format!("'{}' is listed twice", name.text)));
            }
        }
        for ion in &file.ions {
            self.written(ion)?;
            for name in &ion.reads {
                self.read_of_ion(ion, *name)?;
            }
        }
        Ok(())
    }

    fn written(&mut self, ion: &Ion<'t>) -> Lowered<()> {
        let of = ion.name.text;
        for name in &ion.writes {
            let (is_current, is_inside) = (name.text == format!("i{of}"), name.text == format!("{of}i"));
            if is_current && ion.reads.iter().any(|r| r.text == name.text) {
                let message = format!(
                    "'{}' is both read and written; expected one of them: what is read is the sum over all mechanisms",
                    name.text
                );
                return Err(self.error(name.span, message));
            }
            if !is_current && !is_inside {
                let message = format!("'{}' cannot be written; expected i{of} or {of}i", name.text);
                return Err(self.error(name.span, message));
            }
            if is_inside {
                self.inside.insert(name.text.to_string(), of);
            }
        }
        Ok(())
    }

    fn read_of_ion(&mut self, ion: &Ion<'t>, name: Name<'t>) -> Lowered<()> {
        let of = ion.name.text;
        // What is written is the file's own, and one READ is as good as two.
        if ion.writes.iter().any(|w| w.text == name.text) || self.globals.contains_key(name.text) {
            return Ok(());
        }
        let (_, reversal, inside, outside) = defaults(of);
        let piece = if name.text == format!("e{of}") {
            self.note(
                name.span,
                format!("'{}' is a parameter; it does not follow concentrations", name.text),
            );
            self.outer(name, reversal, "mV", &format!("reversal potential of {of}"))
        } else if name.text == format!("{of}o") {
            self.outer(name, outside, "mM", &format!("concentration of {of} outside"))
        } else if name.text == format!("{of}i") {
            let beginning = format!("{}0", name.text);
            let wanted = Name { text: &beginning, span: name.span };
            let doc = format!("concentration of {of} inside where no mechanism gives one");
            self.outer_made(wanted, inside, "mM", &doc);
            let default = self.parameters.len().checked_sub(1);
            self.import(ion, Quantity::Inside, ("mM", default), |shared| format!("{shared}/(1 mM)"))?
        } else if name.text == format!("i{of}") {
            let text = |shared: &str| format!("-{shared}/area/(1 mA/cm2)");
            self.import(ion, Quantity::Current, ("pA", None), text)?
        } else {
            let message =
                format!("'{}' is nothing of the ion; expected e{of}, i{of}, {of}i or {of}o", name.text);
            return Err(self.error(name.span, message));
        };
        self.outside_variable(name, Role::OfIon, piece);
        Ok(())
    }

    /// Something that other mechanisms share, with its unit and its value where none does.
    fn import(
        &mut self,
        ion: &Ion<'t>,
        quantity: Quantity,
        (unit, default): (&'static str, Option<usize>),
        text: impl Fn(&str) -> String,
    ) -> Lowered<Piece> {
        let name = quantity.shared(ion.name.text);
        if !self.names.take(&name) {
            let message = format!(
                "the ion '{}' would be called '{name}', which has a meaning of its own",
                ion.name.text
            );
            return Err(self.error(ion.name.span, message));
        }
        let piece = self.defs.leaf(Leaf::Import(self.imports.len()), text(&name), true);
        self.imports.push(Import { name, unit, default });
        Ok(piece)
    }

    /// The unit of the mechanism's currents.
    pub(super) fn current_unit(&self) -> &'static str {
        match self.file.head {
            Some((Head::Point, _)) => "1 nA",
            _ => "1 mA/cm2",
        }
    }

    /// The lines that tell others of what the file writes.
    pub(super) fn exports(&mut self) -> Lowered<Vec<String>> {
        let file = self.file;
        let mut lines = Vec::new();
        for ion in &file.ions {
            for name in &ion.writes {
                if name.text == format!("i{}", ion.name.text) {
                    let piece = self.written_value(*name)?.negated();
                    let area = if self.current_unit() == "1 nA" { "" } else { " * area" };
                    let value = in_unit(piece, self.current_unit());
                    let shared = Quantity::Current.shared(ion.name.text);
                    lines.push(format!("export {shared} = {value}{area}"));
                } else {
                    let piece = self.written_value(*name)?;
                    let shared = Quantity::Inside.shared(ion.name.text);
                    lines.push(format!("export {shared} = {}", in_unit(piece, "1 mM")));
                }
            }
        }
        Ok(lines)
    }

    /// What a variable that others read holds at the end of a step.
    pub(super) fn written_value(&mut self, name: Name<'t>) -> Lowered<Piece> {
        let slot = self.globals.get(name.text).and_then(|i| self.slots.get(*i));
        // What INITIAL gives a concentration stays; a current has to be given in each step.
        let kept = self.inside.contains_key(name.text);
        match slot.map(|s| &s.held) {
            Some(Held::Known(piece)) => Ok(piece.clone()),
            Some(Held::Before(piece)) if kept => Ok(piece.clone()),
            Some(Held::Partial(partial)) => Err(self.partial(name.text, partial.span, None)),
            Some(Held::NotFinite(span)) => Err(self.error(*span, super::NOT_FINITE)),
            _ => Err(self.error(name.span, format!("BREAKPOINT gives '{}' no value", name.text))),
        }
    }
}

/// A number times a unit. A literal 0 would have every unit.
pub(super) fn in_unit(piece: Piece, unit: &str) -> String {
    if piece.constant == Some(0.0) {
        return unit.replacen('1', "(0", 1) + ")";
    }
    let wraps = piece.level < crate::piece::level::PRODUCT;
    let text = if wraps { format!("({})", piece.text) } else { piece.text };
    format!("{text} * ({unit})")
}
