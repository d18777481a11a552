//! Tapes: a program and the prologue that computes its coefficients.

use dendrion_lanes::{Op, Program, Slot};
use dendrion_model::{Error, OdeMethod, SdeMethod};

use crate::graph::{Graph, Node, NodeId};
use crate::passes::emit::{Emitter, Table};
use crate::passes::fuse::Fuser;
use crate::passes::normal::{Normal, Sum};
use crate::passes::schedule::{self, Update};
use crate::passes::solver::Step;
use crate::passes::{event, rows, solver};
use crate::system::System;

/// An entry of a prologue's coefficient table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Leaf {
    /// The parameter of that number.
    Param(usize),
    /// A number.
    Number(f64),
}

/// A program whose coefficients are functions of parameters, and the program of those functions.
///
/// The **prologue** runs when parameters change: its coefficient table is [`Tape::leaves`], and it leaves the
/// coefficients of [`Tape::program`] in its state rows, in their order, followed by the extra values asked for.
/// Changing a parameter thus recompiles nothing.
#[derive(Clone, Debug)]
pub struct Tape {
    /// From parameters to coefficients, one state row each.
    pub prologue: Program,
    /// What stands in the prologue's own table.
    pub leaves: Vec<Leaf>,
    /// The program itself.
    pub program: Program,
    /// For each coefficient (and extra value), the parameters it depends on.
    pub depends: Vec<Vec<usize>>,
}

impl Tape {
    /// The tape of one step of a system by these methods. The initial values of the states are the prologue's extra values.
    ///
    /// # Errors
    /// A neuron with more rows than a program can name.
    pub fn step(system: &mut System, ode: OdeMethod, sde: SdeMethod) -> Result<Self, Error> {
        let Step { locals, next } = solver::advance(system, ode, sde);
        let needed = needed(&system.graph, &locals, &next);
        let mut normal = Normal::new(&mut system.graph);
        let locals: Vec<(NodeId, Sum)> = (needed.into_iter())
            .map(|i| (normal.graph.intern(Node::Local(i as u32)), normal.sum(locals[i])))
            .collect();
        let sums: Vec<Sum> = next.into_iter().map(|id| normal.sum(id)).collect();
        let numbers = (normal.graph.constant(0.0), normal.graph.constant(1.0));
        let atoms = std::mem::take(&mut normal.sums);
        let emitter = Emitter::new(&system.graph, Table::Coefficients, system.currents);
        let mut fuser = Fuser::new(emitter, &atoms, numbers);
        locals.iter().map(|(_, s)| s).chain(&sums).for_each(|s| fuser.count(s));
        fuser.shared(&locals);
        let mut updates = Vec::new();
        let ahead = std::mem::take(&mut fuser.emit.code);
        for (i, sum) in sums.iter().enumerate() {
            let row = Slot::State(i as u16);
            if system.states[i].decays {
                fuser.flushed(sum, row);
            } else {
                fuser.sum(sum, Some(row));
            }
            updates.push(Update { state: i, code: std::mem::take(&mut fuser.emit.code) });
        }
        updates.retain(|u| !u.code.is_empty());
        let mut emitter = fuser.emit;
        let updates = schedule::order(updates, || emitter.temp());
        emitter.code = [ahead, updates].concat();
        if let Some(e) = &system.event {
            event::emit(&mut emitter, e);
        }
        for r in &system.receives {
            let port = Slot::Input((system.first_spike_port() + r.port) as u16);
            emitter.push(Op::AddInput, vec![port], Some(Slot::State(r.state as u16)));
        }
        let initial: Vec<NodeId> = system.states.iter().map(|s| s.initial).collect();
        Self::close(system, emitter, &initial, 0)
    }

    /// The tape of an observable: its value, from the states at the beginning of a step, goes to scratch row 0.
    ///
    /// # Errors
    /// A neuron with more rows than a program can name.
    pub fn observe(system: &System, value: NodeId) -> Result<Self, Error> {
        let mut emitter = Emitter::new(&system.graph, Table::Coefficients, system.currents);
        let out = emitter.temp();
        let value = emitter.value(value);
        emitter.push(Op::Copy, vec![value], Some(out));
        Self::close(system, emitter, &[], 1)
    }

    fn close(system: &System, emitter: Emitter<'_>, extra: &[NodeId], fixed: usize) -> Result<Self, Error> {
        let (mut code, coefs) = (emitter.code, emitter.coefs);
        small_enough(system.states.len().max(code.len()).max(coefs.len() + extra.len()))?;
        let program = Program {
            scratch_rows: rows::allot(&mut code, fixed),
            code,
            state_rows: system.states.len(),
            coefs: coefs.len(),
            inputs: system.inputs(),
        };
        let outputs = [&coefs, extra].concat();
        let (prologue, leaves) = prologue(&system.graph, &outputs)?;
        let depends = outputs.iter().map(|id| system.graph.parameters_of(*id)).collect();
        Ok(Self { prologue, leaves, program, depends })
    }
}

/// The locals that the next states depend on, ascending.
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
    // A local depends on earlier ones alone.
    for i in (0..locals.len()).rev() {
        if needed[i] {
            mark(locals[i], &mut needed);
        }
    }
    (0..locals.len()).filter(|i| needed[*i]).collect()
}

/// Rows are named by 16 bits, and an instruction makes at most one new row.
fn small_enough(rows: usize) -> Result<(), Error> {
    if u16::try_from(rows).is_ok() {
        return Ok(());
    }
    let what = format!("its step needs {rows} rows; expected at most {}: use fewer compartments", u16::MAX);
    Err(Error::structure("neuron", what))
}

/// The program that computes `outputs` into state rows, and its coefficient table.
fn prologue(graph: &Graph, outputs: &[NodeId]) -> Result<(Program, Vec<Leaf>), Error> {
    let mut emitter = Emitter::new(graph, Table::Leaves, 0);
    for (i, id) in outputs.iter().enumerate() {
        let value = emitter.value(*id);
        emitter.push(Op::Copy, vec![value], Some(Slot::State(i as u16)));
    }
    let leaves: Vec<Leaf> = (emitter.coefs.iter())
        .map(|id| match graph.node(*id) {
            Node::Param(i) => Leaf::Param(i as usize),
            _ => Leaf::Number(graph.as_const(*id).unwrap_or(f64::NAN)),
        })
        .collect();
    let mut code = emitter.code;
    small_enough(code.len())?;
    let scratch_rows = rows::allot(&mut code, 0);
    let program = Program { code, state_rows: outputs.len(), scratch_rows, coefs: leaves.len(), inputs: 0 };
    Ok((program, leaves))
}
