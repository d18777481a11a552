//! Checks of plastic projections.

use super::Checked;
use crate::{Error, Network, Projection};

impl Projection {
    /// Checks the rule's parameters and the dendritic delays of the postsynaptic neurons.
    pub(super) fn plasticity_fits(&self, network: &Network) -> Checked {
        let Some(plasticity) = &self.plasticity else { return Ok(()) };
        plasticity.kind.check(&self.path, &plasticity.params, 1)?;
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
