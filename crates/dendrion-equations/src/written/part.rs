//! A text mechanism while it is being translated.

use std::collections::BTreeSet;

use dendrion_language::{Definition, Given, Id, Term, Unit, ten_to};
use dendrion_model::{Error, ModuleKind, Owner, Params, Population, written_value};

use super::events;
use crate::expr::Expr;
use crate::system::{Builder, Scope, State};

pub(super) struct Part<'p, 'g> {
    /// Name within the population.
    pub(super) name: &'p str,
    /// The module that the text defines: a mechanism, a receptor, or the compartment of a membrane.
    pub(super) owner: Owner,
    /// Index of its compartment.
    pub(super) on: usize,
    pub(super) definition: Definition,
    /// Parameters in coherent units.
    pub(super) parameters: Vec<Expr<'g>>,
    pub(super) states: Vec<State<'g>>,
    /// For each event with delayed or lasting effects, the number of steps since its last occurrence.
    pub(super) since: Vec<Option<State<'g>>>,
    /// Values of the flags written so far.
    pub(super) flags: Vec<Option<Expr<'g>>>,
    pub(super) imports: Vec<Option<Expr<'g>>>,
    /// Values of the nodes written so far.
    pub(super) known: Vec<Option<Expr<'g>>>,
}

static NOTHING: Params = Params::new();

impl<'p, 'g> Part<'p, 'g> {
    /// Returns whether the text is the built-in equation for V (`library/membrane.eqs`).
    pub(super) const fn is_leak(&self) -> bool {
        matches!(self.owner, Owner::Compartment(_)) && self.definition.membrane.is_some()
    }

    /// Declares the parameters and states of the mechanism `name` in compartment `on`. The parameters are those of
    /// `kind` if it has a parameter table.
    pub(super) fn declare(
        b: &mut Builder<'g>,
        population: &Population,
        (name, on, definition): (&'p str, usize, Definition),
        (kind, owner, params): (ModuleKind, Owner, &Params),
    ) -> Result<Self, Error> {
        let path = population.path_of(name);
        let scope = Scope { name, kind, owner, params };
        let mut parameters = Vec::new();
        for parameter in &definition.parameters {
            let value = if kind == ModuleKind::Written {
                // This is an error if the parameter has neither an explicit nor a default value.
                let value = written_value(&path, &definition, params, &parameter.name)?;
                let default = value.uniform().filter(|_| !params.has(&parameter.name));
                let (name, unit) = (parameter.name.clone().into(), parameter.unit.text.clone().into());
                b.declared(&scope, (name, unit, parameter.bound.into()), default)
            } else {
                b.param(&scope, &parameter.name)?
            };
            parameters.push(coherent(value, parameter.unit.unit));
        }
        let zero = b.number(0.0);
        let states = definition.states.iter().map(|s| b.state(&scope, &s.name, &s.unit.text, zero)).collect();
        let mut since = Vec::new();
        for (i, event) in definition.events.iter().enumerate() {
            let waits =
                event.then.iter().any(|a| a.after.is_some()) || definition.flags.iter().any(|f| f.event == i);
            since.push(waits.then(|| {
                let name = if i == 0 { "since".to_string() } else { format!("since_{}", i + 1) };
                let state = b.state(&scope, &name, "", b.number(events::NEVER));
                b.update(state, state.value + 1.0);
                state
            }));
        }
        let (flags, imports) = (vec![None; definition.flags.len()], vec![None; definition.imports.len()]);
        let known = vec![None; definition.terms.len()];
        let part = Self { name, owner, on, definition, parameters, states, since, flags, imports, known };
        part.concentrations().into_iter().for_each(|j| b.pool(part.states[j]));
        Ok(part)
    }

    /// Returns the concentrations: states with derivatives that depend on imports, on which an export depends that does not
    /// depend on V or imports itself.
    fn concentrations(&self) -> BTreeSet<usize> {
        let d = &self.definition;
        let mut found = BTreeSet::new();
        for export in &d.exports {
            let (roots, imports) = self.needs(export.value);
            let reads: Vec<&Term> =
                roots.into_iter().flat_map(|root| d.subtree(root)).map(|id| &d.terms[id]).collect();
            if !imports.is_empty() || reads.iter().any(|t| matches!(t, Term::Given(Given::Potential))) {
                continue;
            }
            let states = reads.iter().filter_map(|t| if let Term::State(j) = t { Some(*j) } else { None });
            found.extend(states.filter(|j| !self.needs(d.states[*j].derivative).1.is_empty()));
        }
        found
    }

    /// Returns the scope that determines the names of the mechanism's parameters and states.
    pub(super) fn scope(&self) -> Scope<'p> {
        Scope { name: self.name, kind: ModuleKind::Written, owner: self.owner, params: &NOTHING }
    }

    /// Returns the nodes on which a root depends, including those of named expressions and flags, in the order in
    /// which they have to be written, and the imports.
    pub(super) fn needs(&self, root: Id) -> (Vec<Id>, Vec<usize>) {
        let d = &self.definition;
        let (mut expressions, mut flags) = (vec![false; d.expressions.len()], vec![false; d.flags.len()]);
        let mut imports = vec![false; d.imports.len()];
        let mut stack = vec![root];
        while let Some(id) = stack.pop() {
            if self.known[id].is_some() {
                continue;
            }
            match &d.terms[id] {
                Term::Apply(_, operands) => stack.extend(operands),
                Term::Expression(i) if !std::mem::replace(&mut expressions[*i], true) => {
                    stack.push(d.expressions[*i].value);
                }
                Term::Flag(i) if !std::mem::replace(&mut flags[*i], true) => {
                    stack.extend(d.flags[*i].after);
                    stack.push(d.flags[*i].lasts);
                }
                Term::Import(i) => imports[*i] = true,
                _ => {}
            }
        }
        let times = (0..flags.len()).filter(|i| flags[*i]);
        let mut roots: Vec<Id> =
            times.flat_map(|i| d.flags[i].after.into_iter().chain([d.flags[i].lasts])).collect();
        roots.extend(d.order.iter().filter(|i| expressions[**i]).map(|i| d.expressions[*i].value));
        roots.push(root);
        (roots, (0..imports.len()).filter(|i| imports[*i]).collect())
    }
}

/// Converts a value in `unit` to coherent units.
pub(super) fn coherent(value: Expr<'_>, unit: Unit) -> Expr<'_> {
    match unit.tens {
        0 => value,
        tens if tens < 0 => value / ten_to(-tens),
        tens => value * ten_to(tens),
    }
}

/// Converts a value in coherent units to `unit`.
pub(super) fn in_unit(value: Expr<'_>, unit: Unit) -> Expr<'_> {
    coherent(value, Unit { tens: -unit.tens, ..unit })
}
