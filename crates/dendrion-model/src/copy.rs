//! Copies of networks. The arrays whose sizes a user controls are allocated fallibly; parameters and shapes are shared.

use crate::allocate::copied;
use crate::{
    Connectivity, Error, Generator, Network, PerConnection, Population, Projection, Signal, Values, Waveform,
};

impl Network {
    /// Returns a copy.
    ///
    /// # Errors
    /// Returns [`Error::OutOfMemory`] if an allocation fails, and [`Error::Interrupted`] after an interrupt.
    pub fn copy(&self) -> Result<Self, Error> {
        Ok(Self {
            populations: all(&self.populations, Population::copy, |p| &p.path)?,
            generators: all(&self.generators, Generator::copy, |g| &g.path)?,
            projections: all(&self.projections, Projection::copy, |p| &p.path)?,
            injections: copied(&self.injections)?,
            dt: self.dt,
            seed: self.seed,
            noise_seed: self.noise_seed,
            dtype: self.dtype,
            threads: self.threads,
        })
    }
}

fn all<T>(
    modules: &[T],
    copy: impl Fn(&T) -> Result<T, Error>,
    path: impl Fn(&T) -> &str,
) -> Result<Vec<T>, Error> {
    let one = |module| {
        let copy = copy(module);
        copy.map_err(|error| error.needed_by(path(module), || "a copy of its description".into()))
    };
    modules.iter().map(one).collect()
}

impl Population {
    fn copy(&self) -> Result<Self, Error> {
        Ok(Self {
            dendritic_delay: copied(&self.dendritic_delay)?,
            path: self.path.clone(),
            size: self.size,
            params: self.params.clone(),
            soft_reset: self.soft_reset,
            reset: self.reset,
            method: self.method,
            sde: self.sde,
            compartments: self.compartments.clone(),
            receptors: self.receptors.clone(),
            couplings: self.couplings.clone(),
            noises: self.noises.clone(),
            mechanisms: self.mechanisms.clone(),
            surrogate: self.surrogate.clone(),
            detach_reset: self.detach_reset,
            role: self.role.clone(),
        })
    }
}

impl Generator {
    fn copy(&self) -> Result<Self, Error> {
        let signal = match &self.signal {
            Signal::Spikes { indices, times } => {
                Signal::Spikes { indices: copied(indices)?, times: copied(times)? }
            }
            Signal::Current(Waveform { width, values, interval }) => {
                Signal::Current(Waveform { width: *width, values: copied(values)?, interval: *interval })
            }
            other @ (Signal::Poisson | Signal::Bernoulli | Signal::Pushed | Signal::Dc) => other.clone(),
        };
        Ok(Self {
            signal,
            breaks: copied(&self.breaks)?,
            path: self.path.clone(),
            size: self.size,
            start: self.start,
            stop: self.stop,
            params: self.params.clone(),
            stream: self.stream.clone(),
        })
    }
}

impl Projection {
    fn copy(&self) -> Result<Self, Error> {
        let connectivity = match &self.connectivity {
            Connectivity::Csr { starts, targets } => {
                Connectivity::Csr { starts: copied(starts)?, targets: copied(targets)? }
            }
            rule => rule.clone(),
        };
        Ok(Self {
            connectivity,
            weight: self.weight.copy()?,
            delay: self.delay.as_ref().map(PerConnection::copy).transpose()?,
            path: self.path.clone(),
            pre: self.pre,
            population: self.population,
            receptors: self.receptors.clone(),
            plasticity: self.plasticity.clone(),
        })
    }
}

impl PerConnection {
    fn copy(&self) -> Result<Self, Error> {
        Ok(match self {
            Self::Given(Values::Each(values)) => Self::Given(Values::Each(copied(values)?)),
            other => other.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use crate::{
        Connectivity, Error, Generator, Network, Population, Projection, Signal, Source, Values, Waveform,
        interruptible,
    };

    fn network() -> Network {
        let mut network = Network::new(0.1);
        let mut cells = Population::new("cells", 3, [("V_th", -50.0), ("V_reset", -60.0)]);
        cells.soma("soma", [("C", 100.0)]);
        cells.dendritic_delay = vec![1, 2, 3];
        network.populations.push(cells);
        let spikes = Signal::Spikes { indices: vec![0, 1], times: vec![1.0, 2.0] };
        let wave = Signal::Current(Waveform { width: 1, values: vec![1.0, 2.0], interval: Some(0.5) });
        for (path, signal) in [("spikes", spikes), ("wave", wave), ("noise", Signal::Poisson)] {
            let mut generator = Generator::new(path, 2, signal, []);
            generator.breaks = vec![0.0, 1.0];
            network.generators.push(generator);
        }
        network.projections.push(Projection {
            path: "given".into(),
            pre: Source::Generator(0),
            population: 0,
            receptors: vec![0],
            connectivity: Connectivity::Csr { starts: vec![0, 1, 2], targets: vec![0, 1] },
            weight: Values::Each(vec![1.0, 2.0]).into(),
            delay: Some(Values::Each(vec![0.1, 0.2]).into()),
            plasticity: None,
        });
        network
    }

    #[test]
    fn copies_are_equal() {
        assert_eq!(network().copy(), Ok(network()));
    }

    #[test]
    fn long_copies_are_interrupted() {
        let mut network = network();
        network.generators[0].breaks = vec![0.0; 3 * crate::allocate::BLOCK];
        let found = interruptible(|| ControlFlow::Break(()), || network.copy());
        assert_eq!(found, Err(Error::Interrupted));
    }
}
