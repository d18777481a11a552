//! Diagnosis of gradients that are not finite: finds and names the expression whose derivative is infinite or NaN.
//!
//! The diagnosis runs only after a gradient has turned out to be infinite or NaN.

use std::collections::BTreeSet;

use dendrion_language::{Binary, ExpressionText, Function};
use dendrion_model::OdeMethod;

use crate::evaluate::{Env, evaluate};
use crate::graph::{Graph, Node, NodeId};
use crate::passes::derivative::{derivative, power_slopes, unary_slope};
use crate::system::{Rule, System};

/// Approximate maximum length of a formula in characters; inner parts of longer formulas are omitted.
const LENGTH: usize = 80;
/// Maximum number of variables whose values are reported.
const VARIABLES: usize = 3;

/// An expression whose derivative is infinite or NaN at some point.
#[derive(Clone, Debug, PartialEq)]
pub struct InfiniteSlope {
    /// Description of the containing object, for example `the equation of ` for a state; empty for a named
    /// expression.
    pub part: &'static str,
    /// Name of the expression or state, such as `dend.kca.z_inf`.
    pub name: String,
    /// The expression as a formula: `sqrt(dend.V + 60)`.
    pub formula: String,
    /// The operand with respect to which the derivative is infinite, as a formula.
    pub argument: String,
    /// The derivative.
    pub slope: f64,
    /// Variables of the operand with their values, such as `dend.V = -60 mV`.
    pub at: Vec<String>,
}

/// Description of the containing object, and its name.
type Place = (&'static str, String);

/// The derivative of a node with respect to one of its operands.
struct Slope {
    node: NodeId,
    operand: NodeId,
    value: NodeId,
}

/// Returns the first expression, in an order in which operands come before their users, whose derivative is
/// infinite or undefined for these values of parameters and states. Only expressions that a gradient passes
/// through are considered: those that lie in the branches that are taken and on a path to a state or a wanted
/// parameter. For methods that use the Jacobian of the equations, its entries are included.
pub fn infinite_slope(
    system: &System,
    ode: OdeMethod,
    (params, states): (&[f64], &[f64]),
    wanted: &dyn Fn(usize) -> bool,
) -> Option<InfiniteSlope> {
    let system = &mut system.clone();
    let outputs = outputs(system, ode);
    let last = outputs.iter().map(|(_, id)| *id).max()?;
    let inputs = vec![0.0; system.currents];
    let noises = vec![0.0; system.noises.len()];
    let env = Env { params, states, inputs: &inputs, noises: &noises, ..Env::default() };
    let values = evaluate(&system.graph, last, env);
    let (reached, slopes) = slopes(&mut system.graph, &outputs, &values, wanted);
    let last = slopes.iter().map(|s| s.value).max()?.max(last);
    let values = evaluate(&system.graph, last, env);
    let of = |id: NodeId| values[id.index()];
    let infinite = || slopes.iter().filter(|s| reached.contains(&s.node) && !of(s.value).is_finite());
    // An infinite value results in infinite derivatives of all expressions that use it. The expression that
    // causes them has finite operands.
    let is_cause = |s: &&Slope| system.graph.node(s.node).operands().all(|a| of(a).is_finite());
    let found =
        infinite().filter(is_cause).min_by_key(|s| s.node).or_else(|| infinite().min_by_key(|s| s.node))?;
    let names = Names { system };
    let (part, name) = place(system, &outputs, found.node)?;
    Some(InfiniteSlope {
        part,
        name,
        formula: names.formula(found.node),
        argument: names.formula(found.operand),
        slope: of(found.value),
        at: names.variables(found.operand, params, states),
    })
}

impl System {
    /// Returns the initial states of a neuron with these parameters.
    pub fn initial(&self, params: &[f64]) -> Vec<f64> {
        let Some(last) = self.states.iter().map(|s| s.initial).max() else { return Vec::new() };
        let values = evaluate(&self.graph, last, Env { params, ..Env::default() });
        self.states.iter().map(|s| values[s.initial.index()]).collect()
    }
}

/// Returns all differentiated expressions with their names: rules, initial values, observables, and the entries of
/// the Jacobian for methods that use it.
fn outputs(system: &mut System, ode: OdeMethod) -> Vec<(Place, NodeId)> {
    let mut outputs: Vec<(Place, NodeId)> = Vec::new();
    for observable in &system.observables {
        outputs.push((("", observable.name.clone()), observable.value));
    }
    for state in &system.states {
        let (Rule::Derivative(id) | Rule::Update(id)) = state.rule;
        outputs.push((("the equation of ", state.name.clone()), id));
        outputs.push((("the initial value of ", state.name.clone()), state.initial));
    }
    let has_jacobian =
        matches!(ode, OdeMethod::ExpEuler | OdeMethod::ImplicitEuler | OdeMethod::CrankNicolson);
    if has_jacobian {
        for i in 0..system.states.len() {
            let Rule::Derivative(f) = system.states[i].rule else { continue };
            let mut read = BTreeSet::new();
            system.graph.visit(f, &mut |node| {
                if let Node::State(j) = node {
                    read.insert(j);
                }
            });
            for j in read {
                let y = system.graph.intern(Node::State(j));
                let slope = derivative(&mut system.graph, f, y);
                outputs.push((("the Jacobian of the equation of ", system.states[i].name.clone()), slope));
            }
        }
    }
    outputs
}

/// Returns the nodes that gradients reach through the branches that are taken, and the derivatives of all
/// nodes with respect to the operands that gradients need.
fn slopes(
    graph: &mut Graph,
    outputs: &[(Place, NodeId)],
    values: &[f64],
    wanted: &dyn Fn(usize) -> bool,
) -> (BTreeSet<NodeId>, Vec<Slope>) {
    let mut matters = vec![false; values.len()];
    for id in graph.ids().take(values.len()) {
        matters[id.index()] = match graph.node(id) {
            Node::State(_) | Node::Input(_) => true,
            Node::Param(p) => wanted(p as usize),
            node => node.operands().any(|a| matters[a.index()]),
        };
    }
    let of = |id: NodeId| values[id.index()];
    let (mut reached, mut slopes) = (BTreeSet::new(), Vec::new());
    let mut open: BTreeSet<NodeId> = outputs.iter().map(|(_, id)| *id).collect();
    while let Some(node) = open.pop_last() {
        reached.insert(node);
        let mut pass = |operand: NodeId| {
            if matters[operand.index()] {
                open.insert(operand);
            }
        };
        match graph.node(node) {
            Node::Select(c, a, b) => pass(if of(c) == 0.0 { b } else { a }),
            Node::Binary(Binary::Max, a, b) => pass(if of(a) > of(b) { a } else { b }),
            Node::Binary(Binary::Min, a, b) => pass(if of(a) < of(b) { a } else { b }),
            Node::Binary(Binary::Greater | Binary::GreaterEqual, ..) => {}
            other => {
                other.operands().for_each(&mut pass);
                slopes.extend(local(graph, node, other).into_iter().filter(|s| matters[s.operand.index()]));
            }
        }
    }
    (reached, slopes)
}

/// Returns the derivatives of a node with respect to its operands.
fn local(graph: &mut Graph, node: NodeId, is: Node) -> Vec<Slope> {
    let one = |operand, value| Slope { node, operand, value };
    match is {
        Node::Unary(f, a) => vec![one(a, unary_slope(graph, f, a, node))],
        Node::Binary(Binary::Mul, a, b) => vec![one(a, b), one(b, a)],
        Node::Binary(Binary::Div, a, b) => {
            let unit = graph.constant(1.0);
            let to_a = graph.div(unit, b);
            let to_b = graph.div(node, b);
            vec![one(a, to_a), one(b, to_b)]
        }
        Node::Binary(Binary::Pow, a, b) => {
            let (to_a, to_b) = power_slopes(graph, (a, b), node);
            vec![one(a, to_a), one(b, to_b)]
        }
        _ => Vec::new(),
    }
}

/// Returns the name of the smallest output that contains a node.
fn place(system: &System, outputs: &[(Place, NodeId)], node: NodeId) -> Option<Place> {
    let size = |id: NodeId| {
        let (mut count, mut found) = (0_usize, false);
        system.graph.visit_ids(id, &mut |id| {
            count += 1;
            found |= id == node;
        });
        found.then_some(count)
    };
    let sizes = outputs.iter().filter_map(|(place, id)| Some((size(*id)?, place)));
    sizes.min_by_key(|(count, _)| *count).map(|(_, place)| place.clone())
}

/// Formats expressions with the names of a system.
struct Names<'s> {
    system: &'s System,
}

impl Names<'_> {
    /// Formats an expression as a formula. Inner parts of a long formula are omitted.
    fn formula(&self, id: NodeId) -> String {
        let at = |depth| self.write(id, depth).into_text();
        (1..12).rev().map(at).find(|text| text.len() <= LENGTH).unwrap_or_else(|| at(1))
    }

    fn write(&self, id: NodeId, depth: usize) -> ExpressionText {
        let node = self.system.graph.node(id);
        if depth == 0 && node.operands().next().is_some() {
            return ExpressionText::name("...");
        }
        let function = match node {
            Node::Const(bits) => return ExpressionText::number(f64::from_bits(bits)),
            Node::Param(p) => return ExpressionText::name(&self.system.parameters[p as usize].key),
            Node::State(i) => return ExpressionText::name(&self.system.states[i as usize].name),
            Node::Input(_) => return ExpressionText::name("an injected current"),
            Node::Noise(_) => return ExpressionText::name("noise"),
            Node::Next(_) | Node::Spike | Node::Cotangent(_) | Node::Local(_) => {
                return ExpressionText::name("...");
            }
            Node::Unary(f, _) => Function::Unary(f),
            Node::Binary(f, ..) => Function::Binary(f),
            Node::Select(..) => Function::Where,
        };
        let operands = node.operands().map(|a| self.write(a, depth.saturating_sub(1)));
        ExpressionText::apply(function, operands.collect())
    }

    /// Returns the variables on which an expression depends, with their values.
    fn variables(&self, id: NodeId, params: &[f64], states: &[f64]) -> Vec<String> {
        let mut found = BTreeSet::new();
        self.system.graph.visit_ids(id, &mut |id| {
            if matches!(self.system.graph.node(id), Node::Param(_) | Node::State(_)) {
                found.insert(id);
            }
        });
        let with_value = |id: NodeId| {
            let (name, value, unit) = match self.system.graph.node(id) {
                Node::Param(p) => {
                    let parameter = &self.system.parameters[p as usize];
                    (&parameter.key, params[p as usize], parameter.unit.as_ref())
                }
                Node::State(i) => {
                    let state = &self.system.states[i as usize];
                    (&state.name, states[i as usize], state.unit.as_str())
                }
                _ => return None,
            };
            Some(format!("{name} = {value} {unit}").trim_end().to_string())
        };
        // States come first, since they identify the time of the failure.
        let is_state = |id: &NodeId| matches!(self.system.graph.node(*id), Node::State(_));
        let (first, then): (Vec<NodeId>, Vec<NodeId>) = found.into_iter().partition(is_state);
        first.into_iter().chain(then).filter_map(with_value).take(VARIABLES).collect()
    }
}
