//! Declares the variables of a file with their initial values.

use std::collections::HashSet;

use super::slots::{Held, Role};
use super::{Lowered, Lowerer, Parameter, State};
use crate::defs::Leaf;
use crate::error::Span;
use crate::names::Names;
use crate::piece::{Piece, level};
use crate::syntax::{Declared, Name, Node};
use crate::units::{Translated, bare_words, translate};

/// Maximum length of a comment in characters; longer ones are truncated.
const LONGEST_DOC: usize = 200;

impl<'t> Lowerer<'_, 't> {
    pub(super) fn declare(&mut self) -> Lowered<()> {
        let file = self.file;
        let units: Vec<Translated> = file.parameters.iter().map(|p| translate(p.unit, &file.units)).collect();
        let own = file.names();
        self.names = Names::new(units.iter().flat_map(|u| bare_words(u.text())), own, self.reserved);
        self.given();
        self.ions()?;
        for (name, value) in &file.constants {
            let fixed = Role::Fixed("it is a constant");
            self.global(*name, fixed, Held::Known(Piece::number(*value)));
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
                self.parameter(parameter, unit, next)?;
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
        if self.globals.contains_key(name.text) {
            return false;
        }
        let slot = self.slot(name, role, held);
        self.globals.insert(name.text, slot);
        true
    }

    /// Declares a variable whose value is reset to `piece` at the beginning of each block.
    pub(super) fn outside_variable(&mut self, name: Name<'t>, role: Role, piece: Piece) {
        let held = Held::Known(piece);
        if self.global(name, role, held.clone()) {
            self.outside.push((self.slots.len() - 1, held));
        }
    }

    /// Declares the variables available in every file: v, celsius, dt, t and the geometry.
    fn given(&mut self) {
        let name = |text: &'static str| Name { text, span: Span::default() };
        let mut potential = Piece::reference(0, true, false);
        (potential.text, potential.level) = ("V/(1 mV)".to_string(), level::PRODUCT);
        if let Some(v) = self.defs.name("v", potential, false) {
            self.outside_variable(name("v"), Role::Potential, v);
        }
        for (text, value) in [("dt", "dt/(1 ms)"), ("diam", "diameter/(1 um)"), ("area", "area/(1 um2)")] {
            let piece = self.defs.leaf(Leaf::Given, value.to_string(), false);
            self.global(name(text), Role::Fixed("the simulator sets it"), Held::Known(piece));
        }
        self.global(name("t"), Role::Time, Held::Unset);
        let celsius = self.outer(name("celsius"), 6.3, "", "temperature in degrees Celsius");
        self.global(name("celsius"), Role::Fixed("it is the temperature"), Held::Known(celsius));
    }

    /// Adds a parameter that NEURON defines outside of the file.
    pub(super) fn outer(&mut self, name: Name<'_>, default: f64, unit: &str, doc: &str) -> Piece {
        let text = self.names.parameter(name.text);
        self.outer_called(text, name, default, unit, doc)
    }

    /// Adds a parameter that the file does not name, with a name that does not conflict with the file's names.
    pub(super) fn outer_made(&mut self, name: Name<'_>, default: f64, unit: &str, doc: &str) -> Piece {
        let text = self.names.made(name.text);
        self.outer_called(text, name, default, unit, doc)
    }

    fn outer_called(&mut self, text: String, name: Name<'_>, default: f64, unit: &str, doc: &str) -> Piece {
        let value = if unit.is_empty() { text.clone() } else { format!("{text}/(1 {unit})") };
        let piece = self.defs.leaf(Leaf::Parameter(self.parameters.len()), value, false);
        self.parameters.push(Parameter {
            name: text,
            source_name: name.text.to_string(),
            span: None,
            default,
            unit: unit.to_string(),
            bound: "",
            doc: doc.to_string(),
        });
        piece
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
        let rate = self.slot(state.name, Role::Rate, Held::Unset);
        self.rates.insert(state.name.text, rate);
        let name = self.plain(state.name);
        let slot = self.globals.get(state.name.text).copied().unwrap_or(rate);
        let is_concentration = self.inside.contains_key(state.name.text);
        let span = state.name.span;
        self.states.push(State {
            name,
            slot,
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
        let role = self.resolve(name.text).and_then(|i| self.slots.get(i)).map(|s| s.role);
        let what = match role {
            Some(Role::Fixed(why)) => format!("'{}' cannot be declared here because {why}", name.text),
            Some(Role::Potential) => "'v' cannot be declared here because it is the potential".to_string(),
            Some(Role::Time) => "'t' cannot be declared here because it is the time".to_string(),
            _ => format!("'{}' is declared twice", name.text),
        };
        self.error(name.span, what)
    }

    fn parameter(&mut self, parameter: &Declared<'t>, unit: &Translated, next: usize) -> Lowered<()> {
        let name = parameter.name;
        if let Some(slot) = self.globals.get(name.text).copied() {
            return self.declared_before(parameter, slot);
        }
        let default = parameter.default.unwrap_or(0.0);
        if parameter.default.is_none() {
            self.note(name.span, format!("'{}' has no value; 0 is used", name.text));
        }
        let mut unit_text = unit.text();
        let fits = |unit: &str| {
            let leading = unit.split(['/', '*']).next().unwrap_or("");
            dendrion_language::Unit::named(leading).is_none_or(|u| u.coherent(default).is_finite())
        };
        if *unit == Translated::Unknown || !fits(unit_text) {
            let message =
                format!("unknown unit ({}); '{}' is treated as a pure number", parameter.unit, name.text);
            self.note(name.span, message);
            unit_text = "";
        }
        let doc = self.doc(name.span, next);
        let bound = self.bound(parameter, default);
        let piece = self.outer(name, default, unit_text, &doc);
        if let Some(made) = self.parameters.last_mut() {
            (made.bound, made.span) = (bound, Some(name.span));
            let plain = made.name.clone();
            if plain != name.text {
                let message = format!("'{}' is a reserved name; it is renamed to '{plain}'", name.text);
                self.note(name.span, message);
            }
        }
        self.global(name, Role::Parameter, Held::Known(piece));
        Ok(())
    }

    /// Handles a PARAMETER entry for a variable that is defined elsewhere: v, celsius or a variable read from an
    /// ion.
    fn declared_before(&mut self, parameter: &Declared<'t>, slot: usize) -> Lowered<()> {
        let name = parameter.name;
        let role = self.slots.get(slot).map(|s| s.role);
        if matches!(role, Some(Role::Parameter)) {
            return Err(self.twice(name));
        }
        let outside = self.parameters.iter().find(|p| p.source_name == name.text).map(|p| p.default);
        if let (Some(here), Some(outside)) = (parameter.default, outside)
            && here != outside
        {
            let message = format!(
                "'{}' = {here} is dropped, since NEURON uses the value from outside the file, which is {outside}",
                name.text
            );
            self.note(name.span, message);
        } else if role == Some(Role::State) && parameter.default.is_some() {
            return Err(self.twice(name));
        }
        Ok(())
    }

    fn bound(&mut self, parameter: &Declared<'t>, default: f64) -> &'static str {
        let Some((low, high)) = parameter.limits else { return "" };
        let (bound, fits) = match (low, high) {
            (0.0, 1.0) => (" (in [0, 1])", (0.0..=1.0).contains(&default)),
            (0.0, _) => (" (>= 0)", default >= 0.0),
            (low, _) if low > 0.0 => (" (> 0)", default > 0.0),
            _ => return "",
        };
        if !fits {
            let message = format!(
                "'{}' = {default} lies outside its limits <{low},{high}>; the limits are dropped",
                parameter.name.text
            );
            self.note(parameter.name.span, message);
            return "";
        }
        bound
    }

    /// Returns the comment that follows on the same line, before the next parameter.
    fn doc(&self, span: Span, next: usize) -> String {
        let at = self.comments.partition_point(|c| c.start < span.start);
        let Some(comment) = self.comments.get(at) else { return String::new() };
        let between = self.source.get(span.start..comment.start).unwrap_or("\n");
        if comment.start > next || between.contains('\n') {
            return String::new();
        }
        let text = comment.of(self.source).trim();
        text.chars().take(LONGEST_DOC).map(|c| if c.is_control() { ' ' } else { c }).collect()
    }

    /// Handles a variable that the file reads but never assigns. It is 0 in NEURON unless the user sets it, so it
    /// becomes a parameter.
    fn assigned_or_parameter(&mut self, assigned: &Declared<'t>, read: &HashSet<&str>) {
        let (file, name) = (self.file, assigned.name);
        let is = |other: &Name<'_>| other.text == name.text;
        let shared = file.ions.iter().flat_map(|ion| ion.reads.iter().chain(&ion.writes));
        let is_shared = shared.chain(&file.nonspecific).chain(&file.electrode).any(is);
        if is_shared
            || self.globals.contains_key(name.text)
            || file.set.contains(name.text)
            || file.routines.contains_key(name.text)
            || !read.contains(name.text)
        {
            self.assigned(assigned);
            return;
        }
        let unit = match translate(assigned.unit, &file.units) {
            Translated::Unit(unit) if bare_words(&unit).next().is_none() => unit,
            _ => String::new(),
        };
        let piece = self.outer(name, 0.0, &unit, "never assigned by the file");
        if let Some(made) = self.parameters.last_mut() {
            made.span = Some(name.span);
        }
        self.note(
            name.span,
            format!("'{}' is never assigned; it becomes a parameter with default 0", name.text),
        );
        self.global(name, Role::Parameter, Held::Known(piece));
    }

    fn assigned(&mut self, assigned: &Declared<'t>) {
        if self.global(assigned.name, Role::Assigned { public: true }, Held::Unset)
            && let Some(slot) = self.slots.last_mut()
        {
            slot.unit = assigned.unit;
        }
    }

    /// Sets initial values: a state begins at the parameter x0 if the file has one, and otherwise at 0; a
    /// concentration begins at NEURON's default.
    fn begin_states(&mut self) {
        let states: HashSet<usize> = self.states.iter().map(|s| s.slot).collect();
        for index in 0..self.slots.len() {
            let Some(slot) = self.slots.get(index) else { break };
            let (name, is_unset) = (slot.name, slot.held == Held::Unset);
            let written = self.inside.get(name.text).copied();
            let beginning = format!("{}0", name.text);
            let own = self.globals.get(beginning.as_str()).and_then(|s| self.slots.get(*s));
            let held = match (own.map(|s| (s.role, s.held.clone())), written) {
                (Some((Role::Parameter | Role::Fixed(_), held)), _) if states.contains(&index) => held,
                (_, Some(ion)) if is_unset => {
                    let doc = "initial concentration";
                    let wanted = Name { text: &beginning, span: name.span };
                    Held::Known(self.outer_made(wanted, super::ions::inside(ion), "mM", doc))
                }
                _ if states.contains(&index) => Held::Known(Piece::number(0.0)),
                _ => continue,
            };
            if let Some(slot) = self.slots.get_mut(index) {
                slot.held = held;
            }
        }
    }
}
