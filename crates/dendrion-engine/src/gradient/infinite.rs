//! Search for the expression that made a gradient infinite or NaN, based on the states of the steps in which it
//! happened.
//!
//! The cotangent of a step's input is the sum of the cotangents of its results times local derivatives. The search
//! therefore evaluates the local derivatives of each expression at the recorded states
//! (`dendrion_equations::infinite_slope`), in f64, and reports one that is not finite although its operands are.

use dendrion_equations::{System, infinite_slope};
use dendrion_kernels::Scalar;

use super::backward::Reversible;
use super::suspect::Suspect;
use super::trace::Trace;
use super::wanted::Wanted;
use crate::runtime::store::full_name;

/// Maximum number of neurons of a population that are searched.
const MOST: usize = 256;

/// Returns the expression that made a neuron's cotangents infinite or NaN, phrased as the end of a sentence.
pub(super) fn infinite_at<T: Scalar>(trace: &Trace<T>, suspect: &Suspect, wanted: &Wanted) -> Option<String> {
    let of = &trace.populations[suspect.population];
    let wanted = wanted.of_population(trace, suspect.population);
    let params = parameters(of, suspect.neuron);
    let dt = params[System::DT];
    // Cotangents propagate from the last step to the first, so the last step with such an expression is the cause.
    suspect.steps.iter().rev().find_map(|(step, states)| {
        // Rounding removes the error of the product of a step number and dt.
        let time = (*step as f64 * dt * 1e9).round() / 1e9;
        described(of, &params, states, &wanted, &format!("neuron {}, t = {time} ms", suspect.neuron))
    })
}

/// Returns an expression that contains only parameters and makes a gradient infinite or NaN, for the first
/// neuron that has one. In populations with individual parameters, only the first `MOST` neurons are
/// searched.
pub(super) fn infinite_in_parameters<T: Scalar>(trace: &Trace<T>, wanted: &Wanted) -> Option<String> {
    trace.populations.iter().enumerate().find_map(|(p, of)| {
        let wanted = wanted.of_population(trace, p);
        let is_shared = of.parameters.iter().all(|values| values.as_slice().len() == 1);
        let most = if is_shared { 1 } else { MOST };
        (0..of.layout.size.min(most)).find_map(|neuron| {
            let params = parameters(of, neuron);
            let states = of.system.initial(&params);
            described(of, &params, &states, &wanted, &format!("neuron {neuron}"))
        })
    })
}

/// Returns the parameters of one neuron.
fn parameters<T: Scalar>(of: &Reversible<T>, neuron: usize) -> Vec<f64> {
    of.parameters.iter().map(|values| values.get(neuron)).collect()
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
        "the derivative of {} with respect to {} is {}{at} ({place}), in {}{}; use another expression there, for \
         example with where(condition, ..., ...)",
        found.formula,
        found.argument,
        found.slope,
        found.part,
        full_name(&of.path, &found.name),
    ))
}
