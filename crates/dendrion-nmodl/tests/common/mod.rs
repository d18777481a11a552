//! An interpreter of definitions, used by several tests.
#![allow(dead_code, reason = "each test has its own copy and uses a part of it")]

use std::collections::HashMap;

use dendrion_language::{Definition, Given, Term};
use dendrion_nmodl::{Mechanism, read};

/// Returns the mechanism of a file and its definition.
pub(crate) fn of(source: &str) -> (Mechanism, Definition) {
    let mechanism = read(source).unwrap_or_else(|e| panic!("{e}"));
    let definition = mechanism.definition.clone();
    (mechanism, definition)
}

/// The inputs of a mechanism: the potential (mV), and values of states, imports (pA, mM) and parameters in their
/// own units.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) v: f64,
    pub(crate) values: HashMap<&'static str, f64>,
}

impl Place {
    pub(crate) fn at(v: f64) -> Self {
        Self { v, values: HashMap::from([("area", 500.0), ("diameter", 3.0), ("dt", 0.025)]) }
    }

    pub(crate) fn with(mut self, name: &'static str, value: f64) -> Self {
        self.values.insert(name, value);
        self
    }

    fn of(&self, name: &str) -> f64 {
        *self.values.get(name).unwrap_or_else(|| panic!("no value for {name}"))
    }

    /// Returns the value of a node in coherent units.
    pub(crate) fn node(&self, d: &Definition, id: usize) -> f64 {
        match &d.terms[id] {
            Term::Number(v) => *v,
            Term::Parameter(i) => {
                let p = &d.parameters[*i];
                let value = self.values.get(p.name.as_str()).copied().or(p.default);
                p.unit.unit.coherent(value.unwrap_or(f64::NAN))
            }
            Term::State(i) => d.states[*i].unit.unit.coherent(self.of(&d.states[*i].name)),
            Term::Expression(i) => self.node(d, d.expressions[*i].value),
            Term::Import(i) => self.of(&d.imports[*i].name),
            Term::Given(Given::Potential) => self.v,
            Term::Given(Given::Area) => self.of("area"),
            Term::Given(Given::Diameter) => self.of("diameter"),
            Term::Given(Given::Step) => self.of("dt"),
            Term::Given(_) | Term::Flag(_) => panic!("no text from NMODL has this"),
            Term::Apply(f, operands) => {
                let values: Vec<f64> = operands.iter().map(|id| self.node(d, *id)).collect();
                f.evaluate(&values)
            }
        }
    }

    /// Returns the value of a named expression in coherent units.
    pub(crate) fn named(&self, d: &Definition, name: &str) -> f64 {
        let found = d.expressions.iter().find(|e| e.name == name);
        self.node(d, found.unwrap_or_else(|| panic!("no {name} in\n{}", d.text)).value)
    }

    /// Returns the current into the cell (pA or pA/um2).
    pub(crate) fn current(&self, d: &Definition) -> f64 {
        self.named(d, "I")
    }

    /// Returns the derivative of a state (1/ms).
    pub(crate) fn rate(&self, d: &Definition, name: &str) -> f64 {
        let found = d.states.iter().find(|s| s.name == name);
        self.node(d, found.unwrap_or_else(|| panic!("no state {name} in\n{}", d.text)).derivative)
    }

    /// Returns the initial value of a state.
    pub(crate) fn beginning(&self, d: &Definition, name: &str) -> f64 {
        let found = d.states.iter().find(|s| s.name == name);
        found.and_then(|s| s.initial).map_or(0.0, |id| self.node(d, id))
    }

    /// Returns the value of the export with this name.
    pub(crate) fn export(&self, d: &Definition, name: &str) -> f64 {
        let found = d.exports.iter().find(|e| e.name == name);
        self.node(d, found.unwrap_or_else(|| panic!("no export {name} in\n{}", d.text)).value)
    }
}

/// Asserts that two numbers agree to twelve digits.
#[track_caller]
pub(crate) fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-12 * (a.abs() + b.abs()) + 1e-300, "{a} is not {b}");
}

/// Test potentials (mV).
pub(crate) const POTENTIALS: [f64; 9] = [-120.0, -80.0, -65.0, -55.0, -50.0, -40.0, -13.7, 0.0, 45.0];
