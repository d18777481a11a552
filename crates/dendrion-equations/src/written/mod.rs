//! Mechanisms defined by text: translates definitions to equations.
//!
//! All mechanisms of a population are processed together, since they may read quantities exported by other
//! mechanisms of their compartment. First all of them declare their parameters and states ([`Part`]), then
//! their currents are added, and then all expressions that may read the sum of currents are added. Each
//! expression is added when it is first needed ([`lower`]).

mod diffusion;
mod events;
mod function;
mod initial;
mod lower;
mod part;

use std::collections::HashMap;

use dendrion_language::{Target, Trigger};
use dendrion_model::{Error, ModuleKind, Owner, Place, Population, Role, definition};

use crate::expr::Expr;
use crate::mechanisms::membrane::Membrane;
use crate::mechanisms::receptor::{MEMBRANE, text};
use crate::system::Builder;

pub(crate) use events::{NEVER, due};
pub(crate) use function::value;
pub(crate) use initial::settle;
use part::Part;

/// A quantity shared by the mechanisms of a compartment: either being computed or known.
enum Shared<'g> {
    Asked,
    Known(Expr<'g>),
}

/// The text mechanisms of a population: receptors, channels and membranes.
pub(crate) struct Written<'p, 'g> {
    population: &'p Population,
    parts: Vec<Part<'p, 'g>>,
    /// Imported quantities that are already known, by compartment and name.
    shared: HashMap<(usize, String), Shared<'g>>,
    /// Quantities of mechanisms on other CVs.
    received: HashMap<String, Outer<'g>>,
}

/// A quantity of mechanisms on other CVs of detailed cells.
#[derive(Clone, Copy)]
struct Outer<'g> {
    value: Expr<'g>,
    /// 1 in CVs where it has a source and 0 elsewhere, if the default applies there.
    covered: Option<Expr<'g>>,
}

impl<'p, 'g> Written<'p, 'g> {
    /// Declares the parameters and states of all mechanisms. `received` lists the receptors that each spike port
    /// drives.
    pub(crate) fn declare(
        b: &mut Builder<'g>,
        population: &'p Population,
        received: &[Vec<usize>],
    ) -> Result<Self, Error> {
        let mut parts = Vec::new();
        for (i, receptor) in population.receptors.iter().enumerate() {
            let definition = definition(&population.path_of(&receptor.name), &text(receptor))?;
            let source = (receptor.name.as_str(), receptor.on, definition);
            let of = (receptor.kind, Owner::Receptor(i), &receptor.params);
            let part = Part::declare(b, population, source, of)?;
            for gate in &part.definition.arrivals {
                let ports = (0..received.len()).filter(|p| received[*p].contains(&i));
                ports.for_each(|port| b.receive(part.states[*gate], port));
            }
            parts.push(part);
        }
        let written = ModuleKind::Written;
        for (i, mechanism) in population.mechanisms.iter().enumerate() {
            let definition = definition(&population.path_of(&mechanism.name), &mechanism.text)?;
            let source = (mechanism.name.as_str(), mechanism.on, definition);
            let of = (written, Owner::Mechanism(i), &mechanism.params);
            parts.push(Part::declare(b, population, source, of)?);
        }
        if !matches!(population.role, Role::Neurons) {
            return Ok(Self { population, parts, shared: HashMap::new(), received: HashMap::new() });
        }
        let leaky = definition("membrane", MEMBRANE)?;
        for (on, compartment) in population.compartments.iter().enumerate() {
            if !parts.iter().any(|p| p.on == on && p.definition.membrane.is_some()) {
                let source = (compartment.name.as_str(), on, leaky.clone());
                let of = (written, Owner::Compartment(on), &compartment.params);
                parts.push(Part::declare(b, population, source, of)?);
            }
        }
        Ok(Self { population, parts, shared: HashMap::new(), received: HashMap::new() })
    }

    /// Makes a quantity of mechanisms on other CVs available to imports.
    pub(crate) fn receive(&mut self, name: &str, value: Expr<'g>, covered: Option<Expr<'g>>) {
        self.received.insert(name.to_string(), Outer { value, covered });
    }

    /// Returns the sum of the exports with this name, for mechanisms on other CVs.
    pub(crate) fn sent(
        &mut self,
        b: &mut Builder<'g>,
        membranes: &[Membrane<'g>],
        name: &str,
    ) -> Result<Expr<'g>, Error> {
        let mut sum = b.number(0.0);
        for i in 0..self.parts.len() {
            let export = self.parts[i].definition.exports.iter().find(|e| e.name == name);
            if let Some(root) = export.map(|e| e.value) {
                sum = sum + self.root(b, membranes, i, root)?;
            }
        }
        Ok(sum)
    }

    /// Adds the currents of the mechanisms to the membranes. More currents may be added before [`Self::finish`].
    pub(crate) fn add_currents(
        &mut self,
        b: &mut Builder<'g>,
        membranes: &mut [Membrane<'g>],
    ) -> Result<(), Error> {
        for i in 0..self.parts.len() {
            let Some(current) = self.parts[i].definition.current else { continue };
            let root = self.parts[i].definition.expressions[current.expression].value;
            let on = self.parts[i].on;
            let mut value = self.root(b, membranes, i, root)?;
            let what = match &self.population.role {
                Role::Placed { place: Place::Point, .. } if current.per_area => {
                    "is placed at points, but its current is per area; place it on a region, or give its current in pA"
                }
                Role::Placed { place: Place::Density, .. } if !current.per_area => {
                    "is placed on a region, but its current is not per area; place it at points, or give its current in pA/um2"
                }
                _ => "",
            };
            if !what.is_empty() {
                return Err(Error::structure(self.path(i), what));
            }
            if current.per_area {
                value = value * self.area(b, i)?;
            }
            membranes[on].add(value);
        }
        Ok(())
    }

    /// Writes the remaining equations: derivatives, initial values, events and observables.
    pub(crate) fn finish(mut self, b: &mut Builder<'g>, membranes: &mut [Membrane<'g>]) -> Result<(), Error> {
        membranes.iter_mut().for_each(Membrane::complete);
        for i in 0..self.parts.len() {
            self.states(b, membranes, i)?;
            self.membrane(b, membranes, i)?;
            self.events(b, membranes, i)?;
            self.diffusion(b, membranes, i)?;
            for j in 0..self.parts[i].definition.expressions.len() {
                let expression = &self.parts[i].definition.expressions[j];
                // The recorded current I of a compartment is the sum of all its currents, even if the soma
                // has its own equations.
                let part = &self.parts[i];
                let is_somas = matches!(part.owner, Owner::Mechanism(_))
                    && self.population.compartments[part.on].name == part.name;
                if expression.is_private() || (is_somas && expression.name == "I") {
                    continue;
                }
                let (root, unit) = (expression.value, expression.unit.unit);
                let name = expression.name.clone();
                let value = self.root(b, membranes, i, root)?;
                b.observe(&self.parts[i].scope(), &name, part::in_unit(value, unit));
            }
            for j in 0..self.parts[i].definition.flags.len() {
                let name = self.parts[i].definition.flags[j].name.clone();
                if let Some(flag) = self.parts[i].flags[j] {
                    b.observe(&self.parts[i].scope(), &name, flag);
                }
            }
        }
        Ok(())
    }

    fn states(&mut self, b: &mut Builder<'g>, membranes: &[Membrane<'g>], i: usize) -> Result<(), Error> {
        for j in 0..self.parts[i].definition.states.len() {
            let of = &self.parts[i].definition.states[j];
            let (unit, derivative, initial) = (of.unit.unit, of.derivative, of.initial);
            let slope = self.root(b, membranes, i, derivative)?;
            let part = &self.parts[i];
            b.derivative(part.states[j], part::in_unit(slope, unit));
            b.flush_where_it_decays(part.states[j], slope, &part.states);
            if let Some(initial) = initial {
                let value = self.root(b, membranes, i, initial)?;
                b.begin(self.parts[i].states[j], part::in_unit(value, unit));
            }
        }
        Ok(())
    }

    /// Replaces the compartment's equation for V.
    fn membrane(
        &mut self,
        b: &mut Builder<'g>,
        membranes: &mut [Membrane<'g>],
        i: usize,
    ) -> Result<(), Error> {
        let Some(root) = self.parts[i].definition.membrane else { return Ok(()) };
        if self.is_placed() {
            let what = "has an equation for V, but the potential of detailed cells follows from the cable equation; remove the equation";
            return Err(Error::structure(self.path(i), what));
        }
        let slope = self.root(b, membranes, i, root)?;
        if membranes[self.parts[i].on].moves_by(slope) {
            return Ok(());
        }
        let what = "has an equation for V, but another mechanism of its compartment also has one; expected at most one";
        Err(Error::structure(self.path(i), what))
    }

    /// Returns whether the mechanisms are placed on detailed cells.
    const fn is_placed(&self) -> bool {
        !matches!(self.population.role, Role::Neurons)
    }

    fn path(&self, i: usize) -> String {
        self.population.path_of(self.parts[i].name)
    }

    fn events(&mut self, b: &mut Builder<'g>, membranes: &[Membrane<'g>], i: usize) -> Result<(), Error> {
        for j in 0..self.parts[i].definition.events.len() {
            let event = self.parts[i].definition.events[j].clone();
            let mut now = Vec::new();
            let mut later = Vec::new();
            if self.is_placed() && matches!(event.trigger, Trigger::Spike) {
                let what = "reacts to spikes of the neuron (on spike), which mechanisms of detailed cells do not support; use a condition on V";
                return Err(Error::structure(self.path(i), what));
            }
            for assignment in &event.then {
                if self.is_placed() && matches!(assignment.target, Target::Potential) {
                    let what = "sets V, but the potential of detailed cells follows from the cable equation; remove the assignment";
                    return Err(Error::structure(self.path(i), what));
                }
                let value = self.root(b, membranes, i, assignment.value)?;
                let part = &self.parts[i];
                let (state, value) = match assignment.target {
                    Target::Potential => (membranes[part.on].v, value),
                    Target::State(s) => {
                        (part.states[s], part::in_unit(value, part.definition.states[s].unit.unit))
                    }
                };
                match assignment.after {
                    None => now.push((state, value)),
                    Some(after) => later.push((after, state, value)),
                }
            }
            let since = self.parts[i].since[j];
            if since.is_some() {
                b.wait(self.parts[i].name);
            }
            now.extend(since.map(|since| (since, b.number(0.0))));
            match event.trigger {
                Trigger::Spike => b.on_spike(&now),
                Trigger::When(condition) => {
                    let condition = self.root(b, membranes, i, condition)?;
                    b.react(self.parts[i].name, condition, &now);
                }
            }
            for (after, state, value) in later {
                let after = self.root(b, membranes, i, after)?;
                if let Some(since) = since {
                    let due = events::due(b, self.parts[i].name, since.value, after);
                    b.react(self.parts[i].name, due, &[(state, value)]);
                }
            }
        }
        Ok(())
    }
}
