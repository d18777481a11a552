//! Translates the nodes of a definition to expressions of the graph.

use dendrion_language::{Given, Id, Import, Term};
use dendrion_model::Error;

use super::function::apply;
use super::part::coherent;
use super::{Outer, Shared, Written, events};
use crate::expr::Expr;
use crate::mechanisms::geometry;
use crate::mechanisms::membrane::{self, Membrane};
use crate::system::Builder;

impl<'g> Written<'_, 'g> {
    /// Returns the value of a node of part `i`, and writes all nodes on which it depends.
    pub(super) fn root(
        &mut self,
        b: &mut Builder<'g>,
        membranes: &[Membrane<'g>],
        i: usize,
        root: Id,
    ) -> Result<Expr<'g>, Error> {
        let (roots, imports) = self.parts[i].needs(root);
        for import in imports {
            let value = self.import(b, membranes, i, import)?;
            self.parts[i].imports[import] = Some(value);
        }
        for root in roots {
            for id in self.parts[i].definition.subtree(root) {
                if self.parts[i].known[id].is_none() {
                    let value = self.node(b, membranes, i, id)?;
                    self.parts[i].known[id] = Some(value);
                }
            }
        }
        b.check(&self.path(i))?;
        Ok(self.known(b, i, root))
    }

    fn known(&self, b: &Builder<'g>, i: usize, id: Id) -> Expr<'g> {
        self.parts[i].known[id].unwrap_or_else(|| b.number(f64::NAN))
    }

    /// Returns the sum of the exports with this name over the mechanisms of the compartment.
    fn import(
        &mut self,
        b: &mut Builder<'g>,
        membranes: &[Membrane<'g>],
        i: usize,
        import: usize,
    ) -> Result<Expr<'g>, Error> {
        let (on, wanted) = (self.parts[i].on, self.parts[i].definition.imports[import].clone());
        let key = (on, wanted.name.clone());
        match self.shared.get(&key) {
            Some(Shared::Known(value)) => return Ok(*value),
            Some(Shared::Asked) => {
                let what = format!(
                    "{} depends on itself through the imports and exports of its compartment; expected no cycle",
                    wanted.name
                );
                return Err(Error::structure(self.path(i), what));
            }
            None => drop(self.shared.insert(key.clone(), Shared::Asked)),
        }
        let mut sum = None;
        for j in (0..self.parts.len()).filter(|j| self.parts[*j].on == on).collect::<Vec<_>>() {
            let mut exports = self.parts[j].definition.exports.iter();
            let Some(export) = exports.find(|e| e.name == wanted.name).cloned() else { continue };
            if export.unit.dimension != wanted.unit.unit.dimension {
                let (given, expected) = (export.unit.dimension, wanted.unit.unit.dimension);
                let what = format!(
                    "imports {} in {expected}, but {} exports it in {given}",
                    wanted.name,
                    self.path(j)
                );
                return Err(Error::structure(self.path(i), what));
            }
            let value = self.root(b, membranes, j, export.value)?;
            sum = Some(sum.map_or(value, |sum: Expr<'g>| sum + value));
        }
        let outer = self.received.get(&wanted.name).copied();
        if let Some(Outer { value, .. }) = outer {
            sum = Some(sum.map_or(value, |sum| sum + value));
        }
        match (sum, wanted.default) {
            (Some(sum), Some(default)) if outer.is_some_and(|o| o.covered.is_some()) => {
                self.shared.remove(&key);
                let default = self.root(b, membranes, i, default)?;
                let covered = outer.and_then(|o| o.covered).unwrap_or(sum);
                Ok(covered.choose(sum, default))
            }
            (Some(sum), _) => {
                self.shared.insert(key, Shared::Known(sum));
                Ok(sum)
            }
            // Each mechanism has its own default, so this value is not shared.
            (None, Some(default)) => {
                self.shared.remove(&key);
                self.root(b, membranes, i, default)
            }
            (None, None) => Err(self.nobody_exports(i, &wanted)),
        }
    }

    fn nobody_exports(&self, i: usize, wanted: &Import) -> Error {
        let name = &wanted.name;
        let here = self.parts.iter().filter(|p| p.on == self.parts[i].on);
        let exported: Vec<&str> = here.flat_map(|p| &p.definition.exports).map(|e| e.name.as_str()).collect();
        let there = if exported.is_empty() { "nothing".to_string() } else { exported.join(", ") };
        if self.is_placed() {
            let what = format!(
                "imports {name}, which no mechanism on these CVs exports (exported there: {there}); add an ion or another \
                 mechanism that exports {name}, or a default, as in 'import {name} : {} = ...'",
                wanted.unit.text
            );
            return Error::structure(self.path(i), what);
        }
        let what = format!(
            "imports {name}, which no mechanism of {} exports (exported: {there}); add a mechanism that exports it, or a default, as in 'import {name} : {} = ...'",
            self.population.compartments[self.parts[i].on].name, wanted.unit.text
        );
        Error::structure(self.path(i), what)
    }

    fn node(
        &mut self,
        b: &mut Builder<'g>,
        membranes: &[Membrane<'g>],
        i: usize,
        id: Id,
    ) -> Result<Expr<'g>, Error> {
        let part = &self.parts[i];
        Ok(match &part.definition.terms[id] {
            Term::Number(v) => b.number(*v),
            Term::Parameter(p) => part.parameters[*p],
            Term::State(s) => coherent(part.states[*s].value, part.definition.states[*s].unit.unit),
            Term::Expression(e) => self.known(b, i, part.definition.expressions[*e].value),
            Term::Import(import) => part.imports[*import].unwrap_or_else(|| b.number(f64::NAN)),
            Term::Flag(f) => self.flag(b, i, *f),
            Term::Given(given) => self.given(b, membranes, i, *given)?,
            Term::Apply(f, operands) => {
                let operands: Vec<Expr<'g>> = operands.iter().map(|id| self.known(b, i, *id)).collect();
                apply(*f, &operands)
            }
        })
    }

    fn flag(&mut self, b: &mut Builder<'g>, i: usize, f: usize) -> Expr<'g> {
        if let Some(flag) = self.parts[i].flags[f] {
            return flag;
        }
        let of = self.parts[i].definition.flags[f].clone();
        let (after, lasts) = (of.after.map(|id| self.known(b, i, id)), self.known(b, i, of.lasts));
        let since = self.parts[i].since[of.event].map_or_else(|| b.number(events::NEVER), |s| s.value);
        let flag = events::lasting(b, self.parts[i].name, since, after, lasts);
        self.parts[i].flags[f] = Some(flag);
        flag
    }

    fn given(
        &self,
        b: &mut Builder<'g>,
        membranes: &[Membrane<'g>],
        i: usize,
        given: Given,
    ) -> Result<Expr<'g>, Error> {
        let membrane = &membranes[self.parts[i].on];
        Ok(match given {
            Given::Potential => membrane.v.value,
            Given::Rest if self.parts[i].is_leak() => membrane.leak_reversal(),
            Given::Rest => membrane.v_rest,
            Given::Leak => membrane.g_l,
            Given::Capacitance => membrane.c,
            Given::Step => b.dt(),
            Given::Area => self.area(b, i)?,
            Given::Diameter => self.geometry(b, i, "diameter")?,
            Given::Length => self.geometry(b, i, "length")?,
            Given::Distance => self.distance(b, i)?,
            Given::Current if self.is_placed() => {
                let what = "reads I, the sum of all currents, which is not available on detailed cells; expected an expression in terms of V, states and parameters";
                return Err(Error::structure(self.path(i), what));
            }
            Given::Current => {
                let what = "exports a value that depends on I, which is not known when exports are computed; expected an expression in terms of V, states and parameters";
                let current = if self.parts[i].is_leak() {
                    membrane.completed_without_leak()
                } else {
                    membrane.completed()
                };
                current.ok_or_else(|| Error::structure(self.path(i), what))?
            }
        })
    }

    /// Returns the area of a part's compartment (um2).
    pub(super) fn area(&self, b: &mut Builder<'g>, i: usize) -> Result<Expr<'g>, Error> {
        self.geometry(b, i, "length")?;
        let on = self.parts[i].on;
        geometry::area(b, &membrane::scope(on, &self.population.compartments[on]))
    }

    fn distance(&self, b: &mut Builder<'g>, i: usize) -> Result<Expr<'g>, Error> {
        let on = self.parts[i].on;
        let compartment = &self.population.compartments[on];
        if self.is_placed() {
            return b.param(&membrane::scope(on, compartment), "distance");
        }
        let what = "reads distance, which only detailed cells have; remove distance, or place the mechanism on a CableNeuron";
        Err(Error::structure(self.path(i), what))
    }

    fn geometry(&self, b: &mut Builder<'g>, i: usize, name: &str) -> Result<Expr<'g>, Error> {
        let on = self.parts[i].on;
        let compartment = &self.population.compartments[on];
        if compartment.has_geometry() {
            return b.param(&membrane::scope(on, compartment), name);
        }

        let accepted =
            format!("length and diameter (um), because the equations of {} use the area", self.path(i));
        Err(Error::parameter(self.population.path_of(&compartment.name), name, "None", accepted))
    }
}
