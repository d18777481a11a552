//! Which expression made a gradient infinite or NaN: found from the states of the steps in which it happened.

use dendrion_equations::{System, infinite_slope};
use dendrion_kernels::Scalar;

use super::backward::Reversible;
use super::suspect::Suspect;
use super::trace::Trace;
use super::wanted::Wanted;
use crate::runtime::target::full_name;

/// Neurons that are looked at one by one.
const MOST: usize = 256;

/// The expression that made a neuron's cotangents infinite or NaN, as the end of a sentence.
pub(super) fn infinite_at<T: Scalar>(trace: &Trace<T>, suspect: &Suspect, wanted: &Wanted) -> Option<String> {
    let of = &trace.populations[suspect.population];
    let wanted = wanted.of_population(trace, suspect.population);
    let params = parameters(of, suspect.neuron);
    let dt = params[System::DT];
    // From the last step on, as cotangents go: the first expression found is the one that made the others infinite too.
    suspect.steps.iter().rev().find_map(|(step, states)| {
        let time = (*step as f64 * dt * 1e9).round() / 1e9;
        described(of, &params, states, &wanted, &format!("neuron {}, t = {time} ms", suspect.neuron))
    })
}

/// The expression of parameters alone that makes a gradient infinite or NaN, for the first neuron that has one. Of large
/// populations with a value per neuron, only the first neurons are looked at.
pub(super) fn infinite_in_parameters<T: Scalar>(trace: &Trace<T>, wanted: &Wanted) -> Option<String> {
    trace.populations.iter().enumerate().find_map(|(p, of)| {
        let wanted = wanted.of_population(trace, p);
        let is_shared = of.system.parameters.iter().all(|p| p.values.as_slice().len() == 1);
        let most = if is_shared { 1 } else { MOST };
        (0..of.layout.size.min(most)).find_map(|neuron| {
            let params = parameters(of, neuron);
            let states = of.system.initial(&params);
            described(of, &params, &states, &wanted, &format!("neuron {neuron}"))
        })
    })
}

/// The parameters of one neuron.
fn parameters<T: Scalar>(of: &Reversible<T>, neuron: usize) -> Vec<f64> {
    of.system.parameters.iter().map(|p| p.values.get(neuron)).collect()
}

fn described<T: Scalar>(
    of: &Reversible<T>,
    params: &[f64],
    states: &[f64],
    wanted: &[bool],
    place: &str,
) -> Option<String> {
    let found = infinite_slope(&of.system, of.methods.0, (params, states), &|p| wanted[p])?;
    let at = if found.at.is_empty() { String::new() } else { format!(" at {}", found.at.join(", ")) };
    Some(format!(
        "the derivative of {} with respect to {} is {}{at} ({place}), in {}{}; choose another expression there, with \
         where(condition, ..., ...) for example",
        found.formula,
        found.argument,
        found.slope,
        found.part,
        full_name(&of.path, &found.name),
    ))
}
