//! Rates at which states change on their own: the diagonal of the Jacobian, at several voltages.
//!
//! The time constants of voltage-gated channels depend on V, and so does the membrane conductance through its
//! gates. Whether a step is too long for an explicit method therefore depends on the voltages that a neuron
//! visits. This module sets all compartments to the same voltage, scans a plausible range of voltages, and
//! sets the other states to the steady states found by one Newton step, which is exact for gates because the
//! derivative of a gate is linear in the gate.

use std::sync::Arc;

use dendrion_model::Values;

use crate::evaluate::{Env, evaluate_only};
use crate::graph::{Graph, Node, NodeId};
use crate::passes::derivative::derivative;
use crate::system::{Rule, System};

/// The rate at which a state changes on its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Rate {
    /// Name of the state, such as `soma.V`.
    pub state: String,
    /// The largest value of -∂f/∂y (1/ms), which is the inverse of the shortest time constant.
    pub rate: f64,
    /// The voltage of the largest value (mV).
    pub voltage: f64,
}

/// Number of voltages in addition to the lowest one.
const STEPS: usize = 12;
/// Distance of the lowest voltage from the lowest initial voltage (mV).
const BELOW: f64 = 15.0;
/// The highest voltage (mV).
const HIGHEST: f64 = 40.0;
/// Maximum number of examined neurons. Only neurons in which a parameter has its smallest or largest value
/// are examined.
const NEURONS: usize = 16;

/// Returns the largest rate of each state that has a derivative and tends to a steady state, for these values of the
/// parameters.
pub fn rates(system: &System, parameters: &[Arc<Values>]) -> Vec<Rate> {
    let mut graph = system.graph.clone();
    let slopes = slopes(&mut graph, system);
    let ids = reached(&graph, system, &slopes);
    let mut found: Vec<Rate> = slopes
        .iter()
        .map(|s| Rate { state: system.states[s.state].name.clone(), rate: 0.0, voltage: 0.0 })
        .collect();
    for neuron in extreme(parameters) {
        let params: Vec<f64> = parameters.iter().map(|values| values.get(neuron)).collect();
        let at = Point { graph: &graph, ids: &ids, params: &params, inputs: &vec![0.0; system.inputs()] };
        at.scan(system, &slopes, &mut found);
    }
    found.retain(|rate| rate.rate > 0.0);
    found
}

/// A state with its derivative f and ∂f/∂y.
struct Own {
    state: usize,
    derivative: NodeId,
    slope: NodeId,
    is_voltage: bool,
}

fn slopes(graph: &mut Graph, system: &System) -> Vec<Own> {
    let mut slopes = Vec::new();
    for (i, state) in system.states.iter().enumerate() {
        if let Rule::Derivative(f) = state.rule {
            let y = graph.intern(Node::State(i as u32));
            let slope = derivative(graph, f, y);
            let is_voltage = state.name.rsplit('.').next() == Some("V");
            slopes.push(Own { state: i, derivative: f, slope, is_voltage });
        }
    }
    slopes
}

/// Returns all nodes that the derivatives and initial values need, with operands first.
fn reached(graph: &Graph, system: &System, slopes: &[Own]) -> Vec<NodeId> {
    let mut ids = Vec::new();
    let roots = slopes.iter().flat_map(|s| [s.derivative, s.slope]);
    for root in roots.chain(system.states.iter().map(|s| s.initial)) {
        graph.visit_ids(root, &mut |id| ids.push(id));
    }
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Returns the neurons in which a parameter is smallest or largest.
fn extreme(parameters: &[Arc<Values>]) -> Vec<usize> {
    let mut neurons = vec![0];
    for values in parameters.iter().filter(|values| values.uniform().is_none()) {
        let values = values.as_slice();
        let order = |a: &usize, b: &usize| values[*a].total_cmp(&values[*b]);
        neurons.extend((0..values.len()).min_by(order));
        neurons.extend((0..values.len()).max_by(order));
    }
    neurons.sort_unstable();
    neurons.dedup();
    neurons.truncate(NEURONS);
    neurons
}

/// The parameters of one neuron.
struct Point<'a> {
    graph: &'a Graph,
    ids: &'a [NodeId],
    params: &'a [f64],
    inputs: &'a [f64],
}

impl Point<'_> {
    fn values(&self, states: &[f64]) -> Vec<f64> {
        let env =
            Env { params: self.params, states, inputs: self.inputs, noises: self.inputs, ..Env::default() };
        evaluate_only(self.graph, self.ids, env)
    }

    /// Updates `found` if this neuron has a larger rate at some voltage.
    fn scan(&self, system: &System, slopes: &[Own], found: &mut [Rate]) {
        let values = self.values(&[]);
        let initial: Vec<f64> = system.states.iter().map(|s| values[s.initial.index()]).collect();
        let voltages = slopes.iter().filter(|s| s.is_voltage).map(|s| initial[s.state]);
        let lowest = voltages.fold(f64::INFINITY, f64::min) - BELOW;
        if !lowest.is_finite() {
            return;
        }
        for step in 0..=STEPS {
            let voltage = lowest + (HIGHEST - lowest).max(0.0) * step as f64 / STEPS as f64;
            let values = self.values(&self.settled(voltage, &initial, slopes));
            for (slope, rate) in slopes.iter().zip(&mut *found) {
                let own = -values[slope.slope.index()];
                if own.is_finite() && own > rate.rate {
                    (rate.rate, rate.voltage) = (own, voltage);
                }
            }
        }
    }

    /// Returns the states at a voltage, with gates at their steady states.
    fn settled(&self, voltage: f64, initial: &[f64], slopes: &[Own]) -> Vec<f64> {
        let mut states = initial.to_vec();
        slopes.iter().filter(|s| s.is_voltage).for_each(|s| states[s.state] = voltage);
        let values = self.values(&states);
        for slope in slopes.iter().filter(|s| !s.is_voltage) {
            let (f, own) = (values[slope.derivative.index()], values[slope.slope.index()]);
            let end = states[slope.state] - f / own;
            if own < 0.0 && end.is_finite() {
                states[slope.state] = end;
            }
        }
        states
    }
}
