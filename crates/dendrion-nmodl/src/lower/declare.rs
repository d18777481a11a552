//! Declares the variables of a file with their initial values.

use std::collections::HashSet;

use dendrion_language::syntax::Bound;

use super::environment::{Held, Role};
use super::{Lowered, Lowerer, Parameter, State};
use crate::defs::Leaf;
use crate::error::Span;
use crate::names::Names;
use crate::syntax::{Declared, Name, Node};
use crate::terms::{TermId, Value};
use crate::units::{Product, translate};

/// Maximum length of a comment in characters; longer comments are truncated.
const LONGEST_DOC: usize = 200;

impl<'t> Lowerer<'_, 't> {
    pub(super) fn declare(&mut self) -> Lowered<()> {
        let file = self.input.file;
        let units: Vec<Option<Product>> =
            file.parameters.iter().map(|p| translate(p.unit, &file.units)).collect();
        let own = file.names();
        self.names =
            Names::new(units.iter().flatten().flat_map(Product::bare_words), own, self.input.reserved);
        self.given();
        self.ions()?;
        for (name, value) in &file.constants {
            let fixed = Role::Fixed("it is a constant");
            self.terms.at = name.span;
            let value = self.terms.number(*value);
            self.global(*name, fixed, Held::Known(value));
        }
        for state in &file.states {
            self.state(state)?;
        }
        for (i, (parameter, unit)) in file.parameters.iter().zip(&units).enumerate() {
            // A variable without a value that is assigned is not a parameter, although older files list it in
            // PARAMETER.
            if parameter.default.is_none() && file.set.contains(parameter.name.text) {
                self.assigned(parameter);
            } else {
                let next = file.parameters.get(i + 1).map_or(usize::MAX, |p| p.name.span.start);
                self.parameter(parameter, unit.as_ref(), next)?;
            }
        }
        let names =
            file.nodes.iter().filter_map(|(node, _)| if let Node::Name(n) = node { Some(*n) } else { None });
        let read: HashSet<&str> = names.collect();
        for assigned in &file.assigned {
            self.assigned_or_parameter(assigned, &read);
        }
        for name in &file.locals {
            self.global(*name, Role::Assigned { public: false }, Held::Unset);
        }
        // Variables named in USEION and current statements need not be declared again.
        let written = file.ions.iter().flat_map(|ion| &ion.writes);
        for name in file.nonspecific.iter().chain(&file.electrode).chain(written) {
            self.global(*name, Role::Assigned { public: true }, Held::Unset);
        }
        self.begin_states();
        Ok(())
    }

    /// Declares a variable of the file. Returns false if it is already declared.
    pub(super) fn global(&mut self, name: Name<'t>, role: Role, held: Held) -> bool {
        if self.scopes.globals.contains_key(name.text) {
            return false;
        }
        let variable = self.variable(name, role, held);
        self.scopes.globals.insert(name.text, variable);
        true
    }

    /// Declares a variable whose value is reset to `value` at the beginning of each block.
    pub(super) fn outside_variable(&mut self, name: Name<'t>, role: Role, value: Value) {
        let held = Held::Known(value);
        if self.global(name, role, held.clone()) {
            self.scopes.outside.push((self.variables.len() - 1, held));
        }
    }

    /// Declares the variables that are available in every file: v, celsius, dt, t and the geometry.
    fn given(&mut self) {
        let name = |text: &'static str| Name { text, span: Span::default() };
        let potential = self.given_in("V", "mV");
        let potential = Value::of(potential, true);
        if let Some(v) = self.defs.name(&mut self.terms, "v", potential, false) {
            self.outside_variable(name("v"), Role::Potential, v);
        }
        for (text, given, unit) in [("dt", "dt", "ms"), ("diam", "diameter", "um"), ("area", "area", "um2")] {
            let term = self.given_in(given, unit);
            let value = self.defs.leaf(&mut self.terms, Leaf::Given, term, false);
            self.global(name(text), Role::Fixed("the simulator sets it"), Held::Known(value));
        }
        self.global(name("t"), Role::Time, Held::Unset);
        let celsius = self.outer(name("celsius"), 6.3, &Product::default(), "temperature in degrees Celsius");
        self.global(name("celsius"), Role::Fixed("it is the temperature"), Held::Known(celsius));
    }

    /// Returns a quantity that the compartment provides as a number in `unit`.
    fn given_in(&mut self, name: &str, unit: &str) -> TermId {
        let name = self.terms.name(name);
        self.terms.in_units(name, &Product::named(unit))
    }

    /// Adds a parameter that NEURON defines outside the file.
    pub(super) fn outer(&mut self, name: Name<'_>, default: f64, unit: &Product, doc: &str) -> Value {
        let text = self.names.parameter(name.text);
        self.outer_called(text, name, default, unit, doc)
    }

    /// Adds a parameter that the file does not name, with a name that does not conflict with the file's names.
    pub(super) fn outer_made(&mut self, name: Name<'_>, default: f64, unit: &Product, doc: &str) -> Value {
        let text = self.names.made(name.text);
        self.outer_called(text, name, default, unit, doc)
    }

    fn outer_called(
        &mut self,
        text: String,
        name: Name<'_>,
        default: f64,
        unit: &Product,
        doc: &str,
    ) -> Value {
        self.terms.at = name.span;
        let own = self.terms.name(&text);
        let term = if unit.is_pure() { own } else { self.terms.in_units(own, unit) };
        let value = self.defs.leaf(&mut self.terms, Leaf::Parameter(self.parameters.len()), term, false);
        self.parameters.push(Parameter {
            name: text,
            source_name: name.text.to_string(),
            span: None,
            default,
            unit: unit.clone(),
            bound: None,
            doc: doc.to_string(),
        });
        value
    }

    /// Returns the name of an object in the text, and adds a note if it differs from its name in the file.
    pub(super) fn plain(&mut self, name: Name<'_>) -> String {
        let plain = self.names.plain(name.text);
        if plain != name.text {
            self.note(name.span, format!("'{}' is a reserved name; it is renamed to '{plain}'", name.text));
        }
        plain
    }

    fn state(&mut self, state: &Declared<'t>) -> Lowered<()> {
        if !self.global(state.name, Role::State, Held::Unset) {
            return Err(self.twice(state.name));
        }
        let rate = self.variable(state.name, Role::Rate, Held::Unset);
        self.scopes.rates.insert(state.name.text, rate);
        let name = self.plain(state.name);
        let variable = self.scopes.globals.get(state.name.text).copied().unwrap_or(rate);
        let is_concentration = self.scopes.inside.contains_key(state.name.text);
        let span = state.name.span;
        self.states.push(State {
            name,
            variable,
            rate,
            is_concentration,
            is_constant: false,
            initial: None,
            factor: None,
            span,
        });
        Ok(())
    }

    fn twice(&self, name: Name<'_>) -> crate::NmodlError {
        let role = self.resolve(name.text).and_then(|i| self.variables.get(i)).map(|s| s.role);
        let what = match role {
            Some(Role::Fixed(why)) => format!("'{}' cannot be declared here because {why}", name.text),
            Some(Role::Potential) => "'v' cannot be declared here because it is the potential".to_string(),
            Some(Role::Time) => "'t' cannot be declared here because it is the time".to_string(),
            _ => format!("'{}' is declared twice", name.text),
        };
        self.error(name.span, what)
    }

    fn parameter(&mut self, parameter: &Declared<'t>, unit: Option<&Product>, next: usize) -> Lowered<()> {
        let name = parameter.name;
        if let Some(variable) = self.scopes.globals.get(name.text).copied() {
            return self.declared_before(parameter, variable);
        }
        let default = parameter.default.unwrap_or(0.0);
        if parameter.default.is_none() {
            self.note(name.span, format!("'{}' has no value; 0 is used", name.text));
        }
        let unit = unit.filter(|unit| unit.fits(default));
        if unit.is_none() {
            let message =
                format!("unknown unit ({}); '{}' is treated as a pure number", parameter.unit, name.text);
            self.note(name.span, message);
        }
        let doc = self.doc(name.span, next);
        let bound = self.bound(parameter, default);
        let value = self.outer(name, default, unit.unwrap_or(&Product::default()), &doc);
        if let Some(made) = self.parameters.last_mut() {
            (made.bound, made.span) = (bound, Some(name.span));
            let plain = made.name.clone();
            if plain != name.text {
                let message = format!("'{}' is a reserved name; it is renamed to '{plain}'", name.text);
                self.note(name.span, message);
            }
        }
        self.global(name, Role::Parameter, Held::Known(value));
        Ok(())
    }

    /// Handles a PARAMETER entry for a variable that is defined elsewhere: v, celsius or a variable read from an
    /// ion.
    fn declared_before(&mut self, parameter: &Declared<'t>, variable: usize) -> Lowered<()> {
        let name = parameter.name;
        let role = self.variables.get(variable).map(|s| s.role);
        if matches!(role, Some(Role::Parameter)) {
            return Err(self.twice(name));
        }
        let outside = self.parameters.iter().find(|p| p.source_name == name.text).map(|p| p.default);
        if let (Some(here), Some(outside)) = (parameter.default, outside)
            && here != outside
        {
            let message = format!(
                "'{}' = {here} is ignored, because NEURON uses the value from outside the file, which is {outside}",
                name.text
            );
            self.note(name.span, message);
        } else if role == Some(Role::State) && parameter.default.is_some() {
            return Err(self.twice(name));
        }
        Ok(())
    }

    fn bound(&mut self, parameter: &Declared<'t>, default: f64) -> Option<Bound> {
        let (low, high) = parameter.limits?;
        let (bound, fits) = match (low, high) {
            (0.0, 1.0) => (Bound::Fraction, (0.0..=1.0).contains(&default)),
            (0.0, _) => (Bound::NonNegative, default >= 0.0),
            (low, _) if low > 0.0 => (Bound::Positive, default > 0.0),
            _ => return None,
        };
        if !fits {
            let message = format!(
                "'{}' = {default} lies outside its limits <{low},{high}>; the limits are ignored",
                parameter.name.text
            );
            self.note(parameter.name.span, message);
            return None;
        }
        Some(bound)
    }

    /// Returns the comment that follows on the same line, before the next parameter.
    fn doc(&self, span: Span, next: usize) -> String {
        let at = self.input.comments.partition_point(|c| c.start < span.start);
        let Some(comment) = self.input.comments.get(at) else { return String::new() };
        let between = self.input.source.get(span.start..comment.start).unwrap_or("\n");
        if comment.start > next || between.contains('\n') {
            return String::new();
        }
        let text = comment.of(self.input.source).trim();
        let text: String =
            text.chars().take(LONGEST_DOC).map(|c| if c.is_control() { ' ' } else { c }).collect();
        text.trim().to_string()
    }

    /// Declares a variable of the ASSIGNED block. A variable that the file reads but never assigns is 0 in NEURON unless
    /// the user sets it, so it becomes a parameter.
    fn assigned_or_parameter(&mut self, assigned: &Declared<'t>, read: &HashSet<&str>) {
        let (file, name) = (self.input.file, assigned.name);
        let is = |other: &Name<'_>| other.text == name.text;
        let shared = file.ions.iter().flat_map(|ion| ion.reads.iter().chain(&ion.writes));
        let is_shared = shared.chain(&file.nonspecific).chain(&file.electrode).any(is);
        if is_shared
            || self.scopes.globals.contains_key(name.text)
            || file.set.contains(name.text)
            || file.routines.contains_key(name.text)
            || !read.contains(name.text)
        {
            self.assigned(assigned);
            return;
        }
        let unit = translate(assigned.unit, &file.units).filter(|unit| unit.bare_words().next().is_none());
        let unit = unit.unwrap_or_default();
        let value = self.outer(name, 0.0, &unit, "never assigned by the file");
        if let Some(made) = self.parameters.last_mut() {
            made.span = Some(name.span);
        }
        self.note(
            name.span,
            format!("'{}' is never assigned; it becomes a parameter with default 0", name.text),
        );
        self.global(name, Role::Parameter, Held::Known(value));
    }

    fn assigned(&mut self, assigned: &Declared<'t>) {
        if self.global(assigned.name, Role::Assigned { public: true }, Held::Unset)
            && let Some(variable) = self.variables.last_mut()
        {
            variable.unit = assigned.unit;
        }
    }

    /// Sets initial values: a state begins at the parameter x0 if the file has one, and otherwise at 0; a
    /// concentration begins at NEURON's default.
    fn begin_states(&mut self) {
        let states: HashSet<usize> = self.states.iter().map(|s| s.variable).collect();
        for index in 0..self.variables.len() {
            let Some(variable) = self.variables.get(index) else { break };
            let (name, is_unset) = (variable.name, variable.held == Held::Unset);
            let written = self.scopes.inside.get(name.text).copied();
            let beginning = format!("{}0", name.text);
            let own = self.scopes.globals.get(beginning.as_str()).and_then(|s| self.variables.get(*s));
            let held = match (own.map(|s| (s.role, s.held.clone())), written) {
                (Some((Role::Parameter | Role::Fixed(_), held)), _) if states.contains(&index) => held,
                (_, Some(ion)) if is_unset => {
                    let doc = "initial concentration";
                    let wanted = Name { text: &beginning, span: name.span };
                    let unit = Product::named("mM");
                    Held::Known(self.outer_made(wanted, super::ions::inside(ion), &unit, doc))
                }
                _ if states.contains(&index) => Held::Known(self.terms.number(0.0)),
                _ => continue,
            };
            if let Some(variable) = self.variables.get_mut(index) {
                variable.held = held;
            }
        }
    }
}
