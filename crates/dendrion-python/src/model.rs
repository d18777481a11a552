//! The builder of a network. Python adds modules one by one and refers to them by the returned indices.

use std::sync::{Mutex, MutexGuard, TryLockError};

use dendrion::Error;
use dendrion::model::{
    Cable, Compartment, Connectivity, Coupling, Dtype, Gates, Generator, Injection, ModuleKind, Network,
    OdeMethod, Place, Plasticity, Population, Projection, Receptor, SdeMethod, Signal, Source, Waveform,
};
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::{copy, params, per_connection};
use crate::error::raise;
use crate::morphology::{Cvs, Morphology};
use crate::surrogate::Surrogate;
use crate::watch::detached;

/// A network under construction.
#[pyclass(frozen)]
pub(crate) struct Model {
    network: Mutex<Network>,
}

type Indices<'py> = PyReadonlyArray1<'py, u32>;
type Floats<'py> = PyReadonlyArray1<'py, f64>;
type Pairs<'py> = (Bound<'py, PyArray1<u32>>, Bound<'py, PyArray1<u32>>);

#[pymethods]
impl Model {
    #[new]
    fn new(dt: f64, seed: u64, dtype: &str, threads: Option<usize>) -> PyResult<Self> {
        let model = Self::of(Network::new(dt));
        model.set(dt, seed, None, dtype, threads)?;
        Ok(model)
    }

    /// Sets the simulation settings.
    fn set(
        &self,
        dt: f64,
        seed: u64,
        noise_seed: Option<u64>,
        dtype: &str,
        threads: Option<usize>,
    ) -> PyResult<()> {
        let mut network = self.network()?;
        network.dtype = if dtype == "float32" { Dtype::Float32 } else { Dtype::Float64 };
        (network.dt, network.seed, network.threads) = (dt, seed, threads);
        network.noise_seed = noise_seed.filter(|noise_seed| *noise_seed != seed);
        Ok(())
    }

    /// Adds a population. `resets` specifies whether a spike resets V and whether it does so by subtracting
    /// `V_th`.
    fn add_population(
        &self,
        path: String,
        size: usize,
        given: &Bound<'_, PyDict>,
        resets: (bool, bool),
        ode: &str,
        sde: &str,
    ) -> PyResult<usize> {
        let mut population = Population::new(path, size, params(given)?);
        (population.reset, population.soft_reset) = resets;
        let missing = |name: &str| PyValueError::new_err(format!("unknown method {name}"));
        population.method = OdeMethod::from_name(ode).ok_or_else(|| missing(ode))?;
        population.sde = SdeMethod::from_name(sde).ok_or_else(|| missing(sde))?;
        Ok(push(&mut self.network()?.populations, population))
    }

    /// Adds detailed cells with these CVs: two populations, of the cells and of their membrane. Returns the index of the
    /// first. `how` contains the method for gates, whether they are staggered, and the CV of the threshold.
    #[allow(clippy::too_many_arguments)] // Detailed cells have this many properties.
    fn add_cells(
        &self,
        path: String,
        size: usize,
        given: &Bound<'_, PyDict>,
        resets: (bool, bool),
        ode: &str,
        shape: (PyRef<'_, Morphology>, PyRef<'_, Cvs>),
        membrane: &Bound<'_, PyDict>,
        how: (String, bool, usize),
    ) -> PyResult<usize> {
        let mut cells = Population::new(path, size, params(given)?);
        (cells.reset, cells.soft_reset) = resets;
        let missing = |name: &str| PyValueError::new_err(format!("unknown method {name}"));
        cells.method = OdeMethod::from_name(ode).ok_or_else(|| missing(ode))?;
        let (gates, staggered, spike_at) = how;
        let gates = Gates::from_name(&gates).ok_or_else(|| missing(&gates))?;
        let (morphology, tree) = (shape.0.shared(), shape.1.shared());
        let cable = Cable { morphology, tree, gates, staggered, spike_at };
        let populations = &mut self.network()?.populations;
        let first = populations.len();
        populations.extend(Population::cable(cells, cable, params(membrane)?, first));
        Ok(first)
    }

    /// Returns the morphology and the CVs of the detailed cells with this path.
    fn shape(&self, path: &str) -> PyResult<(Morphology, Cvs)> {
        let network = self.network()?;
        let found = network.populations.iter().filter(|p| p.path == path).find_map(|p| p.role.cable());
        let missing = || PyValueError::new_err(format!("no detailed cells named {path}"));
        let cable = found.ok_or_else(missing)?;
        Ok((Morphology::of(cable.morphology.clone()), Cvs::of(cable.tree.clone())))
    }

    /// Adds a population of mechanisms placed on detailed cells, on the membrane of these CVs or at points on them.
    fn add_placed(&self, cells: usize, sites: Vec<u32>, is_density: bool) -> PyResult<usize> {
        let mut network = self.network()?;
        let place = if is_density { Place::Density } else { Place::Point };
        let placed = population_of(&mut network, cells)?.placed(cells, sites, place);
        let missing = || PyValueError::new_err(format!("population {cells} has no CVs"));
        Ok(push(&mut network.populations, placed.ok_or_else(missing)?))
    }

    fn add_compartment(
        &self,
        population: usize,
        name: String,
        soma: bool,
        given: &Bound<'_, PyDict>,
    ) -> PyResult<usize> {
        let compartment = Compartment { name, soma, params: params(given)? };
        Ok(push(&mut population_of(&mut *self.network()?, population)?.compartments, compartment))
    }

    fn add_receptor(
        &self,
        population: usize,
        name: String,
        kind: &str,
        on: usize,
        scale_g: bool,
        given: &Bound<'_, PyDict>,
    ) -> PyResult<usize> {
        let kind = ModuleKind::from_name(kind)
            .ok_or_else(|| PyValueError::new_err(format!("unknown receptor {kind}")))?;
        let receptor =
            Receptor { name, kind, on, scale_g, params: params(given)?, text: None, signed: false };
        Ok(push(&mut population_of(&mut *self.network()?, population)?.receptors, receptor))
    }

    /// Adds a receptor defined in the equation language, given its text and whether its weights may be negative.
    fn add_written_receptor(
        &self,
        population: usize,
        name: String,
        text: (String, bool),
        on: usize,
        given: &Bound<'_, PyDict>,
    ) -> PyResult<usize> {
        let ((text, signed), kind) = (text, ModuleKind::Written);
        let receptor =
            Receptor { name, kind, on, scale_g: false, params: params(given)?, text: Some(text), signed };
        Ok(push(&mut population_of(&mut *self.network()?, population)?.receptors, receptor))
    }

    /// Adds a mechanism defined in the equation language.
    fn add_mechanism(
        &self,
        population: usize,
        name: String,
        text: String,
        on: usize,
        given: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        let params = params(given)?;
        population_of(&mut *self.network()?, population)?.mechanism(name, on, text, params);
        Ok(())
    }

    fn add_noise(
        &self,
        population: usize,
        name: String,
        kind: &str,
        on: usize,
        given: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        let kind = ModuleKind::from_name(kind)
            .ok_or_else(|| PyValueError::new_err(format!("unknown noise {kind}")))?;
        let params = params(given)?;
        population_of(&mut *self.network()?, population)?.noise(name, kind, on, params);
        Ok(())
    }

    fn add_coupling(
        &self,
        population: usize,
        name: String,
        a: usize,
        b: usize,
        given: &Bound<'_, PyDict>,
    ) -> PyResult<usize> {
        let coupling = Coupling { name, a, b, params: params(given)? };
        Ok(push(&mut population_of(&mut *self.network()?, population)?.couplings, coupling))
    }

    /// Adds a generator with a rate ("poisson"), probability ("bernoulli") or amplitude ("dc"), or a generator to
    /// which spikes are passed ("spikes").
    fn add_generator(
        &self,
        path: String,
        size: usize,
        kind: &str,
        start: f64,
        stop: f64,
        given: &Bound<'_, PyDict>,
    ) -> PyResult<usize> {
        let signal = match kind {
            "poisson" => Signal::Poisson,
            "bernoulli" => Signal::Bernoulli,
            "dc" => Signal::Dc,
            "spikes" => Signal::Pushed,
            other => return Err(PyValueError::new_err(format!("unknown generator {other}"))),
        };
        self.generator(path, size, signal, start, stop, Some(given))
    }

    /// Sets the times at which the values of a generator change, and the name of its random stream.
    fn set_course(&self, generator: usize, breaks: Floats<'_>, stream: Option<String>) -> PyResult<()> {
        let missing = || PyValueError::new_err(format!("unknown generator {generator}"));
        let mut network = self.network()?;
        let generator = network.generators.get_mut(generator).ok_or_else(missing)?;
        (generator.breaks, generator.stream) = (copy(&breaks)?, stream);
        Ok(())
    }

    fn add_spikes(
        &self,
        path: String,
        size: usize,
        start: f64,
        stop: f64,
        indices: Indices<'_>,
        times: Floats<'_>,
    ) -> PyResult<usize> {
        let signal = Signal::Spikes { indices: copy(&indices)?, times: copy(&times)? };
        self.generator(path, size, signal, start, stop, None)
    }

    fn add_current(
        &self,
        path: String,
        size: usize,
        start: f64,
        stop: f64,
        form: (usize, Option<f64>),
        waveform: Floats<'_>,
    ) -> PyResult<usize> {
        let (width, interval) = form;
        let waveform = Waveform { width, values: copy(&waveform)?, interval };
        self.generator(path, size, Signal::Current(waveform), start, stop, None)
    }

    /// Adds a projection with a connection rule: "`all_to_all`", "`one_to_one`", ("`fixed_indegree`", degree),
    /// ("`fixed_outdegree`", degree), ("`fixed_total`", connections) or ("`fixed_prob`", p), with or without
    /// multapses and autapses.
    #[allow(clippy::too_many_arguments)] // A projection has this many properties.
    fn add_projection(
        &self,
        path: String,
        from_population: bool,
        pre: usize,
        population: usize,
        receptors: Vec<usize>,
        rule: (String, f64, bool, bool),
        weight: &Bound<'_, PyAny>,
        delay: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<usize> {
        let (name, number, multapses, autapses) = rule;
        let connectivity = match name.as_str() {
            "all_to_all" => Connectivity::AllToAll { autapses },
            "one_to_one" => Connectivity::OneToOne,
            "fixed_indegree" => Connectivity::FixedIndegree { degree: number as usize, multapses, autapses },
            "fixed_outdegree" => {
                Connectivity::FixedOutdegree { degree: number as usize, multapses, autapses }
            }
            "fixed_total" => Connectivity::FixedTotal { count: number as usize, multapses, autapses },
            "fixed_prob" => Connectivity::FixedProbability { p: number, autapses },
            other => return Err(PyValueError::new_err(format!("unknown rule {other}"))),
        };
        self.projection(path, (from_population, pre), (population, receptors), connectivity, weight, delay)
    }

    /// Adds a projection with explicit pairs, sorted by source (compressed sparse rows).
    #[allow(clippy::too_many_arguments)] // A projection has this many properties.
    fn add_matrix(
        &self,
        path: String,
        from_population: bool,
        pre: usize,
        population: usize,
        receptors: Vec<usize>,
        starts: Indices<'_>,
        targets: Indices<'_>,
        weight: &Bound<'_, PyAny>,
        delay: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<usize> {
        let (starts, targets) = (copy(&starts)?, copy(&targets)?);
        let connectivity = Connectivity::Csr { starts, targets };
        self.projection(path, (from_population, pre), (population, receptors), connectivity, weight, delay)
    }

    /// Returns the sources and targets of a projection's connections, in the order of its weights.
    fn pairs<'py>(&self, py: Python<'py>, projection: usize) -> PyResult<Pairs<'py>> {
        let network = &*self.network()?;
        let threads =
            network.threads.or(std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
        let (pre, post) = detached(py, || dendrion::pairs(network, projection, threads))?;
        Ok((PyArray1::from_vec(py, pre), PyArray1::from_vec(py, post)))
    }

    /// Sets the weights or delays of a projection, with one value per connection.
    fn set_per_connection(&self, projection: usize, name: &str, values: Floats<'_>) -> PyResult<()> {
        let missing = || PyValueError::new_err(format!("unknown projection {projection}"));
        let mut network = self.network()?;
        let projection = network.projections.get_mut(projection).ok_or_else(missing)?;
        let values = copy(&values)?.into();
        match name {
            "weight" => projection.weight = values,
            _ => projection.delay = Some(values),
        }
        Ok(())
    }

    fn set_dendritic_delay(&self, population: usize, steps: PyReadonlyArray1<'_, u16>) -> PyResult<()> {
        let mut network = self.network()?;
        population_of(&mut network, population)?;
        network.set_dendritic_delay(population, copy(&steps)?);
        Ok(())
    }

    fn set_surrogate(&self, population: usize, surrogate: &Surrogate, detach_reset: bool) -> PyResult<()> {
        let mut network = self.network()?;
        let population = population_of(&mut network, population)?;
        (population.surrogate, population.detach_reset) = (surrogate.of.clone(), detach_reset);
        Ok(())
    }

    fn set_plasticity(&self, projection: usize, kind: &str, given: &Bound<'_, PyDict>) -> PyResult<()> {
        let kind = ModuleKind::from_name(kind)
            .ok_or_else(|| PyValueError::new_err(format!("unknown rule {kind}")))?;
        let missing = || PyValueError::new_err(format!("unknown projection {projection}"));
        let plasticity = Plasticity { kind, params: params(given)? };
        self.network()?.projections.get_mut(projection).ok_or_else(missing)?.plasticity = Some(plasticity);
        Ok(())
    }

    fn add_injection(
        &self,
        path: String,
        generator: usize,
        population: usize,
        compartment: usize,
    ) -> PyResult<usize> {
        let injection = Injection { path, generator, population, compartment };
        Ok(push(&mut self.network()?.injections, injection))
    }
}

impl Model {
    pub(crate) const fn of(network: Network) -> Self {
        Self { network: Mutex::new(network) }
    }

    /// Returns the network, unless another thread is changing it.
    fn network(&self) -> PyResult<MutexGuard<'_, Network>> {
        match self.network.try_lock() {
            Ok(network) => Ok(network),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {
                let what = "is being built in another thread; build each network in one thread";
                Err(raise(Error::run("network", what)))
            }
        }
    }

    /// Returns the network and replaces it with an empty network.
    pub(crate) fn take(&self) -> PyResult<Network> {
        Ok(std::mem::replace(&mut *self.network()?, Network::new(1.0)))
    }

    fn generator(
        &self,
        path: String,
        size: usize,
        signal: Signal,
        start: f64,
        stop: f64,
        given: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<usize> {
        let params = given.map(params).transpose()?.unwrap_or_default();
        let stop = (stop != f64::INFINITY).then_some(stop);
        Ok(push(
            &mut self.network()?.generators,
            Generator { start, stop, ..Generator::new(path, size, signal, params) },
        ))
    }

    fn projection(
        &self,
        path: String,
        (from_population, pre): (bool, usize),
        (population, receptors): (usize, Vec<usize>),
        connectivity: Connectivity,
        weight: &Bound<'_, PyAny>,
        delay: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<usize> {
        let pre = if from_population { Source::Population(pre) } else { Source::Generator(pre) };
        let (weight, delay) = (per_connection(weight)?, delay.map(per_connection).transpose()?);
        let projection =
            Projection { path, pre, population, receptors, connectivity, weight, delay, plasticity: None };
        Ok(push(&mut self.network()?.projections, projection))
    }
}

fn population_of(network: &mut Network, index: usize) -> PyResult<&mut Population> {
    let missing = || PyValueError::new_err(format!("unknown population {index}"));
    network.populations.get_mut(index).ok_or_else(missing)
}

fn push<T>(all: &mut Vec<T>, one: T) -> usize {
    all.push(one);
    all.len() - 1
}
