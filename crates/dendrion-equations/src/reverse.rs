//! Reverse tapes: the adjoints of a step and of the prologue as programs.
//!
//! A reverse program reads the states y at the beginning of its step and of the next step. It operates on a frame
//! of rows:
//!
//! - the **cotangents** of the states, which it transforms from the end of the step to its beginning;
//! - **accumulators**, to which it adds the step's contributions to the cotangents of the coefficients;
//! - the cotangents of the current inputs, which it writes.
//!
//! The step is differentiated in normal form, in which each coefficient multiplies one product per step. The path
//! from the coefficients back to the parameters is evaluated only once, at the end, by [`Gather`].

use dendrion_kernels::{Instruction, Op, Program, Slot};
use dendrion_language::with_stack;
use dendrion_model::{Error, OdeMethod, Owner, SdeMethod};

use crate::graph::{Graph, Node, NodeId};
use crate::mechanisms::surrogate::derivative;
use crate::passes::adjoint::{Adjoint, adjoint, seeded_adjoint, value_adjoint};
use crate::passes::emit::{Cotangents, Emitter, Table};
use crate::passes::exponentials::Purpose;
use crate::passes::normal::Normal;
use crate::passes::rows;
use crate::passes::solver::{self, Slope, Step};
use crate::passes::spike::{SpikeDerivative, Surrogate};
use crate::system::System;
use crate::tape::{Assign, Leaf, Lowered, Tape, finish, leaves_of, prologue, simplify, small_enough};

/// Maximum number of instructions in a program of several steps, so that its machine code fits in the processor's
/// instruction cache.
const LONGEST: usize = 400;

/// The gradients that a reverse program has to compute, and the values whose cotangents it receives.
#[derive(Clone, Copy)]
pub struct Demand<'d> {
    /// Returns whether the cotangent of a parameter is needed.
    pub parameters: &'d dyn Fn(usize) -> bool,
    /// Returns whether the cotangent of a current input is needed.
    pub currents: &'d dyn Fn(usize) -> bool,
    /// States that are recorded before the step.
    pub states: &'d [usize],
    /// Observables that are recorded before the step.
    pub observables: &'d [NodeId],
}

/// The reverse of a step of a system and of recording some of its states and observables.
#[derive(Clone, Debug)]
pub struct Reverse {
    /// The reverse of the step and of recording states. In addition to the input ports of the step, it has
    /// optional ports for the cotangents of the spikes, the spikes themselves (1 or 0), and the cotangents of
    /// the recorded states.
    pub step: Tape,
    /// For each observable, the reverse of recording it. Its last input port is the cotangent of the observable.
    pub observers: Vec<Tape>,
    /// Number of states, which is also the number of state cotangents.
    pub states: usize,
    /// Number of accumulated cotangents of coefficients.
    pub accumulators: usize,
    /// Number of current inputs.
    pub currents: usize,
    /// Computes the cotangents of parameters from the accumulated cotangents.
    pub gather: Gather,
}

/// The reverse of the prologue. It computes the cotangents of the parameters from those of the coefficients and
/// initial states.
///
/// The rows of its program are the cotangents of [`Gather::parameters`], which it writes, followed by the
/// accumulators and the cotangents of the initial states, which it reads.
#[derive(Clone, Debug)]
pub struct Gather {
    /// The program.
    pub program: Program,
    /// The coefficient table of the program.
    pub leaves: Vec<Leaf>,
    /// The numbers of all parameters on which the gathered values depend.
    pub parameters: Vec<usize>,
}

impl Reverse {
    /// Creates the reverse of a step of a system with these numerical methods and this derivative of the spike.
    /// With `detach_reset`, the reset is not differentiated with respect to the spike.
    ///
    /// # Errors
    /// Returns an error if the neuron needs more rows than a program can address.
    pub fn new(
        system: &System,
        (ode, sde): (OdeMethod, SdeMethod),
        (surrogate, detach_reset): (&dendrion_model::Surrogate, bool),
        demand: &Demand<'_>,
    ) -> Result<Self, Error> {
        with_stack(|| Self::of(&mut system.clone(), (ode, sde), (surrogate, detach_reset), demand))
    }

    fn of(
        system: &mut System,
        (ode, sde): (OdeMethod, SdeMethod),
        (surrogate, detach_reset): (&dendrion_model::Surrogate, bool),
        demand: &Demand<'_>,
    ) -> Result<Self, Error> {
        let Demand { parameters: wanted, observables: observed, .. } = *demand;
        let mut step = solver::advance(system, ode, sde);
        system.graph.check(&system.path)?;
        simplify(system, &mut step, Purpose::Reverse);
        system.graph.check(&system.path)?;
        let step = in_normal_form(&mut system.graph, step);
        system.graph.check(&system.path)?;
        let reverse = if surrogate.is_event_prop() {
            adjoint(system, &step, Some(&SpikeDerivative { surrogate: None, detach_reset }))
        } else {
            let formula = surrogate.formula(&system.path)?;
            let of_spike = |graph: &mut Graph, x: NodeId| derivative(&formula, graph, x);
            let scale = surrogate.is_relative.then(|| relative_scale(system)).transpose()?;
            let surrogate = Some(Surrogate { derivative: &of_spike, scale });
            adjoint(system, &step, Some(&SpikeDerivative { surrogate, detach_reset }))
        };
        let readings: Vec<Adjoint> = observed.iter().map(|value| value_adjoint(system, *value)).collect();
        system.graph.check(&system.path)?;
        let mut sums = Sums { wanted, rows: Vec::new(), seeds: Vec::new() };
        let gathered: Vec<Vec<usize>> =
            [&reverse].into_iter().chain(&readings).map(|r| sums.gather(&mut system.graph, r)).collect();
        let frame = Frame { states: system.states.len(), sums: &sums.rows, demand };
        system.graph.check(&system.path)?;
        let accumulators = sums.rows.len();
        let step = frame.tape(system, reverse, &gathered[0], true)?;
        let observers = (readings.into_iter().zip(&gathered[1..]))
            .map(|(reading, mine)| frame.tape(system, reading, mine, false))
            .collect::<Result<Vec<_>, _>>()?;
        let gather = Gather::new(system, &sums, wanted)?;
        let (states, currents) = (system.states.len(), system.currents);
        Ok(Self { step, observers, states, accumulators, currents, gather })
    }

    /// Returns the number of rows of the frame.
    pub const fn rows(&self) -> usize {
        self.current(self.currents)
    }

    /// Returns the reverse of `times` steps as one program, which begins with the last step. Its past rows are the
    /// states of all these steps and of the next one, with the earliest first. Its input ports are those of the
    /// last step, followed by those of the preceding step, and so on. Values are passed between steps in registers
    /// instead of memory. Returns `None` if the program would be too long to be faster.
    pub fn steps(&self, times: usize) -> Option<Program> {
        let Program { past_rows, inputs, .. } = self.step.program;
        let (past, ports) = (past_rows + (times - 1) * self.states, times * inputs);
        if times * self.step.program.code.len() > LONGEST || small_enough(past.max(ports)).is_err() {
            return None;
        }
        let mut program =
            Program { code: Vec::new(), past_rows: past, inputs: ports, ..self.step.program.clone() };
        for step in (0..times).rev() {
            let moved = |slot: &Slot| match *slot {
                Slot::Past(row) => Slot::Past(row + (step * self.states) as u16),
                Slot::Input(port) => Slot::Input(port + ((times - 1 - step) * inputs) as u16),
                slot => slot,
            };
            program.code.extend(self.step.program.code.iter().map(|i| Instruction {
                op: i.op,
                out: i.out,
                args: i.args.iter().map(moved).collect(),
            }));
        }
        Some(program)
    }

    /// Returns the row of a state's cotangent.
    pub const fn cotangent(state: usize) -> usize {
        state
    }

    /// Returns the row of an accumulator.
    pub const fn accumulator(&self, k: usize) -> usize {
        self.states + k
    }

    /// Returns the row of a current input's cotangent.
    pub const fn current(&self, input: usize) -> usize {
        self.states + self.accumulators + input
    }
}

/// Returns 1/(`V_th` - `V_reset`), by which a relative surrogate scales its argument.
fn relative_scale(system: &mut System) -> Result<NodeId, Error> {
    let mut parameter = |key: &str| {
        let number = system.parameters.number(Owner::Population, key);
        let number = number.ok_or_else(|| {
            Error::structure(
                "surrogate",
                format!(
                    "is relative, but the population has no {key}; set {key}, or use an absolute surrogate"
                ),
            )
        })?;
        Ok::<_, Error>(system.graph.intern(Node::Param(number as u32)))
    };
    let (threshold, reset) = (parameter("V_th")?, parameter("V_reset")?);
    let graph = &mut system.graph;
    let (one, distance) = (graph.constant(1.0), graph.sub(threshold, reset));
    Ok(graph.div(one, distance))
}

/// Converts the step to the form in which its forward program computes it: sums of products of coefficients
/// and varying factors.
fn in_normal_form(graph: &mut Graph, step: Step) -> Step {
    let mut normal = Normal::new(graph);
    let locals = step.locals.iter().map(|id| normal.whole(*id)).collect();
    let next = step.next.iter().map(|id| normal.whole(*id)).collect();
    let slopes =
        (step.slopes.into_iter()).map(|known| Slope { slope: normal.whole(known.slope), ..known }).collect();
    Step { locals, next, slopes, ..step }
}

/// The sums computed by the accumulators. If a contribution to a coefficient's cotangent is a single product of a
/// coefficient and varying factors, it is accumulated without that coefficient, which is the same in every step.
/// Contributions that differ only in this coefficient share an accumulator.
struct Sums<'w> {
    wanted: &'w dyn Fn(usize) -> bool,
    /// The value that each accumulator adds per step.
    rows: Vec<NodeId>,
    /// Coefficients, each with the accumulator of its cotangent and a factor.
    seeds: Vec<(NodeId, usize, NodeId)>,
}

impl Sums<'_> {
    /// Assigns accumulators to the contributions of a reverse to coefficients that depend on wanted parameters.
    /// Returns the new accumulators.
    fn gather(&mut self, graph: &mut Graph, reverse: &Adjoint) -> Vec<usize> {
        let mut mine = Vec::new();
        let first = self.rows.len();
        for (coefficient, part) in &reverse.coefficients {
            let behind = graph.parameters_of(*coefficient);
            if !behind.into_iter().any(|p| p != System::DT && (self.wanted)(p)) {
                continue;
            }
            let one = graph.constant(1.0);
            let sum = Normal::new(graph).sum(*part);
            let (row, scale) = match sum.as_slice() {
                [term] if !term.factors.is_empty() => {
                    (term.factors.iter().fold(one, |product, f| graph.mul(product, *f)), term.coef)
                }
                _ => (*part, one),
            };
            // Programs that run at different times cannot share accumulators.
            let known = self.rows[first..].iter().position(|r| *r == row).map(|k| first + k);
            let k = known.unwrap_or_else(|| {
                self.rows.push(row);
                mine.push(self.rows.len() - 1);
                self.rows.len() - 1
            });
            self.seeds.push((*coefficient, k, scale));
        }
        mine
    }
}

/// Writes the reverse programs of one frame.
struct Frame<'s> {
    states: usize,
    /// The value that each accumulator adds per step.
    sums: &'s [NodeId],
    demand: &'s Demand<'s>,
}

impl Frame<'_> {
    /// Creates the tape of a reverse with its accumulators, either of a step or of recording an observable.
    fn tape(
        &self,
        system: &mut System,
        reverse: Adjoint,
        accumulators: &[usize],
        of_step: bool,
    ) -> Result<Tape, Error> {
        let (states, graph) = (self.states, &mut system.graph);
        let mut updates = Vec::new();
        for (i, bar) in reverse.states.into_iter().enumerate() {
            let own = graph.intern(Node::Cotangent(i as u32));
            // Recording an observable does not change the states, so its contribution is added to their cotangents.
            let value = if of_step { bar } else { graph.add(own, bar) };
            if value != own {
                updates.push(Assign { row: i, value, flush: false });
            }
        }
        for k in accumulators {
            let row = states + k;
            let so_far = graph.intern(Node::State((states + row) as u32));
            updates.push(Assign { row, value: graph.add(so_far, self.sums[*k]), flush: false });
        }
        let first = states + self.sums.len();
        let wanted = |(j, _): &(usize, NodeId)| (self.demand.currents)(*j);
        for (j, bar) in reverse.currents.into_iter().enumerate().filter(wanted) {
            let row = first + j;
            let so_far = graph.intern(Node::State((states + row) as u32));
            // The reverse of the step runs first and sets the cotangent; contributions of observables are added to
            // it.
            let value = if of_step { bar } else { graph.add(so_far, bar) };
            if value != so_far {
                updates.push(Assign { row, value, flush: false });
            }
        }
        let rows = first + system.currents;
        small_enough(rows.max(2 * states))?;
        let lowered = Lowered::new(&mut system.graph, &reverse.locals, updates, &[]);
        system.graph.check(&system.path)?;
        let port = system.currents + system.noises.len();
        let cotangents = Cotangents { row: 0, rows: states, port, past: states };
        let mut emitter = lowered.emit(&system.graph, system.currents, cotangents);
        let read = if of_step { self.demand.states } else { &[] };
        for (state, port) in read.iter().zip(port + 2..) {
            emitter.push(Op::AddInput, vec![Slot::Input(port as u16)], Some(Slot::State(*state as u16)));
        }
        let ports = if of_step { port + 2 + read.len() } else { port + 1 };
        let (prologue, leaves) = prologue(&system.graph, &emitter.coefs)?;
        let depends = emitter.coefs.iter().map(|id| system.graph.parameters_of(*id)).collect();
        let program = finish(emitter, 0, (rows, 2 * states, ports))?;
        Ok(Tape { prologue, leaves, program, depends })
    }
}

impl Gather {
    fn new(system: &mut System, sums: &Sums<'_>, wanted: &dyn Fn(usize) -> bool) -> Result<Self, Error> {
        let graph = &mut system.graph;
        let mut seeds = Vec::new();
        for (coefficient, k, scale) in &sums.seeds {
            let sum = graph.intern(Node::Cotangent(*k as u32));
            seeds.push((*coefficient, graph.mul(*scale, sum)));
        }
        for (i, state) in system.states.iter().enumerate() {
            seeds.push((state.initial, graph.intern(Node::Cotangent((sums.rows.len() + i) as u32))));
        }
        let count = sums.rows.len() + system.states.len();
        let mut found = seeded_adjoint(graph, seeds);
        graph.check(&system.path)?;
        found.retain(|(p, _)| *p != System::DT && wanted(*p));
        let rows = found.len() + count;
        let mut emitter = Emitter::new(graph, Table::Leaves, 0);
        emitter.cotangents = Cotangents { row: found.len(), rows: count, ..Cotangents::default() };
        for (i, (_, bar)) in found.iter().enumerate() {
            let value = emitter.value(*bar);
            emitter.push(Op::Copy, vec![value], Some(Slot::State(i as u16)));
        }
        let leaves = leaves_of(graph, &emitter.coefs);
        let mut code = emitter.code;
        small_enough(code.len().max(rows))?;
        let scratch_rows = rows::allot(&mut code, 0);
        let program =
            Program { code, state_rows: rows, scratch_rows, coefs: leaves.len(), ..Program::default() };
        Ok(Self { program, leaves, parameters: found.into_iter().map(|(p, _)| p).collect() })
    }
}
