//! Exponentials whose arguments are multiples of each other share one exponential and its powers.
//!
//! The rates of channels contain exponentials such as exp(-(V + 40)/10) and exp(-(V + 65)/20). With u = exp(-(V + 65)/20), they are
//! c u² and u, and an exponential takes about twenty operations. Exponentials of one variable x are divided into families:
//!
//! ```text
//! exp(a x + b)         a and b are numbers
//! u = exp(s (x - o))   s: the slope of the family, of which each a is a multiple n s with n = 1, 2, 3; o: its origin
//! exp(a x + b) = exp(b + a o) uⁿ
//! ```
//!
//! The error of uⁿ is at most 4 units in the last place. Higher powers would be less accurate (u⁸: 11 units). Exponentials from which a
//! number is subtracted, as in x/(1 - exp(-x)), are left alone: the difference can cancel, and where it would be 0, the run reports an
//! invalid value, which a rounding error would hide.
//!
//! (exp(z) - 1)/z (`exprel`) uses the exponential of its family, too. It becomes the quotient d/n with
//!
//! ```text
//! |z| > 1:   d = exp(z) - 1,  n = z
//! else:      d = 1,           n = z/(exp(z) - 1) = 1 - z/2 + z² p(z²)
//! ```
//!
//! so that 1/exprel(z), which is more common, needs no other division than its users ([`super::fractions`]).
//!
//! For the reverse of a step, c/exprel(z) becomes c y, where y = z/(exp(z) - 1) is a local whose derivative is known
//! ([`Slope`]). Both take one division:
//!
//! ```text
//! |z| > 1:   r = 1/(exp(z) - 1),  y = z r,  y' = (1 - y - z) r
//! else:      y = n(z),  y' = n'(z)
//! ```

use std::collections::{HashMap, HashSet};

use dendrion_language::{Binary, Unary};

use super::solver::{Slope, Step};
use super::substitute::Substitution;
use crate::graph::{Graph, Node, NodeId};

/// Largest power of the exponential of a family.
const HIGHEST: u32 = 3;
/// Largest relative deviation of a ratio of slopes from an integer.
const TOLERANCE: f64 = 1e-12;
/// Largest |b + a o|. With exp(16) = 9e6, uⁿ overflows in single precision only where the exponential itself exceeds 4e31.
const FARTHEST: f64 = 16.0;
/// Coefficients of p, the lowest first, by Chebyshev interpolation for z² <= 1 (relative error of n: 7.3e-17).
const QUOTIENT: [f64; 7] = [
    0.083_333_333_333_333_3,
    -0.001_388_888_888_885_173_8,
    3.306_878_300_926_343e-5,
    -8.267_192_186_586_96e-7,
    2.087_572_919_462_237_7e-8,
    -5.268_988_519_780_863e-10,
    1.225_739_237_263_543_6e-11,
];

/// An exponential of a linear function, or an `exprel`.
#[derive(Clone, Copy, Debug)]
struct Member {
    id: NodeId,
    argument: NodeId,
    is_quotient: bool,
    /// The variable x, a and b, if the argument is linear.
    line: Option<(NodeId, f64, f64)>,
}

/// What a step is rewritten for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Step,
    Reverse,
}

/// Rewrites the exponentials of a step without locals, and returns the nodes that are now exponentials. Powers become locals.
pub(crate) fn share(graph: &mut Graph, step: &mut Step, purpose: Purpose) -> Vec<NodeId> {
    let reached = reached(graph, step);
    let mut members = members(graph, &reached);
    let divisors = match purpose {
        Purpose::Step => None,
        Purpose::Reverse => Some(divisors(graph, &reached)),
    };
    // Without a division by it, `exprel` stays as it is in a reverse.
    members.retain(|m| !m.is_quotient || divisors.as_ref().is_none_or(|of| of.contains_key(&m.id)));
    let substitution = Substitution::new(HashMap::new());
    let mut pass = Pass { substitution, divisors, locals: Vec::new(), slopes: Vec::new(), found: Vec::new() };
    while let Some(family) = Family::largest(&members) {
        pass.rewrite(graph, &family);
        members.retain(|m| family.members.iter().all(|(member, _)| member.id != m.id));
    }
    // Operands come before their users, so arguments that contain other members are complete.
    for member in members {
        let argument = pass.substitution.apply(graph, member.argument);
        let e = graph.unary(Unary::Exp, argument);
        pass.put(graph, &Member { argument, ..member }, e);
    }
    let Pass { mut substitution, locals, slopes, found, .. } = pass;
    step.next.iter_mut().for_each(|id| *id = substitution.apply(graph, *id));
    (step.locals, step.slopes) = (locals, slopes);
    found
}

/// Returns the nodes of a step in ascending order.
fn reached(graph: &Graph, step: &Step) -> Vec<NodeId> {
    let mut reached = Vec::new();
    for root in &step.next {
        graph.visit_ids(*root, &mut |id| reached.push(id));
    }
    reached.sort_unstable();
    reached.dedup();
    reached
}

/// Returns, for each `exprel`, the quotients of a coefficient and it: the coefficients and the nodes.
fn divisors(graph: &Graph, reached: &[NodeId]) -> HashMap<NodeId, Vec<(NodeId, NodeId)>> {
    let mut found: HashMap<NodeId, Vec<(NodeId, NodeId)>> = HashMap::new();
    for id in reached {
        if let Node::Binary(Binary::Div, a, b) = graph.node(*id)
            && matches!(graph.node(b), Node::Unary(Unary::Exprel, _))
            && graph.is_coefficient(a)
        {
            found.entry(b).or_default().push((a, *id));
        }
    }
    found
}

/// Returns the exponentials of a step that vary. Those that cannot be members of a family have no line.
fn members(graph: &Graph, reached: &[NodeId]) -> Vec<Member> {
    let differences: HashSet<NodeId> = reached.iter().filter_map(|id| subtracted(graph, *id)).collect();
    let member = |id: NodeId| match graph.node(id) {
        Node::Unary(f @ (Unary::Exp | Unary::Exprel), argument) if !graph.is_coefficient(id) => {
            let line = line(graph, argument).and_then(|(x, a, b)| (a != 0.0).then_some((x?, a, b)));
            let line = line.filter(|_| !differences.contains(&id));
            Some(Member { id, argument, is_quotient: f == Unary::Exprel, line })
        }
        _ => None,
    };
    reached.iter().copied().filter_map(member).collect()
}

/// Returns the exponential if a node is the difference between a coefficient and an exponential.
fn subtracted(graph: &Graph, id: NodeId) -> Option<NodeId> {
    let is_negative = |id: NodeId| graph.as_const(id).is_some_and(|v| v < 0.0);
    let exponential = |id: NodeId| matches!(graph.node(id), Node::Unary(Unary::Exp, _)).then_some(id);
    let negated = |id: NodeId| match graph.node(id) {
        Node::Unary(Unary::Neg, a) => exponential(a),
        _ => None,
    };
    match graph.node(id) {
        Node::Binary(Binary::Sub, a, b) if graph.is_coefficient(a) => exponential(b),
        Node::Binary(Binary::Sub, a, b) if graph.is_coefficient(b) => exponential(a),
        Node::Binary(Binary::Add, a, b) if is_negative(a) => exponential(b),
        Node::Binary(Binary::Add, a, b) if is_negative(b) => exponential(a),
        Node::Binary(Binary::Add, a, b) if graph.is_coefficient(a) => negated(b),
        Node::Binary(Binary::Add, a, b) if graph.is_coefficient(b) => negated(a),
        _ => None,
    }
}

/// Returns x, a and b if a node is a x + b, where x is an input or a state and a and b are numbers. Without x, a is 0.
fn line(graph: &Graph, id: NodeId) -> Option<(Option<NodeId>, f64, f64)> {
    let both = |a: NodeId, b: NodeId| Some((line(graph, a)?, line(graph, b)?));
    match graph.node(id) {
        Node::Const(bits) => Some((None, 0.0, f64::from_bits(bits))),
        Node::State(_) | Node::Input(_) => Some((Some(id), 1.0, 0.0)),
        Node::Unary(Unary::Neg, a) => line(graph, a).map(|(x, a, b)| (x, -a, -b)),
        Node::Binary(f @ (Binary::Add | Binary::Sub), a, b) => {
            let ((x, a, b), (y, c, d)) = both(a, b)?;
            let sign = if f == Binary::Add { 1.0 } else { -1.0 };
            let is_same = x.is_none() || y.is_none() || x == y;
            is_same.then_some((x.or(y), a + sign * c, b + sign * d))
        }
        Node::Binary(Binary::Mul, a, b) => match both(a, b)? {
            ((None, _, factor), (x, a, b)) | ((x, a, b), (None, _, factor)) => {
                Some((x, a * factor, b * factor))
            }
            _ => None,
        },
        Node::Binary(Binary::Div, a, b) => match both(a, b)? {
            ((x, a, b), (None, _, divisor)) => Some((x, a / divisor, b / divisor)),
            _ => None,
        },
        _ => None,
    }
}

/// Exponentials that are powers of exp(s (x - o)).
struct Family {
    x: NodeId,
    /// s
    slope: f64,
    /// o
    origin: f64,
    /// The members, each with its power n.
    members: Vec<(Member, u32)>,
}

impl Family {
    /// Returns the largest family. Among families of equal size, the one with the lowest powers is chosen.
    fn largest(members: &[Member]) -> Option<Self> {
        let mut largest: Option<(Self, u32)> = None;
        for (x, a, b) in members.iter().filter_map(|m| m.line) {
            for part in 1..=3 {
                let (slope, origin) = (a / f64::from(part), -b / a);
                let power = |m: &Member| {
                    let (y, c, d) = m.line?;
                    let n = (c / slope).round();
                    let is_power = x == y
                        && (1.0..=f64::from(HIGHEST)).contains(&n)
                        && (c / slope - n).abs() <= TOLERANCE * n
                        && (d + c * origin).abs() <= FARTHEST;
                    is_power.then_some((*m, n as u32))
                };
                let members: Vec<_> = members.iter().filter_map(power).collect();
                let highest = members.iter().map(|(_, n)| *n).max().unwrap_or(0);
                let is_better = largest
                    .as_ref()
                    .is_none_or(|(family, limit)| (members.len(), *limit) > (family.members.len(), highest));
                if members.len() > 1 && is_better {
                    largest = Some((Self { x, slope, origin, members }, highest));
                }
            }
        }
        largest.map(|(family, _)| family)
    }
}

/// The state of the pass.
struct Pass {
    /// Replaces exponentials with new nodes.
    substitution: Substitution,
    /// For a reverse, the quotients with each `exprel`.
    divisors: Option<HashMap<NodeId, Vec<(NodeId, NodeId)>>>,
    locals: Vec<NodeId>,
    slopes: Vec<Slope>,
    /// All nodes that are exponentials.
    found: Vec<NodeId>,
}

impl Pass {
    /// Returns a new local with this value. Without a local of its own, a power would be computed again by each user.
    fn local(&mut self, graph: &mut Graph, value: NodeId) -> NodeId {
        self.locals.push(value);
        graph.intern(Node::Local((self.locals.len() - 1) as u32))
    }

    fn rewrite(&mut self, graph: &mut Graph, family: &Family) {
        let (slope, offset) = (graph.constant(family.slope), graph.constant(-family.slope * family.origin));
        let argument = graph.mul(slope, family.x);
        let argument = graph.add(argument, offset);
        let u = graph.unary(Unary::Exp, argument);
        let mut powers = HashMap::from([(1, self.local(graph, u))]);
        for (member, n) in &family.members {
            let power = self.power(graph, &mut powers, *n);
            let (_, a, b) = member.line.unwrap_or((family.x, 0.0, 0.0));
            let factor = graph.constant((b + a * family.origin).exp());
            let e = graph.mul(factor, power);
            self.put(graph, member, e);
        }
    }

    fn power(&mut self, graph: &mut Graph, powers: &mut HashMap<u32, NodeId>, n: u32) -> NodeId {
        if let Some(power) = powers.get(&n) {
            return *power;
        }
        let (a, b) = (self.power(graph, powers, n / 2), self.power(graph, powers, n - n / 2));
        let product = graph.mul(a, b);
        let power = self.local(graph, product);
        powers.insert(n, power);
        power
    }

    /// Replaces a member, whose exponential is `e`.
    fn put(&mut self, graph: &mut Graph, member: &Member, e: NodeId) {
        self.found.push(e);
        if let (true, Some(divisors)) = (member.is_quotient, &mut self.divisors) {
            let quotients = divisors.remove(&member.id).unwrap_or_default();
            let inverse = self.inverse(graph, member.argument, e);
            for (a, quotient) in quotients {
                let value = graph.mul(a, inverse);
                self.substitution.set(quotient, value);
            }
            return;
        }
        let value = if member.is_quotient { self.quotient(graph, member, e) } else { e };
        self.substitution.set(member.id, value);
    }

    /// Returns a local with the value z/(e - 1), where e = exp(z), and a known slope.
    fn inverse(&mut self, graph: &mut Graph, z: NodeId, e: NodeId) -> NodeId {
        let [zero, one, two, half] = [0.0, 1.0, 2.0, -0.5].map(|v| graph.constant(v));
        let size = graph.unary(Unary::Abs, z);
        let is_far = graph.binary(Binary::Greater, size, one);
        let square = graph.mul(z, z);
        let square = self.local(graph, square);
        let (mut series, mut bend) = (zero, zero);
        for (k, c) in QUOTIENT.into_iter().enumerate().rev() {
            let (value, slope) = (graph.constant(c), graph.constant((k + 1) as f64 * c));
            let next = graph.mul(series, square);
            series = graph.add(value, next);
            let next = graph.mul(bend, square);
            bend = graph.add(slope, next);
        }
        let (linear, rest) = (graph.mul(half, z), graph.mul(square, series));
        let near = graph.add(one, linear);
        let near = graph.add(near, rest);
        let away = graph.sub(e, one);
        let (above, below) = (graph.select(is_far, z, near), graph.select(is_far, away, one));
        let reciprocal = graph.div(one, below);
        let reciprocal = self.local(graph, reciprocal);
        let value = graph.mul(above, reciprocal);
        let value = self.local(graph, value);
        let twice = graph.mul(two, z);
        let bend = graph.mul(twice, bend);
        let bend = graph.add(half, bend);
        let fall = graph.sub(one, value);
        let fall = graph.sub(fall, z);
        let fall = graph.mul(fall, reciprocal);
        let slope = graph.select(is_far, fall, bend);
        let local = (self.locals.len() - 1) as u32;
        self.slopes.push(Slope { local, argument: z, slope });
        value
    }

    /// Returns (e - 1)/z with e = exp(z).
    fn quotient(&mut self, graph: &mut Graph, member: &Member, e: NodeId) -> NodeId {
        let [zero, one, half] = [0.0, 1.0, -0.5].map(|v| graph.constant(v));
        let z = member.argument;
        let size = graph.unary(Unary::Abs, z);
        let is_far = graph.binary(Binary::Greater, size, one);
        let square = graph.mul(z, z);
        let square = self.local(graph, square);
        let mut series = zero;
        for c in QUOTIENT.into_iter().rev() {
            let c = graph.constant(c);
            let next = graph.mul(series, square);
            series = graph.add(c, next);
        }
        let (linear, rest) = (graph.mul(half, z), graph.mul(square, series));
        let near = graph.add(one, linear);
        let near = graph.add(near, rest);
        let away = graph.sub(e, one);
        let (above, below) = (graph.select(is_far, away, one), graph.select(is_far, z, near));
        graph.div(above, below)
    }
}

#[cfg(test)]
mod tests;
