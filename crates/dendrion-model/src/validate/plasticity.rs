//! Checks of plastic projections.

use super::Checked;
use crate::{Error, INHIBITION, Network, Plasticity, Projection};

impl Plasticity {
    /// Checks the bounds of the weights: `w_min` is less than `w_max`, and not negative unless weights may be negative.
    ///
    /// # Errors
    /// Returns an error for invalid bounds.
    pub fn check_bounds(&self, path: &str, is_signed: bool) -> Checked {
        if !self.learns() {
            return Ok(());
        }
        let value = |name| self.kind.value(&self.params, name).map_or(f64::NAN, |v| v.get(0));
        let (low, high) = (value("w_min"), value("w_max"));
        if low < 0.0 && !is_signed {
            return Err(Error::parameter(path, "w_min", low, format!("a finite number >= 0{INHIBITION}")));
        }
        if low < high {
            return Ok(());
        }
        Err(Error::parameter(path, "w_max", high, format!("a finite number > w_min = {low}")))
    }
}

impl Projection {
    /// Checks the rule's parameters and the dendritic delays of the postsynaptic neurons.
    pub(super) fn plasticity_fits(&self, network: &Network) -> Checked {
        let Some(plasticity) = &self.plasticity else { return Ok(()) };
        plasticity.kind.check(&self.path, &plasticity.params, 1)?;
        plasticity.check_bounds(&self.path, self.is_signed(network))?;
        let Some(post) = network.populations.get(self.population).filter(|_| plasticity.learns()) else {
            return Ok(());
        };
        let dendritic = &post.dendritic_delay;
        if dendritic.len() != 1 && dendritic.len() != post.size {
            let (given, accepted) = (
                format!("array of length {}", dendritic.len()),
                format!("an integer or an array of length {}", post.size),
            );
            return Err(Error::parameter(&post.path, "dendritic_delay", given, accepted));
        }
        if dendritic.contains(&0) {
            let accepted = format!("at least 1 step, because the weights of {} are plastic", self.path);
            return Err(Error::parameter(&post.path, "dendritic_delay", 0, accepted));
        }
        Ok(())
    }
}
