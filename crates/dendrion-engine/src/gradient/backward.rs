//! A population's reverse programs, linked, and the way from gathered cotangents to parameters.

use std::sync::{Arc, Mutex, PoisonError};

use dendrion_equations::{Leaf, Reverse, System};
use dendrion_lanes::{Coefficients, Frame, Kernel, Level, LinkError, Scalar, granule};
use dendrion_model::{Error, OdeMethod, SdeMethod, Surrogate, Values};

use crate::layout::Layout;
use crate::population::{coefficients, columns, linked};

/// What decides a population's reverse: wanted parameters, and observables read.
type Key = (Vec<bool>, Vec<String>);

/// Reverses compiled so far: a training loop compiles once.
#[derive(Debug, Default)]
pub(crate) struct Compiled(Mutex<Vec<(Key, Arc<Reverse>)>>);

/// A population as it was when the steps ran that are reversed.
#[derive(Clone, Debug)]
pub(crate) struct Reversible {
    pub(crate) path: String,
    pub(crate) layout: Layout,
    pub(crate) system: System,
    pub(crate) methods: (OdeMethod, SdeMethod),
    pub(crate) spike: (Surrogate, bool),
    /// Names of the observables that probes read.
    pub(crate) observed: Vec<String>,
    /// For each state, whether it began at its initial value.
    pub(crate) fresh: Vec<bool>,
    pub(crate) compiled: Arc<Compiled>,
    pub(crate) level: Level,
}

/// A population's reverse, ready to run.
#[derive(Debug)]
pub(crate) struct Backward<T: Scalar> {
    pub(crate) reverse: Arc<Reverse>,
    pub(crate) step: (Kernel<T>, Coefficients<T>),
    pub(crate) observers: Vec<(Kernel<T>, Coefficients<T>)>,
    pub(crate) scratch_rows: usize,
    /// For each spike port, the states it feeds.
    pub(crate) fed: Vec<Vec<usize>>,
}

impl Reversible {
    /// The reverse, for cotangents of the parameters that are wanted.
    fn reverse(&self, wanted: &[bool]) -> Result<Arc<Reverse>, Error> {
        let key = (wanted.to_vec(), self.observed.clone());
        let mut compiled = self.compiled.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, reverse)) = compiled.iter().find(|(k, _)| *k == key) {
            return Ok(reverse.clone());
        }
        let value = |name: &String| {
            let found = self.system.observables.iter().find(|o| o.name == *name);
            found.map(|o| o.value).ok_or_else(|| Error::unknown(&self.path, "variable", name, Vec::new()))
        };
        let values = self.observed.iter().map(value).collect::<Result<Vec<_>, Error>>()?;
        let spike = (&self.spike.0, self.spike.1);
        let reverse = Reverse::new(&self.system, self.methods, spike, &values, &|p| wanted[p])?;
        let reverse = Arc::new(reverse);
        compiled.push((key, reverse.clone()));
        Ok(reverse)
    }

    /// The reverse linked, its coefficients computed.
    pub(crate) fn link<T: Scalar>(&self, wanted: &[bool]) -> Result<Backward<T>, Error> {
        let reverse = self.reverse(wanted)?;
        let link = |tape: &dendrion_equations::Tape| {
            let columns = coefficients(tape, &self.system, &self.layout, self.level)?;
            linked(&tape.program, &columns, &self.layout, self.level)
        };
        let step = link(&reverse.step).map_err(|e| self.broken(&e))?;
        let observers: Result<Vec<_>, _> = reverse.observers.iter().map(link).collect();
        let observers = observers.map_err(|e| self.broken(&e))?;
        let programs = [&reverse.step].into_iter().chain(&reverse.observers);
        let scratch_rows = programs.map(|t| t.program.scratch_rows).max().unwrap_or(0);
        let mut fed = vec![Vec::new(); self.system.ports];
        self.system.receives.iter().for_each(|r| fed[r.port].push(r.state));
        Ok(Backward { reverse, step, observers, scratch_rows, fed })
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
