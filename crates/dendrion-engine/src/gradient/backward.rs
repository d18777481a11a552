//! The reverse programs of a population, and the way from accumulated cotangents to parameters.
//!
//! Forward, the *prologue* turns parameters into coefficients (once per change), and the *step* uses coefficients. Backward it is the
//! other way round: the reversed step accumulates the cotangents of coefficients over all steps, and *gather*, the reverse of the
//! prologue, turns these sums into the cotangents of parameters, once at the end:
//!
//! ```text
//! dL/dp = (d coefficients / dp)^T  sum over steps of (df/d coefficients)^T dL/dx
//! ```
//!
//! Compiling a reverse takes much longer than running it for a short run, so reverses are kept by what they were asked for.

use std::sync::{Arc, Mutex, PoisonError};

use dendrion_equations::{Demand, Leaf, Reverse, System, Tape};
use dendrion_kernels::{Coefficients, Frame, Kernel, Level, LinkError, Scalar, granule};
use dendrion_model::{Error, OdeMethod, SdeMethod, Surrogate, Values};

use crate::build::layout::Layout;
use crate::runtime::population::{coefficients, columns, linked};

/// Steps that are reversed at once where that can be done.
pub(crate) const STEPS: usize = 2;

/// What decides a population's reverse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Whether each parameter's cotangent is wanted.
    pub(crate) parameters: Vec<bool>,
    /// Whether each current input's is.
    pub(crate) currents: Vec<bool>,
    /// States that probes read, ascending.
    pub(crate) states: Vec<usize>,
    /// Names of the observables that they read.
    pub(crate) observables: Vec<String>,
}

/// A reverse, and the kernels of its step, of its observers and of several steps as they were linked last.
type Known<T> = (Arc<Reverse>, Vec<Kernel<T>>, Option<Kernel<T>>);

/// Reverses compiled so far: a training loop compiles once.
#[derive(Debug)]
pub(crate) struct Compiled<T: Scalar>(Mutex<Vec<(Asked, Known<T>)>>);

impl<T: Scalar> Default for Compiled<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// A population as it was when the steps ran that are reversed.
#[derive(Clone, Debug)]
pub(crate) struct Reversible<T: Scalar> {
    pub(crate) path: String,
    pub(crate) layout: Layout,
    pub(crate) system: Arc<System>,
    pub(crate) methods: (OdeMethod, SdeMethod),
    pub(crate) spike: (Surrogate, bool),
    /// Names of the observables that probes read, by the numbers of their observers.
    pub(crate) observed: Vec<String>,
    /// For each state, whether it began at its initial value.
    pub(crate) fresh: Vec<bool>,
    pub(crate) compiled: Arc<Compiled<T>>,
    pub(crate) level: Level,
}

/// A population's reverse, ready to run.
#[derive(Debug)]
pub(crate) struct Backward<T: Scalar> {
    pub(crate) reverse: Arc<Reverse>,
    pub(crate) step: (Kernel<T>, Coefficients<T>),
    /// [`STEPS`] steps at once, with the coefficients of one; only as machine code does it save anything.
    pub(crate) steps: Option<Kernel<T>>,
    pub(crate) observers: Vec<(Kernel<T>, Coefficients<T>)>,
    pub(crate) scratch_rows: usize,
    /// For each spike port, the states it feeds.
    pub(crate) fed: Vec<Vec<usize>>,
    /// States that probes read: those of the step's last ports.
    pub(crate) states: Vec<usize>,
}

impl<T: Scalar> Reversible<T> {
    /// The reverse that was asked for.
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
        let reverse = Reverse::new(&self.system, self.methods, spike, &demand);
        Ok(Arc::new(reverse.map_err(|error| error.at(&self.path))?))
    }

    /// The reverse linked, its coefficients computed.
    pub(crate) fn link(&self, asked: Asked) -> Result<Backward<T>, Error> {
        let mut compiled = self.compiled.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A training loop asks for the same every time: few entries, so a list is searched as fast as a table.
        let at = compiled.iter().position(|(k, _)| *k == asked);
        let (reverse, before, several) = match at {
            Some(at) => compiled[at].1.clone(),
            None => (self.reverse(&asked)?, Vec::new(), None),
        };
        let tapes: Vec<&Tape> = [&reverse.step].into_iter().chain(&reverse.observers).collect();
        let link = |(i, tape): (usize, &&Tape)| {
            let columns = coefficients(tape, &self.system, &self.layout, self.level);
            let columns = columns.map_err(|error| error.at(&self.path))?;
            let linked = linked(&tape.program, &columns, &self.layout, self.level, before.get(i));
            linked.map_err(|e| self.broken(&e))
        };
        // The kernels of last time are used again if parameters are still shared or per neuron as they were.
        let mut linked = tapes.iter().enumerate().map(link).collect::<Result<Vec<_>, Error>>()?;
        let steps = self.several(&reverse, &linked[0].1, several).map_err(|e| self.broken(&e))?;
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
        Ok(Backward { reverse, step, steps, observers, scratch_rows, fed, states })
    }

    /// Several steps at once, where nothing but the states and what is given for them joins one step to the next.
    fn several(
        &self,
        reverse: &Reverse,
        coefs: &Coefficients<T>,
        before: Option<Kernel<T>>,
    ) -> Result<Option<Kernel<T>>, LinkError> {
        if let Some(kernel) = before.filter(|k| k.fits(coefs)) {
            return Ok(Some(kernel));
        }
        // Arrivals and observers need the cotangents between the steps, which several steps at once do not leave.
        if self.system.ports > 0 || !reverse.observers.is_empty() {
            return Ok(None);
        }
        let Some(program) = reverse.steps(STEPS) else { return Ok(None) };
        let kernel = Kernel::link(&program, coefs, self.layout.lanes, self.level)?.compiled();
        // The interpreter gains nothing from several steps at once.
        Ok(kernel.is_compiled().then_some(kernel))
    }

    /// The cotangents of parameters, by their number, from those of coefficients and initial states: for each of them a
    /// value per neuron. One number for a parameter that is one for all, else one per neuron.
    pub(crate) fn gather(
        &self,
        reverse: &Reverse,
        cotangents: &[Vec<f64>],
    ) -> Result<Vec<(usize, Values)>, Error> {
        let gather = &reverse.gather;
        let values = |p: usize| &self.system.parameters[p].values;
        let leaves = gather.leaves.iter().filter_map(|leaf| match leaf {
            Leaf::Param(p) => Some(*p),
            Leaf::Number(_) => None,
        });
        let shared = leaves.chain(gather.parameters.iter().copied()).all(|p| values(p).as_slice().len() == 1);
        let sums: Vec<Vec<f64>>;
        let (cotangents, count) = if shared {
            // The reverse of the prologue is linear: where it is the same for all neurons, it is run once, for their sum.
            sums = cotangents.iter().map(|c| vec![c.iter().sum()]).collect();
            (sums.as_slice(), 1)
        } else {
            (cotangents, self.layout.size)
        };
        let rows = self.run_gather(reverse, cotangents, count).map_err(|e| self.broken(&e))?;
        let one = |(p, row): (&usize, Vec<f64>)| match values(*p).as_slice().len() {
            1 => (*p, Values::Scalar(row.iter().sum())),
            _ => (*p, Values::Each(row)),
        };
        Ok(gather.parameters.iter().zip(rows).map(one).collect())
    }

    fn run_gather(
        &self,
        reverse: &Reverse,
        cotangents: &[Vec<f64>],
        count: usize,
    ) -> Result<Vec<Vec<f64>>, LinkError> {
        let gather = &reverse.gather;
        // In double precision whatever the network's type, like the prologue, of which this is the reverse.
        let columns = columns(&gather.leaves, &self.system);
        let lanes = granule::<f64>();
        let table = Coefficients::<f64>::new(&columns, lanes, count.div_ceil(lanes))?;
        let kernel = Kernel::<f64>::link(&gather.program, &table, lanes, self.level)?;
        let outputs = gather.parameters.len();
        let mut state = vec![0.0; gather.program.state_rows * lanes];
        let mut scratch = vec![0.0; gather.program.scratch_rows * lanes];
        let mut out = vec![Vec::with_capacity(count); outputs];
        for block in 0..count.div_ceil(lanes) {
            let here = block * lanes..count.min((block + 1) * lanes);
            for (k, values) in cotangents.iter().enumerate() {
                // The program's rows: first the cotangents of parameters (its results), then those of coefficients.
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

    fn broken(&self, e: &LinkError) -> Error {
        Error::structure(&self.path, format!("its reverse does not link: {e}"))
    }
}
