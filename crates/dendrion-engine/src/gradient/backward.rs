//! The reverse programs of a population, and the conversion of accumulated cotangents to gradients of parameters.
//!
//! In the forward direction, the *prologue* computes coefficients from parameters (once per change), and the *step*
//! uses the coefficients. The backward direction reverses this: the reversed step accumulates the cotangents of the
//! coefficients over all steps, and *gather*, the reverse of the prologue, converts these sums to the cotangents of
//! parameters, once at the end:
//!
//! ```text
//! dL/dp = (d coefficients / dp)^T  sum over steps of (df/d coefficients)^T dL/dx
//! ```
//!
//! Compiling a reverse takes much longer than a short run, so compiled reverses are cached together with the
//! requests for which they were compiled.

use std::sync::{Arc, Mutex, PoisonError};

use dendrion_equations::{Demand, Leaf, Phase, Reverse, System, Tape};
use dendrion_kernels::{Coefficients, Frame, Kernel, Level, LinkError, Scalar, granule};
use dendrion_model::allocate::{collected, room};
use dendrion_model::{Cable, Error, OdeMethod, Role, SdeMethod, Surrogate, Values};

use crate::build::layout::Layout;
use crate::cable::of_members;
use crate::refused::unlinked;
use crate::runtime::population::{coefficients, columns, linked, other_parts};

/// Number of steps that one call to a kernel reverses, where possible.
pub(crate) const STEPS: usize = 2;

/// The quantities on which a population's reverse depends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// For each parameter, whether its cotangent is wanted.
    pub(crate) parameters: Vec<bool>,
    /// For each current input, whether its cotangent is wanted.
    pub(crate) currents: Vec<bool>,
    /// States that probes record, in ascending order.
    pub(crate) states: Vec<usize>,
    /// Names of the observables that probes record.
    pub(crate) observables: Vec<String>,
    /// The part of the step.
    pub(crate) phase: Phase,
}

/// A reverse and its most recently linked kernels: those of the step and of the observers, then the one that
/// reverses several steps in one call.
type Known<T> = (Arc<Reverse>, Vec<Kernel<T>>, Option<Kernel<T>>);

/// The reverses compiled so far. A training loop compiles only once.
#[derive(Debug)]
pub(crate) struct Compiled<T: Scalar>(Mutex<Vec<(Asked, Known<T>)>>);

impl<T: Scalar> Default for Compiled<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// The data of a population during the run that is reversed.
#[derive(Clone, Debug)]
pub(crate) struct Reversible<T: Scalar> {
    pub(crate) path: String,
    pub(crate) layout: Layout,
    pub(crate) system: Arc<System>,
    /// The values of the system's parameters, by number.
    pub(crate) parameters: Vec<Arc<Values>>,
    pub(crate) methods: (OdeMethod, SdeMethod),
    pub(crate) spike: (Surrogate, bool),
    /// Names of the observables that probes record, indexed by the numbers of their observers.
    pub(crate) observed: Vec<String>,
    /// For each state, whether it still had its initial value when the run began.
    pub(crate) fresh: Vec<bool>,
    pub(crate) compiled: Arc<Compiled<T>>,
    pub(crate) level: Level,
    /// The role of the population, and the shape of the detailed cells to which it belongs.
    pub(crate) role: Role,
    pub(crate) shape: Option<Cable>,
}

/// A population's reverse, ready to run.
#[derive(Debug)]
pub(crate) struct Backward<T: Scalar> {
    pub(crate) reverse: Arc<Reverse>,
    pub(crate) step: (Kernel<T>, Coefficients<T>),
    /// The reverse of [`STEPS`] steps in one call, with the coefficients of one step. It is used only if it
    /// could be compiled to machine code.
    pub(crate) steps: Option<Kernel<T>>,
    pub(crate) observers: Vec<(Kernel<T>, Coefficients<T>)>,
    pub(crate) scratch_rows: usize,
    /// For each spike port, the states to which arriving spikes are added.
    pub(crate) fed: Vec<Vec<usize>>,
    /// States that probes record. Their cotangents are the last ports of the step.
    pub(crate) states: Vec<usize>,
    /// Whether the cotangents of spikes are those of their times.
    pub(crate) is_by_time: bool,
    /// The reverse of the other parts of the step of placed mechanisms.
    pub(crate) parts: Vec<(Phase, Self)>,
}

impl<T: Scalar> Reversible<T> {
    /// Returns whether the population's mechanisms are advanced in two parts.
    fn is_split(&self) -> bool {
        matches!(self.role, Role::Placed { .. }) && self.shape.as_ref().is_some_and(Cable::is_split)
    }

    /// Compiles the reverse for a request.
    fn reverse(&self, asked: &Asked) -> Result<Arc<Reverse>, Error> {
        let value = |name: &String| {
            let found = self.system.observables.iter().find(|o| o.name == *name);
            found.map(|o| o.value).ok_or_else(|| Error::unknown(&self.path, "variable", name, Vec::new()))
        };
        let observables = asked.observables.iter().map(value).collect::<Result<Vec<_>, Error>>()?;
        let spike = (&self.spike.0, self.spike.1);
        let demand = Demand {
            parameters: &|p| asked.parameters[p],
            currents: &|i| asked.currents.get(i).is_some_and(|wanted| *wanted),
            states: &asked.states,
            observables: &observables,
        };
        let reverse = Reverse::new(&self.system.phase(asked.phase), self.methods, spike, &demand);
        Ok(Arc::new(reverse.map_err(|error| error.at(&self.path))?))
    }

    /// Links the reverse for a request and computes its coefficients.
    pub(crate) fn link(&self, asked: Asked) -> Result<Backward<T>, Error> {
        if !matches!(self.role, Role::Placed { .. }) {
            return self.link_phase(asked);
        }
        // The main part of the step reads the states that probes record.
        let part = |phase| {
            let asked = Asked { states: Vec::new(), observables: Vec::new(), phase, ..asked.clone() };
            Ok((phase, self.link_phase(asked)?))
        };
        let parts = other_parts(&self.system, self.is_split());
        let parts = parts.into_iter().map(part).collect::<Result<_, Error>>()?;
        let phase = if self.is_split() { Phase::Currents } else { Phase::Whole };
        Ok(Backward { parts, ..self.link_phase(Asked { phase, ..asked })? })
    }

    fn link_phase(&self, asked: Asked) -> Result<Backward<T>, Error> {
        let mut compiled = self.compiled.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A training loop makes the same request every time, so there are few entries and a linear search is fast
        // enough.
        let at = compiled.iter().position(|(k, _)| *k == asked);
        let (reverse, before, several) = match at {
            Some(at) => compiled[at].1.clone(),
            None => (self.reverse(&asked)?, Vec::new(), None),
        };
        let tapes: Vec<&Tape> = [&reverse.step].into_iter().chain(&reverse.observers).collect();
        let link = |(i, tape): (usize, &&Tape)| {
            let columns = coefficients(tape, &self.parameters, &self.layout, self.level);
            let columns = columns.map_err(|error| error.at(&self.path))?;
            let linked = linked(&tape.program, &columns, &self.layout, self.level, before.get(i));
            linked.map_err(|e| self.broken(e))
        };
        // The previous kernels are reused if the same parameters are still shared or per neuron.
        let mut linked = tapes.iter().enumerate().map(link).collect::<Result<Vec<_>, Error>>()?;
        let steps = self.several(&reverse, &linked[0].1, several).map_err(|e| self.broken(e))?;
        let known =
            (reverse.clone(), linked.iter().map(|(kernel, _)| kernel.clone()).collect(), steps.clone());
        let states = asked.states.clone();
        match at {
            Some(at) => compiled[at].1 = known,
            None => compiled.push((asked, known)),
        }
        let scratch_rows = tapes.iter().map(|t| t.program.scratch_rows).max().unwrap_or(0);
        let mut fed = vec![Vec::new(); self.system.ports];
        self.system.receives.iter().for_each(|r| fed[r.port].push(r.state));
        let observers = linked.split_off(1);
        let step = linked.swap_remove(0);
        let is_by_time = self.spike.0.is_event_prop();
        let parts = Vec::new();
        Ok(Backward { reverse, step, steps, observers, scratch_rows, fed, states, is_by_time, parts })
    }

    /// Links the kernel that reverses several steps in one call, which is possible if steps depend on each
    /// other only through the states.
    fn several(
        &self,
        reverse: &Reverse,
        coefs: &Coefficients<T>,
        before: Option<Kernel<T>>,
    ) -> Result<Option<Kernel<T>>, LinkError> {
        // A kernel for the same layout of coefficients is reused.
        if let Some(kernel) = before.filter(|k| k.fits(coefs)) {
            return Ok(Some(kernel));
        }
        // Arrivals and observers need the cotangents between the steps, which this program does not store.
        if self.system.ports > 0 || !reverse.observers.is_empty() || self.shape.is_some() {
            return Ok(None);
        }
        let Some(program) = reverse.steps(STEPS) else { return Ok(None) };
        let kernel = Kernel::link(&program, coefs, self.layout.lanes, self.level)?.compiled();
        // The interpreter does not benefit from several steps per call.
        Ok(kernel.is_compiled().then_some(kernel))
    }

    /// Converts the cotangents of coefficients and initial states (one value per neuron) to those of
    /// parameters. Each parameter is identified by its number. A shared parameter has one value, any other
    /// parameter one value per neuron.
    pub(crate) fn gather(
        &self,
        reverse: &Reverse,
        cotangents: &[Vec<f64>],
    ) -> Result<Vec<(usize, Values)>, Error> {
        let gather = &reverse.gather;
        let values = |p: usize| &self.parameters[p];
        let leaves = gather.leaves.iter().filter_map(|leaf| match leaf {
            Leaf::Param(p) => Some(*p),
            Leaf::Number(_) => None,
        });
        // Whether the reverse of the prologue is the same linear function for all neurons.
        let shared = leaves.chain(gather.parameters.iter().copied()).all(|p| values(p).as_slice().len() == 1);
        let (parameters, members) = of_members(&self.parameters, &self.layout)?;
        let size = self.layout.size;
        // For a linear function that is the same for all neurons, or for the neurons of all cells, summing over neurons or
        // cells first gives the same result, so the function is evaluated less often.
        let count = if shared { 1 } else { members };
        let sums: Vec<Vec<f64>>;
        let cotangents = if count < size {
            let sum = |c: &Vec<f64>| collected((0..count).map(|i| c.iter().skip(i).step_by(count).sum()));
            sums = cotangents.iter().map(sum).collect::<Result<_, Error>>()?;
            sums.as_slice()
        } else {
            cotangents
        };
        let rows = self.run_gather(reverse, &parameters, cotangents, count)?;
        // A shared parameter acts on every neuron, so its cotangent is the sum over all neurons.
        let one = |(p, row): (&usize, Vec<f64>)| {
            let values = match values(*p).as_slice().len() {
                1 => Values::Scalar(row.iter().sum()),
                n if n < row.len() => {
                    let sum = |i: usize| row.iter().skip(i).step_by(n).sum();
                    Values::Each(collected((0..n).map(sum))?)
                }
                _ => Values::Each(row),
            };
            Ok((*p, values))
        };
        gather.parameters.iter().zip(rows).map(one).collect()
    }

    fn run_gather(
        &self,
        reverse: &Reverse,
        parameters: &[Arc<Values>],
        cotangents: &[Vec<f64>],
        count: usize,
    ) -> Result<Vec<Vec<f64>>, Error> {
        let gather = &reverse.gather;
        // Like the prologue that it reverses, this program runs in double precision for all network types.
        let columns = columns(&gather.leaves, parameters)?;
        let lanes = granule::<f64>();
        let table = Coefficients::<f64>::new(&columns, lanes, count.div_ceil(lanes));
        let table = table.map_err(|e| self.broken(e))?;
        let kernel = Kernel::<f64>::link(&gather.program, &table, lanes, self.level);
        let kernel = kernel.map_err(|e| self.broken(e))?;
        let outputs = gather.parameters.len();
        let mut state = vec![0.0; gather.program.state_rows * lanes];
        let mut scratch = vec![0.0; gather.program.scratch_rows * lanes];
        let mut out = (0..outputs).map(|_| room(count)).collect::<Result<Vec<_>, Error>>()?;
        for block in 0..count.div_ceil(lanes) {
            let here = block * lanes..count.min((block + 1) * lanes);
            for (k, values) in cotangents.iter().enumerate() {
                // The first rows of the program are the cotangents of parameters (its results), followed by
                // those of coefficients.
                state[(outputs + k) * lanes..][..here.len()].copy_from_slice(&values[here.clone()]);
            }
            let frame = Frame {
                state: &mut state,
                scratch: &mut scratch,
                coefs: &table,
                block,
                inputs: &[],
                fired: &mut [],
            };
            kernel.run(frame);
            for (i, values) in out.iter_mut().enumerate() {
                values.extend_from_slice(&state[i * lanes..][..here.len()]);
            }
        }
        Ok(out)
    }

    fn broken(&self, e: LinkError) -> Error {
        unlinked(&self.path, "its reverse", e)
    }
}
