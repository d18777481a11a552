//! How fast each state of a system changes by itself: the diagonal of the Jacobian, at several voltages.
//!
//! The time constants of voltage-gated channels depend on V, and so does the conductance of a membrane through its gates.
//! Whether a step is too long for an explicit method therefore depends on the voltages that a neuron visits. Here all
//! compartments are put at the same voltage, one after another over a plausible range, and the other states at the steady state that one
//! Newton step leads to, which is exact for gates (they are linear in themselves).

use crate::evaluate::{Env, evaluate_only};
use crate::graph::{Graph, Node, NodeId};
use crate::passes::derivative::derivative;
use crate::system::{Rule, System};

/// How fast a state changes by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Rate {
    /// Name of the state, such as `soma.V`.
    pub state: String,
    /// The largest -∂f/∂y that was found (1/ms): the inverse of its shortest time constant.
    pub rate: f64,
    /// The voltage at which it was found (mV).
    pub voltage: f64,
}

/// Voltages tried, besides the lowest one.
const STEPS: usize = 12;
/// How far below the lowest initial voltage the range begins (mV).
const BELOW: f64 = 15.0;
/// Where the range ends (mV).
const HIGHEST: f64 = 40.0;
/// Neurons tried, at most: those where a parameter has its smallest and largest values.
const NEURONS: usize = 16;

/// The fastest rate of each state that has a derivative and tends to a steady state.
pub fn rates(system: &System) -> Vec<Rate> {
    let mut graph = system.graph.clone();
    let slopes = slopes(&mut graph, system);
    let ids = reached(&graph, system, &slopes);
    let mut found: Vec<Rate> = slopes
        .iter()
        .map(|s| Rate { state: system.states[s.state].name.clone(), rate: 0.0, voltage: 0.0 })
        .collect();
    for neuron in extreme(system) {
        let params: Vec<f64> = system.parameters.iter().map(|p| p.values.get(neuron)).collect();
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

/// All nodes that the slopes and initial values need, operands first.
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

/// The neurons where some parameter is smallest or largest.
fn extreme(system: &System) -> Vec<usize> {
    let mut neurons = vec![0];
    for parameter in system.parameters.iter().filter(|p| p.values.uniform().is_none()) {
        let values = parameter.values.as_slice();
        let order = |a: &usize, b: &usize| values[*a].total_cmp(&values[*b]);
        neurons.extend((0..values.len()).min_by(order));
        neurons.extend((0..values.len()).max_by(order));
    }
    neurons.sort_unstable();
    neurons.dedup();
    neurons.truncate(NEURONS);
    neurons
}

/// A neuron, by its parameters.
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

    /// Raises `found` where this neuron is faster at some voltage.
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

    /// The states at a voltage, with gates at their steady states.
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
