//! Solvers: compute the states one step later from the derivatives.
//!
//! f is the derivative of the states y, h is the time step, and inputs are held at their values at `t_n`.
//! States with their own update rule (such as a refractory counter) are constant while the other states are
//! integrated. Noise is added to the result of the drift method ([`diffusion`]).

mod coupled;
mod differences;
mod diffusion;
mod explicit;
mod exponential;
mod implicit;
mod pools;
mod writer;

use dendrion_model::{OdeMethod, SdeMethod};

use crate::phase::{CURRENT, SLOPE};
use crate::system::System;

use writer::Writer;
pub use writer::{Pivot, Slope, Solve, Step, Unknown};

/// Returns the step of `dt` that advances all states, with the drift computed by `ode` and the diffusion by
/// `sde`.
pub fn advance(system: &mut System, ode: OdeMethod, sde: SdeMethod) -> Step {
    let coupled = system.coupled.and_then(|phase| {
        let (current, slope) = (system.state(CURRENT)?, system.state(SLOPE)?);
        Some((coupled::Outputs { current, slope }, phase))
    });
    let mut writer = Writer::new(system);
    let mut next = match ode {
        OdeMethod::CrankNicolson | OdeMethod::ImplicitEuler if coupled.is_some() => {
            let theta = if ode == OdeMethod::CrankNicolson { 0.5 } else { 1.0 };
            let coupled = coupled.map(|(outputs, phase)| coupled::step(&mut writer, theta, &outputs, phase));
            coupled.unwrap_or_default()
        }
        OdeMethod::Euler => explicit::step(&mut writer, &explicit::EULER),
        OdeMethod::Midpoint => explicit::step(&mut writer, &explicit::MIDPOINT),
        OdeMethod::Heun2 => explicit::step(&mut writer, &explicit::HEUN2),
        OdeMethod::Heun3 => explicit::step(&mut writer, &explicit::HEUN3),
        OdeMethod::Rk4 => explicit::step(&mut writer, &explicit::RK4),
        OdeMethod::ExpEuler => exponential::step(&mut writer),
        OdeMethod::ImplicitEuler => implicit::step(&mut writer, 1.0),
        OdeMethod::CrankNicolson => implicit::step(&mut writer, 0.5),
    };
    let (locals, solves) = (writer.locals, writer.solves);
    if system.pools.is_some() {
        pools::first(system, &mut next);
    }
    diffusion::add(system, sde, &mut next);
    Step { locals, next, solves, slopes: Vec::new() }
}
