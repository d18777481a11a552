//! The adjoint of a step against differences of steps: every parameter of random neurons below threshold, by every solver, over several steps. Both sides are evaluated node by node in f64.
#![allow(clippy::unwrap_used)] // Helpers of tests fail as tests do.

use dendrion::model::{OdeMethod, Population, SdeMethod};
use dendrion_equations::{
    Adjoint, Env, NodeId, Step, System, Wiring, adjoint, advance, evaluate, neuron, parameter_adjoint,
};
use proptest::prelude::*;

mod common;
use common::population;

const STEPS: usize = 12;
const DT: f64 = 0.1;
const CURRENT: f64 = 40.0;

/// The states of a neuron from step to step, with what arrives at its gates at steps 2 and 6.
struct Course<'a> {
    system: &'a System,
    step: &'a Step,
    params: Vec<f64>,
}

impl Course<'_> {
    fn value(&self, id: NodeId, states: &[f64], locals: &[f64], cotangents: &[f64]) -> f64 {
        let inputs = [CURRENT];
        let env = Env { params: &self.params, states, inputs: &inputs, locals, cotangents, ..Env::default() };
        evaluate(&self.system.graph, id, env)[id.index()]
    }

    fn locals(&self, definitions: &[NodeId], states: &[f64], cotangents: &[f64]) -> Vec<f64> {
        let mut locals = Vec::new();
        for id in definitions {
            let v = self.value(*id, states, &locals, cotangents);
            locals.push(v);
        }
        locals
    }

    fn run(&self) -> Vec<Vec<f64>> {
        let initial = self.system.states.iter().map(|s| self.value(s.initial, &[], &[], &[])).collect();
        let mut all: Vec<Vec<f64>> = vec![initial];
        for n in 0..STEPS {
            let states = &all[n];
            let locals = self.locals(&self.step.locals, states, &[]);
            let mut next: Vec<f64> =
                self.step.next.iter().map(|id| self.value(*id, states, &locals, &[])).collect();
            if n == 2 || n == 6 {
                self.system.receives.iter().for_each(|r| next[r.state] += 0.8);
            }
            all.push(next);
        }
        all
    }

    /// A number made of all states at the end.
    fn loss(&self) -> f64 {
        self.run()[STEPS].iter().zip(weights()).map(|(y, w)| w * (y + 0.01 * y * y)).sum()
    }

    /// The gradient of the loss by all parameters, also through initial states, by reverses of steps.
    fn gradient(&self, reverse: &Adjoint, by_parameter: &[(usize, NodeId)]) -> Vec<f64> {
        let all = self.run();
        let mut bars: Vec<f64> =
            all[STEPS].iter().zip(weights()).map(|(y, w)| w * (1.0 + 0.02 * y)).collect();
        let mut gathered = vec![0.0; reverse.coefficients.len()];
        for states in all[..STEPS].iter().rev() {
            let locals = self.locals(&reverse.locals, states, &bars);
            for (sum, (_, part)) in gathered.iter_mut().zip(&reverse.coefficients) {
                *sum += self.value(*part, states, &locals, &bars);
            }
            bars = reverse.states.iter().map(|id| self.value(*id, states, &locals, &bars)).collect();
        }
        // Initial states depend on parameters too; they are outputs after the coefficients.
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

/// A derivative by differences of fourth order.
fn difference(scale: f64, f: impl Fn(f64) -> f64) -> f64 {
    let h = 1e-3 * scale;
    (8.0 * (f(h) - f(-h)) - (f(2.0 * h) - f(-2.0 * h))) / (12.0 * h)
}

fn check(cell: &Population, method: OdeMethod) -> Result<(), TestCaseError> {
    let received =
        (!cell.receptors.is_empty()).then(|| (0..cell.receptors.len()).collect()).into_iter().collect();
    let wiring = Wiring { injected: vec![0], received };
    let mut system = neuron(cell, &wiring, DT).unwrap();
    let step = advance(&mut system, method, SdeMethod::Milstein);
    let reverse = adjoint(&mut system, &step);
    let outputs: Vec<NodeId> = (reverse.coefficients.iter().map(|(id, _)| *id))
        .chain(system.states.iter().map(|s| s.initial))
        .collect();
    let by_parameter = parameter_adjoint(&mut system.graph, &outputs);
    let params: Vec<f64> = system.parameters.iter().map(|p| p.values.get(3)).collect();
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
        let found = difference(at.abs().max(0.1), loss);
        let error = (found - exact).abs() / exact.abs().max(1e-6 * most).max(1e-9);
        let key = &system.parameters[p].key;
        prop_assert!(error < 1e-6 || (found - exact).abs() < 1e-8, "{method:?} {key}: {exact} {found}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_adjoint_is_the_derivative_of_the_steps(cell in population()) {
        check(&cell, cell.method)?;
    }
}
