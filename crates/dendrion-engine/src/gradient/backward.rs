//! A population's reverse programs, linked, and the way from gathered cotangents to parameters.

use std::sync::{Arc, Mutex, PoisonError};

use dendrion_equations::{Leaf, Reverse, System, Tape};
use dendrion_lanes::{Coefficients, Frame, Kernel, Level, LinkError, Scalar, granule};
use dendrion_model::{Error, OdeMethod, SdeMethod, Surrogate, Values};

use crate::layout::Layout;
use crate::population::{coefficients, columns, linked};

/// What decides a population's reverse: wanted parameters, and observables read.
type Key = (Vec<bool>, Vec<String>);

/// A reverse, and the kernels of its step and of its observers as they were linked last.
type Known<T> = (Arc<Reverse>, Vec<Kernel<T>>);

/// Reverses compiled so far: a training loop compiles once.
#[derive(Debug)]
pub(crate) struct Compiled<T: Scalar>(Mutex<Vec<(Key, Known<T>)>>);

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
    pub(crate) system: System,
    pub(crate) methods: (OdeMethod, SdeMethod),
    pub(crate) spike: (Surrogate, bool),
    /// Names of the observables that probes read.
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
    pub(crate) observers: Vec<(Kernel<T>, Coefficients<T>)>,
    pub(crate) scratch_rows: usize,
    /// For each spike port, the states it feeds.
    pub(crate) fed: Vec<Vec<usize>>,
}

impl<T: Scalar> Reversible<T> {
    /// The reverse, for cotangents of the parameters that are wanted.
    fn reverse(&self, wanted: &[bool]) -> Result<Arc<Reverse>, Error> {
        let value = |name: &String| {
            let found = self.system.observables.iter().find(|o| o.name == *name);
            found.map(|o| o.value).ok_or_else(|| Error::unknown(&self.path, "variable", name, Vec::new()))
        };
        let values = self.observed.iter().map(value).collect::<Result<Vec<_>, Error>>()?;
        let spike = (&self.spike.0, self.spike.1);
        Ok(Arc::new(Reverse::new(&self.system, self.methods, spike, &values, &|p| wanted[p])?))
    }

    /// The reverse linked, its coefficients computed.
    pub(crate) fn link(&self, wanted: &[bool]) -> Result<Backward<T>, Error> {
        let key = (wanted.to_vec(), self.observed.clone());
        let mut compiled = self.compiled.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = compiled.iter().position(|(k, _)| *k == key);
        let (reverse, before) = match at {
            Some(at) => compiled[at].1.clone(),
            None => (self.reverse(wanted)?, Vec::new()),
        };
        let tapes: Vec<&Tape> = [&reverse.step].into_iter().chain(&reverse.observers).collect();
        let link = |(i, tape): (usize, &&Tape)| {
            let columns = coefficients(tape, &self.system, &self.layout, self.level)?;
            linked(&tape.program, &columns, &self.layout, self.level, before.get(i))
        };
        let linked: Result<Vec<_>, LinkError> = tapes.iter().enumerate().map(link).collect();
        let mut linked = linked.map_err(|e| self.broken(&e))?;
        let known = (reverse.clone(), linked.iter().map(|(kernel, _)| kernel.clone()).collect());
        match at {
            Some(at) => compiled[at].1 = known,
            None => compiled.push((key, known)),
        }
        let scratch_rows = tapes.iter().map(|t| t.program.scratch_rows).max().unwrap_or(0);
        let mut fed = vec![Vec::new(); self.system.ports];
        self.system.receives.iter().for_each(|r| fed[r.port].push(r.state));
        let observers = linked.split_off(1);
        let step = linked.swap_remove(0);
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
