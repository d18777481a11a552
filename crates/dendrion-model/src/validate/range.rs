//! Checks that numbers are within the range of the network's floating-point type.

use super::Checked;
use crate::{Dtype, Error, Initializer, Network, Params, PerConnection, Population, Signal, Values};

impl Dtype {
    /// Returns whether a number, if it is finite, remains finite in this type.
    pub fn holds(self, v: f64) -> bool {
        match self {
            Self::Float32 => !v.is_finite() || (v as f32).is_finite(),
            Self::Float64 => true,
        }
    }

    /// Checks that finite numbers remain finite in this type.
    ///
    /// # Errors
    /// Returns [`Error::Parameter`] for the first number that does not, with `name` as the parameter's name.
    pub fn check(self, module: &str, name: &str, values: &Values) -> Result<(), Error> {
        let Some(i) = values.as_slice().iter().position(|v| !self.holds(*v)) else { return Ok(()) };
        let name = if matches!(values, Values::Each(_)) { format!("{name}[{i}]") } else { name.to_string() };
        let accepted = format!(
            "a magnitude of at most {:.7e}, the largest float32; use dtype float64 for larger numbers",
            f32::MAX
        );
        Err(Error::parameter(module, name, format!("{:e}", values.as_slice()[i]), accepted))
    }

    fn check_all(self, module: &str, params: &Params) -> Checked {
        params.iter().try_for_each(|(name, values)| self.check(module, name, values))
    }
}

impl Network {
    /// Checks all numbers that the engine stores in the network's type.
    pub(super) fn numbers_are_in_range(&self) -> Checked {
        if self.dtype == Dtype::Float64 {
            return Ok(());
        }
        self.populations.iter().try_for_each(|p| p.numbers_are_in_range(self.dtype))?;
        for generator in &self.generators {
            self.dtype.check_all(&generator.path, &generator.params)?;
            if let Signal::Current(wave) = &generator.signal
                && let Some(i) = wave.values.iter().position(|v| !self.dtype.holds(*v))
            {
                let name = format!("waveform[{}]", i / wave.width.max(1));
                self.dtype.check(&generator.path, &name, &Values::Scalar(wave.values[i]))?;
            }
        }
        for projection in &self.projections {
            match &projection.weight {
                PerConnection::Given(values) => self.dtype.check(&projection.path, "w", values)?,
                PerConnection::Drawn(initializer) => drawn(self.dtype, &projection.path, initializer)?,
            }
            if let Some(plasticity) = &projection.plasticity {
                self.dtype.check_all(&projection.path, &plasticity.params)?;
            }
        }
        Ok(())
    }
}

impl Population {
    fn numbers_are_in_range(&self, dtype: Dtype) -> Checked {
        dtype.check_all(&self.path, &self.params)?;
        let parts = (self.compartments.iter().map(|c| (&c.name, &c.params)))
            .chain(self.receptors.iter().map(|r| (&r.name, &r.params)))
            .chain(self.couplings.iter().map(|c| (&c.name, &c.params)))
            .chain(self.noises.iter().map(|n| (&n.name, &n.params)))
            .chain(self.mechanisms.iter().map(|m| (&m.name, &m.params)));
        for (name, params) in parts {
            dtype.check_all(&self.path_of(name), params)?;
        }
        Ok(())
    }
}

/// Checks the center of a distribution of weights. Each weight is checked when it is drawn.
fn drawn(dtype: Dtype, path: &str, initializer: &Initializer) -> Checked {
    let (name, value) = match initializer {
        Initializer::Constant { value } => ("weight: Constant: value", *value),
        Initializer::Uniform { high, .. } => ("weight: Uniform: high", *high),
        Initializer::Normal { mean, .. } => ("weight: Normal: mean", *mean),
        Initializer::LogNormal { .. } => return Ok(()),
        Initializer::Truncated { of, .. } => return drawn(dtype, path, of),
    };
    dtype.check(path, name, &Values::Scalar(value))
}

#[cfg(test)]
mod tests {
    use crate::{Dtype, Network, Population};

    #[test]
    fn numbers_beyond_float32_are_refused_in_its_networks_alone() {
        let population = Population::new("cells", 2, [("V_th", 1e39)]);
        for (dtype, is_refused) in [(Dtype::Float32, true), (Dtype::Float64, false)] {
            let network = Network { dtype, populations: vec![population.clone()], ..Network::new(0.1) };
            assert_eq!(network.numbers_are_in_range().is_err(), is_refused);
        }
        assert!(Dtype::Float32.holds(3.4e38) && !Dtype::Float32.holds(-3.5e38));
        let error = Dtype::Float32.check("cell/soma", "V", &vec![0.0, 1e200].into()).expect_err("too large");
        let expected = "cell/soma: V[1] = 1e200: expected a magnitude of at most 3.4028235e38, the largest float32; \
            use dtype float64 for larger numbers";
        assert_eq!(error.to_string(), expected);
    }
}
