//! Noise on a compartment, in the Ito interpretation.
//!
//! - White noise: a current sigma dW with intensity sigma.
//! - Ornstein-Uhlenbeck noise: a current I with dI = (mean - I)/tau dt + sigma sqrt(2/tau) dW, whose standard
//!   deviation is sigma. Its update is exact (Gillespie 1996): I' = mean + (I - mean) e^(-h/tau) + sigma sqrt(1 -
//!   e^(-2h/tau)) ξ.
//! - Conductance noise: sigma (E - V) dW, the white-noise limit of a fluctuating conductance with mean 0.

use dendrion_model::{Error, ModuleKind, Noise, Owner};

use super::membrane::Membrane;
use crate::expr::Expr;
use crate::system::{Builder, Scope};

/// Adds the noise with index `i` to the membrane of its compartment.
pub(crate) fn noise<'g>(
    b: &mut Builder<'g>,
    (i, noise): (usize, &Noise),
    on: &mut Membrane<'g>,
) -> Result<(), Error> {
    let scope = Scope { name: &noise.name, kind: noise.kind, owner: Owner::Noise(i), params: &noise.params };
    let sigma = b.param(&scope, "sigma")?;
    match noise.kind {
        ModuleKind::OuNoise => {
            let current = ornstein_uhlenbeck(b, &scope, sigma)?;
            on.add(current);
        }
        ModuleKind::ConductanceNoise => {
            let e = b.param(&scope, "E")?;
            on.fluctuate(sigma * (e - on.v.value));
        }
        _ => on.fluctuate(sigma),
    }
    Ok(())
}

fn ornstein_uhlenbeck<'g>(
    b: &mut Builder<'g>,
    scope: &Scope<'_>,
    sigma: Expr<'g>,
) -> Result<Expr<'g>, Error> {
    let (tau, mean) = (b.param(scope, "tau")?, b.param(scope, "mean")?);
    let i = b.state(scope, "I", "pA", mean);
    let h = b.dt() / tau;
    let kick = sigma * (-(-2.0 * h).exp_m1()).sqrt();
    let xi = b.noise(scope);
    b.update(i, mean + (i.value - mean) * (-h).exp() + kick * xi);
    Ok(i.value)
}
