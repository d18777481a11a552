//! Creates a simulation from a file.

use dendrion_engine::{ProbeId, Simulation};
use dendrion_language::{TextError, suggestion};
use dendrion_model::allocate::collected;
use dendrion_model::{Rounding, nearest_step};

use crate::{File, Record};

impl File {
    /// Creates a simulation of the network, with a probe for each of [`Extras::records`](crate::Extras::records),
    /// in the same order.
    ///
    /// # Errors
    /// Returns an error if the network cannot be built, for example because a drawn delay is too short, or if
    /// a variable, neuron or frozen parameter is unknown. The error includes its position in the text.
    pub fn simulation(&self) -> Result<(Simulation, Vec<ProbeId>), TextError> {
        let network = self.network.copy().map_err(|e| self.locate(&e))?;
        let mut simulation = Simulation::new(network).map_err(|e| self.locate(&e))?;
        let known = simulation.parameter_names();
        for key in &self.extras.frozen {
            if !known.contains(key) {
                let (module, name) = key.rsplit_once('.').unwrap_or((key, ""));
                let own = known.iter().filter_map(|k| k.strip_prefix(module)?.strip_prefix('.'));
                let hint = suggestion(name, own);
                let message = format!("{module}: frozen: no parameter named {name:?}{hint}");
                return Err(TextError::new(&self.text, self.places.of(module, "frozen"), message));
            }
        }
        let probes = self.extras.records.iter().map(|r| self.probe(&mut simulation, r));
        let probes = probes.collect::<Result<_, _>>()?;
        Ok((simulation, probes))
    }

    fn probe(&self, simulation: &mut Simulation, record: &Record) -> Result<ProbeId, TextError> {
        let module = format!("record {}", record.name);
        let wrong =
            |entry: &str, why: String| TextError::new(&self.text, self.places.of(&module, entry), why);
        let dt = simulation.dt();
        let every = match record.every {
            None => 1,
            Some(ms) if nearest_step(ms, dt) >= 1.0 && (ms / dt) < 9e18 => nearest_step(ms, dt) as u64,
            Some(ms) => {
                let why =
                    format!("{module}: every = {ms}: expected at least half a time step ({} ms)", dt / 2.0);
                return Err(wrong("every", why));
            }
        };
        if let Some(rounding) = record.every.and_then(|ms| Rounding::of(&module, "every", &[ms], dt)) {
            simulation.note_rounding(rounding);
        }
        let indices = record.indices.as_ref().map(|v| collected(v.iter().map(|i| *i as usize))).transpose();
        let indices: Option<Vec<usize>> = indices.map_err(|error| self.locate(&error))?;
        let probe = simulation.add_probe(&record.of, &record.variable, every, indices.as_deref());
        probe.map_err(|error| {
            let unknown = matches!(error, dendrion_model::Error::UnknownName { .. });
            wrong(if unknown { "variable" } else { "indices" }, format!("{module}: {error}"))
        })
    }
}
