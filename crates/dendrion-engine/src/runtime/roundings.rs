//! Times that are rounded because they are not multiples of the step.

use std::collections::HashSet;
use std::sync::Arc;

use dendrion_equations::{Env, Graph, Node, NodeId, StepCount, System, evaluate_one};
use dendrion_kernels::Scalar;
use dendrion_model::{Rounding, Values, is_multiple};

use super::model::Model;
use super::population::Cells;
use super::store::full_name;

/// Returns the roundings of times in the model, and of times that are counted in steps, at the current
/// parameter values.
pub(crate) fn roundings<T: Scalar>(model: &Model<T>) -> Vec<Rounding> {
    let mut found = model.rounded.clone();
    found.extend(roundings_where(model, |_| true));
    found
}

/// Like [`roundings`], but only for the parameters with these keys.
pub(crate) fn roundings_of<T: Scalar>(model: &Model<T>, keys: &[String]) -> Vec<Rounding> {
    let keys: HashSet<&str> = keys.iter().map(String::as_str).collect();
    roundings_where(model, |key| keys.contains(key))
}

/// Returns the keys of the parameters that determine times counted in steps.
pub(crate) fn step_parameters<T: Scalar>(model: &Model<T>) -> Vec<String> {
    let mut keys = Vec::new();
    for cells in &model.cells {
        for count in &cells.system.step_counts {
            let own = parameters(&cells.system.graph, count.time).into_iter();
            keys.extend(own.map(|i| full_name(&cells.path, &cells.system.parameters[i].key)));
        }
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn roundings_where<T: Scalar>(model: &Model<T>, concerns: impl Fn(&str) -> bool) -> Vec<Rounding> {
    let mut found: Vec<Rounding> = Vec::new();
    for (i, cells) in model.cells.iter().enumerate() {
        // Without memory for these values, there is none for warnings either.
        let Ok(values) = model.parameters.of_system(i) else { continue };
        let first = found.len();
        for count in &cells.system.step_counts {
            let own = parameters(&cells.system.graph, count.time);
            let key = |i: &usize| full_name(&cells.path, &cells.system.parameters[*i].key);
            if own.is_empty() || own.iter().any(|i| concerns(&key(i))) {
                let rounding = rounding(cells, &values, count, &own, model.network.dt);
                found.extend(rounding.filter(|r| !found[first..].contains(r)));
            }
        }
    }
    found
}

/// Returns the rounding of a time, if there is one. The message names the parameter, or the time if it depends on
/// several parameters.
fn rounding<T: Scalar>(
    Cells { path, system, .. }: &Cells<T>,
    values: &[Arc<Values>],
    count: &StepCount,
    own: &[usize],
    dt: f64,
) -> Option<Rounding> {
    let module = if count.module.is_empty() { path.clone() } else { format!("{path}/{}", count.module) };
    let times = times(system, values, count.time, own);
    if let [one] = own {
        let (parameter, values) = (&system.parameters[*one], values[*one].as_slice());
        let is_shifted = |(t, v): (&f64, &f64)| is_multiple((t - v).abs(), dt);
        if parameter.unit == "ms" && times.iter().zip(values).all(is_shifted) {
            return Rounding::of(&module, &parameter.name, values, dt);
        }
    }
    let names: Vec<&str> = own.iter().map(|i| &*system.parameters[*i].name).collect();
    let from = if names.is_empty() { String::new() } else { format!(" (from {})", names.join(", ")) };
    Rounding::of(&module, &format!("the time of an event{from}"), &times, dt)
}

/// Returns the parameters on which an expression depends, except for the time step.
fn parameters(graph: &Graph, root: NodeId) -> Vec<usize> {
    let (mut found, mut stack) = (Vec::new(), vec![root]);
    while let Some(id) = stack.pop() {
        match graph.node(id) {
            Node::Param(i) if i as usize != System::DT => found.push(i as usize),
            node => stack.extend(node.operands()),
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Returns the values of an expression: one, or one per neuron.
fn times(system: &System, values: &[Arc<Values>], root: NodeId, own: &[usize]) -> Vec<f64> {
    let size = own.iter().map(|i| values[*i].as_slice().len());
    let mut params: Vec<f64> = values.iter().map(|values| values.get(0)).collect();
    let mut at = |k: usize| {
        own.iter().for_each(|i| params[*i] = values[*i].get(k));
        evaluate_one(&system.graph, root, Env { params: &params, ..Env::default() })
    };
    (0..size.max().unwrap_or(1)).map(&mut at).collect()
}
