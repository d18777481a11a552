//! A population that is ready to run: linked programs, and coefficients computed from parameters.

use std::sync::Arc;

use dendrion_equations::{Leaf, Phase, System, Tape, Wiring, neuron};
use dendrion_kernels::{Coefficients, Column, Frame, Kernel, Level, Program, granule};
use dendrion_kernels::{LinkError, Scalar};
use dendrion_model::allocate::{copied, room};
use dendrion_model::{Cable, Error, Gates, Network, OdeMethod, Population, Role, Turns, UNNAMED, Values};

use crate::build::layout::Layout;
use crate::cable::{After, Plan, Shape, Stage, StageError, arrange, of_members};
use crate::random::{Purpose, Stream};
use crate::refused::unlinked;

/// Approximate number of vector operations that take as long as writing a vector to memory and reading it
/// back.
const CHEAP: usize = 16;
/// Number of lanes that count as one unit of cost in populations of detailed cells.
const WIDE: usize = 128;
/// Approximate number of vector operations per CV and step of the solution of a tree.
const SOLVE: usize = 20;

/// The data that a thread needs to run a population's blocks. They are shared and do not change during a run.
#[derive(Debug)]
pub(crate) struct Engine<T: Scalar> {
    pub(crate) kernel: Kernel<T>,
    pub(crate) coefs: Coefficients<T>,
    pub(crate) state_rows: usize,
    pub(crate) scratch_rows: usize,
    pub(crate) observers: Vec<Observer<T>>,
    /// The part of the step that only populations of detailed cells have.
    pub(crate) stage: Stage<T>,
    /// State rows that contain intermediate results.
    pub(crate) internal: Vec<usize>,
}

impl<T: Scalar> Engine<T> {
    /// Returns the block of the coefficient table that belongs to a block of the population. If all cells have the
    /// same coefficients, the table has only one block.
    pub(crate) fn block_of(coefs: &Coefficients<T>, block: usize) -> usize {
        block.min(coefs.blocks() - 1)
    }
}

/// The program of an observable, which stores its value in scratch row 0.
#[derive(Debug)]
pub(crate) struct Observer<T: Scalar> {
    pub(crate) kernel: Kernel<T>,
    pub(crate) coefs: Coefficients<T>,
    pub(crate) scratch_rows: usize,
}

/// Compiled equations.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) system: System,
    tape: Tape,
    /// The other parts of the step of placed mechanisms.
    parts: Vec<(Phase, Tape)>,
    shape: Option<Cable>,
    method: OdeMethod,
    injected: Vec<usize>,
    covered: Vec<bool>,
    plan: Option<Arc<Plan>>,
}

/// A population's equations, parameters, programs and layout.
#[derive(Debug)]
pub(crate) struct Cells<T: Scalar> {
    pub(crate) path: String,
    pub(crate) layout: Layout,
    /// Shared with the traces of runs.
    pub(crate) system: Arc<System>,
    tape: Tape,
    parts: Vec<(Phase, Tape)>,
    /// The shape of the detailed cells to which the population belongs.
    pub(crate) shape: Option<Cable>,
    pub(crate) role: Role,
    pub(crate) method: OdeMethod,
    /// The compartments or CVs into which currents are injected.
    injected: Vec<usize>,
    /// The CVs with mechanisms of other populations; see [`Shape::covered`].
    covered: Vec<bool>,
    /// What the mechanisms on different CVs exchange, if this is a membrane.
    pub(crate) plan: Option<Arc<Plan>>,
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

/// Compiles a population (already validated) of a network.
pub(crate) fn compile(
    network: &Network,
    population: &Population,
    wiring: &Wiring,
    plan: Option<Arc<Plan>>,
) -> Result<Compiled, Error> {
    let mut system = neuron(population, wiring)?;
    let head = population.role.cells().and_then(|cells| network.populations.get(cells)).unwrap_or(population);
    let shape = head.role.cable().cloned();
    let method = head.method;
    let step = |system: &mut System, method: OdeMethod| {
        Tape::step(system, method, population.sde).map_err(|error| error.at(&population.path))
    };
    let gates = match (&shape, &population.role) {
        (Some(cable), Role::Placed { .. }) => match cable.gates {
            Gates::Rational => OdeMethod::CrankNicolson,
            Gates::Exponential => OdeMethod::ExpEuler,
            Gates::Coupled => method,
        },
        _ => population.method,
    };
    let is_placed = matches!(population.role, Role::Placed { .. });
    let is_split = is_placed && shape.as_ref().is_some_and(Cable::is_split);
    let mut parts = Vec::new();
    for phase in other_parts(&system, is_split) {
        parts.push((phase, step(&mut system.phase(phase), gates)?));
    }
    let tape =
        if is_split { step(&mut system.phase(Phase::Currents), gates)? } else { step(&mut system, gates)? };
    let method = if is_placed { gates } else { method };
    let covered = covered(network, population);
    Ok(Compiled { system, tape, parts, shape, method, injected: wiring.injected.clone(), covered, plan })
}

/// Returns the parts of the step of placed mechanisms other than the first. `is_split` tells whether gates are a separate
/// part.
pub(crate) fn other_parts(system: &System, is_split: bool) -> Vec<Phase> {
    let mut parts: Vec<Phase> = (0..system.levels())
        .filter(|level| system.exports.iter().any(|export| export.level == *level))
        .map(Phase::Exports)
        .collect();
    if system.pools_apart && system.states.iter().any(|state| state.is_pool) {
        parts.push(Phase::Pools);
    }
    if is_split {
        parts.push(Phase::Gates);
    }
    parts
}

/// Returns whether each CV has mechanisms of other populations; see [`Shape::covered`].
fn covered(network: &Network, population: &Population) -> Vec<bool> {
    let cells = population.role.cells();
    let cable = cells.and_then(|cells| network.populations.get(cells)?.role.cable());
    let mut covered = vec![false; cable.map_or(0, |cable| cable.tree.cvs.len())];
    for other in &network.populations {
        let is_placed = matches!(population.role, Role::Placed { .. });
        if is_placed && std::ptr::eq(other, population) {
            break;
        }
        if let Role::Placed { sites, .. } = &other.role
            && other.role.cells() == cells
        {
            sites.iter().for_each(|cv| covered[*cv as usize] = true);
        }
    }
    covered
}

impl<T: Scalar> Cells<T> {
    /// Links a compiled population with this layout, for these values of its parameters.
    pub(crate) fn new(
        population: &Population,
        compiled: Compiled,
        parameters: &[Arc<Values>],
        layout: Layout,
        (seed, level): (u64, Level),
    ) -> Result<Self, Error> {
        let path = population.path.clone();
        let Compiled { system, tape, parts, shape, method, injected, covered, plan } = compiled;
        let noises = noises(&system, population, seed);
        let role = population.role.clone();
        let of = Source { path: &path, system: &system, tape: &tape, parts: &parts, observed: &[] };
        let cable = Shape {
            role: &role,
            cable: shape.as_ref(),
            method,
            injected: &injected,
            covered: &covered,
            plan: plan.as_ref(),
        };
        let (engine, initial) = link(&of, &cable, (parameters, &layout), level, None)?;
        if system.imports.is_empty() {
            check_initial(&path, &system, &initial)?;
        }
        let (system, observed) = (Arc::new(system), Vec::new());
        Ok(Self {
            path,
            layout,
            system,
            tape,
            parts,
            shape,
            role,
            method,
            injected,
            covered,
            plan,
            observed,
            engine,
            initial,
            noises,
            level,
        })
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
        let of = Source {
            path: &self.path,
            system: &self.system,
            tape: &self.tape,
            parts: &self.parts,
            observed: &self.observed,
        };
        let cable = Shape {
            role: &self.role,
            cable: self.shape.as_ref(),
            method: self.method,
            injected: &self.injected,
            covered: &self.covered,
            plan: self.plan.as_ref(),
        };
        let linked = link(&of, &cable, on, self.level, before)?;
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

    /// Returns whether an initial value depends on a parameter.
    pub(crate) fn begins_with(&self, parameter: usize) -> bool {
        self.tape.depends[self.tape.program.coefs..].iter().any(|of| of.contains(&parameter))
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
        let lanes = if self.layout.sites == 1 { self.layout.lanes } else { WIDE };
        neurons.div_ceil(lanes) * self.operations().max(1)
    }

    /// Returns the number of vector operations in a step of `neurons` neurons.
    pub(crate) fn work(&self, neurons: usize) -> usize {
        neurons.div_ceil(granule::<T>()) * self.operations()
    }

    fn operations(&self) -> usize {
        let after: usize = self.parts.iter().map(|(_, tape)| tape.program.code.len()).sum();
        let trees = self.system.spreads.len() + usize::from(matches!(self.role, Role::Membrane { .. }));
        self.tape.program.code.len() + after + trees * SOLVE
    }

    /// Returns whether a step takes less time than writing its result to memory and reading it back.
    pub(crate) fn is_cheap(&self) -> bool {
        let Program { state_rows, .. } = self.tape.program;
        matches!(self.role, Role::Neurons) && self.tape.program.weight() <= CHEAP * state_rows
    }

    /// Returns the numerical method of the program of a step.
    pub(crate) const fn step_method(&self) -> OdeMethod {
        self.method
    }

    /// Returns the name of a state, and the CV of this member if the population belongs to detailed cells.
    pub(crate) fn state_at(&self, state: usize, member: usize) -> String {
        let (name, site) = (&self.system.states[state].name, member % self.layout.sites);
        match &self.role {
            Role::Neurons | Role::Cells(_) => name.clone(),
            Role::Membrane { .. } => format!("{name} at CV {site}"),
            Role::Placed { sites, .. } => format!("{name} at CV {}", sites[site]),
        }
    }

    /// Returns the program of a step as text.
    pub(crate) fn listing(&self) -> String {
        let titled = |(phase, tape): &(Phase, Tape)| match phase {
            Phase::Exports(level) => Some(format!("# exports of level {level}\n{}", tape.program)),
            Phase::Pools => Some(format!("# concentrations\n{}", tape.program)),
            _ => None,
        };
        let after = self.parts.iter().filter(|(phase, _)| *phase == Phase::Gates);
        let after = after.map(|(_, tape)| format!("# after the solution of the tree\n{}", tape.program));
        let main = self.tape.program.to_string();
        self.parts.iter().filter_map(titled).chain([main]).chain(after).collect()
    }
}

/// Returns the random streams of a population's noises.
fn noises(system: &System, population: &Population, seed: u64) -> Vec<Stream> {
    let stream = |name: &String| Stream::new(seed, &population.path_of(name), Purpose::Noise);
    system.noises.iter().map(stream).collect()
}

/// The programs of a population.
struct Source<'a> {
    path: &'a str,
    system: &'a System,
    tape: &'a Tape,
    parts: &'a [(Phase, Tape)],
    observed: &'a [(String, Tape)],
}

/// Runs the prologues and links the programs, and returns the initial values as well. Programs of `before` are reused
/// where possible.
fn link<T: Scalar>(
    of: &Source<'_>,
    shape: &Shape<'_>,
    (parameters, layout): (&[Arc<Values>], &Layout),
    level: Level,
    before: Option<&Engine<T>>,
) -> Result<Linked<T>, Error> {
    let (path, tape) = (of.path, of.tape);
    let broken = |e: LinkError| unlinked(path, "its program", e);
    let needed = |e: Error| e.at(path).needed_by(path, || "its coefficients and initial values".into());
    let mut columns = coefficients(tape, parameters, layout, level).map_err(needed)?;
    let initial: Vec<Values> = columns.split_off(tape.program.coefs).into_iter().map(values).collect();
    let kernel = before.map(|e| &e.kernel);
    let (kernel, coefs) = linked(&tape.program, &columns, layout, level, kernel).map_err(broken)?;
    let mut observers = Vec::new();
    for (i, (_, tape)) in of.observed.iter().enumerate() {
        let columns = coefficients(tape, parameters, layout, level).map_err(needed)?;
        let kernel = before.and_then(|e| e.observers.get(i)).map(|o| &o.kernel);
        let (kernel, coefs) = linked(&tape.program, &columns, layout, level, kernel).map_err(broken)?;
        observers.push(Observer { kernel, coefs, scratch_rows: tape.program.scratch_rows });
    }
    let mut parts = Vec::new();
    for (phase, tape) in of.parts {
        let mut columns = coefficients(tape, parameters, layout, level).map_err(needed)?;
        columns.truncate(tape.program.coefs);
        let kernel = before.and_then(|e| e.stage.part(*phase)).map(|part| &part.kernel);
        let (kernel, coefs) = linked(&tape.program, &columns, layout, level, kernel).map_err(broken)?;
        parts.push((*phase, After { kernel, coefs }));
    }
    let of_stage = (of.system, parameters);
    let stage = Stage::new(shape, of_stage, layout, (parts, &initial)).map_err(|error| match error {
        StageError::Link(e) => unlinked(path, "its tree", e),
        StageError::Other(e) => e,
    })?;
    let state_rows = tape.program.state_rows;
    let of_parts = of.parts.iter().map(|(_, tape)| tape.program.scratch_rows);
    let scratch_rows = of_parts.fold(tape.program.scratch_rows, usize::max);
    let internal = (0..of.system.states.len()).filter(|i| of.system.states[*i].is_internal).collect();
    let engine = Engine { kernel, coefs, state_rows, scratch_rows, observers, stage, internal };
    Ok((Arc::new(engine), initial))
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
    let (arranged, blocks) = arrange(columns, layout)?;
    let coefs = Coefficients::new(arranged.as_deref().unwrap_or(columns), layout.lanes, blocks)?;
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
    let (parameters, size) = of_members(parameters, layout)?;
    let (parameters, layout) = (&*parameters, &Layout { size, ..*layout });
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
    for (state, values) in system.states.iter().zip(initial).filter(|(state, _)| !state.is_internal) {
        let Some(neuron) = values.as_slice().iter().position(|v| !v.is_finite()) else { continue };
        let (module, name) = state.name.rsplit_once('.').unwrap_or(("", &state.name));
        let what = format!(
            "the initial value of {name} is {} in neuron {neuron}; expected a finite number: look for a division by 0, or a root or \
             logarithm of a negative number, in the equation for {name}(0) and in the parameters of that neuron",
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
