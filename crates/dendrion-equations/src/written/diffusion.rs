//! Concentrations that diffuse along the dendrites of detailed cells.

use dendrion_language::{Diffuse, TextError};
use dendrion_model::{Error, Place, Role};

use super::Written;
use crate::mechanisms::membrane::Membrane;
use crate::system::Builder;

impl<'g> Written<'_, 'g> {
    /// Writes the diffusion of the concentrations of a mechanism.
    pub(super) fn diffusion(
        &mut self,
        b: &mut Builder<'g>,
        membranes: &[Membrane<'g>],
        i: usize,
    ) -> Result<(), Error> {
        for diffuse in self.parts[i].definition.diffuses.clone() {
            let is_possible = matches!(self.population.role, Role::Placed { place: Place::Density, .. });
            if !is_possible {
                return Err(self.cannot_diffuse(i, diffuse));
            }
            let coefficient = self.root(b, membranes, i, diffuse.coefficient)?;
            b.spread(self.parts[i].states[diffuse.state], coefficient);
        }
        Ok(())
    }

    fn cannot_diffuse(&self, i: usize, diffuse: Diffuse) -> Error {
        let definition = &self.parts[i].definition;
        let name = &definition.states[diffuse.state].name;
        let message = match self.population.role {
            Role::Placed { .. } => format!(
                "{name} diffuses, but the mechanism is placed at points, which have no volume; place it on a region"
            ),
            _ => format!(
                "{name} diffuses, which is only possible along the dendrites of detailed cells; remove 'diffuse', or place the \
                 mechanism on a CableNeuron"
            ),
        };
        let message = TextError::new(&definition.text, diffuse.span, message).to_string();
        Error::Text { module: self.path(i), message }
    }
}
