//! What mechanisms of a compartment tell each other through ions.

use std::collections::HashSet;

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

/// The name by which mechanisms share an ion: `ca` is `Ca`.
pub(super) fn shared(ion: &str) -> String {
    let mut letters = ion.chars();
    letters.next().map_or_else(String::new, |c| c.to_ascii_uppercase().to_string() + letters.as_str())
}

impl<'t> Lowerer<'_, 't> {
    pub(super) fn ions(&mut self) -> Lowered<()> {
        let file = self.file;
        let mut seen = HashSet::new();
        for ion in &file.ions {
            if !seen.insert(shared(ion.name.text)) {
                let message = format!("the ion '{}' is used twice; expected one USEION", ion.name.text);
                return Err(self.error(ion.name.span, message));
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
        let shared = shared(of);
        // What is written is the file's own, and one READ is as good as two.
        if ion.writes.iter().any(|w| w.text == name.text) || self.globals.contains_key(name.text) {
            return Ok(());
        }
        let (_, reversal, _, outside) = defaults(of);
        let piece = if name.text == format!("e{of}") {
            self.note(
                name.span,
                format!("'{}' is a parameter; it does not follow concentrations", name.text),
            );
            self.outer(name, reversal, "mV", &format!("reversal potential of {of}"))
        } else if name.text == format!("{of}o") {
            self.outer(name, outside, "mM", &format!("concentration of {of} outside"))
        } else if name.text == format!("{of}i") {
            let text = format!("{shared}/(1 mM)");
            self.import(ion, shared, "mM", text)?
        } else if name.text == format!("i{of}") {
            let shared = format!("I_{shared}");
            let text = format!("-{shared}/area/(1 mA/cm2)");
            self.import(ion, shared, "pA", text)?
        } else {
            let message =
                format!("'{}' is nothing of the ion; expected e{of}, i{of}, {of}i or {of}o", name.text);
            return Err(self.error(name.span, message));
        };
        self.global(name, Role::Fixed("it is read of the ion"), Held::Known(piece));
        Ok(())
    }

    fn import(&mut self, ion: &Ion<'t>, name: String, unit: &'static str, text: String) -> Lowered<Piece> {
        if !self.names.take(&name) {
            let message = format!(
                "the ion '{}' would be called '{name}', which has a meaning of its own",
                ion.name.text
            );
            return Err(self.error(ion.name.span, message));
        }
        let piece = self.defs.leaf(Leaf::Import(self.imports.len()), text, true);
        self.imports.push(Import { name, unit });
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
            let shared = shared(ion.name.text);
            for name in &ion.writes {
                if name.text == format!("i{}", ion.name.text) {
                    let piece = self.written_value(*name)?.negated();
                    let area = if self.current_unit() == "1 nA" { "" } else { " * area" };
                    let value = in_unit(piece, self.current_unit());
                    lines.push(format!("export I_{shared} = {value}{area}"));
                } else {
                    let piece = self.written_value(*name)?;
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
            Some(Held::Partial) => {
                let message = format!(
                    "'{}' is assigned in some cases only; expected an 'else' that assigns it",
                    name.text
                );
                Err(self.error(name.span, message))
            }
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
