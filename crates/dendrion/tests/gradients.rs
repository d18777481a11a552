//! Compares the adjoint of a step with finite differences: every parameter of random neurons below threshold, with
//! every solver, over several steps. Both sides are evaluated node by node in f64.
#![allow(clippy::unwrap_used)] // Test helpers may panic.

use dendrion::model::{OdeMethod, Population, SdeMethod};
use dendrion_equations::{
    Adjoint, Binary, Env, Graph, Node, NodeId, SpikeDerivative, StateVar, Step, Surrogate, System, Unary,
    Wiring, adjoint, advance, evaluate, neuron, parameter_adjoint,
};
use proptest::prelude::*;

mod common;
use common::population;

const STEPS: usize = 12;
const DT: f64 = 0.1;
const CURRENT: f64 = 40.0;

/// The states of a neuron at all steps, with inputs to its gates at steps 2 and 6.
struct Course<'a> {
    system: &'a System,
    step: &'a Step,
    params: Vec<f64>,
}

/// The states at the beginning of a step and of the next one, and whether the neuron spikes in the step.
type Moment<'a> = ([&'a [f64]; 2], Option<f64>);

impl Course<'_> {
    fn value(&self, id: NodeId, states: &[f64], locals: &[f64], cotangents: &[f64]) -> f64 {
        self.reversed(id, ([states, &[]], None), locals, cotangents)
    }

    /// Evaluates an expression that may read the states of the next step and whether there was a spike.
    fn reversed(
        &self,
        id: NodeId,
        ([states, next], spike): Moment<'_>,
        locals: &[f64],
        cotangents: &[f64],
    ) -> f64 {
        let (params, inputs) = (&self.params, &[CURRENT]);
        let env = Env { params, states, next, spike, inputs, locals, cotangents, ..Env::default() };
        evaluate(&self.system.graph, id, env)[id.index()]
    }

    fn locals(&self, definitions: &[NodeId], at: Moment<'_>, cotangents: &[f64]) -> Vec<f64> {
        let mut locals = Vec::new();
        for id in definitions {
            let v = self.reversed(*id, at, &locals, cotangents);
            locals.push(v);
        }
        locals
    }

    fn run(&self) -> Vec<Vec<f64>> {
        let initial = self.system.states.iter().map(|s| self.value(s.initial, &[], &[], &[])).collect();
        let mut all: Vec<Vec<f64>> = vec![initial];
        for n in 0..STEPS {
            let states = &all[n];
            let locals = self.locals(&self.step.locals, ([states, &[]], None), &[]);
            let mut next: Vec<f64> =
                self.step.next.iter().map(|id| self.value(*id, states, &locals, &[])).collect();
            if n == 2 || n == 6 {
                self.system.receives.iter().for_each(|r| next[r.state] += 0.8);
            }
            all.push(next);
        }
        all
    }

    /// Returns a loss that depends on all states at the end.
    fn loss(&self) -> f64 {
        self.run()[STEPS].iter().zip(weights()).map(|(y, w)| w * (y + 0.01 * y * y)).sum()
    }

    /// Returns the gradient of the loss with respect to all parameters, including the path through the initial
    /// states, computed with reverse steps.
    fn gradient(&self, reverse: &Adjoint, by_parameter: &[(usize, NodeId)]) -> Vec<f64> {
        let all = self.run();
        let mut bars: Vec<f64> =
            all[STEPS].iter().zip(weights()).map(|(y, w)| w * (1.0 + 0.02 * y)).collect();
        let mut gathered = vec![0.0; reverse.coefficients.len()];
        for step in all.windows(2).rev() {
            let at: Moment<'_> = ([&step[0], &step[1]], None);
            let locals = self.locals(&reverse.locals, at, &bars);
            let value = |id: &NodeId| self.reversed(*id, at, &locals, &bars);
            for (sum, (_, part)) in gathered.iter_mut().zip(&reverse.coefficients) {
                *sum += value(part);
            }
            bars = reverse.states.iter().map(value).collect();
        }
        // Initial states depend on parameters too; they follow the coefficients in the outputs.
        let cotangents = [gathered, bars].concat();
        let mut gradient = vec![0.0; self.params.len()];
        for (p, id) in by_parameter {
            gradient[*p] = self.value(*id, &[], &[], &cotangents);
        }
        gradient
    }
}

fn weights() -> impl Iterator<Item = f64> {
    (0..).map(|i| 1.0 + f64::from(i * 7 % 5))
}

/// Returns a derivative computed by fourth-order finite differences.
fn difference(h: f64, f: impl Fn(f64) -> f64) -> f64 {
    (8.0 * (f(h) - f(-h)) - (f(2.0 * h) - f(-2.0 * h))) / (12.0 * h)
}

fn check(cell: &Population, method: OdeMethod) -> Result<(), TestCaseError> {
    let received =
        (!cell.receptors.is_empty()).then(|| (0..cell.receptors.len()).collect()).into_iter().collect();
    let wiring = Wiring { injected: vec![0], received, ..Wiring::default() };
    let mut system = neuron(cell, &wiring).unwrap();
    let step = advance(&mut system, method, SdeMethod::Milstein);
    let reverse = adjoint(&mut system, &step, None);
    let outputs: Vec<NodeId> = (reverse.coefficients.iter().map(|(id, _)| *id))
        .chain(system.states.iter().map(|s| s.initial))
        .collect();
    let by_parameter = parameter_adjoint(&mut system.graph, &outputs);
    let params: Vec<f64> = system.values(cell, DT).iter().map(|values| values.get(3)).collect();
    let course = Course { system: &system, step: &step, params };
    prop_assume!(course.run()[STEPS].iter().all(|v| v.abs() < 1e3));
    let gradient = course.gradient(&reverse, &by_parameter);
    let most = gradient.iter().skip(1).fold(0.0_f64, |m, g| m.max(g.abs()));
    // Parameter 0 is dt.
    for (p, exact) in gradient.iter().enumerate().skip(1) {
        let at = course.params[p];
        let loss = |change: f64| {
            let mut params = course.params.clone();
            params[p] = at + change;
            Course { system: &system, step: &step, params }.loss()
        };
        let key = &system.parameters[p].key;
        // Truncation errors dominate for large steps and rounding errors for small ones, so one of several steps
        // has to agree.
        let scale = at.abs().max(0.1);
        let agrees = |h: f64| {
            let error = (difference(h * scale, loss) - exact).abs();
            error / exact.abs().max(1e-6 * most).max(1e-9) < 1e-6 || error < 1e-8
        };
        let found = [1e-3, 1e-4, 1e-2, 1e-5].into_iter().any(agrees);
        prop_assert!(found, "{method:?} {key}: {exact}");
    }
    Ok(())
}

/// Values and tangents of all nodes up to `last`, in forward mode. The tangent of a comparison is that of the
/// surrogate.
struct Duals<'a> {
    system: &'a System,
    env: Env<'a>,
    /// Tangents of parameters, states and locals.
    params: &'a [f64],
    states: &'a [f64],
    locals: &'a [f64],
}

impl Duals<'_> {
    fn tangent(&self, id: NodeId) -> f64 {
        let graph = &self.system.graph;
        let values = evaluate(graph, id, self.env);
        let mut tangents: Vec<f64> = Vec::with_capacity(values.len());
        for id in graph.ids().take(id.index() + 1) {
            let (v, t) = (|id: NodeId| values[id.index()], |id: NodeId| tangents[id.index()]);
            let tangent = match graph.node(id) {
                Node::Param(p) => self.params[p as usize],
                Node::State(i) => self.states.get(i as usize).copied().unwrap_or(0.0),
                Node::Local(i) => self.locals.get(i as usize).copied().unwrap_or(0.0),
                Node::Unary(f, a) => slope(f, v(a)) * t(a),
                Node::Binary(Binary::Add, a, b) => t(a) + t(b),
                Node::Binary(Binary::Sub, a, b) => t(a) - t(b),
                Node::Binary(Binary::Mul, a, b) => t(a) * v(b) + v(a) * t(b),
                Node::Binary(Binary::Div, a, b) => t(a) / v(b) - v(id) * t(b) / v(b),
                Node::Binary(Binary::Max, a, b) => {
                    if v(a) > v(b) {
                        t(a)
                    } else {
                        t(b)
                    }
                }
                Node::Binary(Binary::Min, a, b) => {
                    if v(a) < v(b) {
                        t(a)
                    } else {
                        t(b)
                    }
                }
                Node::Binary(Binary::Greater, a, b) => sigmoid(v(a) - v(b)) * (t(a) - t(b)),
                Node::Select(c, a, b) => {
                    if v(c) == 0.0 {
                        t(b)
                    } else {
                        t(a)
                    }
                }
                _ => 0.0,
            };
            tangents.push(tangent);
        }
        tangents[id.index()]
    }
}

fn slope(f: Unary, a: f64) -> f64 {
    match f {
        Unary::Neg => -1.0,
        Unary::Abs => a.signum(),
        Unary::Sqrt => 0.5 / a.sqrt(),
        Unary::Exp | Unary::Expm1 => a.exp(),
        Unary::Exp2 => std::f64::consts::LN_2 * a.exp2(),
        Unary::Log => 1.0 / a,
        Unary::Log1p => 1.0 / (1.0 + a),
        Unary::Exprel if a.abs() < 1e-5 => 0.5 + a / 3.0,
        Unary::Exprel => (a.exp() - a.exp_m1() / a) / a,
        Unary::Tanh => 1.0 - a.tanh() * a.tanh(),
        Unary::Round => 0.0,
        Unary::LogisticSlope => -(0.5 * a).tanh() * sigmoid(2.0 * a) * 2.0,
    }
}

/// The derivative of a logistic function with a steepness of 1/2 per mV.
fn sigmoid(x: f64) -> f64 {
    let s = 1.0 / (1.0 + (-0.5 * x).exp());
    0.5 * s * (1.0 - s)
}

fn sigmoid_node(graph: &mut Graph, x: NodeId) -> NodeId {
    let (one, half) = (graph.constant(1.0), graph.constant(0.5));
    let minus = graph.constant(-0.5);
    let e = graph.mul(minus, x);
    let e = graph.unary(Unary::Exp, e);
    let below = graph.add(one, e);
    let s = graph.div(one, below);
    let rest = graph.sub(one, s);
    let product = graph.mul(s, rest);
    graph.mul(half, product)
}

impl Course<'_> {
    /// Returns the tangents of some nodes along a direction of parameters, states and locals.
    fn tangents(&self, ids: &[NodeId], at: [&[f64]; 2], along: [&[f64]; 3]) -> Vec<f64> {
        let ([states, locals], [params, t_states, t_locals]) = (at, along);
        let env = Env { params: &self.params, states, inputs: &[CURRENT], locals, ..Env::default() };
        let duals = Duals { system: self.system, env, params, states: t_states, locals: t_locals };
        ids.iter().map(|id| duals.tangent(*id)).collect()
    }

    /// Returns the states after the reset, whether there was a spike, and the tangents of the states and of the
    /// spike along a direction of states and parameters; `None` if the step diverges.
    fn forward(
        &self,
        states: &[f64],
        along: [&[f64]; 2],
        detach_reset: bool,
    ) -> Option<(Vec<f64>, f64, Vec<f64>)> {
        let [params, t_states] = along;
        let locals = self.locals(&self.step.locals, ([states, &[]], None), &[]);
        let mut t_locals = Vec::new();
        for (i, id) in self.step.locals.iter().enumerate() {
            let t = self.tangents(&[*id], [states, &locals[..i]], [params, t_states, &t_locals])[0];
            t_locals.push(t);
        }
        let after: Vec<f64> = self.step.next.iter().map(|id| self.value(*id, states, &locals, &[])).collect();
        if !after.iter().all(|v| v.abs() < 1e3) {
            return None;
        }
        let t_after = self.tangents(&self.step.next, [states, &locals], [params, t_states, &t_locals]);
        let event = self.system.event.as_ref().unwrap();
        let then = |id: NodeId| {
            let tangent = self.tangents(&[id], [&after, &[]], [params, &t_after, &[]])[0];
            (self.value(id, &after, &[], &[]), tangent)
        };
        let before = event.before.map_or(1.0, |id| self.value(id, states, &[], &[]));
        let (fired, t_fired) = then(event.condition);
        let (fired, t_fired) = (fired * before, t_fired * before);
        let (mut end, mut t_end) = (after.clone(), t_after.clone());
        for assignment in &event.then {
            let (value, t_value) = then(assignment.value);
            let (y, t) = (after[assignment.state], t_after[assignment.state]);
            let jump = if detach_reset && assignment.resets { 0.0 } else { t_fired * (value - y) };
            t_end[assignment.state] = jump + fired * t_value + (1.0 - fired) * t;
            end[assignment.state] = fired * value + (1.0 - fired) * y;
        }
        t_end.push(t_fired);
        Some((end, fired, t_end))
    }
}

/// Returns `n` numbers from -1 to 1 that vary irregularly.
fn spread(n: usize, which: usize) -> Vec<f64> {
    (0..n).map(|k| ((k * 37 + which * 11) % 17) as f64 / 8.0 - 1.0).collect()
}

/// Checks one step with a threshold: the reverse for arbitrary cotangents agrees with forward tangents in arbitrary
/// directions.
fn check_products(cell: &Population, detach_reset: bool, lift: f64) -> Result<(), TestCaseError> {
    let mut system = neuron(cell, &Wiring { injected: vec![0], ..Wiring::default() }).unwrap();
    let step = advance(&mut system, cell.method, SdeMethod::Milstein);
    let surrogate = Some(Surrogate { derivative: &sigmoid_node, scale: None });
    let reverse = adjoint(&mut system, &step, Some(&SpikeDerivative { surrogate, detach_reset }));
    let outputs: Vec<NodeId> = reverse.coefficients.iter().map(|(id, _)| *id).collect();
    let by_parameter = parameter_adjoint(&mut system.graph, &outputs);
    let params: Vec<f64> = system.values(cell, DT).iter().map(|values| values.get(5)).collect();
    let course = Course { system: &system, step: &step, params };
    let n = system.states.len();
    let start = |s: &StateVar| if s.unit == "mV" { -62.0 + lift } else { 0.3 };
    let states: Vec<f64> = system.states.iter().map(start).collect();
    let along_states = spread(n, 1);
    let mut along_params = spread(course.params.len(), 2);
    along_params[0] = 0.0; // dt
    let forward = course.forward(&states, [&along_params, &along_states], detach_reset);
    prop_assume!(forward.is_some());
    let bars = spread(n + 1, 3);
    let (next, fired, tangents) = forward.unwrap();
    let ahead: Vec<f64> = bars.iter().zip(tangents).map(|(b, t)| b * t).collect();
    let at: Moment<'_> = ([&states, &next], Some(fired));
    let locals = course.locals(&reverse.locals, at, &bars);
    let value = |id: NodeId| course.reversed(id, at, &locals, &bars);
    let gathered: Vec<f64> = reverse.coefficients.iter().map(|(_, id)| value(*id)).collect();
    let by_states: f64 = reverse.states.iter().zip(&along_states).map(|(id, t)| value(*id) * t).sum();
    let by_params: f64 =
        (by_parameter.iter()).map(|(p, id)| course.value(*id, &[], &[], &gathered) * along_params[*p]).sum();
    let size = ahead.iter().map(|v| v.abs()).sum::<f64>().max(1.0);
    let difference = ahead.iter().sum::<f64>() - by_states - by_params;
    prop_assert!(difference.abs() < 1e-10 * size, "{:?}: {difference} of {size}", cell.method);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn thresholds_are_differentiated_by_their_surrogate(
        cell in population(), detach in any::<bool>(), lift in -4.0..15.0_f64
    ) {
        check_products(&cell, detach, lift)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_adjoint_is_the_derivative_of_the_steps(cell in population()) {
        check(&cell, cell.method)?;
    }
}
