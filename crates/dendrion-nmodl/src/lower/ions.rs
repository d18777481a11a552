//! Ions, through which the mechanisms of a compartment share currents and concentrations.

use std::collections::{HashMap, HashSet};

use dendrion_language::syntax::{self, Statement};
use dendrion_language::{Binary, Unary};

use super::environment::{Held, Role};
use super::{Import, Lowered, Lowerer};
use crate::defs::Leaf;
use crate::syntax::{Head, Ion, Name};
use crate::terms::{TermId, Value};
use crate::units::Product;

/// NEURON's default values per ion: the reversal potential (mV) and the concentrations inside and outside (mM).
const DEFAULTS: [(&str, f64, f64, f64); 3] =
    [("na", 50.0, 10.0, 140.0), ("k", -77.0, 54.4, 2.5), ("ca", 132.457_934_163_700_9, 5e-5, 2.0)];
const OTHERS: (&str, f64, f64, f64) = ("", 0.0, 1.0, 1.0);

fn defaults(ion: &str) -> (&'static str, f64, f64, f64) {
    DEFAULTS.into_iter().find(|(name, ..)| *name == ion).unwrap_or(OTHERS)
}

/// Returns the initial concentration inside the cell in NEURON (mM).
pub(super) fn inside(ion: &str) -> f64 {
    defaults(ion).2
}

/// A quantity of an ion that mechanisms share.
///
/// NEURON's names are case-sensitive, so `ca` and `Ca` are different ions. The quantities of `na`, `k` and
/// `ca` have the names used in `dendrion.channels`. The names for all other ions contain the name of the ion
/// exactly as it is written, with a prefix and a suffix that prevent conflicts with each other and with the
/// library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantity {
    /// The sum of the currents into the cell (pA).
    Current,
    /// The concentration inside the cell (mM).
    Inside,
}

impl Quantity {
    fn unit(self) -> Product {
        Product::named(match self {
            Self::Current => "pA",
            Self::Inside => "mM",
        })
    }

    /// Returns the name under which mechanisms share the quantity.
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
        let file = self.input.file;
        let mut seen = HashSet::new();
        let mut owners: HashMap<&str, &str> = HashMap::new();
        for ion in &file.ions {
            if !seen.insert(ion.name.text) {
                let message = format!("the ion '{}' has two USEION statements; expected one", ion.name.text);
                return Err(self.error(ion.name.span, message));
            }
            for name in ion.reads.iter().chain(&ion.writes) {
                let owner = *owners.entry(name.text).or_insert(ion.name.text);
                if owner != ion.name.text {
                    let message = format!(
                        "'{}' belongs to both ions '{owner}' and '{}'; the variables of different ions must have different names",
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
                    "'{}' is both read and written, but reading returns the sum over all mechanisms; either read or write it",
                    name.text
                );
                return Err(self.error(name.span, message));
            }
            if !is_current && !is_inside {
                let message =
                    format!("'{}' cannot be written; only i{of} and {of}i can be written", name.text);
                return Err(self.error(name.span, message));
            }
            if is_inside {
                self.scopes.inside.insert(name.text.to_string(), of);
            }
        }
        Ok(())
    }

    fn read_of_ion(&mut self, ion: &Ion<'t>, name: Name<'t>) -> Lowered<()> {
        let of = ion.name.text;
        // A written variable belongs to the file, and repeated READs are equivalent to one.
        if ion.writes.iter().any(|w| w.text == name.text) || self.scopes.globals.contains_key(name.text) {
            return Ok(());
        }
        let (_, reversal, inside, outside) = defaults(of);
        let value = if name.text == format!("e{of}") {
            self.note(
                name.span,
                format!("'{}' is a parameter; it is not computed from the concentrations", name.text),
            );
            self.outer(name, reversal, &Product::named("mV"), &format!("reversal potential of {of}"))
        } else if name.text == format!("{of}o") {
            self.outer(
                name,
                outside,
                &Product::named("mM"),
                &format!("concentration of {of} outside the cell"),
            )
        } else if name.text == format!("{of}i") {
            let beginning = format!("{}0", name.text);
            let wanted = Name { text: &beginning, span: name.span };
            let doc = format!("concentration of {of} inside the cell if no mechanism computes it");
            self.outer_made(wanted, inside, &Product::named("mM"), &doc);
            let default = self.parameters.len().checked_sub(1);
            let shared = self.import(ion, name, Quantity::Inside, default)?;
            let term = self.terms.in_units(shared, &Product::named("mM"));
            self.imported(term)
        } else if name.text == format!("i{of}") {
            let shared = self.import(ion, name, Quantity::Current, None)?;
            let outward = self.terms.apply(Unary::Neg, vec![shared]);
            let area = self.terms.name("area");
            let density = self.terms.apply(Binary::Div, vec![outward, area]);
            let term = self.terms.in_units(density, &Product::named("mA/cm2"));
            self.imported(term)
        } else {
            let message = format!(
                "'{}' is not a variable of the ion {of}; expected e{of}, i{of}, {of}i or {of}o",
                name.text
            );
            return Err(self.error(name.span, message));
        };
        self.outside_variable(name, Role::OfIon, value);
        Ok(())
    }

    /// Imports a quantity that other mechanisms share. `default` is the parameter that provides the value if
    /// no mechanism exports the quantity.
    fn import(
        &mut self,
        ion: &Ion<'t>,
        read: Name<'t>,
        quantity: Quantity,
        default: Option<usize>,
    ) -> Lowered<TermId> {
        let name = quantity.shared(ion.name.text);
        if !self.names.take(&name) {
            let message = format!(
                "the ion '{}' needs the name '{name}', which is reserved; rename the ion",
                ion.name.text
            );
            return Err(self.error(ion.name.span, message));
        }
        self.terms.at = read.span;
        let term = self.terms.name(&name);
        self.imports.push(Import { name, unit: quantity.unit(), span: read.span, default });
        Ok(term)
    }

    /// Defines the value of the last import.
    fn imported(&mut self, term: TermId) -> Value {
        let import = self.imports.len().saturating_sub(1);
        self.defs.leaf(&mut self.terms, Leaf::Import(import), term, true)
    }

    /// Returns whether the mechanism's currents are in nA; otherwise they are in mA/cm2.
    pub(super) fn is_point(&self) -> bool {
        matches!(self.input.file.head, Some((Head::Point, _)))
    }

    /// Returns the unit of the mechanism's currents.
    pub(super) fn current_unit(&self) -> Product {
        Product::named(if self.is_point() { "nA" } else { "mA/cm2" })
    }

    /// Returns the statements that export the ion variables written by the file.
    pub(super) fn exports(&mut self) -> Lowered<Vec<Statement>> {
        let file = self.input.file;
        let mut lines = Vec::new();
        for ion in &file.ions {
            for name in &ion.writes {
                let value = self.written_value(*name)?;
                self.terms.at = self.terms.span(value.term);
                let (quantity, value) = if name.text == format!("i{}", ion.name.text) {
                    let inward = self.terms.negated(value);
                    let mut value = self.terms.with_unit(&inward, &self.current_unit());
                    if !self.is_point() {
                        let area = self.terms.name("area");
                        value = self.terms.apply(Binary::Mul, vec![value, area]);
                    }
                    (Quantity::Current, value)
                } else {
                    (Quantity::Inside, self.terms.with_unit(&value, &Product::named("mM")))
                };
                let name = syntax::Name::new(quantity.shared(ion.name.text), name.span);
                lines.push(Statement::Export { name, value: Some(value) });
            }
        }
        Ok(lines)
    }

    /// Returns the value of an exported variable at the end of a step.
    pub(super) fn written_value(&mut self, name: Name<'t>) -> Lowered<Value> {
        let variable = self.scopes.globals.get(name.text).and_then(|i| self.variables.get(*i));
        // A concentration keeps its value from INITIAL, but a current has to be assigned in each step.
        let kept = self.scopes.inside.contains_key(name.text);
        match variable.map(|s| &s.held) {
            Some(Held::Known(value)) => Ok(value.clone()),
            Some(Held::Before(value)) if kept => Ok(value.clone()),
            Some(Held::Partial(partial)) => Err(self.partial(name.text, partial.span, None)),
            Some(Held::NotFinite(span)) => Err(self.error(*span, super::NOT_FINITE)),
            _ => Err(self
                .error(name.span, format!("BREAKPOINT does not assign '{0}'; add '{0} = ...'", name.text))),
        }
    }
}
