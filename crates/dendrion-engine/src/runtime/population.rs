//! A population that is ready to run: linked programs, and coefficients computed from parameters.

use std::sync::Arc;

use dendrion_equations::{Leaf, System, Tape, Wiring, neuron};
use dendrion_kernels::{Coefficients, Column, Frame, Kernel, Level, Program, granule};
use dendrion_kernels::{LinkError, Scalar};
use dendrion_model::allocate::{copied, room};
use dendrion_model::{Error, Population, Turns, UNNAMED, Values};

use crate::build::layout::Layout;
use crate::random::{Purpose, Stream};
use crate::refused::unlinked;

/// Approximate number of vector operations that take as long as writing a vector to memory and reading it
/// back.
const CHEAP: usize = 16;

/// The data that a thread needs to run a population's blocks. They are shared and do not change during a run.
#[derive(Debug)]
pub(crate) struct Engine<T: Scalar> {
    pub(crate) kernel: Kernel<T>,
    pub(crate) coefs: Coefficients<T>,
    pub(crate) state_rows: usize,
    pub(crate) scratch_rows: usize,
    pub(crate) observers: Vec<Observer<T>>,
}

/// The program of an observable, which stores its value in scratch row 0.
#[derive(Debug)]
pub(crate) struct Observer<T: Scalar> {
    pub(crate) kernel: Kernel<T>,
    pub(crate) coefs: Coefficients<T>,
    pub(crate) scratch_rows: usize,
}

/// A population's equations, parameters, programs and layout.
#[derive(Debug)]
pub(crate) struct Cells<T: Scalar> {
    pub(crate) path: String,
    pub(crate) layout: Layout,
    /// Shared with the traces of runs.
    pub(crate) system: Arc<System>,
    tape: Tape,
    observed: Vec<(String, Tape)>,
    pub(crate) engine: Arc<Engine<T>>,
    /// Initial values of each state: one, or one per neuron.
    pub(crate) initial: Vec<Values>,
    /// Random streams of the population's noises.
    pub(crate) noises: Vec<Stream>,
    level: Level,
}

/// The data that depend on the values of parameters: linked programs, and the initial value of each state.
pub(crate) type Linked<T> = (Arc<Engine<T>>, Vec<Values>);

/// Compiles a population (already validated).
pub(crate) fn compile(population: &Population, wiring: &Wiring) -> Result<(System, Tape), Error> {
    let mut system = neuron(population, wiring)?;
    let tape = Tape::step(&mut system, population.method, population.sde);
    Ok((system, tape.map_err(|error| error.at(&population.path))?))
}

impl<T: Scalar> Cells<T> {
    /// Links a compiled population with this layout, for these values of its parameters.
    pub(crate) fn new(
        population: &Population,
        (system, tape): (System, Tape),
        parameters: &[Arc<Values>],
        layout: Layout,
        (seed, level): (u64, Level),
    ) -> Result<Self, Error> {
        let path = population.path.clone();
        let (engine, initial) = link(&path, &tape, &[], (parameters, &layout), level, None)?;
        check_initial(&path, &system, &initial)?;
        let noises = noises(&system, population, seed);
        let (system, observed) = (Arc::new(system), Vec::new());
        Ok(Self { path, layout, system, tape, observed, engine, initial, noises, level })
    }

    /// From now on, draws noise from the streams of another seed.
    pub(crate) fn reseed(&mut self, population: &Population, seed: u64) {
        self.noises = noises(&self.system, population, seed);
    }

    /// Recomputes the coefficients after parameters changed, and returns the previous linked programs and initial
    /// values. Programs are recompiled only if a parameter changed between one value for all neurons and one value per
    /// neuron.
    pub(crate) fn refresh(&mut self, parameters: &[Arc<Values>]) -> Result<Linked<T>, Error> {
        let (on, before) = ((parameters, &self.layout), Some(&*self.engine));
        let linked = link(&self.path, &self.tape, &self.observed, on, self.level, before)?;
        Ok(self.put(linked))
    }

    /// Replaces the linked programs and initial values, and returns the previous ones.
    pub(crate) fn put(&mut self, (engine, initial): Linked<T>) -> Linked<T> {
        (std::mem::replace(&mut self.engine, engine), std::mem::replace(&mut self.initial, initial))
    }

    /// Checks that all initial values are finite.
    pub(crate) fn check_initial(&self) -> Result<(), Error> {
        check_initial(&self.path, &self.system, &self.initial)
    }

    /// Returns the number of the observer of an observable, and creates the observer if necessary. Returns
    /// `None` for an unknown name.
    pub(crate) fn observer(
        &mut self,
        name: &str,
        parameters: &[Arc<Values>],
    ) -> Result<Option<usize>, Error> {
        if let Some(i) = self.observed.iter().position(|(n, _)| n == name) {
            return Ok(Some(i));
        }
        let Some(observable) = self.system.observables.iter().find(|o| o.name == name) else {
            return Ok(None);
        };
        let tape = Tape::observe(&self.system, observable.value).map_err(|error| error.at(&self.path))?;
        self.observed.push((name.to_string(), tape));
        if let Err(error) = self.refresh(parameters) {
            self.observed.pop();
            return Err(error);
        }
        Ok(Some(self.observed.len() - 1))
    }

    /// Returns the names of the observables that have observers, in the order of the observers' numbers.
    pub(crate) fn observed_names(&self) -> Vec<String> {
        self.observed.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Returns the relative cost of a step of `neurons` neurons.
    pub(crate) fn cost(&self, neurons: usize) -> usize {
        neurons.div_ceil(self.layout.lanes) * self.tape.program.code.len().max(1)
    }

    /// Returns the number of vector operations in a step of `neurons` neurons.
    pub(crate) fn work(&self, neurons: usize) -> usize {
        neurons.div_ceil(granule::<T>()) * self.tape.program.code.len()
    }

    /// Returns whether a step takes less time than writing its result to memory and reading it back.
    pub(crate) fn is_cheap(&self) -> bool {
        let Program { state_rows, .. } = self.tape.program;
        self.tape.program.weight() <= CHEAP * state_rows
    }

    /// Returns the program of a step as text.
    pub(crate) fn listing(&self) -> String {
        self.tape.program.to_string()
    }
}

/// Returns the random streams of a population's noises.
fn noises(system: &System, population: &Population, seed: u64) -> Vec<Stream> {
    let stream = |name: &String| Stream::new(seed, &population.path_of(name), Purpose::Noise);
    system.noises.iter().map(stream).collect()
}

/// Runs the prologues and links the programs, and returns the initial values as well. Programs of `before` are reused
/// where possible.
fn link<T: Scalar>(
    path: &str,
    tape: &Tape,
    observed: &[(String, Tape)],
    (parameters, layout): (&[Arc<Values>], &Layout),
    level: Level,
    before: Option<&Engine<T>>,
) -> Result<Linked<T>, Error> {
    let broken = |e: LinkError| unlinked(path, "its program", e);
    let needed = |e: Error| e.at(path).needed_by(path, || "its coefficients and initial values".into());
    let mut columns = coefficients(tape, parameters, layout, level).map_err(needed)?;
    let initial = columns.split_off(tape.program.coefs).into_iter().map(values).collect();
    let kernel = before.map(|e| &e.kernel);
    let (kernel, coefs) = linked(&tape.program, &columns, layout, level, kernel).map_err(broken)?;
    let mut observers = Vec::new();
    for (i, (_, tape)) in observed.iter().enumerate() {
        let columns = coefficients(tape, parameters, layout, level).map_err(needed)?;
        let kernel = before.and_then(|e| e.observers.get(i)).map(|o| &o.kernel);
        let (kernel, coefs) = linked(&tape.program, &columns, layout, level, kernel).map_err(broken)?;
        observers.push(Observer { kernel, coefs, scratch_rows: tape.program.scratch_rows });
    }
    let (state_rows, scratch_rows) = (tape.program.state_rows, tape.program.scratch_rows);
    Ok((Arc::new(Engine { kernel, coefs, state_rows, scratch_rows, observers }), initial))
}

/// Returns a kernel of a program for a table with these columns. `before` is an earlier kernel of the same program
/// and level.
pub(crate) fn linked<T: Scalar>(
    program: &Program,
    columns: &[Column],
    layout: &Layout,
    level: Level,
    before: Option<&Kernel<T>>,
) -> Result<(Kernel<T>, Coefficients<T>), LinkError> {
    let coefs = Coefficients::new(columns, layout.lanes, layout.blocks)?;
    if let Some(kernel) = before.filter(|k| k.fits(&coefs)) {
        return Ok((kernel.clone(), coefs));
    }
    Ok((Kernel::link(program, &coefs, layout.lanes, level)?.compiled(), coefs))
}

/// Runs a tape's prologue, which is always computed in f64. A coefficient has one value if all parameters on which it
/// depends do, and one per neuron otherwise.
pub(crate) fn coefficients(
    tape: &Tape,
    parameters: &[Arc<Values>],
    layout: &Layout,
    level: Level,
) -> Result<Vec<Column>, Error> {
    let broken = |e: LinkError| unlinked(UNNAMED, "its program", e);
    let varies = |depends: &Vec<usize>| depends.iter().any(|p| parameters[*p].uniform().is_none());
    let columns = columns(&tape.leaves, parameters)?;
    let lanes = granule::<f64>();
    let any = tape.depends.iter().any(varies);
    let blocks = if any { layout.size.div_ceil(lanes) } else { 1 };
    let table = Coefficients::<f64>::new(&columns, lanes, blocks).map_err(broken)?;
    let kernel = Kernel::<f64>::link(&tape.prologue, &table, lanes, level).map_err(broken)?;
    let mut out: Vec<Column> = tape.depends.iter().map(|_| Column::Uniform(f64::NAN)).collect();
    let mut state = vec![0.0; tape.prologue.state_rows * lanes];
    let mut scratch = vec![0.0; tape.prologue.scratch_rows * lanes];
    let mut turns = Turns::default();
    for block in 0..blocks {
        turns.pass(lanes * tape.prologue.code.len())?;
        let frame = Frame {
            state: &mut state,
            scratch: &mut scratch,
            coefs: &table,
            block,
            inputs: &[],
            fired: &mut [0],
        };
        kernel.run(frame);
        let count = lanes.min(layout.size - block * lanes);
        for (i, column) in out.iter_mut().enumerate() {
            let row = &state[i * lanes..][..count];
            match column {
                Column::Each(values) => values.extend_from_slice(row),
                Column::Uniform(_) if varies(&tape.depends[i]) => {
                    let mut values = room(layout.size)?;
                    values.extend_from_slice(row);
                    *column = Column::Each(values);
                }
                Column::Uniform(v) => *v = row[0],
            }
        }
    }
    Ok(out)
}

/// Returns the columns of the table of a prologue, or of its reverse, from the values of parameters.
pub(crate) fn columns(leaves: &[Leaf], parameters: &[Arc<Values>]) -> Result<Vec<Column>, Error> {
    let column = |leaf: &Leaf| {
        Ok(match leaf {
            Leaf::Number(v) => Column::Uniform(*v),
            Leaf::Param(i) => match &*parameters[*i] {
                Values::Each(v) if v.len() > 1 => Column::Each(copied(v)?),
                one => Column::Uniform(one.get(0)),
            },
        })
    };
    leaves.iter().map(column).collect()
}

/// Returns an error if a state has an initial value that is not finite.
fn check_initial(path: &str, system: &System, initial: &[Values]) -> Result<(), Error> {
    for (state, values) in system.states.iter().zip(initial) {
        let Some(neuron) = values.as_slice().iter().position(|v| !v.is_finite()) else { continue };
        let (module, name) = state.name.rsplit_once('.').unwrap_or(("", &state.name));
        let what = format!(
            "the initial value of {name} is {} in neuron {neuron}; expected a finite number: look for a division by 0, or a root or \
             logarithm of a negative number, in its equation for {name}(0) and in the parameters there",
            values.get(neuron).to_string().to_lowercase()
        );
        return Err(Error::structure(format!("{path}/{module}"), what));
    }
    Ok(())
}

fn values(column: Column) -> Values {
    match column {
        Column::Uniform(v) => Values::Scalar(v),
        Column::Each(v) => Values::Each(v),
    }
}
