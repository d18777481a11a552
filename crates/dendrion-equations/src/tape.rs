//! Tapes: programs together with the prologues that compute their coefficients.

use std::collections::HashMap;

use dendrion_kernels::{Op, Program, Slot};
use dendrion_language::with_stack;
use dendrion_model::{Error, OdeMethod, SdeMethod, UNNAMED};

use crate::graph::{Graph, Node, NodeId};
use crate::passes::emit::{Cotangents, Emitter, Table};
use crate::passes::exponentials::{self, Purpose};
use crate::passes::fuse::Fuser;
use crate::passes::normal::{Normal, Sum};
use crate::passes::schedule::{self, Update};
use crate::passes::solver::Step;
use crate::passes::substitute::Substitution;
use crate::passes::{event, fractions, rows, solver};
use crate::phase::CURRENT;
use crate::system::{Event, System};

/// An entry of a prologue's coefficient table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Leaf {
    /// The parameter with this number.
    Param(usize),
    /// A number.
    Number(f64),
}

/// A program whose coefficients are functions of parameters, together with the program that computes these
/// functions.
///
/// The **prologue** runs when parameters change, so that a change of a parameter requires no recompilation. Its
/// coefficient table contains [`Tape::leaves`]. It writes the coefficients of [`Tape::program`] to its state rows
/// in order, followed by any extra values.
#[derive(Clone, Debug)]
pub struct Tape {
    /// Computes the coefficients from the parameters, with one state row per coefficient.
    pub prologue: Program,
    /// The coefficient table of the prologue.
    pub leaves: Vec<Leaf>,
    /// The program itself.
    pub program: Program,
    /// For each coefficient and extra value, the parameters on which it depends.
    pub depends: Vec<Vec<usize>>,
}

impl Tape {
    /// Creates the tape of one step of a system with these numerical methods. The extra values of its prologue are
    /// the initial values of the states.
    ///
    /// # Errors
    /// Returns an error if the neuron needs more rows than a program can address.
    pub fn step(system: &mut System, ode: OdeMethod, sde: SdeMethod) -> Result<Self, Error> {
        with_stack(|| Self::of_step(system, ode, sde))
    }

    fn of_step(system: &mut System, ode: OdeMethod, sde: SdeMethod) -> Result<Self, Error> {
        let mut step = solver::advance(system, ode, sde);
        system.graph.check(&system.path)?;
        simplify(system, &mut step, Purpose::Step);
        system.graph.check(&system.path)?;
        let Step { mut locals, next, .. } = step;
        let threshold = system.event.clone().map(|event| {
            let condition = event.whole(&mut system.graph, &mut locals);
            Event { condition, ..event }
        });
        let kept: Vec<NodeId> = threshold.iter().map(|event| event.condition).collect();
        let updates = (next.into_iter().enumerate())
            .map(|(row, value)| Assign { row, value, flush: system.states[row].decays })
            .collect();
        let lowered = Lowered::new(&mut system.graph, &locals, updates, &kept);
        system.graph.check(&system.path)?;
        let mut emitter = lowered.emit(&system.graph, system.currents, Cotangents::default());
        event::emit(&mut emitter, threshold.as_ref(), &system.reactions);
        for r in &system.receives {
            let port = Slot::Input((system.first_spike_port() + r.port) as u16);
            emitter.push(Op::AddInput, vec![port], Some(Slot::State(r.state as u16)));
        }
        let initial: Vec<NodeId> = system.states.iter().map(|s| s.initial).collect();
        Self::close(system, emitter, &initial, 0)
    }

    /// Creates the tape of an observable. It writes the value for the states at the beginning of a step to scratch
    /// row 0.
    ///
    /// # Errors
    /// Returns an error if the neuron needs more rows than a program can address.
    pub fn observe(system: &System, value: NodeId) -> Result<Self, Error> {
        with_stack(|| {
            let mut emitter = Emitter::new(&system.graph, Table::Coefficients, system.currents);
            let out = emitter.temp();
            let value = emitter.value(value);
            emitter.push(Op::Copy, vec![value], Some(out));
            Self::close(system, emitter, &[], 1)
        })
    }

    fn close(system: &System, emitter: Emitter<'_>, extra: &[NodeId], fixed: usize) -> Result<Self, Error> {
        let outputs = [&emitter.coefs, extra].concat();
        let (prologue, leaves) = prologue(&system.graph, &outputs)?;
        let depends = outputs.iter().map(|id| system.graph.parameters_of(*id)).collect();
        let program = finish(emitter, fixed, (system.states.len(), 0, system.inputs()))?;
        Ok(Self { prologue, leaves, program, depends })
    }
}

/// Completes a program with these numbers of state rows, past rows and input ports. The first `fixed` scratch
/// rows are its results and keep their indices.
pub(crate) fn finish(
    emitter: Emitter<'_>,
    fixed: usize,
    (state_rows, past_rows, inputs): (usize, usize, usize),
) -> Result<Program, Error> {
    let (mut code, coefs) = (emitter.code, emitter.coefs.len());
    small_enough(state_rows.max(code.len()).max(coefs + state_rows))?;
    let scratch_rows = rows::allot(&mut code, fixed);
    Ok(Program { scratch_rows, result_rows: fixed, code, state_rows, past_rows, coefs, inputs })
}

/// The new value of a row.
pub(crate) struct Assign {
    pub(crate) row: usize,
    pub(crate) value: NodeId,
    /// Whether the row is set to 0 if its new value is negligible.
    pub(crate) flush: bool,
}

/// Expressions in normal form, ready to be emitted as instructions.
pub(crate) struct Lowered {
    /// The required locals, in order.
    locals: Vec<(NodeId, Sum)>,
    assigned: Vec<(usize, Sum, bool)>,
    atoms: HashMap<NodeId, Sum>,
    numbers: (NodeId, NodeId),
}

impl Lowered {
    /// Converts the new values of some rows to normal form. `locals` are the values of [`Node::Local`]. The
    /// expressions `others` are evaluated after the rows have been updated.
    pub(crate) fn new(
        graph: &mut Graph,
        locals: &[NodeId],
        assigned: Vec<Assign>,
        others: &[NodeId],
    ) -> Self {
        let roots: Vec<NodeId> = assigned.iter().map(|a| a.value).chain(others.iter().copied()).collect();
        let needed = needed(graph, locals, &roots);
        let mut normal = Normal::new(graph);
        let locals = (needed.into_iter())
            .map(|i| (normal.graph.intern(Node::Local(i as u32)), normal.sum(locals[i])))
            .collect();
        let assigned = assigned.into_iter().map(|a| (a.row, normal.sum(a.value), a.flush)).collect();
        let numbers = (normal.graph.constant(0.0), normal.graph.constant(1.0));
        Self { locals, assigned, atoms: normal.sums, numbers }
    }

    /// Emits code that computes all locals and then updates the rows in place.
    pub(crate) fn emit<'g>(
        &'g self,
        graph: &'g Graph,
        currents: usize,
        cotangents: Cotangents,
    ) -> Emitter<'g> {
        let mut emitter = Emitter::new(graph, Table::Coefficients, currents);
        emitter.cotangents = cotangents;
        let mut fuser = Fuser::new(emitter, &self.atoms, self.numbers);
        let sums = self.locals.iter().map(|(_, s)| s).chain(self.assigned.iter().map(|(_, s, _)| s));
        sums.for_each(|s| fuser.count(s));
        fuser.shared(&self.locals);
        let mut updates = Vec::new();
        let ahead = std::mem::take(&mut fuser.emit.code);
        for (i, sum, flush) in &self.assigned {
            let row = Slot::State(*i as u16);
            if *flush {
                fuser.flushed(sum, row);
            } else {
                fuser.sum(sum, Some(row));
            }
            updates.push(Update { state: *i, code: std::mem::take(&mut fuser.emit.code) });
        }
        updates.retain(|u| !u.code.is_empty());
        let mut emitter = fuser.emit;
        let updates = schedule::order(updates, || emitter.temp());
        emitter.code = [ahead, updates].concat();
        emitter
    }
}

/// Reduces the numbers of exponentials and divisions in the step of placed mechanisms whose gates are solved with V held.
///
/// This changes results by rounding errors. The results of few-compartment neurons do not change from version to version, and
/// detailed cells with coupled gates equal them up to rounding. The reverse of a step differentiates formulas with fewer
/// exponentials, but without cleared fractions, because the derivatives of the latter are not shorter.
pub(crate) fn simplify(system: &mut System, step: &mut Step, purpose: Purpose) {
    if system.state(CURRENT).is_none() || system.coupled.is_some() || !step.solves.is_empty() {
        return;
    }
    let graph = &mut system.graph;
    // Intermediate values are computed once in any case, if several expressions contain them.
    let mut inline = Substitution::new(HashMap::new());
    for (i, value) in step.locals.drain(..).enumerate() {
        let value = inline.apply(graph, value);
        inline.set(graph.intern(Node::Local(i as u32)), value);
    }
    step.next.iter_mut().for_each(|id| *id = inline.apply(graph, *id));
    let exponentials = exponentials::share(graph, step, purpose);
    if purpose == Purpose::Step {
        fractions::clear(graph, step, &exponentials);
    }
}

/// Returns the locals on which the next states depend, in ascending order.
fn needed(graph: &Graph, locals: &[NodeId], next: &[NodeId]) -> Vec<usize> {
    let mut needed = vec![false; locals.len()];
    let mark = |id: NodeId, needed: &mut Vec<bool>| {
        graph.visit(id, &mut |node| {
            if let Node::Local(i) = node {
                needed[i as usize] = true;
            }
        });
    };
    next.iter().for_each(|id| mark(*id, &mut needed));
    // A local depends only on earlier locals.
    for i in (0..locals.len()).rev() {
        if needed[i] {
            mark(locals[i], &mut needed);
        }
    }
    (0..locals.len()).filter(|i| needed[*i]).collect()
}

/// Checks the number of rows. Row indices have 16 bits, and each instruction creates at most one row.
pub(crate) fn small_enough(rows: usize) -> Result<(), Error> {
    if u16::try_from(rows).is_ok() {
        return Ok(());
    }
    let limit = usize::from(u16::MAX);
    Err(Error::Limit { module: UNNAMED.into(), quantity: "values per step", needed: Some(rows), limit })
}

/// Returns the program that computes `outputs` into its state rows, and its coefficient table.
pub(crate) fn prologue(graph: &Graph, outputs: &[NodeId]) -> Result<(Program, Vec<Leaf>), Error> {
    let mut emitter = Emitter::new(graph, Table::Leaves, 0);
    for (i, id) in outputs.iter().enumerate() {
        let value = emitter.value(*id);
        emitter.push(Op::Copy, vec![value], Some(Slot::State(i as u16)));
    }
    let leaves = leaves_of(graph, &emitter.coefs);
    let mut code = emitter.code;
    small_enough(code.len())?;
    let scratch_rows = rows::allot(&mut code, 0);
    let program =
        Program { code, state_rows: outputs.len(), scratch_rows, coefs: leaves.len(), ..Program::default() };
    Ok((program, leaves))
}

/// Returns the coefficient table of a prologue.
pub(crate) fn leaves_of(graph: &Graph, coefs: &[NodeId]) -> Vec<Leaf> {
    let leaf = |id: &NodeId| match graph.node(*id) {
        Node::Param(i) => Leaf::Param(i as usize),
        _ => Leaf::Number(graph.as_const(*id).unwrap_or(f64::NAN)),
    };
    coefs.iter().map(leaf).collect()
}

#[cfg(test)]
mod tests {
    use super::small_enough;

    #[test]
    fn an_error_about_size_names_the_population() {
        assert!(small_enough(65535).is_ok());
        let error = small_enough(70000).expect_err("more than 16 bits").at("cortex/layer5");
        let text = error.to_string();
        assert!(text.starts_with("cortex/layer5: the equations of a neuron need 70000 values"), "{text}");
    }
}
